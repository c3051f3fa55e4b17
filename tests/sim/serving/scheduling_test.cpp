// Who is admitted next, and who gives way.
#include "sim/simulation.hpp"
#include "tests/catch.hpp"
#include "tests/sim/support/toy.hpp"

using namespace tokwatt;
using namespace tokwatt::sim;
using tokwatt::test::values;

namespace {

constexpr Picoseconds kSecond = 1'000'000'000'000;
constexpr Picoseconds kMoment = 1'000'000'000;

Input toy(Scheduling scheduling, int64_t slots) {
  Input input = test::toy_input();
  input.deployments[0].scheduling = scheduling;
  input.deployments[0].engine.limits.max_num_seqs = slots;
  return input;
}

void add(Input& input, int64_t priority, std::vector<Arrival> arrivals) {
  auto stream = test::fixed_stream(std::move(arrivals));
  stream.name += std::to_string(input.streams.size());
  stream.priority = priority;
  input.streams.push_back(std::move(stream));
}

Results run(Input input) { return simulate(std::move(input), GENERATE(Stepping::macro, Stepping::token)); }

/// Records in order of admission.
std::vector<std::size_t> order(const Results& r) {
  const auto& admitted = values<double>(r, "requests", "admitted");
  std::vector<std::size_t> records(admitted.size());
  for (std::size_t i = 0; i < records.size(); ++i) records[i] = i;
  std::stable_sort(records.begin(), records.end(), [&](auto a, auto b) { return admitted[a] < admitted[b]; });
  return records;
}

}  // namespace

TEST_CASE("the lowest priority is admitted first, and of equals who came first", "[sim][serving][scheduling]") {
  Input input = toy(Scheduling::priority, 1);
  add(input, 1, {{kSecond, 50, 20}, {kSecond + kMoment, 50, 5}, {kSecond + 3 * kMoment, 50, 5}});  // 0, 1, 3
  add(input, 0, {{kSecond + 2 * kMoment, 50, 5}, {kSecond + 4 * kMoment, 50, 5}});                 // 2, 4
  CHECK(order(run(std::move(input))) == std::vector<std::size_t>{0, 2, 4, 1, 3});
}

TEST_CASE("shortest-first admits the shortest prompt", "[sim][serving][scheduling]") {
  Input input = toy(Scheduling::shortest_first, 1);
  add(input, 0,
      {{kSecond, 50, 20},
       {kSecond + kMoment, 300, 5},
       {kSecond + 2 * kMoment, 20, 5},
       {kSecond + 3 * kMoment, 100, 5}});
  CHECK(order(run(std::move(input))) == std::vector<std::size_t>{0, 2, 3, 1});
}

TEST_CASE("under priority the least urgent gives way, whoever was admitted last", "[sim][serving][scheduling][kv]") {
  const auto preemptions = [](Scheduling scheduling) {
    Input input = toy(scheduling, 8);
    input.deployments[0].kv_blocks = 14;  // 224 tokens; the two need up to 318
    input.deployments[0].max_model_len = 200;
    add(input, 5, {{kSecond, 60, 99}});
    add(input, 0, {{kSecond + kMoment, 60, 99}});
    return values<int64_t>(run(std::move(input)), "requests", "preemptions");
  };
  CHECK(preemptions(Scheduling::fcfs) == std::vector<int64_t>{0, 1});
  CHECK(preemptions(Scheduling::priority) == std::vector<int64_t>{1, 0});
}

TEST_CASE("with room for its first chunk alone a long prompt is not admitted, unless the engine lets it",
          "[sim][serving][scheduling][kv]") {
  const auto run_it = [](bool reserve_full_isl) {
    Input input = toy(Scheduling::fcfs, 4);
    auto& d = input.deployments[0];
    d.engine.reserve_full_isl = reserve_full_isl;
    d.engine.limits.max_num_batched_tokens = 100;
    d.kv_blocks = 100;  // 1,600 tokens
    add(input, 0, {{kSecond, 900, 50}, {kSecond + kMoment, 900, 50}});
    return run(std::move(input));
  };
  const auto whole = run_it(true), chunk = run_it(false);
  CHECK(values<double>(whole, "requests", "admitted")[1] >= values<double>(whole, "requests", "finish")[0]);
  CHECK(whole.summary["kv"]["preemptions"] == 0);
  CHECK(values<double>(chunk, "requests", "admitted")[1] < values<double>(chunk, "requests", "finish")[0]);
  CHECK(chunk.summary["kv"]["preemptions"] > 0);
}

TEST_CASE("who waits for blocks is tried again when cached ones go that it would hold", "[sim][serving][scheduling]") {
  Input input = toy(Scheduling::fcfs, 8);
  auto& d = input.deployments[0];
  d.engine.limits.block_size = 16;
  d.engine.limits.max_num_batched_tokens = 128;
  d.kv_blocks = 41;
  d.prefix_cache = true;
  const auto text = std::make_shared<const Content>(Content{{{7, 1000}}, false});
  // Two compute the same beginning at once: what the first leaves behind is older than what follows it.
  add(input, 0,
      {{kSecond, 80, 1, 0, text},
       {kSecond, 480, 5, 1, text},
       {2 * kSecond, 150, 300, 2},
       {2 * kSecond + kMoment, 540, 1, 3, text}});
  const Results r = run(std::move(input));
  const auto& admitted = values<double>(r, "requests", "admitted");
  const auto& cached = values<int64_t>(r, "requests", "cached");
  CHECK(cached[1] == 0);
  // It finds 30 blocks, and needs four more: then room is taken from the first five, and a chunk behind four has room.
  CHECK(cached[3] == 64);
  CHECK(admitted[3] < values<double>(r, "requests", "finish")[2]);
}

TEST_CASE("who is preempted finds its own blocks again, as far as they are left", "[sim][serving][scheduling]") {
  const auto computed_again = [](bool prefix_cache) {
    Input input = toy(Scheduling::fcfs, 8);
    auto& d = input.deployments[0];
    d.engine.limits.block_size = 16;
    d.kv_blocks = 40;
    d.prefix_cache = prefix_cache;
    add(input, 0, {{kSecond, 160, 200, 0}, {kSecond, 300, 250, 1}});
    const Results r = run(std::move(input));
    REQUIRE(r.summary["kv"]["preemptions"] == 1);
    int64_t chunks = 0;
    for (const int64_t tokens : values<int64_t>(r, "segments", "chunk_tokens")) chunks += tokens;
    return chunks - 460;
  };
  const int64_t without = computed_again(false), with = computed_again(true);
  CHECK(without > 300);  // its prompt, and what it had said
  CHECK(with > 0);       // what the other took meanwhile
  CHECK(2 * with < without);
}

TEST_CASE("under shortest-first whoever was preempted goes in front", "[sim][serving][scheduling]") {
  Input input = toy(Scheduling::shortest_first, 2);
  auto& d = input.deployments[0];
  d.engine.limits.block_size = 16;
  d.kv_blocks = 40;
  add(input, 0, {{kSecond, 160, 200, 0}, {kSecond, 300, 250, 1}, {kSecond + kMoment, 20, 5, 2}});
  const Results r = run(std::move(input));
  REQUIRE(r.summary["kv"]["preemptions"] == 1);
  // The shortest one waits behind it, until the first has left.
  CHECK(values<double>(r, "requests", "admitted")[2] >= values<double>(r, "requests", "finish")[0]);
}
