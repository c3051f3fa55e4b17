// Steps that are scheduled while the one before them runs (docs/theory/scheduling.md).
#include <algorithm>

#include "sim/simulation.hpp"
#include "tests/catch.hpp"
#include "tests/sim/support/toy.hpp"

using namespace tokwatt;
using namespace tokwatt::sim;
using tokwatt::test::values;

namespace {

constexpr Picoseconds kSecond = 1'000'000'000'000;

Results run(std::vector<Arrival> arrivals, bool async) {
  Input input = test::toy_input();
  input.deployments[0].engine.async_scheduling = async;
  input.streams.push_back(test::fixed_stream(std::move(arrivals)));
  const auto stepping = GENERATE(Stepping::macro, Stepping::token);
  return simulate(std::move(input), stepping);
}

}  // namespace

TEST_CASE("clients learn of a token when the next step ends, and of the last at once", "[sim][serving][async]") {
  const Results results = run({{kSecond, 10, 5}}, true);
  const auto ends = test::step_ends(results);
  REQUIRE(ends.size() == 5);
  CHECK(values<double>(results, "requests", "first_token") == std::vector{ends[1]});
  CHECK(values<double>(results, "requests", "finish") == std::vector{ends[4]});
  CHECK(values<double>(run({{kSecond, 10, 1}}, true), "requests", "finish") == std::vector{ends[0]});
}

TEST_CASE("who finishes while others run is told so one step late, and leaves its slot at once",
          "[sim][serving][async]") {
  const Results sync = run({{kSecond, 10, 50}, {kSecond, 10, 5}}, false),
                async = run({{kSecond, 10, 50}, {kSecond, 10, 5}}, true);
  const auto finish_of = [](const Results& r) { return values<double>(r, "requests", "finish"); };
  const auto ends = test::step_ends(sync);
  REQUIRE(test::step_ends(async) == ends);
  const auto step_of = [&](double instant) { return std::find(ends.begin(), ends.end(), instant) - ends.begin(); };
  CHECK(step_of(finish_of(async)[1]) == step_of(finish_of(sync)[1]) + 1);
  CHECK(finish_of(async)[0] == finish_of(sync)[0]);  // nothing follows its last step
}
