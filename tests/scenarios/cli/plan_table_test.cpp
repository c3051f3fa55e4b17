#include <nlohmann/json.hpp>

#include "scenarios/cli/layout.hpp"
#include "tests/catch.hpp"
#include "tests/scenarios/cli/scratch.hpp"

namespace tokwatt::cli {

using Catch::Matchers::Contains;

namespace {

const std::string kScenario = TOKWATT_SOURCE_DIR "/scenarios/a-team-that-grows-for-three-years.yaml";

}  // namespace

TEST_CASE("a plan is told in 80 columns, whoever it is compared with", "[cli][plan]") {
  const std::string against = GENERATE(as<std::string>(), "plan.against=[hosted-gpt-oss-120b, gpt-5-mini, rent-h100]",
                                       "plan.against=[hosted-qwen3-30b-a3b-2507, hosted-gpt-oss-120b-fast]");
  const std::string price = GENERATE(as<std::string>(), "prices.hardware=4000 USD", "prices.hardware=12345678 USD");
  const auto said =
      tokwatt({"run", kScenario, "--quiet", "--set", "duration=20 min", "--set", against, "--set", price});
  INFO(said.err);
  REQUIRE(said.code == kDone);
  CHECK(longest_line(said.out) <= kScreen);
  CHECK_THAT(said.out, Contains("Plan: 36 months") && Contains("payback") && Contains("never buy"));
}

TEST_CASE("a plan of years is told by the year, one without rivals without them", "[cli][plan]") {
  const auto said = tokwatt({"run", kScenario, "--quiet", "--set", "duration=20 min", "--set", "plan.months=60",
                             "--set", "plan.against=[]", "--set", "plan.wait=[]"});
  REQUIRE(said.code == kDone);
  CHECK_THAT(said.out, Contains("49-60") && !Contains("payback") && !Contains("never buy"));
}

TEST_CASE("boxes are compared with what APIs ask for the same tokens", "[cli][compare]") {
  const std::string scenario = TOKWATT_SOURCE_DIR "/tests/scenarios/cli/inputs/short.yaml";
  const auto said =
      tokwatt({"compare", scenario, "--system", "spark", "--api", "gpt-5-mini,hosted-gpt-oss-120b", "-o", "json"});
  INFO(said.err);
  REQUIRE(said.code == kDone);
  const auto box = nlohmann::json::parse(said.out)[0];
  const auto& tokens = box["summary"]["tokens"];
  const double prompt = tokens["prompt"], cached = tokens["cached"], output = tokens["output"];
  const double expected = (prompt - cached) * 0.25e-6 + cached * 0.025e-6 + output * 2e-6;
  CHECK_THAT(box["api_usd"]["gpt-5-mini"].get<double>(), Catch::Matchers::WithinRel(expected, 1e-9));
  const auto misspelt = tokwatt({"compare", scenario, "--system", "spark", "--api", "gpt-5-mni"});
  CHECK(misspelt.code == kBadInput);
  CHECK_THAT(misspelt.err, Contains("did you mean \"gpt-5-mini\"?"));
}

}  // namespace tokwatt::cli
