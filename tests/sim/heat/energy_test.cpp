// Energy, heat and money against closed forms.
#include <cmath>

#include "hardware/thermal_network.hpp"
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

}  // namespace

TEST_CASE("an idle box draws its idle power through its power supply", "[sim][energy]") {
  const Results r = simulate(idle(100 * kSecond + kSecond / 3));
  CHECK(r.summary["power_w"]["wall"]["mean"].get<double>() == Approx((10 + 20) / 0.8));
  CHECK(r.summary["energy_j"]["wall"].get<double>() == Approx((10 + 20) / 0.8 * (100 + 1.0 / 3)));
  CHECK(r.summary["energy_j"]["chip"].get<double>() == Approx(10 * (100 + 1.0 / 3)));
  CHECK(r.summary["temperature_c"]["mean"].get<double>() == Approx(22 + 10 * 0.7 + 20 * 0.2));
}

TEST_CASE("a server that waits keeps the clocks up, at the power that its sheet gives for that", "[sim][energy]") {
  Input still = idle(100 * kSecond);
  still.systems[0].box.power.ready = 4;
  CHECK(simulate(std::move(still)).summary["energy_j"]["chip"].get<double>() == Approx((10 + 4) * 100));
  const auto busy = [](double ready) {  // in a step the chip draws what it is active with instead
    Input input = test::toy_input();
    input.systems[0].box.power.ready = ready;
    input.streams.push_back(test::fixed_stream({{0, 40, 400}}));
    return simulate(std::move(input)).summary["energy_j"]["chip"].get<double>();
  };
  CHECK(busy(4) == Approx(busy(0)).epsilon(1e-3));
}

TEST_CASE("dynamic energy is the work times its price per FLOP and per byte", "[sim][energy]") {
  Input input = test::toy_input();
  constexpr int64_t kPrompt = 40, kOutput = 7;
  input.streams.push_back(test::fixed_stream({{kSecond, kPrompt, kOutput}}));
  const Results r = simulate(std::move(input));
  const double weights = 64 * (64 + 64 + 64) + 3 * 64 * 256, head = 64 * 1000;  // of the layer; of the output head
  double pairs = kPrompt * (kPrompt + 1) / 2, tokens = kPrompt;
  for (int64_t k = 1; k < kOutput; ++k) {
    pairs += static_cast<double>(kPrompt + k);
    tokens += 1;
  }
  const double flops = 2 * weights * tokens + 2 * head * kOutput + 4 * 4 * 16 * pairs;
  CHECK(r.summary["energy_j"]["compute"].get<double>() == Approx(flops * 1e-12).epsilon(1e-3));
  // Bytes: at least the weights once a step, at most some kB of activations per token more.
  const double bytes = 2 * (weights + head) * kOutput;
  CHECK(r.summary["energy_j"]["memory"].get<double>() > bytes * 20e-9);
  CHECK(r.summary["energy_j"]["memory"].get<double>() < (bytes + 1e4 * tokens) * 20e-9);
}

TEST_CASE("few rows take the energy of a whole tile, and only the energy", "[sim][energy]") {
  const auto run = [](int64_t least) {
    Input input = test::toy_input();
    if (least > 0)
      input.systems[0].box.power.energy_rows["toy"].points = {{1, 8}, {8, 8}, {9, static_cast<double>(least)}};
    input.streams.push_back(test::fixed_stream({{kSecond, 40, 7}}));
    return simulate(std::move(input)).summary;
  };
  const auto plain = run(0), tiled = run(16), coarse = run(64);
  // Six steps of one row as if they were of eight; the prompt's forty rows in their own energy or in that of 64.
  const double weights = 64 * (64 + 64 + 64) + 3 * 64 * 256, head = 64 * 1000;  // of the layer; of the output head
  const auto compute = [](const auto& s) { return s["energy_j"]["compute"].template get<double>(); };
  CHECK(compute(tiled) - compute(plain) == Approx((6 * 7 * 2 * weights + 7 * 7 * 2 * head) * 1e-12).epsilon(1e-6));
  CHECK(compute(coarse) - compute(tiled) == Approx(24 * 2 * weights * 1e-12).epsilon(1e-3));
  CHECK(tiled["e2e_s"] == plain["e2e_s"]);
  CHECK(tiled["energy_j"]["memory"] == plain["energy_j"]["memory"]);
}

TEST_CASE("electricity costs what the meter says, at the price of each hour", "[sim][money]") {
  Input input = idle(100 * kSecond);
  input.prices.electricity = 1e-6;
  Change dearer;
  dearer.at = 40 * kSecond + kSecond / 2;  // in the middle of a tick
  dearer.kind = Change::Kind::electricity;
  dearer.value = 3e-6;
  input.changes = {dearer};
  const Results r = simulate(std::move(input));
  CHECK(r.summary["cost_usd"]["electricity"].get<double>() == Approx(37.5 * (40.5 * 1e-6 + 59.5 * 3e-6)));
}

TEST_CASE("without a price for electricity its cost is unknown, not zero", "[sim][money]") {
  const Results r = simulate(idle(10 * kSecond));
  CHECK(r.summary["cost_usd"]["electricity"].is_null());
  CHECK(r.summary["cost_usd"]["total"].is_null());
}

TEST_CASE("a warmer room warms the box by as much, with its own time constants", "[sim][heat]") {
  Input input = idle(4000 * kSecond);
  Change warmer;
  warmer.at = 100 * kSecond;
  warmer.value = 35;
  input.changes = {warmer};
  const Results r = simulate(std::move(input));
  CHECK(r.summary["temperature_c"]["final"].get<double>() == Approx(35 + 10 * 0.7 + 20 * 0.2).margin(0.01));
  // The same step through the network alone. A sample shows the die at its instant, after the tick there.
  hardware::ThermalNetwork reference(test::toy_input().systems[0].box.thermal, 1, 22);
  reference.settle({10, 20}, 22);
  const auto& T = values<double>(r, "series", "temperature");
  CHECK(T[99] == Approx(reference.die()));
  for (int s = 0; s < 50; ++s) reference.advance(1, {10, 20}, 35);
  CHECK(T[149] == Approx(reference.die()));
}

TEST_CASE("a power limit holds the mean power once the governor has seen it", "[sim][power]") {
  Input input = test::toy_input();
  auto& box = input.systems[0].box;
  box.clock = {2e8, 1e9, 5e7, 1e9, 0.6, 1.0, 4e8};
  box.compute.peak.fill(2e10);
  box.power.per_flop.fill(4e-9);
  box.power.limit = 60;
  box.governor.trip_steps = 2;
  input.streams.push_back(test::fixed_stream(std::vector<Arrival>(1000, {kSecond, 4000, 2})));
  input.duration = 60 * kSecond;
  const Results r = simulate(std::move(input));
  const auto& power = values<double>(r, "series", "chip_power");
  const auto& clock = values<double>(r, "series", "clock");
  CHECK(power[1] > 60);  // the first busy tick is not yet limited
  CHECK(clock.back() < 1e9);
  for (std::size_t t = 10; t + 1 < power.size(); ++t) CHECK(power[t] < 60 * 1.05);
  CHECK(r.summary["throttled_s"] > 40.0);
  CHECK(r.summary["limited_by"]["power"] > 0.1);
}

TEST_CASE("short prompts with pauses between them are held to the limit as long ones are", "[sim][power]") {
  const auto mean_ttft = [](double limit, Picoseconds every) {
    Input input = test::toy_input();
    auto& box = input.systems[0].box;
    box.clock = {2e8, 1e9, 5e7, 1e9, 0.6, 1.0, 4e8};
    box.compute.peak.fill(2e10);
    box.power.per_flop.fill(4e-9);
    box.power.limit = limit;
    std::vector<Arrival> arrivals;
    for (int64_t i = 0; i < 100; ++i) arrivals.push_back({kSecond + i * every, 1000, 1});
    input.streams.push_back(test::fixed_stream(std::move(arrivals)));
    input.duration = 100 * every + 2 * kSecond;
    const Results r = simulate(std::move(input));
    if (limit < 1000) {
      CHECK(r.summary["power_w"]["chip"]["mean"] < limit);  // pauses and all
      CHECK(r.summary["throttled_s"] > 0.0);
    }
    return r.summary["ttft_s"]["mean"].get<double>();
  };
  for (const Picoseconds every : {kSecond, 3 * kSecond}) {  // in every tick, and with ticks between them
    const double free = mean_ttft(1e6, every), held = mean_ttft(60, every);
    CAPTURE(every, free, held);
    CHECK(free < 0.4);
    CHECK(held > 1.1 * free);
  }
}
