#pragma once
// The values in a trace: token counts and instants, exactly. Parsing is the fast path; only what fails is explained.
#include <array>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>

#include "sim/time.hpp"

namespace tokwatt::scenarios {

using TraceInstant = sim::int128;  ///< [ps]; epoch seconds in picoseconds need more than 64 bits

/// Splits at commas outside of quotes, and takes the quotes off. Returns the number of fields, which may exceed the
/// room.
std::size_t split_fields(std::string_view line, std::span<std::string_view> fields);

/// A whole number from 0 to 2,147,483,647.
bool parse_tokens(std::string_view text, int32_t& tokens);
/// `"12.5", not a whole number; expected ...`
std::string explain_tokens(std::string_view text);

/// A whole number from -1,000,000,000 to 1,000,000,000.
bool parse_priority(std::string_view text, int32_t& priority);
std::string explain_priority(std::string_view text);

enum class TimeUnit { s, ms, ns };

/// A decimal number of that unit, 0 to 1e12 s, rounded half up to picoseconds.
bool parse_instant(std::string_view text, TimeUnit unit, TraceInstant& instant);
std::string explain_instant(std::string_view text, TimeUnit unit);

/// Wall-clock time: `YYYY-MM-DD HH:MM:SS` (or a `T` between), up to nine digits of a second, and `+00:00`, `Z` or no
/// zone; the first one read settles whether there is one.
class Timestamps {
 public:
  bool parse(std::string_view text, TraceInstant& instant);
  std::string explain(std::string_view text) const;

 private:
  enum class Style { unknown, plain, zoned };
  static constexpr std::size_t kMostDigits = 9;
  static Style style_of(std::string_view text);
  bool parse_date(std::string_view text);

  Style style_ = Style::unknown;
  std::array<char, 10> date_{};  // parsed last, since most rows share it
  int64_t days_ = 0;             // of date_, since 1970
};

}  // namespace tokwatt::scenarios
