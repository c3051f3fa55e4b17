#include "sim/serving/cost_model.hpp"

#include "bench/goal.hpp"
#include "bench/llama_on_h100.hpp"

namespace tokwatt::bench {
namespace {

// One per plan and, in the reference, one per step: 20 million plans a second leave room for the rest of the loop.
constexpr double kStepsPerSecond = 20e6;

void cost_of_a_decode_step(benchmark::State& state) {
  const sim::CostModel model(llama_on_h100(), h100());
  const auto level = h100().clock.levels() - 1;
  sim::StepShape shape;
  for (auto _ : state) {
    shape.tokens = shape.sequences = shape.tokens % 64 + 1;
    shape.attention[0] = {shape.tokens * 1200, shape.tokens * 1200};
    benchmark::DoNotOptimize(model.cost(level, shape));
  }
  report(state, "steps", static_cast<double>(state.iterations()), kStepsPerSecond);
}
BENCHMARK(cost_of_a_decode_step);

// Compiled once per deployment; a study does it once per point.
void compile_a_cost_model(benchmark::State& state) {
  constexpr double kModelsPerSecond = 1000;
  const auto deployment = llama_on_h100();
  const auto box = h100();
  for (auto _ : state) {
    const sim::CostModel model(deployment, box);
    benchmark::DoNotOptimize(model.groups());
  }
  report(state, "models", static_cast<double>(state.iterations()), kModelsPerSecond);
}
BENCHMARK(compile_a_cost_model);

}  // namespace
}  // namespace tokwatt::bench
