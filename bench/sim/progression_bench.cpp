#include "sim/progression.hpp"

#include "bench/goal.hpp"

namespace tokwatt::bench {
namespace {

// Solved once per plan that is cut; a few of these a request.
constexpr double kCutsPerSecond = 10e6;

void steps_within_a_bound(benchmark::State& state) {
  const sim::Progression durations{12'000'000'000, 40'000'000};  // 12 ms, growing by 40 us a step
  constexpr int64_t kSteps = 2000;
  sim::Picoseconds bound = 0;
  for (auto _ : state) {
    bound = (bound + 777'777'777'777) % 60'000'000'000'000;
    benchmark::DoNotOptimize(sim::steps_within(durations, kSteps, bound));
  }
  report(state, "cuts", static_cast<double>(state.iterations()), kCutsPerSecond);
}
BENCHMARK(steps_within_a_bound);

}  // namespace
}  // namespace tokwatt::bench
