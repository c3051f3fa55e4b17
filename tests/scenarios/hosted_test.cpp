// Deployments that somebody else hosts, as they are written.
#include <fmt/format.h>

#include <fstream>
#include <nlohmann/json.hpp>

#include "scenarios/plan/planning.hpp"
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

TEST_CASE("a free tier is free: in a run, beside one, and in months of it", "[hosted]") {
  const cli::Scratch folder;
  const auto write = [&](const std::string& name, const std::string& text) {
    std::ofstream(folder.path() / name) << text;
    return (folder.path() / name).string();
  };
  const std::string prices = "prices: [{input: 1 USD/Mtok, output: 1 USD/Mtok}]\n";
  const std::string head = "provider: somebody\nmodel: toy\n" + prices;
  const auto sheet = write("tier.yaml", "id: tier\n" + head + "free_tier: {tokens_per_day: 100000}\n");
  const auto plain = write("plain.yaml", "id: plain\n" + head);
  const auto cost = [&](const std::string& api) {
    const auto s = sim::simulate(loaded("api: {" + api + ", ttft: 1 s, speed: 100/s}").input).summary;
    CHECK(s["tokens"]["output"].get<double>() > 30'000);
    return s["cost_usd"]["api"].get<double>();
  };
  const double whole = cost("sheet: " + plain);
  CHECK(cost("sheet: " + sheet) == Approx(whole - 0.1));
  CHECK(cost("sheet: " + plain + ", free_tier: {tokens_per_month: 100000}") == Approx(whole - 0.1));
  CHECK(cost("sheet: " + sheet + ", free_tier: {requests_per_day: 1000000}") == 0);
  CHECK_THAT(wrong("api: {sheet: gpt-5-mini, free_tier: {token_per_day: 5}}"),
             Contains("did you mean \"tokens_per_day\"?"));

  // The same tokens of a box's run: what compare and a plan say of them.
  const auto desk = write("desk.yaml", scenarios::kGood);
  const auto said = cli::tokwatt({"compare", desk, "--system", "spark", "--api", sheet + "," + plain, "-o", "json"});
  REQUIRE(said.code == cli::kDone);
  const auto asked = nlohmann::json::parse(said.out)[0]["api_usd"];
  CHECK(asked["plain"].get<double>() - asked["tier"].get<double>() == Approx(0.1));
  const auto plan = cli::tokwatt({"run", desk, "--quiet", "--interval", "off", "--summary", "json", "--set",
                                  "prices={electricity: 0.1 USD/kWh}", "--set",
                                  "plan={months: 2, days_per_month: 20, against: [" + sheet + ", " + plain + "]}"});
  INFO(plan.err);
  REQUIRE(plan.code == cli::kDone);
  const auto against = nlohmann::json::parse(plan.out)["plan"]["against"];
  CHECK(against["plain"]["cost_usd"]["value"].get<double>() - against["tier"]["cost_usd"]["value"].get<double>() ==
        Approx(40 * 0.1));
}

TEST_CASE("months of a hosted model cost what its days do, its free tier by the month with them", "[hosted]") {
  const auto plan = [](const std::string& tier) {
    auto l = loaded("api: {sheet: gpt-5-mini, ttft: 1 s, speed: 100/s" + tier + "}",
                    "plan: {months: 3, days_per_month: 20, shocks: [{month: 3, api: x2}]}");
    auto results = sim::simulate(std::move(l.input));
    add_plan(*l.planning, results);
    return results.summary;
  };
  const auto s = plan("");
  const double day = s["cost_usd"]["api"].get<double>();
  CHECK(s["plan"]["api_usd"].get<double>() == Approx(80 * day));
  CHECK(s["plan"]["cost_usd"]["value"].get<double>() == Approx(80 * day));
  CHECK(s["plan"]["tok_s_per_usd"].is_null());
  const auto completed = s["requests"]["completed"].get<double>();
  const auto with_tier = plan(", free_tier: {requests_per_month: " + fmt::format("{:.0f}", completed * 10) + "}");
  CHECK(with_tier["plan"]["api_usd"].get<double>() == Approx(40 * day).epsilon(0.01));
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
