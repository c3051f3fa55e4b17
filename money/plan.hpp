#pragma once
// Months and years from representative days: boxes that are bought, used and sold again, or rented, beside what others
// would ask for the same tokens (docs/money.md).
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "money/api.hpp"
#include "money/loan.hpp"

namespace tokwatt::money {

inline constexpr double kHoursOfMonth = 730.5;

/// A figure that is not known to the cent.
struct Estimate {
  double value = 0, low = 0, high = 0;
};

/// Factors on prices from the beginning of a month on.
struct Shock {
  int month = 1;
  double hardware = 1, electricity = 1, api = 1, rent = 1;
};

/// By which shares a figure may be less and more than it is said to be.
struct Spread {
  double down = 0, up = 0;
};

/// What is left of a price after some months.
struct ResalePoint {
  double month = 0;
  Estimate fraction = {1, 1, 1};
};

struct Plan {
  int months = 36;
  double days_per_month = kHoursOfMonth / 24;
  double growth = 0, electricity_growth = 0, hardware_growth = 0;  ///< per month; of requests, of prices
  std::vector<Shock> shocks;
  std::optional<Loan> financing;    ///< nothing: paid at once
  std::vector<ResalePoint> resale;  ///< in order of months; straight lines between, from all of the price at month 0
  bool follows_replacement = true;  ///< of what a new one costs then; else of what was paid
  double cooling = 1;               ///< energy with that of cooling over energy without
  double discount = 0;              ///< of a year
  double power_between = 0;         ///< at the wall, outside the days' runs [W]
  Spread energy_spread;             ///< of the energy of boxes that are bought
  Estimate rent;                    ///< of all boxes that are rented [USD/s]
  bool rents_whole_months = false;  ///< else for the hours of the days' runs
};

/// A day at some multiple of the first day's load.
struct Day {
  double load = 1;
  Tokens tokens;
  double energy = 0;       ///< at the wall [J]
  double electricity = 0;  ///< what it costs, where it is not part of a rent [USD]
  double requests = 0;     ///< that were answered, or stopped on the way
  double rented = 0;       ///< of the energy, what is part of a rent [J]
  double api = 0;          ///< what hosted models ask for their part of the tokens [USD]
};
/// A part of the way from one day to another.
Day mixed(const Day& from, const Day& to, double part);
/// Between the two days nearest in load, by a straight line; beyond the last it stays as it is.
Day day_at(std::span<const Day> days, double load);

/// How the box is used.
struct Usage {
  std::vector<Day> days;             ///< in order of load, at least one
  double hours_per_day = 24;         ///< that the day's run lasts
  std::vector<double> season;        ///< by month: price of electricity over that of the days; as long as the plan
  std::vector<double> between;       ///< by month: price outside the days' runs [USD/J]; empty: as on those days
  std::vector<double> of_days = {};  ///< by month: price during them [USD/J], where the run's own was 0; else empty
};

/// Prices of a month as multiples of those at the start.
double hardware_level(const Plan& plan, int month);
double electricity_level(const Plan& plan, int month);
double api_level(const Plan& plan, int month);
double rent_level(const Plan& plan, int month);
/// Requests of a month as a multiple of the first month's.
double load_of(const Plan& plan, int month);
/// What is left of a price after some months.
Estimate resale_fraction(const Plan& plan, double age);

/// One line of the cash-flow table; month 0 is the purchase.
struct Month {
  int month = 0;
  double load = 0;
  Tokens tokens;
  double hardware = 0;     ///< the price, or the loan's payment [USD]
  double rent = 0;         ///< of boxes that are rented [USD]
  double electricity = 0;  ///< of the box itself [USD]
  double cooling = 0;      ///< of moving its heat out [USD]
  double api = 0;          ///< of hosted models [USD]
  double total = 0;        ///< of these five
  double cumulated = 0;    ///< total so far
  double energy_cost = 0;  ///< of electricity and cooling so far [USD]
  Estimate rent_so_far;    ///< [USD]
  double energy = 0;       ///< of the month at the wall, cooling with it [J]
  double debt = 0;         ///< still owed at the end of the month
  Estimate resale;         ///< what it would fetch at the end of the month

  /// All that was paid or is owed, less what it would fetch; the low end: sold well, rented cheaply, energy
  /// overestimated.
  Estimate cost_if_sold(const Spread& of_energy) const;
  /// The same, if it is never sold.
  Estimate cost_if_kept(const Spread& of_energy) const;
};

/// From month 0 to the plan's last, of a box of some price that is bought after `bought_after` months.
std::vector<Month> cash_flow(const Plan& plan, const Usage& usage, double price, int bought_after = 0);

/// What somebody else asks for the same tokens, cumulated, from month 0 (nothing) to the plan's last. `prices` are
/// those of each month, before shocks.
std::vector<Estimate> api_costs(const Plan& plan, const Usage& usage, std::span<const TokenPrices> prices,
                                const FreeTier& free_tier = {});
/// The same of a rented device that runs as long as the box does.
std::vector<Estimate> rental_costs(const Plan& plan, const Usage& usage, const Rental& rental);

/// The first month from which on the one is never dearer than the other; nothing where that is not within the plan.
struct BreakEven {
  std::optional<int> value, low, high;
};
BreakEven break_even(std::span<const Estimate> own, std::span<const Estimate> other);

/// Flows at the end of each month (the first at once), as they are worth today.
double present_value(std::span<const double> flows, double yearly_discount);

}  // namespace tokwatt::money
