#include "money/plan.hpp"

#include <cmath>

#include "tests/catch.hpp"

using namespace tokwatt::money;
using Catch::Matchers::WithinAbs;
using Catch::Matchers::WithinRel;

namespace {

constexpr double kPerKwh = 1 / 3.6e6;  // of a joule

/// A box that draws so many watts for 8 hours of every day, at 0.15 USD/kWh.
Usage watts_for_8_hours(double watts, int months) {
  Day day;
  day.energy = watts * 8 * 3600;
  day.electricity = day.energy * 0.15 * kPerKwh;
  return {{day}, 8, std::vector<double>(static_cast<std::size_t>(months), 1.0), {}};
}

/// 10 USD of electricity and 110 USD of somebody else's tokens a month.
struct ByHand {
  Plan plan;
  Usage usage;
  std::vector<TokenPrices> prices;
};
ByHand by_hand(int months) {
  ByHand out;
  out.plan.months = months;
  out.plan.days_per_month = 20;
  Day day;
  day.tokens = {1e6, 0, 0};
  day.energy = 3.6e6;
  day.electricity = 0.5;
  const std::vector<double> ever(static_cast<std::size_t>(months), 1.0);
  out.usage = {{day}, 8, ever, {}};
  out.prices.assign(static_cast<std::size_t>(months), {5.5e-6, 5.5e-6, 0});
  return out;
}

std::vector<Estimate> kept(const std::vector<Month>& months, double spread) {
  std::vector<Estimate> out;
  for (const auto& month : months) out.push_back(month.cost_if_kept({spread, spread}));
  return out;
}
std::vector<Estimate> sold(const std::vector<Month>& months, double spread) {
  std::vector<Estimate> out;
  for (const auto& month : months) out.push_back(month.cost_if_sold({spread, spread}));
  return out;
}

}  // namespace

TEST_CASE("70 W and 300 W for 8 h a day cost about 30 and 131 USD a year at 0.15 USD/kWh", "[money][plan]") {
  Plan plan;
  plan.months = 12;
  // 70 W x 8 h x 365.25 d = 204.5 kWh; the claims round to whole dollars
  const double low = cash_flow(plan, watts_for_8_hours(70, 12), 0).back().cumulated;
  const double high = cash_flow(plan, watts_for_8_hours(300, 12), 0).back().cumulated;
  CHECK_THAT(low, WithinAbs(30.68, 0.005));
  CHECK_THAT(high, WithinAbs(131.49, 0.005));
}

TEST_CASE("the time between the days' runs costs what is drawn in it", "[money][plan]") {
  Plan plan;
  plan.months = 1;
  plan.power_between = 50;
  const auto flow = cash_flow(plan, watts_for_8_hours(70, 1), 0);
  const double hours = 730.5 * 2 / 3;
  CHECK_THAT(flow.back().electricity, WithinRel((70 * 730.5 / 3 + 50 * hours) * 0.15 / 1000, 1e-12));
}

TEST_CASE("1000 USD against 100 USD saved a month are back after ten months", "[money][plan]") {
  const auto [plan, usage, prices] = by_hand(24);
  const auto flow = cash_flow(plan, usage, 1000);
  const auto api = api_costs(plan, usage, prices);
  CHECK_THAT(api[10].value, WithinRel(1100.0, 1e-12));
  CHECK_THAT(flow[10].cumulated, WithinRel(1100.0, 1e-12));
  const auto back = break_even(kept(flow, 0), api);
  CHECK(back.value.value() == 10);
  CHECK(back.low.value() == 10);
  CHECK(back.high.value() == 10);
  const auto ten = break_even(kept(flow, 0.5), api);  // 5 or 15 USD a month: 1000/105 and 1000/95, rounded up
  CHECK(ten.low.value() == 10);
  CHECK(ten.high.value() == 11);
}

TEST_CASE("it is not back within a plan that is too short, nor if the others are cheaper", "[money][plan]") {
  auto [plan, usage, prices] = by_hand(9);
  CHECK_FALSE(break_even(kept(cash_flow(plan, usage, 1000), 0), api_costs(plan, usage, prices)).value);
  for (auto& price : prices) price = {0.4e-6, 0.4e-6, 0};
  CHECK_FALSE(break_even(kept(cash_flow(plan, usage, 10), 0), api_costs(plan, usage, prices)).value);
}

TEST_CASE("what it would fetch brings the break-even forward", "[money][plan]") {
  auto [plan, usage, prices] = by_hand(24);
  plan.resale = {{10, {0.5, 0.4, 0.6}}, {20, {0.3, 0.2, 0.4}}};
  const auto flow = cash_flow(plan, usage, 1000);
  CHECK_THAT(flow[5].resale.value, WithinRel(750.0, 1e-12));
  CHECK_THAT(flow[15].resale.low, WithinRel(300.0, 1e-12));
  CHECK_THAT(flow[24].resale.high, WithinRel(400.0, 1e-12));  // past the last point it stays
  // Low: 40 USD a month are lost, 100 saved. High: 60 and 100. Both from the first month on.
  CHECK(break_even(sold(flow, 0), api_costs(plan, usage, prices)).value.value() == 0);
}

TEST_CASE("a break-even that does not last is none", "[money][plan]") {
  const std::vector<Estimate> own = {{5, 5, 5}, {5, 5, 5}, {5, 5, 5}, {9, 9, 9}, {9, 9, 9}};
  const std::vector<Estimate> other = {{0, 0, 0}, {6, 6, 6}, {7, 7, 7}, {8, 8, 8}, {10, 10, 10}};
  CHECK(break_even(own, other).value.value() == 4);
}

TEST_CASE("shocks hold from their month on, and used boxes follow the price of new ones", "[money][plan]") {
  auto [plan, usage, prices] = by_hand(12);
  plan.shocks = {{7, 1.4, 2, 0.5}};
  plan.resale = {{12, {0.5, 0.5, 0.5}}};
  const auto flow = cash_flow(plan, usage, 1000);
  CHECK_THAT(flow[6].electricity, WithinRel(10.0, 1e-12));
  CHECK_THAT(flow[7].electricity, WithinRel(20.0, 1e-12));
  CHECK_THAT(flow[6].resale.value, WithinRel(750.0, 1e-12));
  CHECK_THAT(flow[12].resale.value, WithinRel(700.0, 1e-12));
  const auto api = api_costs(plan, usage, prices);
  CHECK_THAT(api[6].value, WithinRel(660.0, 1e-12));
  CHECK_THAT(api[7].value, WithinRel(715.0, 1e-12));
  plan.follows_replacement = false;
  CHECK_THAT(cash_flow(plan, usage, 1000)[12].resale.value, WithinRel(500.0, 1e-12));
}

TEST_CASE("who waits pays the price of that month, and electricity from then on", "[money][plan]") {
  auto [plan, usage, prices] = by_hand(12);
  plan.hardware_growth = -0.1;
  const auto flow = cash_flow(plan, usage, 1000, 2);
  CHECK(flow[1].total == 0);
  CHECK_THAT(flow[2].hardware, WithinRel(810.0, 1e-12));
  CHECK(flow[2].electricity == 0);
  CHECK_THAT(flow[3].electricity, WithinRel(10.0, 1e-12));
  CHECK_THAT(flow[12].cumulated, WithinRel(810.0 + 100, 1e-12));
}

TEST_CASE("a financed box costs its payments and what is still owed", "[money][plan]") {
  auto [plan, usage, prices] = by_hand(12);
  plan.financing = Loan{0, 20};
  const auto flow = cash_flow(plan, usage, 1000);
  CHECK(flow[0].hardware == 0);
  CHECK_THAT(flow[0].debt, WithinRel(1000.0, 1e-12));
  CHECK_THAT(flow[1].hardware, WithinRel(50.0, 1e-12));
  CHECK_THAT(flow[12].debt, WithinRel(400.0, 1e-12));
  CHECK_THAT(flow[12].cost_if_kept({}).value, WithinRel(1000.0 + 120, 1e-12));
}

TEST_CASE("growth compounds, and days between two loads lie on a straight line", "[money][plan]") {
  Plan plan;
  plan.months = 3;
  plan.growth = 0.5;
  plan.days_per_month = 1;
  plan.cooling = 1.25;
  const Usage usage{{{1, {100, 10, 20}, 4, 8}, {2, {200, 20, 40}, 6, 12}}, 8, {1, 1, 2}, {}};
  const auto flow = cash_flow(plan, usage, 0);
  CHECK_THAT(flow[2].tokens.prompt, WithinRel(150.0, 1e-12));
  CHECK_THAT(flow[2].electricity, WithinRel(10.0, 1e-12));
  CHECK_THAT(flow[2].cooling, WithinRel(2.5, 1e-12));
  CHECK_THAT(flow[3].tokens.output, WithinRel(40.0, 1e-12));  // full: no more than at the largest load
  CHECK_THAT(flow[3].electricity, WithinRel(24.0, 1e-12));    // in a dearer season
}

TEST_CASE("what is drawn between the runs has the price of those hours", "[money][plan]") {
  Plan plan;
  plan.months = 2;
  plan.days_per_month = 21;
  plan.power_between = 10;
  const Usage usage{{{1, {100, 10, 20}, 4, 8}}, 8, {1, 3}, {0.5, 0.25}};
  const auto flow = cash_flow(plan, usage, 0);
  const double between = (730.5 - 21 * 8) * 3600 * 10;
  CHECK_THAT(flow[1].electricity, WithinRel(21 * 8 + between * 0.5, 1e-12));
  CHECK_THAT(flow[2].electricity, WithinRel(21 * 8 * 3 + between * 0.25, 1e-12));
}

TEST_CASE("where the run's hours were free its energy costs what those of each month do", "[money][plan]") {
  Plan plan;
  plan.months = 2;
  plan.days_per_month = 21;
  const Usage usage{{{1, {100, 10, 20}, 4, 0, 0, 1}}, 8, {1, 1}, {0.5, 0.25}, {0, 3}};
  const auto flow = cash_flow(plan, usage, 0);
  CHECK(flow[1].electricity == 0);
  CHECK_THAT(flow[2].electricity, WithinRel(21.0 * (4 - 1) * 3, 1e-12));  // of what is not part of a rent
}

TEST_CASE("a rented device costs its hours, within the range of its offers", "[money][plan]") {
  Plan plan;
  plan.months = 2;
  plan.days_per_month = 20;
  const Usage usage{{Day{}}, 8, {1, 1}, {}};
  const double per_hour = 1.0 / 3600;
  const auto costs = rental_costs(plan, usage, {"x", "", "", 3 * per_hour, {{"spot", per_hour, 2 * per_hour}}});
  CHECK_THAT(costs[2].value, WithinRel(960.0, 1e-12));
  CHECK_THAT(costs[2].low, WithinRel(320.0, 1e-12));
  CHECK_THAT(costs[2].high, WithinRel(960.0, 1e-12));
}

TEST_CASE("flows are worth less the later they come", "[money][plan]") {
  std::vector<double> flows(13, 0.0);
  flows[0] = 100;
  flows[12] = 110;
  CHECK_THAT(present_value(flows, 0.1), WithinRel(200.0, 1e-12));
  CHECK_THAT(present_value(flows, 0), WithinRel(210.0, 1e-12));
}

TEST_CASE("a box that is rented costs its rent and nothing else, within the range of its offers", "[money][plan]") {
  auto [plan, usage, prices] = by_hand(12);
  usage.days.front().electricity = 0;  // part of the rent
  usage.days.front().rented = usage.days.front().energy;
  plan.rent = {3.0 / 3600, 1.0 / 3600, 4.0 / 3600};
  plan.shocks = {{7, 2, 2, 2, 1.5}};
  const auto flow = cash_flow(plan, usage, 0);
  CHECK(flow[0].total == 0);
  CHECK_THAT(flow[6].rent, WithinRel(20 * 8 * 3.0, 1e-12));
  CHECK_THAT(flow[7].rent, WithinRel(20 * 8 * 4.5, 1e-12));
  CHECK_THAT(flow[6].cumulated, WithinRel(6 * 480.0, 1e-12));
  CHECK_THAT(flow[6].cost_if_sold({0.1, 0.1}).low, WithinRel(6 * 160.0, 1e-12));
  CHECK_THAT(flow[6].cost_if_sold({0.1, 0.1}).high, WithinRel(6 * 640.0, 1e-12));
  CHECK(flow[12].resale.value == 0);
  plan.rents_whole_months = true;
  CHECK_THAT(cash_flow(plan, usage, 0)[1].rent, WithinRel(730.5 * 3, 1e-12));
}

TEST_CASE("a box that is bought and one that is rented add up", "[money][plan]") {
  auto [plan, usage, prices] = by_hand(12);
  plan.cooling = 1.5;
  plan.power_between = 100;
  const auto bought = cash_flow(plan, usage, 1000);
  auto together = plan;
  together.rent = {1.0 / 3600, 1.0 / 3600, 1.0 / 3600};
  Usage both = usage;
  both.days.front().energy += 7.2e6;  // drawn by the rented one
  both.days.front().rented = 7.2e6;
  both.days.front().api = 0.25;
  const auto flow = cash_flow(together, both, 1000);
  CHECK_THAT(flow[12].electricity, WithinRel(bought[12].electricity, 1e-12));
  CHECK_THAT(flow[12].cumulated, WithinRel(bought[12].cumulated + 12 * 20 * (8 + 0.25), 1e-12));
  CHECK_THAT(flow[12].energy, WithinRel(bought[12].energy + 20 * 7.2e6, 1e-12));
}

TEST_CASE("an API's free tier is free in a plan too", "[money][plan]") {
  auto [plan, usage, prices] = by_hand(3);
  usage.days.front().requests = 100;
  FreeTier tier;
  tier.tokens_per_day = 250'000;  // of a million
  CHECK_THAT(api_costs(plan, usage, prices, tier)[3].value, WithinRel(0.75 * 330, 1e-12));
  tier.requests_per_month = 200;  // of 2,000
  CHECK_THAT(api_costs(plan, usage, prices, tier)[3].high, WithinRel(0.9 * 330, 1e-12));
}
