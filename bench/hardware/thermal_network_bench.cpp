#include "hardware/thermal_network.hpp"

#include "bench/goal.hpp"

namespace tokwatt::bench {
namespace {

// A month of ticks is 2.6 million; it should cost well under a second.
constexpr double kTicksPerSecond = 10e6;

hardware::Thermal ladder(int64_t stages) {
  hardware::Thermal thermal;
  for (int64_t i = 0; i < stages; ++i) {
    const auto depth = static_cast<double>(i);
    thermal.stages.push_back({"stage", 100 + 1000 * depth, 0.05 + 0.05 * depth});
  }
  return thermal;
}

void thermal_ticks(benchmark::State& state) {
  const auto stages = state.range(0);
  hardware::ThermalNetwork network(ladder(stages), 1.0, 22.0);
  std::vector<double> power(static_cast<std::size_t>(stages), 0.0);
  for (auto _ : state) {
    power[0] = power[0] > 0 ? 0 : 90;
    network.advance(1.0, power, 22.0);
    benchmark::DoNotOptimize(network.die());
  }
  report(state, "ticks", static_cast<double>(state.iterations()), kTicksPerSecond);
}
BENCHMARK(thermal_ticks)->Arg(2)->Arg(3);

}  // namespace
}  // namespace tokwatt::bench
