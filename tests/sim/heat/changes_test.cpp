// What the timeline does to boxes, and boxes that die (docs/theory/heat.md).
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

Input toy(std::vector<Arrival> arrivals, std::vector<Change> changes) {
  Input input = test::toy_input();
  input.deployments[0].engine.tuning.host_per_step = 0;
  input.streams.push_back(test::fixed_stream(std::move(arrivals)));
  input.changes = std::move(changes);
  return input;
}

Results run(Input input) { return simulate(std::move(input), GENERATE(Stepping::macro, Stepping::token)); }

Change dies(double at, double seconds) {
  return {static_cast<Picoseconds>(at * static_cast<double>(kSecond)), Change::Kind::shutdown, 0, seconds, "shutdown"};
}

int64_t count(const Results& results, const char* how) { return results.summary["requests"][how].get<int64_t>(); }

int64_t shutdowns(const Results& results) {
  const auto& kind = test::column(results, "events", "kind");
  const auto at = std::find(kind.flag_meanings.begin(), kind.flag_meanings.end(), "shutdown");
  const auto& kinds = std::get<std::vector<int8_t>>(kind.values);
  return std::count(kinds.begin(), kinds.end(), static_cast<int8_t>(at - kind.flag_meanings.begin()));
}

}  // namespace

TEST_CASE("half the bandwidth, and a step that reads takes twice as long", "[sim][changes]") {
  const auto ends = test::step_ends(run(toy({{kSecond, 10, 30}}, {})));
  Change slower{kSecond + kSecond / 1'000'000, Change::Kind::bandwidth, 0, 0.5e9, "slower"};
  const auto slow = test::step_ends(run(toy({{kSecond, 10, 30}}, {slower})));
  REQUIRE(slow.size() == ends.size());
  CHECK(slow[0] == ends[0]);  // it had begun
  for (std::size_t i = 1; i < ends.size(); ++i)
    CHECK(slow[i] - slow[i - 1] == Approx(2 * (ends[i] - ends[i - 1])).epsilon(1e-6));
}

TEST_CASE("the user's highest clock holds at once, and is no throttling", "[sim][changes]") {
  Input input = toy({{kSecond, 10, 30}, {3 * kSecond, 10, 30}}, {});
  input.systems[0].box.clock = {0.5e9, 1e9, 1e8, 1e9, 1, 1, 1e9};
  input.duration = 6 * kSecond;
  input.changes = {{2 * kSecond, Change::Kind::clock, 0, 0.72e9, "slower"},
                   {5 * kSecond, Change::Kind::clock, 0, 1e9, "as before"}};
  const Results results = run(std::move(input));
  CHECK(values<double>(results, "series", "clock") ==
        std::vector<double>{1e9, 1e9, 0.7e9, 0.7e9, 0.7e9, 1e9});  // samples come before changes of the same instant
  CHECK(results.summary["throttled_s"] == 0.0);
  CHECK(results.summary["limited_by"]["power"] == 0.0);
}

TEST_CASE("a long step goes on at the clock that is chosen meanwhile, a short one keeps its own", "[sim][changes]") {
  const auto stepping = GENERATE(Stepping::macro, Stepping::token);
  const auto prompt_of = [&](std::vector<Change> changes, double peak) {
    Input input = toy({{kSecond, 4000, 1}}, std::move(changes));
    auto& box = input.systems[0].box;
    box.clock = {0.5e9, 1e9, 1e8, 1e9, 0.5, 1, 0.5e9};  // from half the voltage on
    box.compute.peak.fill(peak);
    box.power.per_flop.fill(1e-9);
    box.governor.tick = 0.5;
    input.deployments[0].engine.limits.max_num_batched_tokens = 4000;
    input.deployments[0].engine.tuning.host_per_step = 0;
    input.duration = 100 * kSecond;
    return simulate(std::move(input), stepping);
  };
  const auto finish = [](const Results& r) { return values<double>(r, "requests", "finish")[0]; };
  const auto joules = [](const Results& r) { return r.summary["energy_j"]["compute"].get<double>(); };
  const Change slower{3 * kSecond + 1, Change::Kind::clock, 0, 0.5e9, "slower"};
  const Results quick = prompt_of({}, 1e8), slow = prompt_of({slower}, 1e8);
  const double alone = finish(quick) - 1;
  REQUIRE(alone > 5);
  CHECK(finish(slow) == Approx(3 + 2 * (1 + alone - 3)).epsilon(1e-4));
  const double before = 2 / alone;
  CHECK(joules(slow) == Approx(joules(quick) * (before + (1 - before) * 0.25)).epsilon(1e-4));
  CHECK(values<int64_t>(slow, "segments", "start").size() == 1);
  const Change sooner{kSecond - kSecond / 4, Change::Kind::clock, 0, 0.5e9, "slower before"};
  CHECK(finish(prompt_of({sooner}, 1e8)) == Approx(1 + 2 * alone).epsilon(1e-4));
  // A step of a twentieth of a second, which is short beside a tick of half a second.
  const double short_one = finish(prompt_of({}, 5e10)) - 1;
  REQUIRE(short_one < 0.5 / 8);
  const Change amid{kSecond + kSecond / 1000, Change::Kind::clock, 0, 0.5e9, "slower"};
  CHECK(finish(prompt_of({amid}, 5e10)) - 1 == Approx(short_one).epsilon(1e-9));
}

TEST_CASE("what is in a box that dies fails, what comes later waits until it is up", "[sim][changes]") {
  Input input = toy({{kSecond, 10, 100'000 - 10}, {3 * kSecond, 10, 5}}, {dies(2.5, 4)});
  input.deployments[0].reload_time = 2;
  input.record_every = kSecond / 2;
  const Results results = run(std::move(input));
  CHECK(count(results, "failed") == 1);
  CHECK(count(results, "completed") == 1);
  CHECK(shutdowns(results) == 1);
  CHECK(values<double>(results, "requests", "finish")[0] == 2.5);
  CHECK(values<double>(results, "requests", "admitted")[1] == 8.5);  // 2.5 + 4 + 2
  // Its energy stays: it worked for a second and a half.
  CHECK(results.summary["energy_j"]["memory"].get<double>() > 20e-9 * 1.4e9 * 0.5);
}

TEST_CASE("with on_failure: retry a request is sent again, and may find another box", "[sim][changes]") {
  Input input = toy({{kSecond, 10, 3000}}, {dies(1.5, 100)});
  input.deployments[0].on_failure = OnFailure::retry;
  input.systems.push_back(input.systems[0]);
  input.systems[1].name = "other";
  input.deployments[0].systems = {0, 1};
  input.deployments[0].replicas = 2;
  const Results results = run(std::move(input));
  CHECK(count(results, "failed") == 1);
  CHECK(count(results, "completed") == 1);
  CHECK(results.summary["requests_retried"] == 1);
  CHECK(values<int32_t>(results, "requests", "replica") == std::vector<int32_t>{0, 1});
  CHECK(values<double>(results, "requests", "admitted")[1] == 1.5);
}

TEST_CASE("a box that is too hot switches itself off, and comes back", "[sim][changes]") {
  Input input = toy({{kSecond, 10, 90'000}}, {});
  input.duration = 60 * kSecond;
  input.deployments[0].on_failure = OnFailure::retry;
  auto& box = input.systems[0].box;
  input.systems[0].start_temperature = 30;
  box.governor.shutdown = 38;  // idle 10 W and 20 W beside it warm it by less
  box.governor.reboot = 10;
  const Results results = run(std::move(input));
  CHECK(shutdowns(results) >= 1);
  CHECK(count(results, "failed") == shutdowns(results));
  const auto& temperature = values<double>(results, "series", "temperature");
  const auto hottest = std::max_element(temperature.begin(), temperature.end());
  CHECK(*hottest >= 38);
  CHECK(*std::min_element(hottest, temperature.end()) < 37);
}

TEST_CASE("a box that dies takes all its devices with it at once, and a request is sent again once", "[sim][changes]") {
  Input input = toy({{kSecond, 10, 3000}, {kSecond, 10, 3000}}, {dies(1.5, 10)});
  input.deployments[0].on_failure = OnFailure::retry;
  input.systems[0].count = 4;
  input.systems[0].link = hardware::Link{1e12, 0};
  SECTION("one replica on all of them") { input.deployments[0].tensor_parallel = 4; }
  SECTION("one on each") { input.deployments[0].replicas = 4; }
  const Results results = run(std::move(input));
  CHECK(shutdowns(results) == 4);
  CHECK(count(results, "failed") == 2);
  CHECK(results.summary["requests_retried"] == 2);
  CHECK(count(results, "completed") == 2);
}

TEST_CASE("a box that is too hot goes down with all its devices", "[sim][changes]") {
  Input input = toy({{kSecond, 10, 90'000}}, {});  // of one device only
  input.duration = 60 * kSecond;
  input.systems[0].count = 2;
  input.deployments[0].replicas = 2;
  input.systems[0].start_temperature = 30;
  input.systems[0].box.governor.shutdown = 38;
  input.systems[0].box.governor.reboot = 100;
  const Results results = run(std::move(input));
  CHECK(shutdowns(results) == 2);
  CHECK(count(results, "failed") == 1);
}

TEST_CASE("who waits for a box that is down is not idle time, and no token is taken back", "[sim][changes]") {
  Input input = toy({{kSecond, 10, 90'000}}, {dies(5.2, 20)});
  input.deployments[0].on_failure = OnFailure::retry;
  input.deployments[0].reload_time = 4.8;
  input.duration = 60 * kSecond;
  const Results results = run(std::move(input));
  const auto& limits = results.summary["limited_by"];
  CHECK(limits["down"].get<double>() == Approx(24.8 / 60));
  CHECK(limits["idle"].get<double>() == Approx(1.0 / 60).margin(1e-6));
  const auto& limited_by = values<int8_t>(results, "series", "limited_by");
  CHECK(limited_by[10] == 8);
  const auto& throughput = values<double>(results, "series", "throughput");
  const auto& prompts = values<double>(results, "series", "prefill_throughput");
  CHECK(*std::min_element(throughput.begin(), throughput.end()) >= 0);
  CHECK(*std::min_element(prompts.begin(), prompts.end()) >= 0);
}

TEST_CASE("nobody waits for a box that nobody asks anything", "[sim][changes]") {
  const Results results = run(toy({{kSecond, 10, 5}, {30 * kSecond, 10, 5}}, {dies(5, 20)}));
  CHECK(results.summary["limited_by"]["down"] == 0.0);
}

TEST_CASE("the largest power is that of all devices at once", "[sim][changes][power]") {
  // One works early, the other late, and neither at the end: their peaks do not add up.
  Input input = toy({{kSecond, 10, 2000}, {20 * kSecond, 10, 2000}}, {});
  input.duration = 60 * kSecond;
  input.systems[0].count = 2;
  input.deployments[0].replicas = 2;
  input.deployments[0].routing = Routing::round_robin;
  const Results results = run(std::move(input));
  const auto& chip = values<double>(results, "series", "chip_power");
  double most = 0;
  for (std::size_t i = 0; i < chip.size(); i += 2) most = std::max(most, chip[i] + chip[i + 1]);
  CHECK(results.summary["power_w"]["chip"]["max"].get<double>() == Approx(most).epsilon(1e-6));
  const double alone = *std::max_element(chip.begin(), chip.end());
  CHECK(most < 1.9 * alone);
  CHECK(chip.back() < 0.9 * alone);
}

TEST_CASE("a second shutdown does not bring a box up earlier", "[sim][changes]") {
  Input input = toy({{3 * kSecond, 10, 5}}, {dies(1, 20), dies(2, 1)});
  const Results results = run(std::move(input));
  CHECK(values<double>(results, "requests", "admitted")[0] == 21);
}

TEST_CASE("no server is ready on a box that is down", "[sim][changes][power]") {
  Input input = toy({}, {dies(10.5, 20)});
  input.duration = 60 * kSecond;
  input.systems[0].box.power.ready = 7;
  const auto power = values<double>(run(std::move(input)), "series", "chip_power");
  CHECK(power[5] - power[20] == Approx(7).epsilon(1e-3));
  CHECK(power[50] - power[20] == Approx(7).epsilon(1e-3));
}

TEST_CASE("heat that nothing takes away ends in a shutdown, not in infinite leakage", "[sim][heat]") {
  Input input = toy({{kSecond, 10, 90'000}}, {});
  input.duration = 3600 * kSecond;
  auto& box = input.systems[0].box;
  box.power.leakage = 5;
  box.power.leakage_temperature = 40;
  box.power.leakage_slope = 20;
  input.room = Room{1e3, 0.1, std::nullopt, std::nullopt};  // a drawer
  const Results results = run(std::move(input));
  CHECK(shutdowns(results) > 0);
  const double chip = results.summary["power_w"]["chip"]["max"];
  CHECK(chip < 10 + 5 + 40 + 5 * std::exp((125 - 40) / 20.0));
  CHECK(results.summary["energy_j"]["wall"] > 0.0);
  CHECK(results.summary["temperature_c"]["max"] > 125.0);
}

TEST_CASE("a rented box does not warm its owner's room", "[sim][heat]") {
  Input input = toy({}, {});
  input.duration = 600 * kSecond;
  input.room = Room{1e3, 0.5, std::nullopt, std::nullopt};
  input.systems[0].is_rented = true;
  const auto air = values<double>(run(std::move(input)), "series", "room_temperature");
  CHECK(air.back() == Approx(input.ambient).margin(1e-9));
}

TEST_CASE("a rented box stands elsewhere: its owner's weather does not reach it", "[sim][heat]") {
  const auto die = [](bool is_rented) {
    Input input = toy({}, {{kSecond, Change::Kind::ambient, -1, 40, "hot"}});
    input.duration = 600 * kSecond;
    input.systems[0].is_rented = is_rented;
    return values<double>(run(std::move(input)), "series", "temperature").back();
  };
  CHECK(die(false) == Approx(die(true) + 18).epsilon(0.01));
}
