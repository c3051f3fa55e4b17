// A plan: from a scenario's day to months of it.
#include "scenarios/plan/planning.hpp"

#include <fmt/format.h>

#include <cmath>

#include "sim/simulation.hpp"
#include "tests/catch.hpp"
#include "tests/scenarios/wrong.hpp"

using namespace tokwatt;
using namespace tokwatt::scenarios;
using Catch::Matchers::Contains;
using Catch::Matchers::WithinRel;

namespace {

using Json = nlohmann::ordered_json;

const std::string kPriced =
    kGood + "prices: {electricity: 0.15 USD/kWh, hardware: 4000 USD, resale: 0.5, horizon: 24 months}\n";

sim::Results planned(const std::string& text, const std::vector<std::string>& sets = {}) {
  auto loaded = load_text("desk.yaml", text, "", sets);
  auto results = sim::simulate(std::move(loaded.input));
  REQUIRE(loaded.planning);
  add_plan(*loaded.planning, results);
  return results;
}

double number(const Json& json) { return json.get<double>(); }

}  // namespace

TEST_CASE("a plan of equal days is the day times the days", "[scenarios][plan]") {
  const auto results = planned(kPriced + "plan: {months: 24, days_per_month: 21, against: [gpt-5-mini]}\n");
  const Json& s = results.summary;
  const Json& plan = s["plan"];
  CHECK_THAT(number(plan["electricity_usd"]), WithinRel(24 * 21 * number(s["cost_usd"]["electricity"]), 1e-9));
  CHECK_THAT(number(plan["tokens"]["output"]), WithinRel(24 * 21 * number(s["tokens"]["output"]), 1e-9));
  CHECK_THAT(number(plan["j_per_tok_output"]), WithinRel(number(s["j_per_tok_output"]), 1e-9));
  CHECK(plan["hardware_usd"] == 4000.0);
  CHECK_THAT(number(plan["resale_usd"]["value"]), WithinRel(2000.0, 1e-9));
  CHECK_THAT(number(plan["cost_usd"]["value"]), WithinRel(2000 + number(plan["electricity_usd"]), 1e-9));
  CHECK_THAT(number(plan["cost_usd"]["high"]), WithinRel(2000 + 1.1 * number(plan["electricity_usd"]), 1e-9));
  const double of_run = number(s["tokens"]["prompt"]) * 0.25e-6 + number(s["tokens"]["output"]) * 2e-6 -
                        number(s["tokens"]["cached"]) * (0.25e-6 - 0.025e-6);
  CHECK_THAT(number(plan["against"]["gpt-5-mini"]["cost_usd"]["value"]), WithinRel(24 * 21 * of_run, 1e-9));
  CHECK(plan["days"].size() == 1);
  CHECK(plan["table"].size() == 25);
}

TEST_CASE("the months of the summary are those of the results file", "[scenarios][plan]") {
  const auto results =
      planned(kPriced + "plan: {months: 6, growth: 10 %/month, against: [gpt-5-mini, rent-h100], wait: [2]}\n");
  const auto& group = results.groups.back();
  REQUIRE(group.name == "plan");
  for (const auto& variable : group.variables) {
    if (variable.name == "cumulated") {
      const auto& values = std::get<std::vector<double>>(variable.values);
      REQUIRE(values.size() == 7);
      for (std::size_t m = 0; m < 7; ++m)
        CHECK(values[m] == number(results.summary["plan"]["table"][m]["cumulated_usd"]));
    }
    if (variable.name == "against_cumulated") CHECK(std::get<std::vector<double>>(variable.values).size() == 14);
  }
}

TEST_CASE("requests that grow are simulated at the loads of later months", "[scenarios][plan]") {
  const auto results = planned(kPriced + "plan: {months: 25, growth: 5 %/month}\n");
  const Json& days = results.summary["plan"]["days"];
  REQUIRE(days.size() == 5);
  const int months[] = {1, 7, 13, 19, 25};
  for (std::size_t i = 0; i < 5; ++i) {
    CHECK(days[i]["month"] == months[i]);
    const double asked = std::pow(1.05, months[i] - 1);
    CHECK(std::abs(number(days[i]["load"]) - asked) <= 0.5 / 12);  // twelve users, rounded
    if (i > 0) CHECK(number(days[i]["tokens"]["output"]) > number(days[i - 1]["tokens"]["output"]));
  }
  // The day of month 25 is the scenario with so many users.
  const auto users = std::lround(12 * std::pow(1.05, 24));
  auto alone = load_text("desk.yaml", kPriced, "", {fmt::format("workload.0.users={}", users)});
  const auto tokens = sim::simulate(std::move(alone.input)).summary["tokens"]["output"];
  CHECK(number(days[4]["tokens"]["output"]) == number(tokens));
}

TEST_CASE("every source of requests grows", "[scenarios][plan]") {
  const std::string lengths = "prompt: 800, output: 250}";
  const std::string source = GENERATE(as<std::string>(), "arrivals: {process: poisson, rate: 0.1/s}, ",
                                      "arrivals: {process: poisson, stages: [{rate: 0.1/s, for: 4 h}]}, ",
                                      "users: 10, think: {exponential: 60 s}, ",
                                      "sessions: {rate: 0.02/s, turns: 3, think: {exponential: 30 s}}, ",
                                      "sessions: {users: 4, turns: 3, think: {exponential: 60 s}}, ");
  const auto streams = kPriced.find("workload:"), prices = kPriced.find("prices:");
  const std::string text = kPriced.substr(0, streams) + "workload:\n  - {name: people, to: assistant, " + source +
                           lengths + "\n" + kPriced.substr(prices) + "plan: {months: 3, growth: 41.4213562 %/month}\n";
  CAPTURE(text);
  const auto results = planned(text, {"duration=4 h"});
  const Json& days = results.summary["plan"]["days"];
  REQUIRE(days.size() == 3);
  const double first = number(days[0]["tokens"]["output"]), last = number(days[2]["tokens"]["output"]);
  CHECK(last > 1.75 * first);  // twice, but for the draws of some hundred requests
  CHECK(last < 2.25 * first);
  CHECK(results.summary["plan"]["full_from_month"].is_null());
}

TEST_CASE("a box that cannot do what is asked is said to be full", "[scenarios][plan]") {
  const auto results = planned(kPriced + "plan: {months: 13, growth: 30 %/month}\n");
  const Json& plan = results.summary["plan"];
  REQUIRE(plan["full_from_month"].is_number());
  const Json& last = plan["days"].back();
  CHECK(number(last["carried"]) < 0.9);
  CHECK(number(plan["table"].back()["tokens"]["output"]) <=
        number(last["tokens"]["output"]) * plan["days_per_month"].get<double>() * 1.001);
}

TEST_CASE("a trace that ends early is not taken for a box that is full", "[scenarios][plan]") {
  const auto grown = [](const std::string& text) {
    auto loaded = load_text("desk.yaml", text + "plan: {months: 5, growth: 20 %/month}\n",
                            TOKWATT_SOURCE_DIR "/scenarios/data", {"duration=30 min"});
    auto results = sim::simulate(std::move(loaded.input));
    add_plan(*loaded.planning, results);
    return results.summary["plan"];
  };
  CHECK(grown(kPriced)["trace_ends_month"].is_null());
  const auto streams = kPriced.find("workload:"), prices = kPriced.find("prices:");
  const std::string replay =
      "workload:\n  - {name: replay, to: assistant, trace: azure2023_conv_head12000.csv.gz, speed: 0.1, limit: 900}\n";
  const auto plan = grown(kPriced.substr(0, streams) + replay + kPriced.substr(prices));
  CHECK(plan["trace_ends_month"].is_number());
  CHECK(plan["full_from_month"].is_null());
}

TEST_CASE("seasons of a tariff reach the months of the plan", "[scenarios][plan]") {
  const std::string rules = "tariff: [{price: 0.6 USD/kWh, months: [6, 9]}, {price: 0.2 USD/kWh}]\n";
  const std::string text = "start: \"2026-11-23 09:00\"\n" + kGood + rules + "plan: {months: 12}\n";
  const auto results = planned(text, {"prices.hardware=4000 USD"});
  const Json& table = results.summary["plan"]["table"];
  const double november = number(table[1]["electricity_usd"]);
  CHECK_THAT(number(table[2]["electricity_usd"]), WithinRel(november, 1e-9));
  CHECK_THAT(number(table[8]["electricity_usd"]), WithinRel(3 * november, 1e-9));   // June
  CHECK_THAT(number(table[11]["electricity_usd"]), WithinRel(3 * november, 1e-9));  // September
  CHECK_THAT(number(table[12]["electricity_usd"]), WithinRel(november, 1e-9));
}

TEST_CASE("a run of several days is that many of the plan's", "[scenarios][plan]") {
  const auto results = planned(kPriced + "plan: {months: 1, days_per_month: 30}\n", {"duration=48 h"});
  const double two_days = number(results.summary["cost_usd"]["electricity"]);
  CHECK_THAT(number(results.summary["plan"]["electricity_usd"]), WithinRel(15 * two_days, 1e-9));
}

TEST_CASE("who waits has the cheapest API meanwhile", "[scenarios][plan]") {
  const auto results =
      planned(kPriced +
              "plan: {months: 12, hardware_growth: -2 %/month, against: [gpt-5, gpt-5-mini, rent-h100], wait: [3]}\n");
  const Json& wait = results.summary["plan"]["wait_or_buy"];
  CHECK(wait["meanwhile"] == "gpt-5-mini");
  REQUIRE(wait["rows"].size() == 2);
  CHECK(wait["rows"][0]["cost_usd"] == results.summary["plan"]["cost_usd"]);
  CHECK_THAT(number(wait["rows"][1]["price_usd"]), WithinRel(4000 * std::pow(0.98, 3), 1e-9));
  CHECK(wait["never_usd"] == results.summary["plan"]["against"]["gpt-5-mini"]["cost_usd"]);
}

TEST_CASE("what is wrong with a plan is said at its place, all at once", "[scenarios][plan]") {
  const auto errors = [](const std::string& plan) { return errors_of(kPriced + "plan: " + plan + "\n"); };
  CHECK_THAT(errors("{against: [gpt-5-mni]}"),
             Contains("plan.against is \"gpt-5-mni\"; no API or rental has this name; did "
                      "you mean \"gpt-5-mini\"?"));
  CHECK_THAT(errors("{against: [rent-h10]}"), Contains("did you mean \"rent-h100\"?"));
  CHECK_THAT(errors("{against: [gpt-5, gpt-5]}"), Contains("has gpt-5 twice"));
  CHECK_THAT(errors("{shocks: [{month: 3, hardware: 40 %}]}"), Contains("expected a change such as \"+40 %\""));
  CHECK_THAT(errors("{shocks: [{month: 3, api: xinf}, {month: 4, api: x1e999}, {month: 5, hardware: \"\"}]}"),
             Contains("xinf") && Contains("x1e999"));
  CHECK_THAT(errors("{shocks: [{month: 3, hardware: -101 %}]}"), Contains("-101 %"));
  CHECK_THAT(errors("{shocks: [{month: 3}]}"), Contains("a shock of nothing"));
  CHECK_THAT(errors("{months: 12, shocks: [{month: 13, api: x2}]}"), Contains("expected one within it"));
  CHECK_THAT(errors("{growth: 5 %}"), Contains("5 %/month"));
  CHECK_THAT(errors("{months: 360, growth: 50 %/month}"), Contains("times the requests by month 360"));
  CHECK_THAT(errors("{resale: [{month: 12, low: 0.5, high: 0.4}, {month: 6, low: 0, high: 0}]}"),
             Contains("low of a resale is above its high") && Contains("not after the one before"));
  CHECK_THAT(errors("{wait: [3]}"), Contains("plan.wait needs somebody"));
  CHECK_THAT(errors("{wait: [3.5], against: [gpt-5]}"), Contains("expected whole months"));
  CHECK_THAT(errors("{months: 3, wait: [3], against: [gpt-5]}"), Contains("fewer than plan.months (3)"));
  CHECK_THAT(errors("{financing: {rate: 8 %, months: 12}}"), Contains("%/year"));
  CHECK_THAT(errors_of(kGood + "plan: {}\nprices: {hardware: 1 USD}\n"), Contains("plan needs a price of electricity"));
  CHECK_THAT(errors_of(with("duration: 1 h", "until: drained") + "plan: {}\n"), Contains("plan needs a duration"));
  CHECK_THAT(errors_of(with("duration: 1 h", "duration: 24 h") +
                       "prices: {electricity: 1 USD/kWh}\nplan: {days_per_month: 31}\n"),
             Contains("more than a month's"));
  CHECK_THAT(errors_of(with("{sheet: dgx-spark}", "{sheet: dgx-spark, rental: 1 USD/h}") + "plan: {}\n"),
             Contains("a plan of rented boxes is not built yet"));
  const std::string two = errors("{growth: 1, against: [nobody], cooling: 0.5}");
  CHECK_THAT(two, Contains("growth") && Contains("nobody") && Contains("cooling"));
}

TEST_CASE("an API that was not sold yet has no price", "[scenarios][plan]") {
  const std::string text = "start: \"2025-02-07 09:00\"\n" + kPriced + "plan: {months: 2, against: [deepseek-chat]}\n";
  const auto results = planned(text);
  // 0.28 USD/Mtok until 2025-02-08, then 1.1: months begin on the 7th
  const Json& s = results.summary;
  const double prompt = number(s["tokens"]["prompt"]), output = number(s["tokens"]["output"]);
  const double days = 730.5 / 24;
  CHECK_THAT(number(s["plan"]["against"]["deepseek-chat"]["cost_usd"]["value"]),
             WithinRel(days * (prompt * (0.14e-6 + 0.27e-6) + output * (0.28e-6 + 1.1e-6)), 1e-9));
}
