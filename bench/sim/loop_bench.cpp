// The event loop alone, all physics on: arrivals are drawn beforehand, nothing is read or written. Its time is
// alpha * requests + beta * ticks: bench/goals.py solves that from the ticks given here.
#include <algorithm>
#include <limits>
#include <utility>

#include "bench/goal.hpp"
#include "bench/llama_on_h100.hpp"
#include "sim/simulation.hpp"
#include "sim/workload/arrivals.hpp"
#include "sim/workload/sessions.hpp"

namespace tokwatt::bench {
namespace {

constexpr double kRequestsPerSecond = 2e6;
constexpr int64_t kRequests = 50'000;

using Arrivals = std::vector<sim::Arrival>;

/// Arrivals that are known: what a trace is once it has been read.
class Known final : public sim::RequestSource {
 public:
  explicit Known(const Arrivals& arrivals) : arrivals_(arrivals) {}
  std::optional<sim::Arrival> next(sim::Picoseconds) override {
    if (at_ == arrivals_.size()) return std::nullopt;
    return arrivals_[at_++];
  }

 private:
  const Arrivals& arrivals_;
  std::size_t at_ = 0;
};

Arrivals draw_arrivals(double rate, const sim::Distribution& output) {
  const sim::StreamKey key = sim::stream_key(1, "common");
  const sim::ArrivalProcess poisson{sim::GapProcess::poisson, 1, {{rate, std::numeric_limits<double>::infinity()}}};
  const sim::Distribution prompt{sim::Lognormal{882, 2823}, 16, 3500};  // bench/peers/make_trace.py
  const auto source = sim::synthetic_source(poisson, prompt, output, key);
  Arrivals arrivals;
  while (std::ssize(arrivals) < kRequests) arrivals.push_back(*source->next(sim::kNever));
  return arrivals;
}

sim::Input input_of(const Arrivals& arrivals, double tick) {
  sim::Input input;
  input.title = "benchmark";
  input.seed = 1;
  input.systems.push_back({"rack", h100(), {}});
  input.systems.front().box.governor.tick = tick;
  input.deployments.push_back(llama_on_h100());
  sim::Stream stream;
  stream.name = "common";
  stream.key = sim::stream_key(input.seed, stream.name);
  stream.source = std::make_unique<Known>(arrivals);
  input.streams.push_back(std::move(stream));
  input.record_every = sim::picoseconds(3600);
  input.record_requests = false;
  return input;
}

/// `tick` [s] as a multiple of a tenth; a report of it and of the batch goes with each figure.
void loop(benchmark::State& state, const Arrivals& arrivals, double tick) {
  double done = 0, batch = 0, end = 0;
  for (auto _ : state) {
    const auto results = sim::simulate(input_of(arrivals, tick), sim::Stepping::macro);
    done += results.summary.at("requests").at("completed").get<double>();
    batch = results.summary.at("batch").at("mean").get<double>();
    end = results.summary.at("duration_s").get<double>();
  }
  report(state, "requests", done, kRequestsPerSecond);
  state.counters["batch"] = batch;
  state.counters["requests_a_run"] = static_cast<double>(arrivals.size());
  state.counters["ticks_a_run"] = end / tick;
}

/// The common work: 4 requests a second.
void loop_common(benchmark::State& state) {
  const sim::Distribution output{sim::Lognormal{221, 706}, 4, 500};
  loop(state, draw_arrivals(4, output), static_cast<double>(state.range(0)) / 10);
}
BENCHMARK(loop_common)->ArgName("tick_ds")->Arg(10)->Arg(1)->Unit(benchmark::kMillisecond);

/// Arrivals at the rate that keeps about so many requests running; found by trying.
Arrivals arrivals_for_batch(double batch, const sim::Distribution& output) {
  double rate = 1;
  for (int attempt = 0; attempt < 12; ++attempt) {
    const auto arrivals = draw_arrivals(rate, output);
    const auto results = sim::simulate(input_of(arrivals, 100), sim::Stepping::macro);
    const double in_flight = results.summary.at("e2e_s").at("mean").get<double>() * rate;
    rate *= std::clamp(batch / in_flight, 0.01, 100.0);
  }
  return draw_arrivals(rate, output);
}

/// Requests of so many output tokens each, and the same number of them running whatever that is.
void loop_output(benchmark::State& state) {
  constexpr double kBatch = 8;
  const sim::Distribution output{sim::Constant{static_cast<double>(state.range(0))}, {}, {}};
  loop(state, arrivals_for_batch(kBatch, output), static_cast<double>(state.range(1)) / 10);
}
BENCHMARK(loop_output)
    ->ArgNames({"tokens", "tick_ds"})
    ->ArgsProduct({{100, 1000, 10'000}, {1000}})
    ->Unit(benchmark::kMillisecond);

/// Conversations over a prefix cache: what a turn costs does not follow how many blocks are in front of it. `size` is
/// how many tokens a turn adds, of which a conversation has twenty.
void loop_conversations(benchmark::State& state) {
  constexpr double kTurnsPerSecond = 2e5;
  const auto size = static_cast<double>(state.range(0));
  double done = 0, prompt = 0;
  for (auto _ : state) {
    static const Arrivals none;
    sim::Input input = input_of(none, 100);
    input.deployments.front().prefix_cache = true;
    input.deployments.front().engine.limits.block_size = state.range(1);
    auto& stream = input.streams.front();
    const sim::SessionShape shape{{sim::Constant{20}, {}, {}},
                                  {sim::Exponential{30}, {}, {}},
                                  {sim::Constant{size}, {}, {}},
                                  {sim::Constant{100}, {}, {}}};
    stream.source = sim::user_sessions_source(8, shape, stream.key);
    input.duration = sim::picoseconds(8 * 3600);
    const auto results = sim::simulate(std::move(input), sim::Stepping::macro);
    done += results.summary.at("requests").at("completed").get<double>();
    prompt = results.summary.at("tokens").at("prompt").get<double>() /
             results.summary.at("requests").at("submitted").get<double>();
  }
  report(state, "turns", done, kTurnsPerSecond);
  state.counters["prompt_tokens"] = prompt;
}
BENCHMARK(loop_conversations)
    ->ArgNames({"size", "block"})
    ->ArgsProduct({{50, 4000}, {1, 16}})
    ->Unit(benchmark::kMillisecond);

}  // namespace
}  // namespace tokwatt::bench
