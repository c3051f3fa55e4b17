#pragma once
// Electricity whose price depends on the hour, the day of the week and the month.
#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace tokwatt::money {

enum class Days : int8_t { all, weekdays, weekends };

/// A price and when it holds. Hours may pass midnight (23 to 7) and months the turn of the year (10 to 5); each hour
/// belongs to the day of the calendar that it is in.
struct TariffRule {
  double price = 0;                      ///< [USD/J], or in the currency of the tariff
  int from_hour = 0, to_hour = 24;       ///< local time; to_hour itself is outside
  int first_month = 1, last_month = 12;  ///< both inside
  Days days = Days::all;
};

/// The first rule that holds is the price.
struct Tariff {
  std::string id, currency = "USD";
  std::vector<TariffRule> rules;
};

/// An hour as tariffs see it.
struct TariffHour {
  int month = 1;
  bool weekend = false;
  int hour = 0;
};
TariffHour tariff_hour(std::chrono::sys_seconds local);

/// The rule that holds, or null.
const TariffRule* rule_at(const Tariff& tariff, const TariffHour& hour);
/// An hour of the year for which there is no rule; nothing: there is one for each.
std::optional<TariffHour> first_gap(const Tariff& tariff);

/// The first rule that is never the price, since those before it hold whenever it does; nothing: there is none.
std::optional<std::size_t> first_idle_rule(const Tariff& tariff);

/// From `after` seconds after a start on, a price; until the next step.
struct PriceStep {
  int64_t after = 0;
  double price = 0;
};
/// What a tariff without gaps costs from a start on for so many seconds; the first step is at 0, and each differs from
/// the one before. Local time is taken to run on: no hour is left out or had twice for daylight saving.
std::vector<PriceStep> price_steps(const Tariff& tariff, std::chrono::sys_seconds start, int64_t seconds);
/// The mean over that time.
double mean_price(const Tariff& tariff, std::chrono::sys_seconds start, int64_t seconds);
/// The mean over a month of a day's run that begins at `time_of_day`: over its weekdays alone, or over all its days.
double mean_price_in_month(const Tariff& tariff, std::chrono::year_month month, std::chrono::seconds time_of_day,
                           int64_t seconds, bool weekdays_only);
/// The mean over all other hours of the month; where there are none, over those of the runs.
double mean_price_outside(const Tariff& tariff, std::chrono::year_month month, std::chrono::seconds time_of_day,
                          int64_t seconds, bool weekdays_only);

}  // namespace tokwatt::money
