// Clients who give up: when they do, what it costs, and what comes after.
#include <cmath>

#include "sim/progression.hpp"
#include "sim/simulation.hpp"
#include "sim/workload/sessions.hpp"
#include "tests/catch.hpp"
#include "tests/sim/support/toy.hpp"

using namespace tokwatt;
using namespace tokwatt::sim;
using tokwatt::test::values;

namespace {

constexpr Picoseconds kSecond = 1'000'000'000'000;

Results run(std::vector<Arrival> arrivals, double timeout, int64_t retries = 0, int64_t slots = 8) {
  Input input = test::toy_input();
  input.deployments[0].engine.limits.max_num_seqs = slots;
  input.streams.push_back(test::fixed_stream(std::move(arrivals)));
  input.streams[0].timeout = timeout;
  input.streams[0].retries = retries;
  return simulate(std::move(input), GENERATE(Stepping::macro, Stepping::token));
}

double seconds_of(const Results& r, const char* column, std::size_t request) {
  return values<double>(r, "requests", column)[request];
}

}  // namespace

TEST_CASE("a request that is given up ends at that instant, and its last step gives it no token", "[sim][give_up]") {
  const Results whole = run({{kSecond, 100, 50}}, 1000);
  REQUIRE(whole.summary["requests"]["completed"] == 1);
  const auto& start = values<int64_t>(whole, "segments", "start");
  const auto& duration = values<int64_t>(whole, "segments", "duration");
  const auto& growth = values<int64_t>(whole, "segments", "growth");
  // In the middle of the tenth decode step of the segment behind the prompt's.
  const Progression steps{duration[1], growth[1]};
  const auto tenth = static_cast<Picoseconds>(start[1] + static_cast<Picoseconds>(steps.sum(9)) + steps.at(9) / 2);
  const Results r = run({{kSecond, 100, 50}}, seconds(tenth - kSecond));
  CHECK(r.summary["requests"]["timed_out"] == 1);
  CHECK(r.summary["requests"]["completed"] == 0);
  CHECK(seconds_of(r, "finish", 0) == Approx(seconds(tenth)).epsilon(1e-12));
  CHECK(r.summary["tokens"]["output"] == 10);  // the prompt's and nine
  // The step was computed all the same.
  const auto& steps_run = values<int64_t>(r, "segments", "steps");
  CHECK(steps_run[1] == 10);
}

TEST_CASE("one who waits leaves the queue at once", "[sim][give_up]") {
  // One slot; the second waits behind the first, which is too slow for both.
  const Results r = run({{0, 100, 500}, {0, 100, 5}, {3 * kSecond, 100, 5}}, 0.05, 0, 1);
  CHECK(r.summary["requests"]["timed_out"] == 2);
  CHECK(r.summary["requests"]["completed"] == 1);
  CHECK(seconds_of(r, "finish", 0) == 0.05);
  CHECK(seconds_of(r, "finish", 1) == 0.05);
  CHECK(std::isnan(seconds_of(r, "admitted", 1)));
  CHECK(r.summary["kv"]["peak_fraction"] <= 1);
}

TEST_CASE("after a timeout the client sends the same again, so many times", "[sim][give_up]") {
  const Results r = run({{0, 100, 500}}, 0.05, 3);
  CHECK(r.summary["requests"]["submitted"] == 4);
  CHECK(r.summary["requests"]["timed_out"] == 4);
  CHECK(r.summary["requests_retried"] == 3);
  for (std::size_t i = 0; i < 4; ++i) CHECK(seconds_of(r, "arrival", i) == Approx(0.05 * static_cast<double>(i)));
}

TEST_CASE("a run lasts until the last client has gone, whoever gave up", "[sim][give_up]") {
  const Results r = run({{0, 100, 5}, {kSecond, 100, 5000}}, 3);
  CHECK(r.summary["requests"]["timed_out"] == 1);
  CHECK(r.summary["duration_s"] == Approx(4));
  const double output = r.summary["tokens"]["output"], gap = r.summary["itl_s"]["mean"];
  CHECK(r.summary["throughput_tok_s"]["output"] == Approx(output / 4));
  CHECK(output / 4 < 1 / gap);  // one at a time is no faster than a step for each token
}

TEST_CASE("what is sent again finds what its first try left in the prefix cache", "[sim][give_up]") {
  Input input = test::toy_input();
  input.deployments[0].prefix_cache = true;
  const int64_t block = input.deployments[0].engine.limits.block_size, prompt = 10 * block + 1;
  input.streams.push_back(test::fixed_stream({{0, prompt, 5000}}));
  input.streams[0].timeout = 1;
  input.streams[0].retries = 1;
  const Results r = simulate(std::move(input), GENERATE(Stepping::macro, Stepping::token));
  REQUIRE(r.summary["requests"]["timed_out"] == 2);
  CHECK(values<int64_t>(r, "requests", "cached")[0] == 0);
  CHECK(values<int64_t>(r, "requests", "cached")[1] == 10 * block);
}

TEST_CASE("a conversation goes on from what was said before it was stopped", "[sim][give_up]") {
  Input input = test::toy_input();
  const Distribution two{Constant{2}, {}, {}}, prompt{Constant{100}, {}, {}}, output{Constant{5000}, {}, {}};
  const Distribution think{Constant{1}, {}, {}};
  input.streams.push_back(test::fixed_stream({}));
  input.streams[0].source = user_sessions_source(1, {two, think, prompt, output}, input.streams[0].key);
  input.streams[0].patience = Distribution{Constant{0.5}, {}, {}};
  input.duration = 10 * kSecond;
  const Results r = simulate(std::move(input), GENERATE(Stepping::macro, Stepping::token));
  const auto& prompts = values<int64_t>(r, "requests", "prompt");
  const auto& finish = values<double>(r, "requests", "finish");
  REQUIRE(prompts.size() > 2);
  const double made =
      (finish[0] - values<double>(r, "requests", "first_token")[0]) / r.summary["itl_s"]["mean"].get<double>();
  CHECK(static_cast<double>(prompts[1] - 200) == Approx(1 + made).epsilon(0.05));
  CHECK(prompts[2] == 100);  // the next session
}

TEST_CASE("a person who stops an answer has cancelled it", "[sim][give_up]") {
  Input input = test::toy_input();
  input.streams.push_back(test::fixed_stream({{0, 100, 500}}));
  input.streams[0].timeout = 10;
  input.streams[0].patience = Distribution{Constant{0.05}, {}, {}};
  const Results r = simulate(std::move(input), GENERATE(Stepping::macro, Stepping::token));
  CHECK(r.summary["requests"]["cancelled"] == 1);
  CHECK(r.summary["requests"]["timed_out"] == 0);
}

TEST_CASE("each person's patience is drawn", "[sim][give_up]") {
  Input input = test::toy_input();
  const Distribution patience{Exponential{0.05}, {}, {}};
  std::vector<Arrival> arrivals;
  for (uint64_t i = 0; i < 6; ++i) arrivals.push_back({static_cast<Picoseconds>(i) * kSecond, 100, 5000, i});
  input.streams.push_back(test::fixed_stream(arrivals));
  input.streams[0].key = stream_key(1, "people");
  input.streams[0].patience = patience;
  const StreamKey key = input.streams[0].key;
  const Results r = simulate(std::move(input), GENERATE(Stepping::macro, Stepping::token));
  REQUIRE(r.summary["requests"]["cancelled"] == 6);
  for (uint64_t i = 0; i < 6; ++i) {
    const double waited = seconds_of(r, "finish", i) - seconds_of(r, "arrival", i);
    CHECK(waited == Approx(draw(patience, key, Purpose::patience, i)).epsilon(1e-9));
  }
}
