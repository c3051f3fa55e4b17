#include "scenarios/heat_cost.hpp"

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
  // The hot chip leaks more, and so meets its power limit now and then.
  CHECK(hot["heat_cost"]["e2e_s"].get<double>() == Approx(longer - time).epsilon(1e-3));
}

TEST_CASE("a box that is too slow for another reason pays nothing for heat", "[heat_cost]") {
  auto out = sim::simulate(loaded(-35).input).summary;
  out["limited_by"]["power"] = 0.5;
  scenarios::add_heat_cost(out, []() -> scenarios::Loaded { throw std::logic_error("nothing is to be run again"); });
  CHECK_FALSE(out.contains("heat_cost"));
}
