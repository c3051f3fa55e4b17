#pragma once
// Dates as people write them.
#include <chrono>
#include <optional>
#include <string>

namespace tokwatt::scenarios {

/// "2026-11-23 09:00", seconds optional; local time.
std::optional<std::chrono::sys_seconds> date_and_time(const std::string& text);
/// "2026-11-23".
std::optional<std::chrono::year_month_day> date(const std::string& text);

}  // namespace tokwatt::scenarios
