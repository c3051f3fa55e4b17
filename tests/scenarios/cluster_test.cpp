// Several devices, from the words of a scenario to rates that people have measured.
#include <fmt/format.h>

#include "scenarios/scenario.hpp"
#include "sim/simulation.hpp"
#include "tests/catch.hpp"
#include "tests/scenarios/wrong.hpp"

using namespace tokwatt;
using namespace tokwatt::scenarios;

TEST_CASE("words of placement, routing and scheduling mean what they say", "[scenarios][cluster]") {
  using sim::Routing;
  using sim::Scheduling;
  const auto deployment = [](const std::string& key) {
    return std::move(
        load_text("desk.yaml", with("runs_on: desk", "runs_on: desk, " + key), "", {}).input.deployments[0]);
  };
  CHECK(deployment("routing: round-robin").routing == Routing::round_robin);
  CHECK(deployment("routing: prefix-aware").routing == Routing::prefix_aware);
  CHECK(deployment("routing: least-loaded").routing == Routing::least_loaded);
  CHECK(deployment("replicas: 1").routing == Routing::least_loaded);
  CHECK(deployment("scheduling: priority").scheduling == Scheduling::priority);
  CHECK(deployment("scheduling: shortest-first").scheduling == Scheduling::shortest_first);
  CHECK(deployment("replicas: 1").scheduling == Scheduling::fcfs);
  const auto urgent = load_text("desk.yaml", with("users: 12", "users: 12, priority: -3"), "",
                                {"deployments.assistant.scheduling=priority"});
  CHECK(urgent.input.streams[0].priority == -3);
}

TEST_CASE("a link is as fast as its sheet says, in a box and between boxes", "[scenarios][cluster]") {
  std::string text = with("engine: vllm, runs_on: desk", "engine: vllm, runs_on: [a, b], tensor_parallel: 2");
  text.replace(text.find("desk: {sheet: dgx-spark}"), 24, "{a: {sheet: spark}, b: {sheet: spark}}");
  const auto in = load_text("desk.yaml", text + "links: [{between: [b, a], type: tb5-tcp}]\n", "", {}).input;
  REQUIRE(in.cables.size() == 1);
  CHECK(in.cables[0].link.bandwidth == 6e9);
  CHECK(in.cables[0].link.latency == Approx(300e-6));
  const auto box = load_text("desk.yaml", with("{sheet: dgx-spark}", "{sheet: dgx-spark, link: cx7}"), "", {}).input;
  REQUIRE(box.systems[0].link);
  CHECK(box.systems[0].link->bandwidth == 21e9);
  CHECK(box.systems[0].link->latency == Approx(30e-6));
}

namespace {

/// Tokens per second of one person's answer behind a prompt of so many tokens.
double decode_rate(const std::string& box, int devices, const std::string& link, const std::string& served,
                   int64_t prompt) {
  const std::string text = fmt::format(
      "until: drained\n"
      "systems: {{desk: {{sheet: {}, count: {}, link: {}}}}}\n"
      "deployments: {{a: {{{}, runs_on: desk, tensor_parallel: {}}}}}\n"
      "workload: [{{name: s, to: a, prompt: {}, output: 128,\n"
      "  arrivals: {{process: constant, stages: [{{rate: 1/s, for: 1 s}}]}}}}]\n",
      box, devices, link, served, devices, prompt);
  const auto summary = sim::simulate(std::move(load_text("one.yaml", text, "", {}).input)).summary;
  return 1 / summary["tpot_s"]["mean"].get<double>();
}

}  // namespace

// Rows of the published measurements with tp; none of them is in the fit, but for MLX's overhead of an all-reduce.
TEST_CASE("tensor parallelism is as fast as people have measured it", "[scenarios][cluster][truth]") {
  const std::string qwen = "model: qwen3.6-27b, quant: awq-int4, engine: vllm";
  CHECK(decode_rate("rtx-3090", 4, "pcie4", qwen, 512) == Approx(75.3).epsilon(0.15));
  CHECK(decode_rate("rtx-3090", 4, "pcie4", qwen, 65'536) == Approx(64.2).epsilon(0.15));
  CHECK(decode_rate("rtx-3090", 4, "pcie4", "model: qwen3.6-27b, quant: fp8, engine: vllm", 512) ==
        Approx(55.1).epsilon(0.15));
  CHECK(decode_rate("spark", 2, "cx7", "model: qwen3-235b-a22b, quant: gptq-int4, engine: vllm", 512) ==
        Approx(17).epsilon(0.35));
  const std::string mlx = "model: qwen2.5-32b, quant: mlx-6bit, engine: mlx", mac = "mac-studio-m3-ultra-80c-512";
  CHECK(decode_rate(mac, 2, "tb5", mlx, 16'384) == Approx(17.7).epsilon(0.15));
  CHECK(decode_rate(mac, 4, "tb5", mlx, 16'384) == Approx(19.1).epsilon(0.15));
}
