#include "sim/random/distribution.hpp"

#include "bench/goal.hpp"

namespace tokwatt::bench {
namespace {

// Three draws a request: at 2 million requests a second these must stay a small part.
constexpr double kDrawsPerSecond = 10e6;

void lognormal_token_counts(benchmark::State& state) {
  const auto key = sim::stream_key(1, "people");
  const sim::Distribution prompt{sim::Lognormal{800, 8000}, {}, {}};
  uint64_t number = 0;
  for (auto _ : state) benchmark::DoNotOptimize(sim::draw_tokens(prompt, key, sim::Purpose::prompt, number++));
  report(state, "draws", static_cast<double>(state.iterations()), kDrawsPerSecond);
}
BENCHMARK(lognormal_token_counts);

}  // namespace
}  // namespace tokwatt::bench
