#include "scenarios/intervals.hpp"

#include <cmath>
#include <nlohmann/json.hpp>

#include "models/tuning.hpp"
#include "sim/simulation.hpp"
#include "tests/catch.hpp"

using namespace tokwatt;
using scenarios::Loaded;

namespace {

const char* const kTwelvePeople = R"(
seed: 3
duration: 20 min
systems: {desk: {sheet: dgx-spark}}
deployments: {assistant: {model: gpt-oss-120b, quant: mxfp4, engine: vllm, runs_on: desk}}
workload:
  - {name: people, to: assistant, users: 12, think: {exponential: 20 s}, prompt: 900, output: {uniform: [100, 300]}}
prices: {electricity: 0.15 USD/kWh}
)";

Loaded loaded(const std::vector<std::string>& sets = {}) {
  return scenarios::load_text("scenario", kTwelvePeople, ".", sets);
}

nlohmann::ordered_json intervals_of(const std::vector<std::string>& sets, int64_t draws) {
  const auto run = sim::simulate(loaded(sets).input);
  return scenarios::interval90(
      run.summary, [&] { return loaded(sets); }, draws);
}

double width(const nlohmann::ordered_json& interval) {
  return std::log(interval[1].get<double>() / interval[0].get<double>());
}

}  // namespace

TEST_CASE("intervals hold the run's own answer and are equal each time", "[intervals]") {
  const auto run = sim::simulate(loaded().input);
  const auto load = [] { return loaded(); };
  const auto bars = scenarios::interval90(run.summary, load, 16);
  for (const char* key : {"mean", "p50", "p95"}) {
    const double point = run.summary["ttft_s"][key].get<double>();
    const auto& bar = bars.at(std::string("ttft_s.") + key);
    CHECK(bar[0].get<double>() < point);
    CHECK(point < bar[1].get<double>());
  }
  CHECK(width(bars.at("power_w.wall.mean")) > 0.1);
  CHECK(width(bars.at("power_w.wall.mean")) < 0.6);
  CHECK(bars.contains("cost_usd.electricity"));
  CHECK_FALSE(bars.contains("requests.rejected"));  // none is, whatever the draw
  CHECK(scenarios::interval90(run.summary, load, 16) == bars);
}

TEST_CASE("an engine that is less well known has wider intervals", "[intervals]") {
  // The same box and model: vLLM was measured on it, TensorRT-LLM was not.
  const auto known = intervals_of({}, 16);
  const auto unknown = intervals_of({"deployments.assistant.engine=tensorrt-llm"}, 16);
  CHECK(width(unknown.at("ttft_s.mean")) > width(known.at("ttft_s.mean")));
}

TEST_CASE("what the fit leaves over changes speed, and no efficiency exceeds 1", "[intervals]") {
  models::Tuning tuning;
  tuning.memory_efficiency = 0.8;
  tuning.compute_efficiency = 0.5;
  tuning.kernel_dispatch = 1e-6;
  tuning.spread_prefill = 0.2;
  tuning.spread_decode = 0.1;
  const auto quick = models::with_residual(tuning, 1, 3);
  CHECK(quick.compute_efficiency == Approx(0.5 * std::exp(0.2)));
  CHECK(quick.memory_efficiency == 1);
  CHECK(quick.kernel_dispatch == Approx(1e-6 * std::exp(-0.3)));
  const auto slow = models::with_residual(tuning, -1, -1);
  CHECK(slow.memory_efficiency == Approx(0.8 * std::exp(-0.1)));
  CHECK(slow.compute_efficiency == Approx(0.5 * std::exp(-0.2)));
}

TEST_CASE("an interval is auto, off or a number of draws", "[intervals]") {
  CHECK(scenarios::interval_choice("auto")->only_of_short);
  CHECK(scenarios::interval_choice("off")->draws == 0);
  CHECK(scenarios::interval_choice("40")->draws == 40);
  CHECK_FALSE(scenarios::interval_choice("40")->only_of_short);
  for (const char* wrong : {"", "on", "1", "1001", "-3", "4.5"}) CHECK_FALSE(scenarios::interval_choice(wrong));
}

TEST_CASE("intervals come by themselves for short runs alone", "[intervals]") {
  auto input = loaded().input;
  const double rate = scenarios::ticks_per_second(input);
  CHECK(rate == Approx(1 / input.systems.front().box.governor.tick));
  const auto run = sim::simulate(std::move(input));
  CHECK(scenarios::is_short(run, rate));
  CHECK(scenarios::is_short(run, 100'000 / 1200.0));
  CHECK_FALSE(scenarios::is_short(run, 100'001 / 1200.0));
}
