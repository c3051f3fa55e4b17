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
  CHECK_THAT(said.out, Contains("In brackets: sold for ") && Contains("energy ") && Contains("first token, p95"));
}

TEST_CASE("a plan of years is told by the year, one without rivals without them", "[cli][plan]") {
  const auto said = tokwatt({"run", kScenario, "--quiet", "--set", "duration=20 min", "--set", "plan.months=60",
                             "--set", "plan.against=[]", "--set", "plan.wait=[]"});
  REQUIRE(said.code == kDone);
  CHECK_THAT(said.out, Contains("49-60") && !Contains("payback") && !Contains("never buy"));
}

TEST_CASE("a plan of rented boxes is told by its rent, in 80 columns", "[cli][plan]") {
  const std::string rented = "systems.desk={sheet: dgx-spark, rental: 0.8 USD/h}";
  const auto said =
      tokwatt({"run", input("short.yaml"), "--quiet", "--set", rented, "--set", "prices={horizon: 24 months}", "--set",
               "plan={months: 12, against: [hosted-qwen3-30b-a3b-2507, rent-h100]}"});
  INFO(said.err);
  REQUIRE(said.code == kDone);
  CHECK(longest_line(said.out) <= kScreen);
  CHECK_THAT(said.out, Contains("month  Mtok out  rent") && Contains("dearer by") && !Contains("payback"));
  CHECK_THAT(said.out, !Contains("would fetch"));
}

TEST_CASE("a box that costs less for fewer answers is said to write fewer", "[cli][compare][plan]") {
  const auto said =
      tokwatt({"compare", input("short.yaml"), "--system", "spark,rtx-pro-6000", "--set",
               "prices={electricity: 0.5 USD/kWh}", "--set", "plan={months: 12}", "--set", "workload.0.users=60"});
  REQUIRE(said.code == kDone);
  CHECK_THAT(said.out, Catch::Matches("[^]*Over 12 months A costs [0-9,]+ USD less than B, and\\s+writes [0-9]+ % "
                                      "of\\s+its tokens[^]*"));
}

TEST_CASE("boxes under a plan: which costs less, and from when on", "[cli][compare][plan]") {
  const auto compared = [](const std::string& plan, const std::string& output) {
    return tokwatt({"compare", input("short.yaml"), "--system", "spark,rtx-pro-6000", "--set",
                    "prices={electricity: 0.5 USD/kWh}", "--set", "plan=" + plan, "-o", output});
  };
  const auto said = compared("{months: 12, growth: 5 %/month}", "table");
  INFO(said.err);
  REQUIRE(said.code == kDone);
  CHECK(longest_line(said.out) <= kScreen);
  CHECK_THAT(said.out, Contains("plan, in all") && Contains("plan, a month") && Contains("Over 12 months"));
  const auto json = nlohmann::json::parse(compared("{months: 12, resale: [{month: 12, low: 0, high: 0}]}", "json").out);
  const auto& months = json[1]["plan_no_dearer_than_first"];
  std::vector<double> difference;
  for (std::size_t m = 0; m <= 12; ++m) {
    const auto so_far = [&](int box) {
      const auto& row = json[box]["summary"]["plan"]["table"][m];
      return row["cumulated_usd"].get<double>() - row["resale_usd"]["value"].get<double>();
    };
    difference.push_back(so_far(1) - so_far(0));
  }
  if (difference.back() > 0) {
    CHECK(months["from_month_if_sold"].is_null());
  } else {
    const auto from = months["from_month_if_sold"].get<std::size_t>();
    for (std::size_t m = from; m <= 12; ++m) CHECK(difference[m] <= 0);
  }
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
