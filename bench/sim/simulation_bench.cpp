#include "sim/simulation.hpp"

#include "bench/goal.hpp"
#include "bench/llama_on_h100.hpp"
#include "sim/workload/arrivals.hpp"

namespace tokwatt::bench {
namespace {

// The loop alone: no file read, no file written. A prototype without KV blocks or records reached 6 to 11 million.
constexpr double kRequestsPerSecond = 1e6;
// The reference walks through every step and every sequence of it; it must only stay usable for tests.
constexpr double kRequestsPerSecondOfReference = 50'000;

constexpr double kRate = 4;  // [1/s], as in bench/peers: batches of tens

sim::Input common_work(int64_t requests) {
  sim::Input input;
  input.title = "benchmark";
  input.seed = 1;
  input.duration = sim::picoseconds(static_cast<double>(requests) / kRate);
  input.systems.push_back({"rack", h100(), {}});
  input.deployments.push_back(llama_on_h100());
  sim::Stream stream;
  stream.name = "common";
  stream.key = sim::stream_key(input.seed, stream.name);
  const sim::ArrivalProcess poisson{sim::GapProcess::poisson, 1, {{kRate, std::numeric_limits<double>::infinity()}}};
  // Medians and 99th percentiles of bench/peers/make_trace.py: lognormal, sigma 0.5, means 1,000 and 250.
  const sim::Distribution prompt{sim::Lognormal{882, 2823}, 16, 3500}, output{sim::Lognormal{221, 706}, 4, 500};
  stream.source = sim::synthetic_source(poisson, prompt, output, stream.key);
  input.streams.push_back(std::move(stream));
  input.record_every = sim::picoseconds(60);
  input.record_requests = false;
  return input;
}

void simulate(benchmark::State& state, sim::Stepping stepping, double goal) {
  double completed = 0;
  for (auto _ : state) {
    const auto results = sim::simulate(common_work(state.range(0)), stepping);
    completed += results.summary.at("requests").at("completed").get<double>();
  }
  report(state, "requests", completed, goal);
}
BENCHMARK_CAPTURE(simulate, macro, sim::Stepping::macro, kRequestsPerSecond)
    ->Arg(10'000)
    ->Arg(100'000)
    ->Unit(benchmark::kMillisecond);
BENCHMARK_CAPTURE(simulate, token, sim::Stepping::token, kRequestsPerSecondOfReference)
    ->Arg(10'000)
    ->Unit(benchmark::kMillisecond);

}  // namespace
}  // namespace tokwatt::bench
