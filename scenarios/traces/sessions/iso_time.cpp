#include "scenarios/traces/sessions/iso_time.hpp"

#include <fmt/format.h>

#include <chrono>
#include <optional>

#include "scenarios/diagnostics.hpp"

namespace tokwatt::scenarios {
namespace {

constexpr TraceInstant kPicosecondsInSecond = 1'000'000'000'000;
constexpr int kMostDigits = 12;  // of a fraction: picoseconds

bool is_digit(char c) { return c >= '0' && c <= '9'; }

// Takes so many digits off the front, or fails.
std::optional<int> take(std::string_view& text, std::size_t digits) {
  if (text.size() < digits) return std::nullopt;
  int value = 0;
  for (const char c : text.substr(0, digits)) {
    if (!is_digit(c)) return std::nullopt;
    value = 10 * value + (c - '0');
  }
  text.remove_prefix(digits);
  return value;
}

bool take(std::string_view& text, char c) {
  if (text.empty() || text.front() != c) return false;
  text.remove_prefix(1);
  return true;
}

// A number of two digits, at most `most`.
bool take_two(std::string_view& text, int most, int& value) {
  const auto read = take(text, std::size_t{2});
  value = read.value_or(0);
  return read && *read <= most;
}

std::optional<int64_t> take_day(std::string_view& text) {
  const auto year = take(text, std::size_t{4});
  int month = 0, day = 0;
  if (!year || !take(text, '-') || !take_two(text, 12, month) || !take(text, '-') || !take_two(text, 31, day))
    return std::nullopt;
  const std::chrono::year_month_day date{std::chrono::year{*year}, std::chrono::month{static_cast<unsigned>(month)},
                                         std::chrono::day{static_cast<unsigned>(day)}};
  if (!date.ok()) return std::nullopt;
  return std::chrono::sys_days(date).time_since_epoch().count();
}

std::optional<TraceInstant> take_fraction(std::string_view& text) {
  TraceInstant fraction = 0;
  if (!take(text, '.')) return fraction;
  int digits = 0;
  for (; !text.empty() && is_digit(text.front()) && digits < kMostDigits; ++digits) {
    fraction = 10 * fraction + (text.front() - '0');
    text.remove_prefix(1);
  }
  if (digits == 0) return std::nullopt;
  for (; digits < kMostDigits; ++digits) fraction *= 10;
  return fraction;
}

// Seconds east of Greenwich.
std::optional<int> take_zone(std::string_view& text) {
  if (text.empty() || take(text, 'Z')) return 0;
  const int sign = text.front() == '-' ? -1 : 1;
  int hours = 0, minutes = 0;
  if (!take(text, '-') && !take(text, '+')) return std::nullopt;
  if (!take_two(text, 23, hours) || !take(text, ':') || !take_two(text, 59, minutes)) return std::nullopt;
  return sign * (3600 * hours + 60 * minutes);
}

struct Parsed {
  TraceInstant instant = 0;
  bool zone = false;
};

std::optional<Parsed> parsed(std::string_view text) {
  const auto day = take_day(text);
  int hour = 0, minute = 0, second = 0;
  if (!day || !take(text, 'T') || !take_two(text, 23, hour) || !take(text, ':') || !take_two(text, 59, minute) ||
      !take(text, ':') || !take_two(text, 59, second))
    return std::nullopt;
  const auto fraction = take_fraction(text);
  if (!fraction) return std::nullopt;
  const bool has_zone = !text.empty();
  const auto zone = take_zone(text);
  if (!zone || !text.empty()) return std::nullopt;
  const int64_t seconds = 86400 * *day + 3600 * hour + 60 * minute + second - *zone;
  return Parsed{seconds * kPicosecondsInSecond + *fraction, has_zone};
}

}  // namespace

bool IsoTimes::parse(std::string_view text, TraceInstant& instant) {
  const auto read = parsed(text);
  if (!read) return false;
  const Zones zones = read->zone ? Zones::all : Zones::none;
  if (zones_ != Zones::unknown && zones != zones_) return false;
  zones_ = zones;
  instant = read->instant;
  return true;
}

std::string IsoTimes::explain(std::string_view text) const {
  if (!parsed(text)) {
    return fmt::format("{}; expected an instant such as 2026-04-23T17:23:06.245972{}", in_quotes(text),
                       zones_ == Zones::none ? "" : "+00:00");
  }
  return fmt::format("{}, not in the form of those before; expected it {} a zone", in_quotes(text),
                     zones_ == Zones::none ? "without" : "with");
}

}  // namespace tokwatt::scenarios
