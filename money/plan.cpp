#include "money/plan.hpp"

#include <algorithm>
#include <cmath>

namespace tokwatt::money {
namespace {

double straight(double x, double x0, double x1, double y0, double y1) {
  return x1 > x0 ? y0 + (y1 - y0) * (x - x0) / (x1 - x0) : y1;
}

double grown(double rate, int month) { return std::pow(1 + rate, month - 1); }

template <class Factor>
double shocked(const Plan& plan, int month, Factor factor) {
  double level = 1;
  for (const auto& shock : plan.shocks) {
    if (shock.month <= month) level *= factor(shock);
  }
  return level;
}

Tokens times(const Tokens& tokens, double factor) {
  return {tokens.prompt * factor, tokens.cached * factor, tokens.output * factor};
}

/// What the box draws in a month between the days' runs [J].
double energy_between(const Plan& plan, const Usage& usage) {
  constexpr double kHour = 3600;
  return std::max(kHoursOfMonth - plan.days_per_month * usage.hours_per_day, 0.0) * kHour * plan.power_between;
}

/// Electricity of a month: the days, and the time between their runs at the price of those hours, or at the days' own.
double electricity_of(const Plan& plan, const Usage& usage, const Day& day, int month) {
  const auto m = static_cast<std::size_t>(month - 1);
  const auto mean_price = [](const Day& of) {
    const double paid_for = of.energy - of.rented;
    return paid_for > 0 ? of.electricity / paid_for : 0;
  };
  const double of_days = usage.of_days.empty() ? mean_price(usage.days.front()) * usage.season[m] : usage.of_days[m];
  const double cost = usage.of_days.empty() ? day.electricity * usage.season[m] : (day.energy - day.rented) * of_days;
  const double between = usage.between.empty() ? of_days : usage.between[m];
  return (plan.days_per_month * cost + energy_between(plan, usage) * between) * electricity_level(plan, month);
}

/// What all boxes draw in a month, with the cooling of those that are not rented [J].
double energy_of(const Plan& plan, const Usage& usage, const Day& day) {
  return (plan.days_per_month * (day.energy - day.rented) + energy_between(plan, usage)) * plan.cooling +
         plan.days_per_month * day.rented;
}

/// For how long a month's rent is paid [s].
double rented_for(const Plan& plan, const Usage& usage) {
  constexpr double kHour = 3600;
  return (plan.rents_whole_months ? kHoursOfMonth : plan.days_per_month * usage.hours_per_day) * kHour;
}

Estimate plus(const Estimate& sum, const Estimate& more, double times) {
  return {sum.value + times * more.value, sum.low + times * more.low, sum.high + times * more.high};
}

}  // namespace

Day mixed(const Day& from, const Day& to, double part) {
  const auto mix = [part](double a, double b) { return a + (b - a) * part; };
  return {mix(from.load, to.load),
          {mix(from.tokens.prompt, to.tokens.prompt), mix(from.tokens.cached, to.tokens.cached),
           mix(from.tokens.output, to.tokens.output)},
          mix(from.energy, to.energy),
          mix(from.electricity, to.electricity),
          mix(from.requests, to.requests),
          mix(from.rented, to.rented),
          mix(from.api, to.api)};
}

Day day_at(std::span<const Day> days, double load) {
  const auto above = std::find_if(days.begin(), days.end(), [&](const Day& day) { return day.load >= load; });
  if (above == days.begin()) return days.front();
  if (above == days.end()) return days.back();
  return mixed(*(above - 1), *above, straight(load, (above - 1)->load, above->load, 0, 1));
}

double hardware_level(const Plan& plan, int month) {
  return grown(plan.hardware_growth, month) * shocked(plan, month, [](const Shock& s) { return s.hardware; });
}
double electricity_level(const Plan& plan, int month) {
  return grown(plan.electricity_growth, month) * shocked(plan, month, [](const Shock& s) { return s.electricity; });
}
double api_level(const Plan& plan, int month) {
  return shocked(plan, month, [](const Shock& s) { return s.api; });
}
double rent_level(const Plan& plan, int month) {
  return shocked(plan, month, [](const Shock& s) { return s.rent; });
}
double load_of(const Plan& plan, int month) { return grown(plan.growth, month); }

Estimate resale_fraction(const Plan& plan, double age) {
  ResalePoint before;
  for (const auto& point : plan.resale) {
    if (point.month >= age) {
      const auto at = [&](double Estimate::*end) {
        return straight(age, before.month, point.month, before.fraction.*end, point.fraction.*end);
      };
      return {at(&Estimate::value), at(&Estimate::low), at(&Estimate::high)};
    }
    before = point;
  }
  return plan.resale.empty() ? Estimate{} : before.fraction;
}

Estimate Month::cost_if_kept(const Spread& spread) const {
  const double paid = cumulated + debt;
  return {paid, paid - energy_cost * spread.down - (rent_so_far.value - rent_so_far.low),
          paid + energy_cost * spread.up + (rent_so_far.high - rent_so_far.value)};
}

Estimate Month::cost_if_sold(const Spread& spread) const {
  const Estimate kept = cost_if_kept(spread);
  return {kept.value - resale.value, kept.low - resale.high, kept.high - resale.low};
}

std::vector<Month> cash_flow(const Plan& plan, const Usage& usage, double price, int bought_after) {
  const double paid = price * hardware_level(plan, bought_after + 1);
  std::vector<Month> out;
  for (int m = 0; m <= plan.months; ++m) {
    Month month;
    month.month = m;
    const int age = m - bought_after;
    if (m > 0) month.rent_so_far = out.back().rent_so_far;
    if (m > 0) {
      month.load = load_of(plan, m);
      const Day day = day_at(usage.days, month.load);
      month.tokens = times(day.tokens, plan.days_per_month);
      if (age > 0) {
        month.electricity = electricity_of(plan, usage, day, m);
        month.cooling = month.electricity * (plan.cooling - 1);
        month.energy = energy_of(plan, usage, day);
        month.api = plan.days_per_month * day.api * api_level(plan, m);
        const double rented = rented_for(plan, usage) * rent_level(plan, m);
        month.rent = rented * plan.rent.value;
        month.rent_so_far = plus(month.rent_so_far, plan.rent, rented);
      }
    }
    if (!plan.financing && age == 0) month.hardware = paid;
    if (plan.financing && age >= 1 && age <= plan.financing->months) month.hardware = annuity(paid, *plan.financing);
    if (plan.financing && age >= 0) month.debt = owed(paid, *plan.financing, age);
    if (age >= 0) {
      const double reference =
          plan.follows_replacement ? price * hardware_level(plan, std::max(m, bought_after + 1)) : paid;
      const auto [value, low, high] = resale_fraction(plan, age);
      month.resale = {value * reference, low * reference, high * reference};
    }
    month.total = month.hardware + month.rent + month.electricity + month.cooling + month.api;
    month.cumulated = month.total + (m > 0 ? out.back().cumulated : 0);
    month.energy_cost = month.electricity + month.cooling + (m > 0 ? out.back().energy_cost : 0);
    out.push_back(month);
  }
  return out;
}

std::vector<Estimate> api_costs(const Plan& plan, const Usage& usage, std::span<const TokenPrices> prices,
                                const FreeTier& free_tier) {
  std::vector<Estimate> out = {{}};
  for (int m = 1; m <= plan.months; ++m) {
    const auto& asked = prices[static_cast<std::size_t>(m - 1)];
    const Day day = day_at(usage.days, load_of(plan, m));
    const Tokens& tokens = day.tokens;
    const double free = free_share(free_tier, day.requests, tokens.prompt + tokens.output, 1, 1 / plan.days_per_month);
    const double level = api_level(plan, m) * plan.days_per_month * (1 - free);
    const double cached = cost(asked, tokens) * level, uncached = cost_uncached(asked, tokens) * level;
    const Estimate& so_far = out.back();
    out.push_back({so_far.value + cached, so_far.low + cached, so_far.high + uncached});
  }
  return out;
}

std::vector<Estimate> rental_costs(const Plan& plan, const Usage& usage, const Rental& rental) {
  std::vector<Estimate> out = {{}};
  const Estimate rent{rental.typical, rental.lowest(), rental.highest()};
  for (int m = 1; m <= plan.months; ++m)
    out.push_back(plus(out.back(), rent, rented_for(plan, usage) * api_level(plan, m)));
  return out;
}

BreakEven break_even(std::span<const Estimate> own, std::span<const Estimate> other) {
  const auto first = [&](double Estimate::*mine, double Estimate::*theirs) -> std::optional<int> {
    std::size_t month = own.size();
    while (month > 0 && own[month - 1].*mine <= other[month - 1].*theirs) --month;
    return month < own.size() ? std::optional<int>(static_cast<int>(month)) : std::nullopt;
  };
  return {first(&Estimate::value, &Estimate::value), first(&Estimate::low, &Estimate::high),
          first(&Estimate::high, &Estimate::low)};
}

double present_value(std::span<const double> flows, double yearly_discount) {
  double sum = 0;
  for (std::size_t month = 0; month < flows.size(); ++month)
    sum += flows[month] / std::pow(1 + yearly_discount, static_cast<double>(month) / 12);
  return sum;
}

}  // namespace tokwatt::money
