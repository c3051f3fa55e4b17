#include "scenarios/heat_cost.hpp"

#include <nlohmann/json.hpp>

#include "sim/simulation.hpp"
#include "tests/catch.hpp"

using namespace tokwatt;

namespace {

// Agents that hardly wait: what they get is what the box gives.
const char* const kBusy = R"(
duration: 20 min
systems: {desk: {sheet: dgx-spark}}
deployments: {assistant: {model: gpt-oss-120b, quant: mxfp4, engine: vllm, runs_on: desk}}
workload: [{name: agents, to: assistant, users: 16, think: 1 s, prompt: 3000, output: 200}]
environment: {ambient: 20 degC}
)";

// 42 W is what its chassis sheds; the power limit is far above.
const char* const kLaptop = R"(
duration: 20 min
systems: {laptop: {sheet: macbook-pro-14-m5-max}}
deployments: {coder: {model: qwen3-coder-30b-a3b, quant: q4_k_m, engine: llama.cpp-metal, runs_on: laptop}}
workload: [{name: agent, to: coder, users: 1, think: 0.1 s, prompt: 6000, output: 250}]
)";

scenarios::Loaded loaded(double ambient) {
  return scenarios::load_text("scenario", kBusy, ".", {"environment.ambient=" + std::to_string(ambient) + " degC"});
}

nlohmann::ordered_json summary(double ambient) {
  auto out = sim::simulate(loaded(ambient).input).summary;
  scenarios::add_heat_cost(out, [=] { return loaded(ambient); });
  return out;
}

}  // namespace

TEST_CASE("what heat cost is what a box in the cold does more", "[heat_cost]") {
  const auto cold = summary(-35), hot = summary(45);
  REQUIRE_FALSE(cold.contains("heat_cost"));  // it never came to where the clock minds
  const double rate = cold["throughput_tok_s"]["output"], less = hot["throughput_tok_s"]["output"];
  const double time = cold["e2e_s"]["mean"], longer = hot["e2e_s"]["mean"];
  REQUIRE(less < 0.99 * rate);
  CHECK(hot["heat_cost"]["output_fraction"].get<double>() == Approx(1 - less / rate).epsilon(1e-3));
  // Neither of the cool chips leaks as the other does, and so each meets its power limit at other times.
  CHECK(hot["heat_cost"]["e2e_s"].get<double>() == Approx(longer - time).epsilon(1e-3));
}

TEST_CASE("where heat lowers the clock for good, it costs what the clock is down", "[heat_cost]") {
  const auto laptop = [] { return scenarios::load_text("scenario", kLaptop, ".", {}); };
  auto out = sim::simulate(laptop().input).summary;
  REQUIRE(out["throttled_s"] > 900);
  scenarios::add_heat_cost(out, laptop);
  // A hot chip's leakage must not stand in for the trip: steps that computing bounds are slower by clock over clock.
  const double part = out["heat_cost"]["output_fraction"], bound = out["limited_by"]["heat"];
  CHECK(part > 0.03);
  CHECK(part == Approx(bound).epsilon(0.3));
}

TEST_CASE("a box that is too slow for another reason pays nothing for heat", "[heat_cost]") {
  auto out = sim::simulate(loaded(-35).input).summary;
  out["limited_by"]["power"] = 0.5;
  scenarios::add_heat_cost(out, []() -> scenarios::Loaded { throw std::logic_error("nothing is to be run again"); });
  CHECK_FALSE(out.contains("heat_cost"));
}
