// Fans, the room, power supplies and governors that hold a grudge, against closed forms (docs/theory/heat.md).
#include <algorithm>
#include <cmath>
#include <numeric>

#include "sim/simulation.hpp"
#include "tests/catch.hpp"
#include "tests/sim/support/toy.hpp"

using namespace tokwatt;
using namespace tokwatt::sim;
using tokwatt::test::values;

namespace {

constexpr Picoseconds kSecond = 1'000'000'000'000;

Input idle(Picoseconds duration) {
  Input input = test::toy_input();
  input.streams.push_back(test::fixed_stream({}));
  input.duration = duration;
  return input;
}

/// One long prompt after the other, up to the end.
Input busy(Picoseconds duration) {
  Input input = test::toy_input();
  input.streams.push_back(test::fixed_stream(std::vector<Arrival>(1000, {kSecond, 4000, 200})));
  input.duration = duration;
  return input;
}

hardware::Fan fan() {
  hardware::Fan fan;
  fan.speed.points = {{20, 0}, {40, 1}};
  fan.conductance.points = {{0, 0}, {1, 3}};
  fan.power.points = {{0, 0}, {1, 4}};
  fan.noise.points = {{0, 20}, {1, 40}};
  return fan;
}

double number(const Results& r, const char* key, const char* inner) { return r.summary[key][inner].get<double>(); }

}  // namespace

TEST_CASE("a fan ties its stage to the room, and draws its own power", "[sim][heat][fan]") {
  Input input = idle(2000 * kSecond);
  auto& box = input.systems[0].box;
  box.fan = fan();
  box.fan->speed.points = {{0, 1}};
  SECTION("the last stage, where it names none") {
    const Results r = simulate(std::move(input));
    CHECK(number(r, "temperature_c", "final") == Approx(22 + 30 / (1 / 0.2 + 3) + 10 * 0.5));
    CHECK(r.summary["power_w"]["wall"]["mean"].get<double>() == Approx((10 + 20 + 4) / 0.8));
    CHECK(number(r, "noise_dba", "mean") == Approx(40));
    CHECK(values<double>(r, "series", "fan").back() == 1.0);
  }
  SECTION("the stage that it names") {
    box.fan->stage = "die";
    const Results r = simulate(std::move(input));
    // 10 = (T - S)/0.5 + 3 (T - 22) and 20 + (T - S)/0.5 = (S - 22)/0.2, both over the room.
    const double T = (10 + 20 * 2.0 / 7) / (2 + 3 - 4.0 / 7);
    CHECK(number(r, "temperature_c", "final") == Approx(22 + T));
  }
}

TEST_CASE("a fan follows its curve on a grid of levels", "[sim][heat][fan]") {
  Input input = busy(100 * kSecond);
  input.systems[0].box.fan = fan();
  input.systems[0].box.fan->levels = 4;
  const Results r = simulate(std::move(input), GENERATE(Stepping::macro, Stepping::token));
  const auto& speed = values<double>(r, "series", "fan");
  const auto& temperature = values<double>(r, "series", "temperature");
  for (std::size_t t = 0; t < speed.size(); ++t) {
    const double asked = std::clamp((temperature[t] - 20) / 20, 0.0, 1.0);
    CHECK(speed[t] == std::round(asked * 4) / 4);
  }
  CHECK(*std::max_element(speed.begin(), speed.end()) > 0);
}

TEST_CASE("somebody sets the fan, and it breaks", "[sim][heat][fan]") {
  Input input = idle(3000 * kSecond);
  input.systems[0].box.fan = fan();
  input.changes = {{500 * kSecond, Change::Kind::fan_speed, 0, 0.5, "half"},
                   {1500 * kSecond, Change::Kind::fan_stop, 0, 1, "it stops"},
                   {2500 * kSecond, Change::Kind::fan_stop, 0, 0, "mended"}};
  const Results r = simulate(std::move(input));
  const auto& T = values<double>(r, "series", "temperature");
  const auto& speed = values<double>(r, "series", "fan");
  CHECK(speed[1400] == 0.5);
  CHECK(T[1400] == Approx(22 + 30 / (5 + 1.5) + 5));
  CHECK(speed[2400] == 0.0);
  CHECK(T[2400] == Approx(22 + 30 / 5.0 + 5));
  CHECK(speed[2999] == 0.5);
}

TEST_CASE("a room warms like one capacity behind one wall", "[sim][heat][room]") {
  Input input = idle(6 * 3600 * kSecond);
  input.room = Room{1e6, 50, {}, {}};
  const Results r = simulate(std::move(input));
  const auto& T = values<double>(r, "series", "room_temperature");
  const double power = 30 / 0.8;  // all of it ends up in the room
  for (const std::size_t hour : {1, 3, 6}) {
    const double t = static_cast<double>(hour) * 3600;
    CHECK(T[hour * 3600 - 1] == Approx(22 + power / 50 * (1 - std::exp(-t * 50 / 1e6))).epsilon(1e-5));
  }
  // The boxes breathe that air.
  CHECK(number(r, "temperature_c", "final") == Approx(T.back() + 10 * 0.7 + 20 * 0.2).epsilon(1e-3));
}

TEST_CASE("what boxes draw at the wall warms them, the room, and what lies outside, to the last joule",
          "[sim][heat][room][conservation]") {
  Input input = busy(300 * kSecond + kSecond / 3);
  auto& box = input.systems[0].box;
  box.thermal.stages = {{"die", 40, 0.3}};
  box.fan = fan();
  box.power.psu_curve.points = {{20, 0.7}, {60, 0.9}};
  input.systems[0].start_temperature = 30;
  input.room = Room{2000, 1.5, 25.0, {}};
  const bool cooled = GENERATE(true, false);
  if (cooled) input.room->cooling = Cooling{24, 3, 8};
  const double seconds_run = 300 + 1.0 / 3;
  const Results r = simulate(std::move(input), GENERATE(Stepping::macro, Stepping::token));
  const auto& room = r.summary["room"];
  const double stored =
      40 * (number(r, "temperature_c", "final") - 30) + 2000 * (room["temperature_c"]["final"].get<double>() - 25);
  const double through_walls = 1.5 * (room["temperature_c"]["mean"].get<double>() - 22) * seconds_run;
  const double taken_away = 3 * room["cooling_j"].get<double>();
  CHECK((taken_away > 0) == cooled);
  CHECK(number(r, "energy_j", "wall") == Approx(stored + through_walls + taken_away).epsilon(1e-9));
}

TEST_CASE("cooling holds its target as long as it can, and costs what it draws", "[sim][heat][room]") {
  Input input = idle(1000 * kSecond);
  input.prices = {1e-6, 1e6};
  input.room = Room{1000, 0.5, {}, Cooling{23, 3, 100}};
  SECTION("strong enough: what the boxes give off less what the walls lose, by its COP") {
    const Results r = simulate(std::move(input));
    const auto& room = r.summary["room"];
    CHECK(room["temperature_c"]["final"].get<double>() == Approx(23));
    const double draws = (37.5 - 0.5 * (23 - 22)) / 3;
    CHECK(room["cooling_j"].get<double>() == Approx(draws * 1000).epsilon(0.05));  // the first kelvin is free
    CHECK(room["cooling_usd"].get<double>() == Approx(room["cooling_j"].get<double>() * 1e-6));
    CHECK(number(r, "cost_usd", "cooling") == room["cooling_usd"].get<double>());
    CHECK(number(r, "cost_usd", "total") ==
          Approx(number(r, "cost_usd", "electricity") + number(r, "cost_usd", "hardware") +
                 room["cooling_usd"].get<double>()));
  }
  SECTION("too weak: it runs all the time, and the room is warmer") {
    input.room->cooling->max_power = 4;
    input.duration = 40'000 * kSecond;
    const Results r = simulate(std::move(input));
    CHECK(r.summary["room"]["temperature_c"]["final"].get<double>() == Approx(22 + (37.5 - 12) / 0.5));
  }
  SECTION("a price that changes within a tick splits its energy") {
    input.room->start_temperature = 23;
    input.changes = {{400 * kSecond + kSecond / 2, Change::Kind::electricity, -1, 3e-6, "dearer"}};
    const Results r = simulate(std::move(input));
    const double energy = r.summary["room"]["cooling_j"].get<double>();
    CHECK(r.summary["room"]["cooling_usd"].get<double>() ==
          Approx(energy / 1000 * (400.5 * 1e-6 + 599.5 * 3e-6)).epsilon(1e-3));
  }
}

TEST_CASE("the ambient temperature climbs a ramp", "[sim][heat]") {
  Input input = idle(400 * kSecond);
  input.systems[0].box.thermal.stages = {{"die", 0.1, 0.1}};  // follows at once
  input.changes = {{100 * kSecond, Change::Kind::ambient, -1, 42, "warmer", 200 * kSecond}};
  const Results r = simulate(std::move(input));
  const auto& T = values<double>(r, "series", "temperature");
  const double above = 30 * 0.1;
  CHECK(T[98] == Approx(22 + above));
  CHECK(T[200] == Approx(32 + above));
  CHECK(T[399] == Approx(42 + above));
}

TEST_CASE("a power supply is as good as its curve says", "[sim][power]") {
  Input input = idle(10 * kSecond);
  input.systems[0].box.power.psu_curve.points = {{20, 0.7}, {40, 0.9}};
  const Results r = simulate(std::move(input));
  CHECK(r.summary["power_w"]["wall"]["mean"].get<double>() == Approx(30 / 0.8));
}

namespace {

/// Whose prompts take all that the chip may draw.
Input hungry(Picoseconds duration) {
  Input input = busy(duration);
  auto& box = input.systems[0].box;
  box.clock = {2e8, 1e9, 5e7, 1e9, 0.6, 1.0, 4e8};
  box.compute.peak.fill(2e10);
  box.power.per_flop.fill(4e-9);
  box.governor.trip_steps = 2;
  input.streams[0] = test::fixed_stream(std::vector<Arrival>(1000, {kSecond, 4000, 2}));
  return input;
}

/// Half of it at once, half later.
Stream in_two_lots(Picoseconds later) {
  std::vector<Arrival> arrivals(1000, {kSecond, 4000, 2});
  for (std::size_t i = 500; i < arrivals.size(); ++i) arrivals[i].at = later;
  return test::fixed_stream(std::move(arrivals));
}

}  // namespace

TEST_CASE("a box keeps to what its supply gives, the rest of the box included", "[sim][power]") {
  Input input = hungry(60 * kSecond);
  input.systems[0].box.power.supply = 90;
  const Results r = simulate(std::move(input));
  const auto& power = values<double>(r, "series", "power");
  CHECK(power[1] * 0.8 > 90);  // the first busy tick is not yet limited
  for (std::size_t t = 10; t + 1 < power.size(); ++t) CHECK(power[t] * 0.8 < 90 * 1.05);
  CHECK(r.summary["limited_by"]["power"] > 0.1);
}

TEST_CASE("of a supply each device in a box has its part", "[sim][power]") {
  Input input = hungry(60 * kSecond);
  input.systems[0].count = 2;
  input.deployments[0].replicas = 2;
  input.systems[0].box.power.supply = 180;
  const Results r = simulate(std::move(input));
  const auto& power = values<double>(r, "series", "power");
  CHECK(power[2] * 0.8 > 90);
  for (std::size_t t = 20; t + 2 < power.size(); ++t) CHECK(power[t] * 0.8 < 90 * 1.05);
}

TEST_CASE("a box that was overdrawn stays slow until it has rested", "[sim][power]") {
  Input input = hungry(200 * kSecond);
  auto& box = input.systems[0].box;
  box.governor.sticky = hardware::Sticky{40, 10};
  input.deployments[0].on_failure = OnFailure::fail;
  const double supply = 90;
  input.changes = {{20 * kSecond, Change::Kind::supply, 0, supply, "another brick"},
                   {40 * kSecond, Change::Kind::supply, 0, 1000, "the old one"}};
  SECTION("work that goes on keeps it slow") {
    const Results r = simulate(std::move(input));
    const auto& chip = values<double>(r, "series", "chip_power");
    CHECK(chip[15] > 60);
    for (std::size_t t = 60; t < 190; ++t) CHECK(chip[t] < 40 * 1.05);
  }
  SECTION("a reboot ends it") {
    input.changes.push_back({60 * kSecond, Change::Kind::shutdown, 0, 1, "shutdown"});
    input.streams[0] = in_two_lots(70 * kSecond);
    const Results r = simulate(std::move(input));
    const auto& chip = values<double>(r, "series", "chip_power");
    CHECK(chip[55] < 40 * 1.05);
    CHECK(chip[80] > 60);
  }
  SECTION("a reboot ends it, of a box too that goes down hot and is still hot for a while") {
    box.governor.trip = 42;
    box.governor.sticky = hardware::Sticky{40, 100};
    input.changes = {{3 * kSecond, Change::Kind::shutdown, 0, 57, "shutdown"}};
    input.streams[0] = in_two_lots(60 * kSecond);
    const Results r = simulate(std::move(input));
    const auto& chip = values<double>(r, "series", "chip_power");
    const auto& temperature = values<double>(r, "series", "temperature");
    CHECK(temperature[4] > 42);  // it is down, and still above the trip
    CHECK(temperature[60] < 42);
    CHECK(chip[61] > 60);
  }
}

TEST_CASE("a step of several ticks is held to the limit as short ones are", "[sim][power]") {
  const auto answered = [](int64_t budget) {
    Input input = hungry(400 * kSecond);
    input.deployments[0].engine.limits.max_num_batched_tokens = budget;
    input.systems[0].box.power.limit = 45;
    input.systems[0].box.compute.peak.fill(5e8);  // eight seconds a prompt
    input.systems[0].box.power.per_flop.fill(1.6e-7);
    const Results r = simulate(std::move(input));
    const auto& chip = values<double>(r, "series", "chip_power");
    CHECK(std::accumulate(chip.begin() + 100, chip.end(), 0.0) / static_cast<double>(chip.size() - 100) < 45 * 1.1);
    return r.summary["requests"]["completed"].get<double>();
  };
  CHECK(answered(4000) == Approx(answered(100)).epsilon(0.05));
}

TEST_CASE("a capped box draws what the cap leaves it, for as long as it lasts", "[sim][power]") {
  Input input = hungry(100 * kSecond);
  input.changes = {{20 * kSecond, Change::Kind::power_cap, 0, 40, "power cap of 40 W"},
                   {60 * kSecond, Change::Kind::power_cap, 0, 1e9, "the fault is over"}};
  const Results r = simulate(std::move(input));
  const auto& chip = values<double>(r, "series", "chip_power");
  CHECK(chip[10] > 60);
  for (std::size_t t = 30; t < 59; ++t) CHECK(chip[t] < 40 * 1.05);
  CHECK(chip[95] > 60);
}

TEST_CASE("the owner's highest clock is no throttling", "[sim][power]") {
  Input input = hungry(20 * kSecond);
  input.systems[0].box.clock.limit = 0.52e9;
  const Results r = simulate(std::move(input));
  CHECK(number(r, "clock_hz", "mean") == Approx(0.5e9));
  CHECK(r.summary["throttled_s"] == 0.0);
}
