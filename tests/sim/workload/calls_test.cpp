#include "sim/workload/calls.hpp"

#include "sim/simulation.hpp"
#include "tests/catch.hpp"
#include "tests/sim/support/toy.hpp"

using namespace tokwatt;
using namespace tokwatt::sim;

namespace {

constexpr Picoseconds kSecond = 1'000'000'000'000;
const StreamKey kKey = stream_key(3, "agents");

Call call(Picoseconds start, Picoseconds pause, int32_t prompt = 10) {
  Call c;
  c.start = start;
  c.pause = pause;
  c.prompt = prompt;
  c.output = 5;
  return c;
}

// Numbers and instants of all that is known, in seconds.
std::vector<std::pair<uint64_t, int64_t>> known(RequestSource& source, Picoseconds end = kNever) {
  std::vector<std::pair<uint64_t, int64_t>> all;
  while (const auto arrival = source.next(end)) all.emplace_back(arrival->number, arrival->at / kSecond);
  return all;
}
using Known = std::vector<std::pair<uint64_t, int64_t>>;

CallGraph diamond() {
  CallGraph graph;
  graph.add(call(2 * kSecond, 0));
  graph.add(call(0, 1 * kSecond));
  graph.add(call(0, 3 * kSecond));
  graph.add(call(0, 4 * kSecond));
  graph.follow(1, 0);
  graph.follow(2, 0);
  graph.follow(3, 1);
  graph.follow(3, 2);
  return graph;
}

}  // namespace

TEST_CASE("a call comes its pause after the last of those that it follows", "[sim][calls]") {
  const auto source = calls_source(diamond(), kKey);
  CHECK(source->closed());
  CHECK(known(*source) == Known{{0, 2}});
  source->left(0, 10 * kSecond, 0, 1);
  CHECK(known(*source) == Known{{1, 11}, {2, 13}});  // side by side
  source->left(2, 20 * kSecond, 0, 1);
  CHECK(known(*source).empty());
  source->left(1, 50 * kSecond, 0, 1);
  CHECK(known(*source) == Known{{3, 54}});
  source->left(3, 60 * kSecond, 0, 1);
  CHECK(known(*source).empty());
  CHECK(source->rows().read == 4);
}

TEST_CASE("of the ends of two calls the later counts, whichever is told last", "[sim][calls]") {
  const auto source = calls_source(diamond(), kKey);
  known(*source);
  source->left(0, 10 * kSecond, 0, 1);
  known(*source);
  source->left(1, 20 * kSecond, 9 * kSecond, 1);  // rejected: what follows comes 9 s later at the soonest
  source->left(2, 21 * kSecond, 0, 1);
  CHECK(known(*source) == Known{{3, 29}});
}

TEST_CASE("a call is sent no sooner than its start, even if it waits for others", "[sim][calls]") {
  CallGraph graph;
  graph.add(call(0, 0));
  graph.add(call(100 * kSecond, 0));
  graph.follow(1, 0);
  SECTION("they leave before") {
    const auto source = calls_source(graph, kKey);
    known(*source);
    source->left(0, 5 * kSecond, 0, 1);
    CHECK(known(*source) == Known{{1, 100}});
  }
  SECTION("they leave after") {
    const auto source = calls_source(graph, kKey);
    known(*source);
    source->left(0, 200 * kSecond, 0, 1);
    CHECK(known(*source) == Known{{1, 200}});
  }
}

TEST_CASE("what follows a call that was no request does not wait for an answer", "[sim][calls]") {
  CallGraph graph;
  graph.add(call(kSecond, 0));
  graph.add(call(0, 2 * kSecond));
  graph.add(call(0, 3 * kSecond));
  graph.calls[0].drop = Drop::no_tokens;
  graph.calls[1].drop = Drop::no_model_call;
  graph.follow(1, 0);
  graph.follow(2, 1);
  const auto source = calls_source(graph, kKey);
  CHECK(known(*source) == Known{{2, 6}});
  CHECK(source->rows().read == 3);
  CHECK(source->rows().dropped_by == std::map<std::string, int64_t>{{"no_model_call", 1}, {"no_tokens", 1}});
}

TEST_CASE("calls at or after the end are not read", "[sim][calls]") {
  CallGraph graph;
  graph.add(call(5 * kSecond, 0));
  graph.add(call(4 * kSecond, 0));
  graph.add(call(0, kNever));
  graph.follow(2, 1);
  const auto source = calls_source(graph, kKey);
  CHECK(known(*source, 5 * kSecond) == Known{{1, 4}});
  source->left(1, 4 * kSecond, 0, 1);
  CHECK(known(*source, kNever - 1).empty());  // time does not run over
  CHECK(source->rows().read == 1);
}

TEST_CASE("a cycle is found, whatever hangs on it", "[sim][calls]") {
  CallGraph graph = diamond();
  CHECK_FALSE(graph.on_a_cycle());
  graph.add(call(0, 0));
  graph.follow(4, 3);
  CHECK_FALSE(graph.on_a_cycle());
  graph.follow(1, 3);
  const auto on = graph.on_a_cycle();
  REQUIRE(on);
  CHECK((*on == 1 || *on == 3));  // 0 and 2 are before it, 4 hangs on it
  CallGraph alone;
  alone.add(call(0, 0));
  alone.follow(0, 0);
  CHECK(alone.on_a_cycle() == CallId{0});
}

TEST_CASE("blocks are the same text in one stream and another in another", "[sim][calls]") {
  CallGraph graph;
  graph.block_tokens = 64;
  const std::vector<uint64_t> first = {1, 2, 3}, second = {1, 2, 9, 4};
  for (const auto& ids : {first, second}) {
    Call c = call(0, 0, 300);
    c.sharing = Sharing::blocks;
    c.text = graph.blocks.add(ids, c.text == 0 && graph.calls.empty() ? std::nullopt : std::optional<uint32_t>(0));
    graph.add(c);
  }
  const auto contents = [&](StreamKey key) {
    const auto source = calls_source(graph, key);
    return std::pair{source->next(kNever)->content, source->next(kNever)->content};
  };
  const auto [a, b] = contents(kKey);
  REQUIRE((a->parts.size() == 3 && b->parts.size() == 4));
  CHECK(a->parts[1].id == b->parts[1].id);
  CHECK(a->parts[2].id != b->parts[2].id);
  CHECK(a->parts[0].tokens == 64);
  CHECK_FALSE(a->output_continues);
  CHECK(contents(kKey).first->parts[0].id == a->parts[0].id);
  CHECK(contents(stream_key(3, "others")).first->parts[0].id != a->parts[0].id);
}

TEST_CASE("a list of blocks comes back whole, however it is kept", "[sim][calls]") {
  BlockLists blocks;
  const std::vector<std::vector<uint64_t>> lists = {{1, 2, 3},       {1, 2, 3, 4, 5},   {1, 2}, {7}, {},
                                                    {1, 2, 3, 4, 6}, {1, 2, 3, 4, 6, 8}};
  std::optional<uint32_t> like;
  for (const auto& ids : lists) like = blocks.add(ids, like);
  for (uint32_t i = 0; i < lists.size(); ++i) CHECK(blocks.ids(i) == lists[i]);
}

TEST_CASE("what follows a rejected call still comes, a tick later", "[sim][calls]") {
  Input input = test::toy_input();
  input.deployments[0].max_model_len = 100;
  CallGraph graph;
  graph.add(call(0, 0, 1000));
  graph.add(call(0, 0, 10));
  graph.add(call(0, 5 * kSecond, 2000));
  graph.add(call(0, 0, 10));
  for (CallId i = 1; i < 4; ++i) graph.follow(i, i - 1);
  Stream stream;
  stream.name = "agents";
  stream.source = calls_source(graph, kKey);
  input.streams.push_back(std::move(stream));
  const Results results = simulate(std::move(input), Stepping::macro);
  CHECK(results.summary["requests"]["rejected"] == 2);
  CHECK(results.summary["requests"]["completed"] == 2);
  const auto& sent = test::values<double>(results, "requests", "arrival");
  const auto& finish = test::values<double>(results, "requests", "finish");
  REQUIRE(sent.size() == 4);
  CHECK(sent[1] == 1);  // the toy box ticks every second
  CHECK(sent[2] == Approx(finish[1] + 5));
  CHECK(sent[3] == Approx(sent[2] + 1));
}
