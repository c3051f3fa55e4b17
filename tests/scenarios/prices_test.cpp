// Tariffs, prices of APIs and rents: the sheets that come with the program, and what a scenario makes of them.
#include <fmt/format.h>

#include <set>

#include "scenarios/cli/catalog.hpp"
#include "scenarios/dates.hpp"
#include "scenarios/sheets/price_sheets.hpp"
#include "sim/simulation.hpp"
#include "tests/catch.hpp"
#include "tests/scenarios/wrong.hpp"

using namespace tokwatt;
using namespace tokwatt::scenarios;
using namespace std::chrono;
using Catch::Matchers::Contains;
using Catch::Matchers::WithinRel;

namespace {

constexpr double kPerKwh = 1 / 3.6e6;  // of a joule

template <class Read>
auto shipped(SheetKind kind, const std::string& id, Read read) {
  Diagnostics diagnostics;
  auto raw = open_sheet(kind, {id, {}}, "test", "", diagnostics);
  REQUIRE(raw);
  auto sheet = read(*raw, diagnostics);
  INFO(diagnostics.render());
  REQUIRE(diagnostics.ok());
  return sheet;
}

money::Tariff tariff(const std::string& id) { return shipped(SheetKind::tariff, id, read_tariff).value; }
money::Api api(const std::string& id) { return shipped(SheetKind::api, id, read_api).value; }

double at(const money::Tariff& t, sys_seconds local) {
  return money::rule_at(t, money::tariff_hour(local))->price / kPerKwh;
}

std::string with_prices(const std::string& prices, const std::string& start = "start: \"2026-07-06 00:00\"\n") {
  return start + kGood + "prices: {" + prices + "}\n";
}

}  // namespace

TEST_CASE("every price of a shipped sheet has a source, a confidence and a date", "[scenarios][prices]") {
  const auto check = [](const auto& sheet) {
    CHECK_FALSE(sheet.numbers.empty());
    CHECK(sheet.head.describes.date.given());
    for (const auto& number : sheet.numbers) {
      CAPTURE(sheet.head.id.value, number.path);
      CHECK_FALSE(number.sources.empty());
      CHECK(number.confidence != "user");
    }
  };
  CHECK(ids(SheetKind::tariff).size() >= 20);
  CHECK(ids(SheetKind::api).size() >= 30);
  CHECK(ids(SheetKind::rental).size() >= 5);
  for (const auto& id : ids(SheetKind::tariff)) check(shipped(SheetKind::tariff, id, read_tariff));
  for (const auto& id : ids(SheetKind::api)) check(shipped(SheetKind::api, id, read_api));
  for (const auto& id : ids(SheetKind::rental)) check(shipped(SheetKind::rental, id, read_rental));
}

TEST_CASE("no two sheets of whatever kind go by one name", "[scenarios][prices]") {
  std::set<std::string> names;
  for (const auto kind : cli::kSheetKinds) {
    for (const auto& entry : cli::sheets(kind)) {
      CAPTURE(entry.id);
      CHECK(names.insert(entry.id).second);
      for (const auto& alias : entry.aliases) {
        CAPTURE(alias);
        CHECK(names.insert(alias).second);
      }
    }
  }
}

TEST_CASE("prices are sane: an answer costs no less than a prompt, a cached one no more", "[scenarios][prices]") {
  for (const auto& id : ids(SheetKind::api)) {
    for (const auto& price : api(id).prices) {
      CAPTURE(id);
      CHECK(price.prices.cached <= price.prices.input);
      CHECK(price.prices.input <= price.prices.output);
      CHECK(price.prices.output < 1e-3);  // 1,000 USD/Mtok: a slip of the unit
    }
  }
}

TEST_CASE("tariffs say what the utilities' sheets say", "[scenarios][prices]") {
  const sys_days july_monday = 2026y / 7 / 6, july_sunday = 2026y / 7 / 5, january_monday = 2027y / 1 / 4;
  const auto pge = tariff("pge-e-tou-c");
  CHECK_THAT(at(pge, july_monday + 16h), WithinRel(0.441, 1e-9));
  CHECK_THAT(at(pge, july_sunday + 20h), WithinRel(0.441, 1e-9));
  CHECK_THAT(at(pge, july_monday + 21h), WithinRel(0.318, 1e-9));
  CHECK_THAT(at(pge, january_monday + 17h), WithinRel(0.3162, 1e-9));
  CHECK_THAT(at(pge, january_monday + 9h), WithinRel(0.2862, 1e-9));
  const auto ev = tariff("pge-ev2-a");
  CHECK_THAT(at(ev, july_monday + 14h), WithinRel(0.2256, 1e-9));
  CHECK_THAT(at(ev, july_monday + 15h), WithinRel(0.4276, 1e-9));
  CHECK_THAT(at(ev, january_monday + 23h), WithinRel(0.3943, 1e-9));
  CHECK_THAT(at(ev, january_monday + 18h), WithinRel(0.411, 1e-9));
  const auto coned = tariff("coned-tod-iii");
  CHECK_THAT(at(coned, july_monday + 14h), WithinRel(1.1829, 1e-9));
  CHECK_THAT(at(coned, july_sunday + 14h), WithinRel(0.3766, 1e-9));
  CHECK_THAT(at(coned, january_monday + 14h), WithinRel(0.2691, 1e-9));
  CHECK_THAT(at(coned, january_monday + 7h), WithinRel(0.1424, 1e-9));
  const auto georgia = tariff("georgia-overnight");
  CHECK_THAT(at(georgia, july_monday + 23h), WithinRel(0.0643, 1e-9));
  CHECK_THAT(at(georgia, july_monday + 18h), WithinRel(0.4046, 1e-9));
  CHECK_THAT(at(georgia, january_monday + 18h), WithinRel(0.1583, 1e-9));
}

TEST_CASE("an API's price on a day is that of its history", "[scenarios][prices]") {
  const auto luna = api("gpt-5.6-luna");
  CHECK_THAT(money::prices_on(luna, 2026y / 7 / 29)->output, WithinRel(6e-6, 1e-9));
  CHECK_THAT(money::prices_on(luna, 2026y / 7 / 30)->output, WithinRel(1.2e-6, 1e-9));
  CHECK_THAT(money::prices_on(luna, 2026y / 7 / 30)->cached, WithinRel(0.02e-6, 1e-9));
  CHECK(api("deepseek-reasoner").prices.front().prices.cached == api("deepseek-reasoner").prices.front().prices.input);
}

TEST_CASE("a tariff becomes changes of the price at its hours", "[scenarios][prices]") {
  const auto loaded = load_text("desk.yaml", with_prices("tariff: coned-tod-iii"), "", {"duration=48 h"});
  CHECK_THAT(*loaded.input.prices.electricity, WithinRel(0.1424 * kPerKwh, 1e-9));
  const auto& changes = loaded.input.changes;
  REQUIRE(changes.size() == 7);
  const std::pair<int, double> expected[] = {{8, 0.3766},  {14, 1.1829}, {18, 0.3766}, {24, 0.1424},
                                             {32, 0.3766}, {38, 1.1829}, {42, 0.3766}};
  for (std::size_t i = 0; i < std::size(expected); ++i) {
    CAPTURE(i);
    CHECK(changes[i].kind == sim::Change::Kind::electricity);
    CHECK(changes[i].at == expected[i].first * sim::picoseconds(3600));
    CHECK_THAT(changes[i].value, WithinRel(expected[i].second * kPerKwh, 1e-9));
  }
}

TEST_CASE("a timeline lies over the tariff, which comes back behind it", "[scenarios][prices]") {
  const std::string timeline =
      "timeline: [{at: 7 h, for: 8 h, set: {prices.electricity: 2 USD/kWh}}, {at: 60 h, set: {prices.electricity: 0 "
      "USD/kWh}}]\n";
  const auto loaded = load_text("desk.yaml", with_prices("tariff: coned-tod-iii") + timeline, "", {"duration=72 h"});
  std::vector<std::pair<int, double>> said;
  for (const auto& change : loaded.input.changes)
    said.emplace_back(static_cast<int>(change.at / sim::picoseconds(3600)), change.value / kPerKwh);
  const std::vector<std::pair<int, double>> expected = {{7, 2},       {15, 1.1829}, {18, 0.3766}, {24, 0.1424},
                                                        {32, 0.3766}, {38, 1.1829}, {42, 0.3766}, {48, 0.1424},
                                                        {56, 0.3766}, {60, 0}};
  REQUIRE(said.size() == expected.size());
  for (std::size_t i = 0; i < expected.size(); ++i) {
    CAPTURE(i);
    CHECK(said[i].first == expected[i].first);
    CHECK_THAT(said[i].second + 1, WithinRel(expected[i].second + 1, 1e-9));
  }
}

TEST_CASE("a run under a tariff costs its energy hour by hour, in both steppings", "[scenarios][prices]") {
  const std::string rules =
      "tariff: [{price: 0.5 USD/kWh, hours: [9, 10]}, {price: 0.25 USD/kWh, days: weekends}, {price: 0.1 USD/kWh}]\n";
  const std::string text = "start: \"2026-07-06 08:30\"\n" + kGood + rules;
  const auto summary = [&](sim::Stepping stepping) {
    return sim::simulate(load_text("desk.yaml", text, "", {"duration=2 h"}).input, stepping).summary;
  };
  const auto macro = summary(sim::Stepping::macro), token = summary(sim::Stepping::token);
  CHECK(macro.dump() == token.dump());
  // The same run, with each price in turn and nothing for the rest of the time.
  const auto alone = [&](const std::string& timeline) {
    const std::string flat = kGood + "prices: {electricity: 0 USD/kWh}\ntimeline: " + timeline + "\n";
    return sim::simulate(load_text("desk.yaml", flat, "", {"duration=2 h"}).input)
        .summary["cost_usd"]["electricity"]
        .get<double>();
  };
  const double before = alone("[{at: 0 s, for: 30 min, set: {prices.electricity: 0.1 USD/kWh}}]");
  const double peak = alone("[{at: 30 min, for: 1 h, set: {prices.electricity: 0.5 USD/kWh}}]");
  const double after = alone("[{at: 90 min, set: {prices.electricity: 0.1 USD/kWh}}]");
  CHECK(peak > 4 * before);
  CHECK_THAT(macro["cost_usd"]["electricity"].get<double>(), WithinRel(before + peak + after, 1e-9));
}

TEST_CASE("a tariff of one price is that price", "[scenarios][prices]") {
  const auto run = [](const std::string& prices) {
    auto loaded = load_text("desk.yaml", with_prices(prices), "", {});
    CHECK(loaded.input.changes.empty());
    return sim::simulate(std::move(loaded.input)).summary.dump();
  };
  CHECK(run("tariff: us-average") == run("electricity: 0.17 USD/kWh"));
}

TEST_CASE("a tariff in another currency needs a rate of exchange", "[scenarios][prices]") {
  const auto loaded = load_text("desk.yaml", with_prices("tariff: germany, exchange: {EUR: 1.25 USD}"), "", {});
  CHECK_THAT(*loaded.input.prices.electricity, WithinRel(0.48 * kPerKwh, 1e-9));
  CHECK_THAT(errors_of(with_prices("tariff: germany")),
             Contains("the tariff germany is in EUR, and no exchange rate comes with the program"));
  CHECK_THAT(errors_of(with_prices("tariff: germany, exchange: {EUR: 0 USD}")),
             Contains("expected what one EUR costs"));
  CHECK_THAT(errors_of(with_prices("tariff: us, exchange: {EUR: 1 USD}")), Contains("is for nothing"));
  CHECK_THAT(errors_of(with_prices("exchange: {EUR: 1 USD}")), Contains("expected prices.tariff beside it"));
}

TEST_CASE("what is wrong with a tariff is said at its place", "[scenarios][prices]") {
  const auto inline_rules = [](const std::string& rules) {
    return errors_of("start: \"2026-07-06 00:00\"\n" + kGood + "tariff: " + rules + "\n");
  };
  CHECK_THAT(errors_of(with_prices("tariff: us-average", "")), Contains("a tariff needs start"));
  CHECK_THAT(errors_of(with_prices("tariff: coned-tod-ii")), Contains("did you mean \"coned-tod-iii\"?"));
  CHECK_THAT(errors_of(with_prices("tariff: us, electricity: 1 USD/kWh")),
             Contains("stands beside prices.electricity"));
  CHECK_THAT(inline_rules("[{price: 1 USD/kWh}, {price: 2 USD/kWh, hours: [16, 21]}]"),
             Contains("tariff.1 is never the price"));
  CHECK_THAT(
      inline_rules("[{price: 1 USD/kWh, hours: [8, 12]}, {price: 2 USD/kWh, hours: [12, 20]}, {price: 3 USD/kWh, "
                   "hours: [9, 18], days: weekends}, {price: 4 USD/kWh}]"),
      Contains("tariff.2 is never the price"));
  CHECK_THAT(inline_rules("[]"), Contains("tariff is empty; expected"));
  CHECK_THAT(inline_rules("[{price: 1 USD/kWh, hours: [16, 21]}]"),
             Contains("tariff has no price for weekdays in Jan from 0:00 on; expected a last rule that always holds"));
  CHECK_THAT(inline_rules("[{price: 1 USD/kWh, hours: [16, 16]}]"), Contains("tariff.0.hours is no span"));
  CHECK_THAT(inline_rules("[{price: 1 USD/kWh, hours: [16.5, 18]}]"), Contains("tariff.0.hours is no span"));
  CHECK_THAT(inline_rules("[{price: 1 USD/kWh, hours: [16]}]"), Contains("tariff.0.hours is no span"));
  CHECK_THAT(inline_rules("[{price: 1 USD/kWh, hours: [16, 25]}]"), Contains("from 0 to 24"));
  CHECK_THAT(inline_rules("[{price: 1 USD/kWh, months: [0, 3]}]"), Contains("from 1 to 12"));
  CHECK_THAT(inline_rules("[{price: 1 USD, days: weekday}]"), Contains("an amount of money") && Contains("weekdays"));
  CHECK_THAT(inline_rules("[{price: 1 EUR/kWh}]"), Contains("a price of energy such as"));
  CHECK(inline_rules("[{price: 1 USD/kWh, hours: [23, 7], months: [10, 5]}, {price: 2 USD/kWh}]").empty());
}

TEST_CASE("a sheet of prices that is wrong says where", "[scenarios][prices]") {
  const auto errors = [](const std::string& text, auto read) {
    Diagnostics diagnostics;
    RawSheet raw;
    raw.id = "x";
    raw.source = std::make_shared<Source>(Source{"x.yaml", text});
    raw.root = parse(raw.source, diagnostics);
    read(raw, diagnostics);
    return diagnostics.render();
  };
  CHECK_THAT(errors("id: x\ncurrency: EUR\nrules: [{price: 0.3 USD/kWh}]\n", read_tariff),
             Contains("x.yaml:3:17: error: rules.0.price is \"0.3 USD/kWh\"; expected a price in EUR"));
  const std::string head = "id: x\nprovider: a\nmodel: b\nprices:\n";
  CHECK_THAT(errors(head + "  - {input: 1 USD/Mtok, output: 1 USD/Mtok}\n  - {input: 1 USD/Mtok, output: 1 USD/Mtok}\n",
                    read_api),
             Contains("x.yaml:6:5: error: from is missing"));
  CHECK_THAT(errors(head + "  - {from: \"2026-13-01\", input: 1 USD/Mtok, output: 1 USD/Mtok}\n", read_api),
             Contains("expected a day such as"));
  CHECK_THAT(errors(head + "  - {from: \"2026-02-01\", input: 1 USD/Mtok, output: 1 USD/Mtok}\n"
                           "  - {from: \"2026-01-01\", input: 1 USD/Mtok, output: 1 USD}\n",
                    read_api),
             Contains("an amount of money"));
  CHECK_THAT(errors("id: x\ndevice: h100-sxm-8\ntypical: 3 USD/h\noffers: [{market: m, date: \"2026-5\", low: 2 USD/h, "
                    "high: 1 USD/h}]\n",
                    read_rental),
             Contains("did you mean \"h100-sxm-80\"?") && Contains("expected a month such as") &&
                 Contains("low is above high"));
}

TEST_CASE("a rented box costs its rent by the hour, electricity with it", "[scenarios][prices]") {
  const std::string rented = with("{sheet: dgx-spark}", "{sheet: dgx-spark, rental: 3.6 USD/h}");
  const auto cost = sim::simulate(load_text("desk.yaml", rented, "", {}).input).summary;
  constexpr double hours = 1;  // that the run lasts, whenever its first request comes
  REQUIRE(cost["duration_s"].get<double>() < 3600 * hours);
  CHECK_THAT(cost["cost_usd"]["total"].get<double>(), WithinRel(3.6 * hours, 1e-9));
  CHECK(cost["cost_usd"]["electricity"] == 0.0);
  const std::string by_sheet = with("{sheet: dgx-spark}", "{sheet: dgx-spark, rental: rent-h100}");
  const auto typical = sim::simulate(load_text("desk.yaml", by_sheet, "", {}).input).summary;
  CHECK_THAT(typical["cost_usd"]["hardware"].get<double>(), WithinRel(2.95 * hours, 1e-9));
  CHECK_THAT(errors_of(rented + "prices: {electricity: 1 USD/kWh}\n"),
             Contains("prices.electricity stands beside a rental, whose rent it is part of"));
  CHECK_THAT(errors_of(rented + "timeline: [{at: 1 s, set: {prices.electricity: 1 USD/kWh}}]\n"), Contains("rented"));
  CHECK_THAT(errors_of(with("{sheet: dgx-spark}", "{sheet: dgx-spark, rental: rent-h10}")),
             Contains("did you mean \"rent-h100\"?"));
  CHECK_THAT(errors_of(with("{sheet: dgx-spark}", "{sheet: dgx-spark, rental: -1 USD/h}")), Contains("at least 0"));
  CHECK_THAT(
      errors_of(with("{sheet: dgx-spark}", "{sheet: dgx-spark, rental: 1 EUR/h}")),
      Contains("systems.desk.rental is \"1 EUR/h\"; expected a price such as \"2.95 USD/h\", or the name of a rental"));
  CHECK_THAT(errors_of(with("{sheet: dgx-spark}", "{sheet: dgx-spark, rental: 1 USD/h, price: {purchase: 1 USD}}")),
             Contains("systems.desk.price stands beside its rental"));
}

TEST_CASE("joules of a token are those of tokens that boxes made", "[scenarios][prices]") {
  const auto mixed = sim::simulate(load_text("mixed.yaml", R"(duration: 10 min
systems: {desk: {sheet: dgx-spark}}
deployments:
  here: {model: gpt-oss-120b, quant: mxfp4, engine: vllm, runs_on: desk}
  there: {api: {sheet: gpt-5-mini}}
workload:
  - {name: few, to: here, arrivals: {process: constant, rate: 0.05/s}, prompt: 800, output: 200}
  - {name: many, to: there, arrivals: {process: constant, rate: 1/s}, prompt: 800, output: 200}
)",
                                             "", {})
                                       .input)
                         .summary;
  CHECK(mixed["tokens"]["output"].get<int64_t>() >
        10 * mixed["deployments"]["here"]["tokens"]["output"].get<int64_t>());
  CHECK(mixed["j_per_tok_output"] == mixed["deployments"]["here"]["j_per_tok_output"]);
  CHECK(mixed["deployments"]["there"]["j_per_tok_output"].is_null());
}

TEST_CASE("dates are read whole or not at all", "[scenarios][prices]") {
  CHECK(date("2026-02-28") == 2026y / 2 / 28);
  CHECK(date_and_time("2026-11-23 09:05") == sys_days{2026y / 11 / 23} + 9h + 5min);
  CHECK(date_and_time("2026-11-23 09:05:07") == sys_days{2026y / 11 / 23} + 9h + 5min + 7s);
  for (const char* bad : {"", "2026-02-30", "2026-2-3", "26-02-03", "2026-02-03 ", "2026- 2-03", "2026-02-0x"})
    CHECK_FALSE(date(bad));
  for (const char* bad : {"2026-02-03", "2026-02-03 9:00", "2026-02-03 24:00", "2026-02-03 09:60", "2026-02-03T09:00",
                          "2026-02-03 09:00:60", "2026-02-03 09:00:0", "2026-02-03  9:00", "2026-02-30 09:00"})
    CHECK_FALSE(date_and_time(bad));
}
