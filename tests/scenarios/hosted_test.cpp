// Deployments that somebody else hosts, as they are written.
#include <fmt/format.h>

#include "scenarios/scenario.hpp"
#include "sim/simulation.hpp"
#include "tests/catch.hpp"
#include "tests/scenarios/cli/scratch.hpp"
#include "tests/scenarios/wrong.hpp"

using namespace tokwatt;
using Catch::Contains;
using scenarios::Loaded;

namespace {

std::string text(const std::string& deployment, const std::string& more = "") {
  return fmt::format(R"({}
duration: 1 h
deployments: {{cloud: {{{}}}}}
workload:
  - {{name: people, to: cloud, users: 5, think: {{exponential: 20 s}}, prompt: 900, output: 300}}
)",
                     more, deployment);
}

Loaded loaded(const std::string& deployment, const std::string& more = "") {
  return scenarios::load_text("cloud.yaml", text(deployment, more), ".", {});
}

std::string wrong(const std::string& deployment, const std::string& more = "") {
  return scenarios::errors_of(text(deployment, more));
}

}  // namespace

TEST_CASE("a hosted model needs no box, and its price is that of the day", "[hosted]") {
  const auto old = loaded("api: {sheet: gpt-5.6-luna}", "start: \"2026-07-01 09:00\"");
  CHECK(old.input.deployments[0].hosted->price.prompt == Approx(1e-6));
  const auto now = loaded("api: {sheet: gpt-5.6-luna}", "start: \"2026-11-23 09:00\"");
  CHECK(now.input.deployments[0].hosted->price.prompt == Approx(0.2e-6));
  CHECK(now.input.deployments[0].hosted->price.cached.value() == Approx(0.02e-6));
  CHECK(loaded("api: {sheet: gpt-5.6-luna}").input.deployments[0].hosted->price.prompt == Approx(0.2e-6));
  CHECK(now.assumed == std::vector<std::string>{"gpt-5.6-luna: speed", "gpt-5.6-luna: ttft"});
  const auto given = loaded("api: {sheet: gpt-5.6-luna, ttft: 1 s, speed: 50/s, requests_per_minute: 3}");
  CHECK(given.assumed.empty());
  CHECK(given.input.deployments[0].hosted->requests_per_minute == 3.0);
}

TEST_CASE("a day with a hosted model costs its tokens", "[hosted]") {
  const auto s = sim::simulate(loaded("api: {sheet: gpt-5-mini, ttft: 1 s, speed: 100/s}").input).summary;
  const double prompt = s["tokens"]["prompt"].get<double>(), output = s["tokens"]["output"].get<double>();
  CHECK(output > 5 * 3000);
  CHECK(s["cost_usd"]["api"].get<double>() == Approx(prompt * 0.25e-6 + output * 2e-6));
  CHECK(s["tpot_s"]["p50"].get<double>() == Approx(0.01));
}

TEST_CASE("what is wrong with a hosted model is said in its place", "[hosted]") {
  CHECK_THAT(wrong("api: {sheet: gpt-5-minni}"), Contains("gpt-5-mini"));
  CHECK_THAT(wrong("api: {sheet: gpt-5-mini}, engine: vllm"), Contains("engine stands beside deployments.cloud.api"));
  CHECK_THAT(wrong("api: {ttft: 1 s}"), Contains("deployments.cloud.api.sheet is missing"));
  CHECK_THAT(wrong("api: {sheet: claude-sonnet-5, speed: 80 tok}"), Contains("speed"));
  CHECK_THAT(wrong("api: {sheet: claude-sonnet-5, speed: 0/s}"), Contains("expected at least 0.01/s"));
  const std::string nothing = wrong("engine: vllm");
  CHECK_THAT(nothing, Contains("deployments.cloud.model is missing"));
  CHECK_THAT(nothing, Contains("systems is missing"));
}

TEST_CASE("questions about boxes say that there is none", "[hosted][cli]") {
  const std::string path = TOKWATT_SOURCE_DIR "/scenarios/the-cloud-instead.yaml";
  CHECK(cli::tokwatt({"compare", path, "--system", "spark"}).code == cli::kUsage);
  const auto capacity = cli::tokwatt({"capacity", path, "--slo", "ttft_p95<2s"});
  CHECK(capacity.code == cli::kInfeasible);
  CHECK_THAT(capacity.err, Contains("no rate limits"));
}
