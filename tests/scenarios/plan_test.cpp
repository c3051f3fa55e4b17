// A plan: from a scenario's day to months of it.
#include "scenarios/plan/planning.hpp"

#include <fmt/format.h>

#include <cmath>
#include <nlohmann/json.hpp>

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

TEST_CASE("joules of a plan go into the tokens of boxes, as those of its run do", "[scenarios][plan]") {
  const std::string both = with("deployments:\n", "deployments:\n  cloud: {api: {sheet: gpt-5-mini}}\n") +
                           "  - {name: others, to: cloud, users: 9, think: 20 s, prompt: 900, output: 300}\n"
                           "prices: {electricity: 0.15 USD/kWh, hardware: 4000 USD, resale: 0.5, horizon: 24 months}\n"
                           "plan: {months: 24, days_per_month: 21}\n";
  const Json s = planned(both).summary;
  REQUIRE(number(s["deployments"]["cloud"]["tokens"]["output"]) > 1000);
  CHECK_THAT(number(s["plan"]["j_per_tok_output"]), WithinRel(number(s["j_per_tok_output"]), 1e-9));
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
    CHECK(number(days[i]["load"]) == Approx(asked));
    if (i > 0) CHECK(number(days[i]["tokens"]["output"]) > number(days[i - 1]["tokens"]["output"]));
  }
  // The day of month 25 lies between the scenario with 38 users and that with 39.
  const auto tokens = [](int users) {
    auto alone = load_text("desk.yaml", kPriced, "", {fmt::format("workload.0.users={}", users)});
    return number(sim::simulate(std::move(alone.input)).summary["tokens"]["output"]);
  };
  const double users = 12 * std::pow(1.05, 24);
  const auto fewer = static_cast<int>(users);
  CHECK(fewer == 38);
  CHECK(number(days[4]["tokens"]["output"]) == Approx(tokens(38) + (users - 38) * (tokens(39) - tokens(38))));
}

TEST_CASE("streams that grow apart from users grow by what is asked", "[scenarios][plan]") {
  // One user, and calls beside that are most of the tokens.
  const auto at = kPriced.find("workload:"), prices = kPriced.find("prices:");
  const std::string text = kPriced.substr(0, at) +
                           "workload:\n  - {name: one, to: assistant, users: 1, think: 60 s, prompt: 100, output: 10}\n"
                           "  - {name: calls, to: assistant, arrivals: {process: constant, rate: 0.1/s}, prompt: 500, "
                           "output: 100}\n" +
                           kPriced.substr(prices) + "plan: {months: 36, growth: 1 %/month}\n";
  const Json table = planned(text).summary["plan"]["table"];
  CHECK(number(table[36]["tokens"]["output"]) / number(table[1]["tokens"]["output"]) ==
        Approx(std::pow(1.01, 35)).epsilon(0.01));
}

TEST_CASE("a small stream of users grows by what is asked, not by a large one's fraction", "[scenarios][plan]") {
  const auto at = kPriced.find("workload:"), prices = kPriced.find("prices:");
  const auto text = [&](int heavy) {
    return kPriced.substr(0, at) +
           "workload:\n  - {name: light, to: assistant, users: 49, think: 60 s, prompt: 10, output: 2}\n" +
           fmt::format("  - {{name: heavy, to: assistant, users: {}, think: 60 s, prompt: 500, output: 1000}}\n",
                       heavy) +
           kPriced.substr(prices);
  };
  const auto heavy_tokens = [&](int heavy) {
    auto day = load_text("desk.yaml", text(heavy), "", {});
    return number(sim::simulate(std::move(day.input)).summary["workload"]["heavy"]["tokens"]["output"]);
  };
  const double grown = heavy_tokens(2) / heavy_tokens(1) - 1;
  const auto grows = [&](const std::string& growth) {
    const Json table = planned(text(1) + "plan: {months: 2, growth: " + growth + "}\n").summary["plan"]["table"];
    return number(table[2]["tokens"]["output"]) / number(table[1]["tokens"]["output"]);
  };
  CHECK(grows("1 %/month") == Approx(1 + 0.01 * grown).epsilon(0.005));
  // Below one user the others draw what they draw.
  CHECK(grows("-10 %/month") == Approx(0.9).epsilon(0.005));
  const Json fewer = planned(text(1) + "plan: {months: 2, growth: -50 %/month}\n").summary["plan"];
  CHECK(number(fewer["days"][1]["load"]) == 0.5);
  CHECK(number(fewer["days"][1]["energy_j"]) < number(fewer["days"][0]["energy_j"]));
}

TEST_CASE("one person's requests grow between those of one and of two", "[scenarios][plan]") {
  const auto of_users = [](int users) {
    auto day = load_text("desk.yaml", kPriced, "", {fmt::format("workload.0.users={}", users)});
    return number(sim::simulate(std::move(day.input)).summary["tokens"]["output"]);
  };
  const auto grown = [](const std::string& growth) {
    const auto results = planned(kPriced + "plan: {months: 36, growth: " + growth + "}\n", {"workload.0.users=1"});
    const auto& table = results.summary["plan"]["table"];
    return number(table[36]["tokens"]["output"]) / number(table[1]["tokens"]["output"]);
  };
  CHECK(grown("1 %/month") == Approx(1 + (std::pow(1.01, 35) - 1) * (of_users(2) / of_users(1) - 1)));
  CHECK(grown("-1 %/month") == Approx(std::pow(0.99, 35)));
}

TEST_CASE("a plan's run is a day, or whole days", "[scenarios][plan]") {
  CHECK_THAT(
      errors_of(kPriced + "plan: {months: 3, days_per_month: 21}\n", {"duration=36 h"}),
      Catch::Matchers::Contains("plan has a run of 36 h; expected a day of at most 24 h, or whole days, such as 48 h"));
  CHECK(errors_of(kPriced + "plan: {months: 3, days_per_month: 21}\n", {"duration=48 h"}).empty());
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

TEST_CASE("a tariff that is free while the run lasts is not for ever", "[scenarios][plan]") {
  const std::string rules = "tariff: [{price: 0 USD/kWh, months: [11, 11], hours: [8, 20]}, {price: 0.2 USD/kWh}]\n";
  const auto results = planned(
      "start: \"2026-11-23 09:00\"\n" + kGood + rules + "plan: {months: 2, days_per_month: 20, power_between: 30 W}\n",
      {"prices.hardware=4000 USD", "duration=1 h"});
  const Json& table = results.summary["plan"]["table"];
  const double day = number(results.summary["energy_j"]["wall"]) / 3.6e6, between = 0.03 * (730.5 - 20);  // [kWh]
  CHECK(results.summary["cost_usd"]["electricity"] == 0.0);
  CHECK(number(table[1]["electricity_usd"]) > 0.4 * between * 0.2);  // the nights, and the hours around the runs
  CHECK(number(table[1]["electricity_usd"]) < between * 0.2);
  CHECK_THAT(number(table[2]["electricity_usd"]), WithinRel((20 * day + between) * 0.2, 1e-6));  // December
}

TEST_CASE("what the timeline asks for electricity is not the price between the runs", "[scenarios][plan]") {
  const std::string spike = "timeline: [{at: 10 min, for: 20 min, set: {prices.electricity: 5 USD/kWh}}]\n";
  const auto results = planned(kGood + "prices: {electricity: 0.2 USD/kWh, hardware: 4000 USD}\n" + spike +
                                   "plan: {months: 1, days_per_month: 20, power_between: 30 W}\n",
                               {"duration=1 h"});
  const double day = number(results.summary["cost_usd"]["electricity"]);
  CHECK_THAT(number(results.summary["plan"]["electricity_usd"]), WithinRel(20 * day + 0.03 * (730.5 - 20) * 0.2, 1e-6));
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

TEST_CASE("a plan of a rented box is its rent, for the hours of its days or for whole months", "[scenarios][plan]") {
  const std::string rented = with("{sheet: dgx-spark}", "{sheet: dgx-spark, rental: rent-h100}");
  const std::string terms = "plan: {months: 12, days_per_month: 20, against: [rent-h100, gpt-5-mini], rent: ";
  const Json plan = planned(rented + terms + "use}\n").summary["plan"];
  CHECK_THAT(number(plan["rent_usd"]), WithinRel(12 * 20 * 2.95, 1e-9));
  for (const char* key : {"price_usd", "hardware_usd", "electricity_usd", "cooling_usd", "debt_usd"})
    CHECK(plan[key] == 0.0);
  CHECK(plan["resale_usd"]["high"] == 0.0);
  CHECK(plan["tok_s_per_usd"].is_null());
  CHECK(plan["energy_spread"]["from"] == "nothing is bought");
  // The same device of the same offers: neither is cheaper, at no end of the range.
  const Json& same = plan["against"]["rent-h100"];
  for (const char* end : {"value", "low", "high"})
    CHECK_THAT(number(plan["cost_usd"][end]), WithinRel(number(same["cost_usd"][end]), 1e-9));
  CHECK_THAT(number(plan["usd_per_month"]), WithinRel(20 * 2.95, 1e-9));
  CHECK(same["saved_usd_per_month"] == 0.0);
  for (const char* end : {"value", "low", "high"}) CHECK(same["break_even_month"][end] == 0);
  CHECK(plan["against"]["gpt-5-mini"]["break_even_month"]["value"].is_null());  // dearer than those tokens, always
  CHECK(same["payback_month"]["value"].is_null());                              // nothing was paid
  const Json whole = planned(rented + terms + "month}\n").summary["plan"];
  CHECK_THAT(number(whole["rent_usd"]), WithinRel(12 * 730.5 * 2.95, 1e-9));
}

TEST_CASE("what a box fetches is of its age, with a range where only its sheet says so", "[scenarios][plan]") {
  const auto fetched = [](const std::string& prices, const std::string& months) {
    return planned(kGood + "prices: {electricity: 0.15 USD/kWh, hardware: 1000 USD" + prices +
                   "}\nplan: {months: " + months + "}\n");
  };
  const Json two = fetched("", "24").summary, five = fetched("", "60").summary;
  const double left = load_text("desk.yaml", kGood, "", {}).input.systems[0].box.price.resale_per_year;
  const auto after = [](const Json& s, const char* end) { return number(s["plan"]["resale_usd"][end]); };
  CHECK_THAT(after(two, "value"), WithinRel(1000 * left * left, 1e-9));
  CHECK_THAT(after(five, "value"), WithinRel(1000 * std::pow(left, 5), 1e-9));
  CHECK_THAT(after(five, "low"), WithinRel(1000 * std::pow(left - 0.1, 5), 1e-9));
  CHECK_THAT(after(five, "high"), WithinRel(1000 * std::pow(left + 0.1, 5), 1e-9));
  const auto assumes = [](const Json& s) {
    const auto& all = s["assumed"];
    return std::find(all.begin(), all.end(), "plan: resale") != all.end();
  };
  CHECK(assumes(two));
  CHECK_THAT(number(two["cost_usd"]["hardware"]),  // the horizon is of three years
             WithinRel(1000 * (1 - std::pow(left, 3)) / (3 * 365.25 * 86'400) * number(two["duration_s"]), 1e-6));
  const Json said = fetched(", resale: 0.5, horizon: 24 months", "12").summary;
  CHECK_THAT(after(said, "low"), WithinRel(750.0, 1e-9));
  CHECK_THAT(after(said, "high"), WithinRel(750.0, 1e-9));
  CHECK_FALSE(assumes(said));
}

TEST_CASE("where new boxes get dearer, the other terms of resale are said too", "[scenarios][plan]") {
  const auto plan = [](const char* follows) {
    return planned(kPriced + "plan: {months: 24, resale_follows: " + follows +
                   ", shocks: [{month: 7, hardware: x2}]}\n")
        .summary["plan"];
  };
  const Json replacement = plan("replacement"), purchase = plan("purchase");
  CHECK(replacement["resale"]["follows"] == "replacement");
  CHECK(replacement["resale"]["otherwise"]["follows"] == "purchase");
  CHECK(replacement["resale"]["otherwise"]["cost_usd"] == purchase["cost_usd"]);
  CHECK(purchase["resale"]["otherwise"]["cost_usd"] == replacement["cost_usd"]);
  CHECK_THAT(number(purchase["cost_usd"]["value"]) - number(replacement["cost_usd"]["value"]), WithinRel(2000.0, 1e-9));
  CHECK_FALSE(planned(kPriced + "plan: {months: 24}\n").summary["plan"]["resale"].contains("otherwise"));
}

TEST_CASE("boxes that stay on draw between the days what they draw with nothing to do", "[scenarios][plan]") {
  const auto month = [](const std::string& between) {
    const std::string plan = "plan: {months: 1, days_per_month: 21, power_between: " + between + "}\n";
    return number(planned(kPriced + plan).summary["plan"]["table"][1]["energy_j"]);
  };
  const double watts = (month("idle") - month("0 W")) / ((730.5 - 21) * 3600);
  const auto nobody = with("users: 12, think: {exponential: 30 s}", "arrivals: {process: constant, rate: 1e-6/s}");
  auto idle = load_text("desk.yaml", nobody, "", {});
  CHECK_THAT(watts, WithinRel(number(sim::simulate(std::move(idle.input)).summary["power_w"]["wall"]["mean"]), 1e-3));
  CHECK(month("30 W") - month("0 W") == Approx(30 * (730.5 - 21) * 3600));
  CHECK_THAT(errors_of(kPriced + "plan: {power_between: busy}\n"),
             Contains("plan.power_between is \"busy\", which starts with no number; expected a power such as \"30 W\", "
                      "or idle"));
  CHECK_THAT(errors_of(kPriced + "plan: {power_between: -3 W}\n"),
             Contains("plan.power_between is \"-3 W\"; expected"));
}

TEST_CASE("a bought and a rented box add up", "[scenarios][plan]") {
  const auto text = [](const char* cloud, const char* prices) {
    return fmt::format(R"(duration: 1 h
systems: {{desk: {{sheet: dgx-spark, price: {{purchase: 4000 USD}}}}, cloud: {{sheet: dgx-spark, count: 2{}}}}}
deployments:
  here: {{model: gpt-oss-120b, quant: mxfp4, engine: vllm, runs_on: desk}}
  there: {{model: gpt-oss-120b, quant: mxfp4, engine: vllm, runs_on: cloud, replicas: 2}}
workload:
  - {{name: some, to: here, users: 4, think: {{exponential: 30 s}}, prompt: 800, output: 250}}
  - {{name: others, to: there, users: 8, think: {{exponential: 30 s}}, prompt: 800, output: 250}}
{}
plan: {{months: 10, days_per_month: 20, power_between: 20 W, cooling: 1.5, shocks: [{{month: 6, rent: x3, electricity: x2}}]}}
)",
                       cloud, prices);
  };
  const auto results = planned(text(", rental: 1 USD/h", "prices: {electricity: 0.36 USD/kWh}"));
  const Json& s = results.summary;
  const double own = number(s["energy_j"]["wall"]) - number(s["energy_j"]["rented"]);
  CHECK(number(s["energy_j"]["rented"]) > own);
  CHECK_THAT(number(s["cost_usd"]["electricity"]), WithinRel(own * 0.36 / 3.6e6, 1e-6));
  const Json& plan = s["plan"];
  const double between = (730.5 - 20) * 20 * 0.36 / 1000;  // USD a month
  CHECK(plan["hardware_usd"] == 4000.0);
  CHECK_THAT(number(plan["rent_usd"]), WithinRel(20 * 2 * (5 + 5 * 3), 1e-9));
  CHECK_THAT(number(plan["electricity_usd"]),
             WithinRel((5 + 5 * 2) * (20 * number(s["cost_usd"]["electricity"]) + between), 1e-6));
  CHECK_THAT(number(plan["cooling_usd"]), WithinRel(number(plan["electricity_usd"]) / 2, 1e-9));
  CHECK_THAT(number(plan["cost_usd"]["value"]),
             WithinRel(4000 - number(plan["resale_usd"]["value"]) + number(plan["rent_usd"]) +
                           1.5 * number(plan["electricity_usd"]),
                       1e-9));
}

TEST_CASE("what only boxes that are bought have is refused where none is", "[scenarios][plan]") {
  const std::string rented = with("{sheet: dgx-spark}", "{sheet: dgx-spark, rental: 1 USD/h}");
  const auto errors = errors_of(rented +
                                "plan:\n  financing: {rate: 5 %/year, months: 12}\n  cooling: 1.2\n"
                                "  shocks: [{month: 3, hardware: x2}]\n  resale: [{month: 12, low: 0, high: 1}]\n");
  CHECK_THAT(errors,
             Contains("desk.yaml:11:3: error: plan.financing is of boxes that are bought; the scenario has none"));
  CHECK_THAT(errors, Contains("plan.cooling is of boxes that are bought"));
  CHECK_THAT(errors, Contains("plan.resale is of boxes that are bought"));
  CHECK_THAT(errors, Contains("desk.yaml:13:33: error: hardware of a shock is of boxes that are bought"));
  CHECK_THAT(errors_of(kPriced + "plan: {shocks: [{month: 3, rent: x2}]}\n"),
             Contains("rent of a shock is of boxes that are rented; the scenario has none"));
  CHECK_THAT(errors_of(rented + "plan: {rent: weekly}\n"), Contains("use or month"));
}

TEST_CASE("the energy's spread is what is written, else the run's own interval, else assumed", "[scenarios][plan]") {
  const auto with_interval = [](const std::string& plan) {
    auto loaded = load_text("desk.yaml", kPriced + "plan: " + plan + "\n", "", {});
    auto results = sim::simulate(std::move(loaded.input));
    const double wall = number(results.summary["energy_j"]["wall"]);
    results.summary["interval90"]["energy_j.wall"] = {0.8 * wall, 1.3 * wall};
    add_plan(*loaded.planning, results);
    return results.summary;
  };
  const Json s = with_interval("{months: 12}");
  const Json& plan = s["plan"];
  CHECK(plan["energy_spread"]["from"] == "interval90");
  CHECK_FALSE(s.contains("assumed"));
  const double energy = number(plan["electricity_usd"]), cost = number(plan["cost_usd"]["value"]);
  CHECK_THAT(number(plan["cost_usd"]["low"]), WithinRel(cost - 0.2 * energy, 1e-9));
  CHECK_THAT(number(plan["cost_usd"]["high"]), WithinRel(cost + 0.3 * energy, 1e-9));
  const Json written = with_interval("{months: 12, energy_spread: 0.05}")["plan"];
  CHECK(written["energy_spread"]["from"] == "plan.energy_spread");
  CHECK_THAT(number(written["cost_usd"]["high"]), WithinRel(cost + 0.05 * energy, 1e-9));
  const auto alone = planned(kPriced + "plan: {months: 12}\n").summary;
  CHECK(alone["plan"]["energy_spread"]["from"] == "assumed");
  CHECK(alone["assumed"] == Json({"plan: energy_spread"}));
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
