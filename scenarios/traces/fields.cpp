#include "scenarios/traces/fields.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <chrono>
#include <cstring>
#include <limits>

#include "scenarios/diagnostics.hpp"

namespace tokwatt::scenarios {
namespace {

constexpr int64_t kMostTokens = std::numeric_limits<int32_t>::max();
constexpr int64_t kPicosecondsInSecond = 1'000'000'000'000;
constexpr int kPicosecondDigits = 12;
constexpr TraceInstant kLatest = static_cast<TraceInstant>(kPicosecondsInSecond) * 1'000'000'000'000;  // 1e12 s

bool is_digit(char c) { return c >= '0' && c <= '9'; }
int digit(char c) { return c - '0'; }

// Length of the run of digits at the front.
std::size_t digits(std::string_view text) {
  return static_cast<std::size_t>(std::find_if_not(text.begin(), text.end(), is_digit) - text.begin());
}

// [digits][.digits][e[+-]digits]
struct Decimal {
  std::string_view whole, fraction;
  int exponent = 0;
  bool valid = false;
};

Decimal parse_decimal(std::string_view text) {
  Decimal d;
  d.whole = text.substr(0, digits(text));
  text.remove_prefix(d.whole.size());
  if (d.whole.empty()) return d;
  if (!text.empty() && text.front() == '.') {
    text.remove_prefix(1);
    d.fraction = text.substr(0, digits(text));
    text.remove_prefix(d.fraction.size());
    if (d.fraction.empty()) return d;
  }
  if (!text.empty() && (text.front() == 'e' || text.front() == 'E')) {
    text.remove_prefix(1);
    const bool negative = !text.empty() && text.front() == '-';
    if (!text.empty() && (text.front() == '-' || text.front() == '+')) text.remove_prefix(1);
    const std::size_t size = digits(text);
    if (size == 0 || size > 4) return d;
    for (const char c : text.substr(0, size)) d.exponent = 10 * d.exponent + digit(c);
    if (negative) d.exponent = -d.exponent;
    text.remove_prefix(size);
  }
  d.valid = text.empty();
  return d;
}

// Digit k of the fraction stands at 10^-(k+1); with the exponent that is a place among the picoseconds, where what lies
// beyond the last one only decides the rounding.
bool to_picoseconds(const Decimal& d, TraceInstant& instant) {
  TraceInstant value = 0;
  int place =
      static_cast<int>(d.whole.size()) - 1 + d.exponent + kPicosecondDigits;  // of the next digit, in tens of 1 ps
  const auto take = [&](std::string_view part) {
    for (const char c : part) {
      if (place >= 0) value = value * 10 + digit(c);
      if (place == -1 && digit(c) >= 5) ++value;
      --place;
      if (value > kLatest) return false;
    }
    return true;
  };
  if (d.whole.size() > 4096 || !take(d.whole) || !take(d.fraction)) return false;
  for (; place >= 0 && value > 0; --place) {
    value *= 10;
    if (value > kLatest) return false;
  }
  instant = value;
  return true;
}

constexpr int64_t picoseconds_in(TimeUnit unit) {
  return unit == TimeUnit::s ? kPicosecondsInSecond : unit == TimeUnit::ms ? 1'000'000'000 : 1000;
}

int two(const char* p) { return 10 * digit(p[0]) + digit(p[1]); }

}  // namespace

std::size_t split_fields(std::string_view line, std::span<std::string_view> fields) {
  std::size_t count = 0, at = 0;
  while (true) {
    std::size_t end = at;
    bool unquote = false;
    if (at < line.size() && line[at] == '"') {
      std::size_t close = line.find('"', at + 1);
      while (close != std::string_view::npos && close + 1 < line.size() && line[close + 1] == '"')
        close = line.find('"', close + 2);
      if (close != std::string_view::npos) end = close + 1;
      unquote = close != std::string_view::npos && (end == line.size() || line[end] == ',');
    }
    while (end < line.size() && line[end] != ',') ++end;
    if (count < fields.size()) fields[count] = unquote ? line.substr(at + 1, end - at - 2) : line.substr(at, end - at);
    ++count;
    if (end >= line.size()) return count;
    at = end + 1;
  }
}

bool parse_tokens(std::string_view text, int32_t& tokens) {
  int64_t value = 0;
  for (const char c : text) {
    if (!is_digit(c)) return false;
    value = 10 * value + digit(c);
    if (value > kMostTokens) return false;
  }
  tokens = static_cast<int32_t>(value);
  return !text.empty();
}

std::string explain_tokens(std::string_view text) {
  constexpr std::string_view kExpected = "; expected a whole number from 0 to 2,147,483,647";
  if (text.empty()) return fmt::format("empty{}", kExpected);
  const bool negative = text.front() == '-';
  const std::string_view size = negative ? text.substr(1) : text;
  const char* what = "not a number";
  if (parse_decimal(size).valid) {
    what = negative ? "negative" : digits(size) == size.size() ? "too large" : "not a whole number";
  }
  return fmt::format("{}, {}{}", in_quotes(text), what, kExpected);
}

bool parse_priority(std::string_view text, int32_t& priority) {
  constexpr int32_t kMost = 1'000'000'000;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), priority);
  return error == std::errc{} && end == text.data() + text.size() && priority >= -kMost && priority <= kMost;
}

std::string explain_priority(std::string_view text) {
  return fmt::format("{}; expected a whole number from -1,000,000,000 to 1,000,000,000",
                     text.empty() ? "empty" : in_quotes(text));
}

bool parse_instant(std::string_view text, TimeUnit unit, TraceInstant& instant) {
  // The common forms: up to 12 digits, and in seconds as many after the point.
  int64_t whole = 0, fraction = 0;
  std::size_t at = 0;
  while (at < text.size() && at < 12 && is_digit(text[at])) whole = 10 * whole + digit(text[at++]);
  if (at > 0 && at == text.size()) {
    instant = static_cast<TraceInstant>(whole) * picoseconds_in(unit);
    return true;
  }
  if (unit == TimeUnit::s && at > 0 && text[at] == '.' && text.size() > at + 1 &&
      text.size() - at - 1 <= kPicosecondDigits) {
    std::size_t place = at + 1;
    while (place < text.size() && is_digit(text[place])) fraction = 10 * fraction + digit(text[place++]);
    if (place == text.size()) {
      for (std::size_t missing = text.size() - at - 1; missing < kPicosecondDigits; ++missing) fraction *= 10;
      instant = static_cast<TraceInstant>(whole) * kPicosecondsInSecond + fraction;
      return true;
    }
  }
  Decimal d = parse_decimal(text);
  d.exponent -= unit == TimeUnit::ms ? 3 : unit == TimeUnit::ns ? 9 : 0;
  return d.valid && to_picoseconds(d, instant);
}

std::string explain_instant(std::string_view text, TimeUnit unit) {
  const std::string_view expected = unit == TimeUnit::s    ? "; expected seconds such as 12.5, from 0 to 1e12"
                                    : unit == TimeUnit::ms ? "; expected milliseconds such as 12500, from 0 to 1e15"
                                                           : "; expected nanoseconds such as 12500, from 0 to 1e21";
  if (text.empty()) return fmt::format("empty{}", expected);
  const bool negative = text.front() == '-';
  const bool number = parse_decimal(negative ? text.substr(1) : text).valid;
  return fmt::format("{}, {}{}", in_quotes(text),
                     !number    ? "not a number"
                     : negative ? "negative"
                                : "too large",
                     expected);
}

// The form alone: a date and a time, up to nine digits of a second, and a zone or none.
Timestamps::Style Timestamps::style_of(std::string_view text) {
  constexpr std::string_view kWhole = "dddd-dd-dd dd:dd:dd";
  if (text.size() < kWhole.size()) return Style::unknown;
  for (std::size_t i = 0; i < kWhole.size(); ++i) {
    const bool is_t = kWhole[i] == ' ' && text[i] == 'T';
    if (kWhole[i] == 'd' ? !is_digit(text[i]) : text[i] != kWhole[i] && !is_t) return Style::unknown;
  }
  text.remove_prefix(kWhole.size());
  if (!text.empty() && text.front() == '.') {
    const std::size_t size = digits(text.substr(1));
    if (size < 1 || size > kMostDigits) return Style::unknown;
    text.remove_prefix(1 + size);
  }
  if (text.empty()) return Style::plain;
  return text == "Z" || text == "+00:00" ? Style::zoned : Style::unknown;
}

bool Timestamps::parse_date(std::string_view text) {
  if (std::memcmp(date_.data(), text.data(), date_.size()) == 0) return true;
  const std::chrono::year_month_day day(std::chrono::year(100 * two(text.data()) + two(text.data() + 2)),
                                        std::chrono::month(static_cast<unsigned>(two(text.data() + 5))),
                                        std::chrono::day(static_cast<unsigned>(two(text.data() + 8))));
  if (!day.ok()) return false;
  days_ = std::chrono::sys_days(day).time_since_epoch().count();
  std::copy_n(text.begin(), date_.size(), date_.begin());
  return true;
}

bool Timestamps::parse(std::string_view text, TraceInstant& instant) {
  const Style style = style_of(text);
  if (style == Style::unknown || (style_ != Style::unknown && style != style_) || !parse_date(text)) return false;
  const int hour = two(text.data() + 11), minute = two(text.data() + 14), second = two(text.data() + 17);
  if (hour > 23 || minute > 59 || second > 59) return false;
  int64_t fraction = 0;  // [ns]
  if (text.size() > 19 && text[19] == '.') {
    const std::size_t size = digits(text.substr(20));
    for (std::size_t i = 0; i < kMostDigits; ++i) fraction = 10 * fraction + (i < size ? digit(text[20 + i]) : 0);
  }
  const int64_t seconds = 86400 * days_ + 3600 * hour + 60 * minute + second;
  constexpr int64_t kNanosecond = 1000;  // [ps]
  instant = static_cast<TraceInstant>(seconds) * kPicosecondsInSecond + fraction * kNanosecond;
  style_ = style;
  return true;
}

std::string Timestamps::explain(std::string_view text) const {
  const Style style = style_of(text);
  const char* plain = "YYYY-MM-DD HH:MM:SS[.fffffffff]";
  const char* zoned = "YYYY-MM-DD HH:MM:SS[.fffffffff]+00:00";
  if (text.empty()) return fmt::format("empty; expected {}", style_ == Style::zoned ? zoned : plain);
  if (style == Style::unknown && style_ == Style::unknown) {
    return fmt::format("{}; expected {} or {}", in_quotes(text), plain, zoned);
  }
  if (style_ == Style::unknown || style == style_) {
    return fmt::format("{}, which is on no calendar or clock; expected an instant that exists", in_quotes(text));
  }
  return fmt::format("{}, not in the form of the rows before; expected {}", in_quotes(text),
                     style_ == Style::plain ? plain : zoned);
}

}  // namespace tokwatt::scenarios
