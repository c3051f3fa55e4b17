#pragma once
// Quantities with units, "273 GB/s", to SI. Units live only at the border of the program; inside everything is SI.
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <variant>

namespace tokwatt::scenarios {

enum class Dimension {
  number,
  bytes,
  byte_rate,
  weight_bits,  ///< bits per weight
  flop,
  flop_rate,
  power,
  energy,
  frequency,
  duration,
  temperature,             ///< [degC]
  temperature_difference,  ///< [K]
  heat_capacity,
  thermal_resistance,
  thermal_conductance,
  money,
  money_per_energy,
  money_per_time,
  energy_per_byte,
  energy_per_flop,
  frequency_per_kelvin,
  voltage,
  rate,  ///< of events [1/s]
  money_per_token,
  local_money_per_energy,  ///< in a currency that is told elsewhere
  growth,                  ///< per month, compounded
  interest,                ///< per year
};

struct DimensionInfo {
  std::string_view noun;     ///< "a rate"
  std::string_view example;  ///< "273 GB/s"
  std::string_view si;       ///< "B/s"
};
const DimensionInfo& info(Dimension dimension);

/// What is wrong with a text that should have been a quantity: a piece to follow `KEY is "TEXT"`, e.g. `, a size`.
struct NotAQuantity {
  std::string why;
};

/// The value in SI of "273 GB/s". Numbers are decimal and finite; the unit is needed and must have this dimension.
std::variant<double, NotAQuantity> parse_quantity(std::string_view text, Dimension dimension);
/// A bare decimal, finite number.
std::variant<double, NotAQuantity> parse_number(std::string_view text);
/// A bare whole number that fits int64_t.
std::variant<int64_t, NotAQuantity> parse_count(std::string_view text);
/// A number and the unit behind it, as written; of a bare number the unit is empty.
struct WithUnit {
  double number = 0;
  std::string unit;
};
/// Nothing where there is no number in front, or no unit that is known behind it.
std::optional<WithUnit> parse_with_unit(std::string_view text);
/// "a rate such as "273 GB/s"".
std::string expectation(Dimension dimension);

}  // namespace tokwatt::scenarios
