// Steps that are put together while the one before them runs, and what clients are told late
// (docs/theory/scheduling.md).
#include <algorithm>
#include <cmath>

#include "sim/simulation.hpp"
#include "tests/catch.hpp"
#include "tests/sim/support/toy.hpp"

using namespace tokwatt;
using namespace tokwatt::sim;
using tokwatt::test::values;

namespace {

constexpr Picoseconds kSecond = 1'000'000'000'000;
constexpr Picoseconds kMillisecond = kSecond / 1000;

struct Scheduler {
  bool async = false, late = false;
};

Results run(std::vector<Arrival> arrivals, Scheduler scheduler) {
  Input input = test::toy_input();
  models::Engine& engine = input.deployments[0].engine;
  engine.async_scheduling = scheduler.async;
  engine.tells_late = scheduler.late;
  input.streams.push_back(test::fixed_stream(std::move(arrivals)));
  const auto stepping = GENERATE(Stepping::macro, Stepping::token);
  return simulate(std::move(input), stepping);
}

std::vector<double> times(const Results& results, const char* variable) {
  return values<double>(results, "requests", variable);
}

}  // namespace

TEST_CASE("clients learn of a token when the decode step behind it ends, and of the last at once",
          "[sim][serving][async]") {
  const Results results = run({{kSecond, 10, 5}}, {.late = true});
  const auto ends = test::step_ends(results);
  REQUIRE(ends.size() == 5);
  CHECK(times(results, "first_token") == std::vector{ends[1]});
  CHECK(times(results, "finish") == std::vector{ends[4]});
  CHECK(times(run({{kSecond, 10, 1}}, {.late = true}), "finish") == std::vector{ends[0]});
}

TEST_CASE("who finishes while others decode is told so one step late, and leaves its slot at once",
          "[sim][serving][async]") {
  const std::vector<Arrival> two{{kSecond, 10, 50}, {kSecond, 10, 5}};
  const Results at_once = run(two, {}), late = run(two, {.late = true});
  const auto ends = test::step_ends(at_once);
  REQUIRE(test::step_ends(late) == ends);
  const auto step_of = [&](double instant) { return std::find(ends.begin(), ends.end(), instant) - ends.begin(); };
  CHECK(step_of(times(late, "finish")[1]) == step_of(times(at_once, "finish")[1]) + 1);
  CHECK(times(late, "finish")[0] == times(at_once, "finish")[0]);  // nothing follows its last step
}

TEST_CASE("nobody waits to be told while another's prompt is computed", "[sim][serving][async]") {
  // One prompt a step: each takes all of the budget.
  const int64_t budget = test::toy_input().deployments[0].engine.limits.max_num_batched_tokens;
  const std::vector<Arrival> two{{kSecond, budget, 50}, {kSecond, budget - 10, 50}};
  const Results late = run(two, {.late = true});
  const auto ends = test::step_ends(late);
  CHECK(times(late, "first_token") == std::vector{ends[0], ends[2]});
}

TEST_CASE("who comes while a step runs is in the one after the next", "[sim][serving][async]") {
  const Picoseconds comes = kSecond + 20 * kMillisecond;
  const std::vector<Arrival> two{{kSecond, 10, 50}, {comes, 10, 5}};
  const auto admitted_behind = [&](bool async) {  // how many steps have ended since it came
    const Results results = run(two, {.async = async});
    const auto ends = test::step_ends(results);
    const double in = times(results, "admitted")[1];
    REQUIRE(std::count(ends.begin(), ends.end(), in) == 1);
    return std::count_if(ends.begin(), ends.end(), [&](double end) { return end > 1.020 && end <= in; });
  };
  CHECK(admitted_behind(false) == 1);
  CHECK(admitted_behind(true) == 2);
}

TEST_CASE("who comes during the last step of all is in the next one", "[sim][serving][async]") {
  const double last = test::step_ends(run({{kSecond, 10, 5}}, {})).back();
  const auto comes = static_cast<Picoseconds>(last * 1e12) - kMillisecond / 10;
  const Results results = run({{kSecond, 10, 5}, {comes, 10, 5}}, {.async = true});
  CHECK(times(results, "admitted")[1] == last);
}

TEST_CASE("who comes and gives up before it is seen was never admitted", "[sim][serving][async]") {
  Input input = test::toy_input();
  input.deployments[0].engine.async_scheduling = true;
  input.streams.push_back(test::fixed_stream({{kSecond, 10, 5000}}));
  input.streams.push_back(test::fixed_stream({{kSecond + 20 * kMillisecond, 10, 5}}));
  input.streams[1].timeout = 1e-6;  // s; a step takes a millisecond
  const auto stepping = GENERATE(Stepping::macro, Stepping::token);
  const Results results = simulate(std::move(input), stepping);
  CHECK(std::isnan(times(results, "admitted")[1]));
  CHECK(results.summary["requests"]["timed_out"] == 1);
}
