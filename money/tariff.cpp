#include "money/tariff.hpp"

#include <algorithm>

namespace tokwatt::money {
namespace {

using namespace std::chrono;

constexpr int64_t kHour = 3600;

bool is_weekend(weekday day) { return day == Saturday || day == Sunday; }

/// Both ends inside; may pass the end of the circle.
bool between(int x, int first, int last) { return first <= last ? first <= x && x <= last : x >= first || x <= last; }

bool holds(const TariffRule& rule, const TariffHour& at) {
  const bool on_day = rule.days == Days::all || (rule.days == Days::weekends) == at.weekend;
  return on_day && between(at.hour, rule.from_hour, (rule.to_hour + 23) % 24) &&
         between(at.month, rule.first_month, rule.last_month);
}

/// Every hour that a tariff can tell from another.
std::vector<TariffHour> hours_of_year() {
  std::vector<TariffHour> out;
  for (int month = 1; month <= 12; ++month) {
    for (const bool weekend : {false, true}) {
      for (int hour = 0; hour < 24; ++hour) out.push_back({month, weekend, hour});
    }
  }
  return out;
}

double price_at(const Tariff& tariff, sys_seconds local) { return rule_at(tariff, tariff_hour(local))->price; }

}  // namespace

TariffHour tariff_hour(sys_seconds local) {
  const auto day = floor<std::chrono::days>(local);
  const year_month_day date{day};
  return {static_cast<int>(static_cast<unsigned>(date.month())), is_weekend(weekday{day}),
          static_cast<int>(floor<hours>(local - day).count())};
}

const TariffRule* rule_at(const Tariff& tariff, const TariffHour& hour) {
  const auto found =
      std::find_if(tariff.rules.begin(), tariff.rules.end(), [&](const TariffRule& rule) { return holds(rule, hour); });
  return found == tariff.rules.end() ? nullptr : &*found;
}

std::optional<TariffHour> first_gap(const Tariff& tariff) {
  const auto hours = hours_of_year();
  const auto gap = std::find_if(hours.begin(), hours.end(), [&](const auto& hour) { return !rule_at(tariff, hour); });
  return gap == hours.end() ? std::nullopt : std::optional(*gap);
}

std::optional<std::size_t> first_idle_rule(const Tariff& tariff) {
  const auto hours = hours_of_year();
  for (std::size_t i = 0; i < tariff.rules.size(); ++i) {
    const auto is_price = [&](const TariffHour& hour) { return rule_at(tariff, hour) == &tariff.rules[i]; };
    if (std::none_of(hours.begin(), hours.end(), is_price)) return i;
  }
  return std::nullopt;
}

std::vector<PriceStep> price_steps(const Tariff& tariff, sys_seconds start, int64_t seconds) {
  std::vector<PriceStep> steps = {{0, price_at(tariff, start)}};
  const int64_t into_hour = (start - floor<hours>(start)).count();
  for (int64_t after = kHour - into_hour; after < seconds; after += kHour) {
    const double price = price_at(tariff, start + std::chrono::seconds(after));
    if (price != steps.back().price) steps.push_back({after, price});
  }
  return steps;
}

double mean_price(const Tariff& tariff, sys_seconds start, int64_t seconds) {
  const auto steps = price_steps(tariff, start, seconds);
  double sum = 0;
  for (std::size_t i = 0; i < steps.size(); ++i) {
    const int64_t until = i + 1 < steps.size() ? steps[i + 1].after : seconds;
    sum += steps[i].price * static_cast<double>(until - steps[i].after);
  }
  return sum / static_cast<double>(seconds);
}

double mean_price_in_month(const Tariff& tariff, year_month month, std::chrono::seconds time_of_day, int64_t seconds,
                           bool weekdays_only) {
  double sum = 0;
  int days = 0;
  for (sys_days day = month / 1; day < sys_days{(month + months(1)) / 1}; day += std::chrono::days(1)) {
    if (weekdays_only && is_weekend(weekday{day})) continue;
    sum += mean_price(tariff, day + time_of_day, seconds);
    ++days;
  }
  return sum / days;
}

double mean_price_outside(const Tariff& tariff, year_month month, std::chrono::seconds time_of_day, int64_t seconds,
                          bool weekdays_only) {
  const sys_seconds first = sys_days{month / 1}, end = sys_days{(month + months(1)) / 1};
  const auto cost = [&](sys_seconds from, sys_seconds to) {
    const int64_t span = (to - from).count();
    return mean_price(tariff, from, span) * static_cast<double>(span);
  };
  double sum = cost(first, end);
  int64_t span = (end - first).count();
  // The last run of the month before may end in this one, and the last of this one in the next.
  for (sys_days day = sys_days{month / 1} - std::chrono::days(1); day < end; day += std::chrono::days(1)) {
    if (weekdays_only && is_weekend(weekday{day})) continue;
    const sys_seconds from = std::max(day + time_of_day, first),
                      to = std::min(day + time_of_day + std::chrono::seconds(seconds), end);
    if (from >= to) continue;
    sum -= cost(from, to);
    span -= (to - from).count();
  }
  return span > 0 ? sum / static_cast<double>(span)
                  : mean_price_in_month(tariff, month, time_of_day, seconds, weekdays_only);
}

}  // namespace tokwatt::money
