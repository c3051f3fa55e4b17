#include "models/graph.hpp"

#include "bench/goal.hpp"

namespace tokwatt::bench {
namespace {

// A study compiles thousands of models; each should cost far less than the simulation that follows.
constexpr double kGraphsPerSecond = 1000;

models::Architecture moe_of_48_layers() {
  models::Architecture moe;
  moe.hidden = 2048;
  moe.vocab = 151936;
  moe.max_context = 262144;
  models::Layer layer;
  layer.grouped = models::GroupedAttention{32, 4, 128, 0};
  layer.experts = models::Experts{128, 8, 768, 0};
  moe.layers.assign(48, layer);
  return moe;
}

void operator_graphs(benchmark::State& state) {
  const auto moe = moe_of_48_layers();
  models::WeightFormat format;
  format.bits.fill(16);
  for (auto _ : state) {
    const auto operators = models::operators(moe, format, 2);
    benchmark::DoNotOptimize(operators.data());
  }
  report(state, "graphs", static_cast<double>(state.iterations()), kGraphsPerSecond);
}
BENCHMARK(operator_graphs);

}  // namespace
}  // namespace tokwatt::bench
