#include "scenarios/dates.hpp"

#include <cstdio>

namespace tokwatt::scenarios {

using namespace std::chrono;

std::optional<year_month_day> date(const std::string& text) {
  unsigned month = 0, day = 0;
  int year = 0, used = 0;
  const bool shaped = text.size() == 10 && text.find_first_not_of("0123456789-") == std::string::npos &&
                      text[4] == '-' && text[7] == '-';
  if (!shaped || std::sscanf(text.c_str(), "%4d-%2u-%2u%n", &year, &month, &day, &used) != 3 || used != 10)
    return std::nullopt;
  const year_month_day read{std::chrono::year{year}, std::chrono::month{month}, std::chrono::day{day}};
  return read.ok() ? std::optional(read) : std::nullopt;
}

std::optional<sys_seconds> date_and_time(const std::string& text) {
  unsigned hour = 0, minute = 0, second = 0;
  int used = 0;
  if (text.find_first_not_of("0123456789-: ") != std::string::npos || (text.size() != 16 && text.size() != 19))
    return std::nullopt;
  const auto day = date(text.substr(0, 10));
  const std::string clock = text.substr(10);
  if (!day || clock.rfind(' ') != 0 || clock[3] != ':') return std::nullopt;
  if (std::sscanf(clock.c_str(), " %2u:%2u%n", &hour, &minute, &used) != 2 || used != 6) return std::nullopt;
  if (clock.size() == 9 && (std::sscanf(clock.c_str() + 6, ":%2u%n", &second, &used) != 1 || used != 3))
    return std::nullopt;
  if (hour > 23 || minute > 59 || second > 59) return std::nullopt;
  return sys_days{*day} + hours(hour) + minutes(minute) + seconds(second);
}

}  // namespace tokwatt::scenarios
