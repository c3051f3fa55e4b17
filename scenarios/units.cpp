#include "scenarios/units.hpp"

#include <fast_float/fast_float.h>
#include <fmt/format.h>

#include <array>
#include <charconv>
#include <cmath>
#include <optional>
#include <vector>

#include "scenarios/diagnostics.hpp"

namespace tokwatt::scenarios {
namespace {

enum class Prefixes { none, decimal, decimal_and_binary };

struct Unit {
  std::string_view symbol;
  Dimension dimension;
  double factor;  ///< to SI
  Prefixes prefixes = Prefixes::none;
};

constexpr double kMinute = 60, kHour = 3600, kDay = 24 * kHour;
constexpr double kMonth = 730.5 * kHour;  // design section 2
constexpr double kWattHour = 3600;

// A symbol may stand for two dimensions ("bit" is an amount of data or the width of a weight): the expected one wins.
constexpr Unit kUnits[] = {
    {"B", Dimension::bytes, 1, Prefixes::decimal_and_binary},
    {"b", Dimension::bytes, 0.125, Prefixes::decimal_and_binary},
    {"bit", Dimension::bytes, 0.125, Prefixes::decimal_and_binary},
    {"bit", Dimension::weight_bits, 1},
    {"bits", Dimension::weight_bits, 1},
    {"bit/weight", Dimension::weight_bits, 1},
    {"B/s", Dimension::byte_rate, 1, Prefixes::decimal_and_binary},
    {"b/s", Dimension::byte_rate, 0.125, Prefixes::decimal_and_binary},
    {"bit/s", Dimension::byte_rate, 0.125, Prefixes::decimal_and_binary},
    {"bps", Dimension::byte_rate, 0.125, Prefixes::decimal},
    {"FLOP", Dimension::flop, 1, Prefixes::decimal},
    {"OP", Dimension::flop, 1, Prefixes::decimal},
    {"FLOP/s", Dimension::flop_rate, 1, Prefixes::decimal},
    {"OP/s", Dimension::flop_rate, 1, Prefixes::decimal},
    {"FLOPS", Dimension::flop_rate, 1, Prefixes::decimal},
    {"OPS", Dimension::flop_rate, 1, Prefixes::decimal},
    {"W", Dimension::power, 1, Prefixes::decimal},
    {"J", Dimension::energy, 1, Prefixes::decimal},
    {"Wh", Dimension::energy, kWattHour, Prefixes::decimal},
    {"Hz", Dimension::frequency, 1, Prefixes::decimal},
    {"s", Dimension::duration, 1, Prefixes::decimal},
    {"min", Dimension::duration, kMinute},
    {"h", Dimension::duration, kHour},
    {"d", Dimension::duration, kDay},
    {"day", Dimension::duration, kDay},
    {"days", Dimension::duration, kDay},
    {"week", Dimension::duration, 7 * kDay},
    {"weeks", Dimension::duration, 7 * kDay},
    {"month", Dimension::duration, kMonth},
    {"months", Dimension::duration, kMonth},
    {"year", Dimension::duration, 12 * kMonth},
    {"years", Dimension::duration, 12 * kMonth},
    {"degC", Dimension::temperature, 1},
    {"°C", Dimension::temperature, 1},
    {"K", Dimension::temperature_difference, 1},
    {"J/K", Dimension::heat_capacity, 1, Prefixes::decimal},
    {"K/W", Dimension::thermal_resistance, 1, Prefixes::decimal},
    {"W/K", Dimension::thermal_conductance, 1, Prefixes::decimal},
    {"USD", Dimension::money, 1},
    {"USD/J", Dimension::money_per_energy, 1},
    {"USD/Wh", Dimension::money_per_energy, 1 / kWattHour},
    {"USD/kWh", Dimension::money_per_energy, 1 / (1e3 * kWattHour)},
    {"USD/MWh", Dimension::money_per_energy, 1 / (1e6 * kWattHour)},
    {"USD/s", Dimension::money_per_time, 1},
    {"USD/h", Dimension::money_per_time, 1 / kHour},
    {"USD/month", Dimension::money_per_time, 1 / kMonth},
    {"J/B", Dimension::energy_per_byte, 1, Prefixes::decimal},
    {"J/bit", Dimension::energy_per_byte, 8, Prefixes::decimal},
    {"J/FLOP", Dimension::energy_per_flop, 1, Prefixes::decimal},
    {"J/OP", Dimension::energy_per_flop, 1, Prefixes::decimal},
    {"Hz/K", Dimension::frequency_per_kelvin, 1, Prefixes::decimal},
    {"V", Dimension::voltage, 1, Prefixes::decimal},
    {"/s", Dimension::rate, 1},
    {"1/s", Dimension::rate, 1},
    {"/min", Dimension::rate, 1 / kMinute},
    {"1/min", Dimension::rate, 1 / kMinute},
    {"/h", Dimension::rate, 1 / kHour},
    {"1/h", Dimension::rate, 1 / kHour},
    {"/d", Dimension::rate, 1 / kDay},
    {"1/d", Dimension::rate, 1 / kDay},
    {"USD/Mtok", Dimension::money_per_token, 1e-6},
    {"USD/ktok", Dimension::money_per_token, 1e-3},
    {"USD/kWh", Dimension::local_money_per_energy, 1 / (1e3 * kWattHour)},
    {"EUR/kWh", Dimension::local_money_per_energy, 1 / (1e3 * kWattHour)},
    {"GBP/kWh", Dimension::local_money_per_energy, 1 / (1e3 * kWattHour)},
    {"JPY/kWh", Dimension::local_money_per_energy, 1 / (1e3 * kWattHour)},
    {"AUD/kWh", Dimension::local_money_per_energy, 1 / (1e3 * kWattHour)},
    {"%/month", Dimension::growth, 0.01},
    {"%/year", Dimension::interest, 0.01},
    {"dBA", Dimension::sound_level, 1},
};

struct Prefix {
  std::string_view symbol;
  double factor;
  bool binary = false;
};
constexpr Prefix kPrefixes[] = {
    {"", 1},
    {"k", 1e3},
    {"M", 1e6},
    {"G", 1e9},
    {"T", 1e12},
    {"P", 1e15},
    {"E", 1e18},
    {"m", 1e-3},
    {"u", 1e-6},
    {"µ", 1e-6},
    {"μ", 1e-6},
    {"n", 1e-9},
    {"p", 1e-12},
    {"Ki", 0x1p10, true},
    {"Mi", 0x1p20, true},
    {"Gi", 0x1p30, true},
    {"Ti", 0x1p40, true},
    {"Pi", 0x1p50, true},
};

constexpr std::array<DimensionInfo, 28> kInfo = {{
    {"a number", "0.85", "1"},
    {"a size", "128 GB", "B"},
    {"a rate", "273 GB/s", "B/s"},
    {"a width", "4.5 bit", "bit"},
    {"a count of operations", "2 TFLOP", "FLOP"},
    {"an arithmetic rate", "125 TFLOP/s", "FLOP/s"},
    {"a power", "100 W", "W"},
    {"an energy", "1.5 kWh", "J"},
    {"a frequency", "2.5 GHz", "Hz"},
    {"a duration", "8 h", "s"},
    {"a temperature", "24 degC", "degC"},
    {"a temperature difference", "2 K", "K"},
    {"a heat capacity", "44 J/K", "J/K"},
    {"a thermal resistance", "0.32 K/W", "K/W"},
    {"a thermal conductance", "3 W/K", "W/K"},
    {"an amount of money", "4699 USD", "USD"},
    {"a price of energy", "0.15 USD/kWh", "USD/J"},
    {"a price per time", "2 USD/h", "USD/s"},
    {"an energy per byte", "60 pJ/B", "J/B"},
    {"an energy per operation", "0.9 pJ/FLOP", "J/FLOP"},
    {"a frequency per kelvin", "4.5 MHz/K", "Hz/K"},
    {"a voltage", "0.9 V", "V"},
    {"a frequency of events", "2.5/s", "1/s"},
    {"a price of tokens", "1.25 USD/Mtok", "USD/token"},
    {"a price of energy", "0.30 EUR/kWh", "1/J"},
    {"a growth", "5 %/month", "1/month"},
    {"a yearly rate", "6 %/year", "1/year"},
    {"a sound level", "35 dBA", "dBA"},
}};

std::optional<double> prefix_factor(const Unit& unit, std::string_view text) {
  for (const Prefix& prefix : kPrefixes) {
    if (prefix.symbol != text) continue;
    const bool allowed = text.empty() || (prefix.binary ? unit.prefixes == Prefixes::decimal_and_binary
                                                        : unit.prefixes != Prefixes::none);
    if (allowed) return prefix.factor;
  }
  return std::nullopt;
}

struct Meaning {
  Dimension dimension;
  double factor;
};

std::optional<Meaning> meaning_of(std::string_view text, Dimension expected) {
  std::optional<Meaning> first;
  for (const Unit& unit : kUnits) {
    if (text.size() < unit.symbol.size() || text.substr(text.size() - unit.symbol.size()) != unit.symbol) continue;
    const auto factor = prefix_factor(unit, text.substr(0, text.size() - unit.symbol.size()));
    if (!factor) continue;
    const Meaning meaning{unit.dimension, unit.factor * *factor};
    if (unit.dimension == expected) return meaning;
    if (!first) first = meaning;
  }
  return first;
}

/// Spellings worth proposing for an unknown unit: the symbols of the expected dimension with the usual prefixes.
std::string unit_hint(std::string_view text, Dimension expected) {
  if (text == "m" && expected == Dimension::duration) return "; did you mean \"min\"?";
  std::vector<std::string> names;
  for (const Unit& unit : kUnits) {
    if (unit.dimension != expected) continue;
    for (const Prefix& prefix : kPrefixes) {
      if (prefix_factor(unit, prefix.symbol)) names.push_back(fmt::format("{}{}", prefix.symbol, unit.symbol));
    }
  }
  return did_you_mean(text, names);
}

std::string_view trimmed(std::string_view text) {
  const auto from = text.find_first_not_of(" \t");
  if (from == std::string_view::npos) return {};
  return text.substr(from, text.find_last_not_of(" \t") - from + 1);
}

struct Split {
  double number = 0;
  std::string_view unit;
};

/// The number in front and what follows it. Only decimal digits start a number: no hexadecimal, infinity or NaN.
std::variant<Split, NotAQuantity> split(std::string_view text) {
  text = trimmed(text);
  const std::string_view digits = !text.empty() && text[0] == '-' ? text.substr(1) : text;
  const auto is_digit = [](std::string_view s, std::size_t i) { return i < s.size() && s[i] >= '0' && s[i] <= '9'; };
  if (!is_digit(digits, 0) && !(digits.substr(0, 1) == "." && is_digit(digits, 1)))
    return NotAQuantity{", which starts with no number"};
  Split result;
  const auto [end, code] = fast_float::from_chars(text.data(), text.data() + text.size(), result.number);
  if (code == std::errc::result_out_of_range || !std::isfinite(result.number))
    return NotAQuantity{", which is out of range"};
  if (code != std::errc()) return NotAQuantity{", which starts with no number"};
  result.unit = trimmed(text.substr(static_cast<std::size_t>(end - text.data())));
  if (result.unit.starts_with(',') && is_digit(result.unit, 1))
    return NotAQuantity{", which has a comma in its number (write 5000 or 0.5)"};
  return result;
}

}  // namespace

const DimensionInfo& info(Dimension dimension) { return kInfo[static_cast<std::size_t>(dimension)]; }

std::string expectation(Dimension dimension) {
  return fmt::format("{} such as \"{}\"", info(dimension).noun, info(dimension).example);
}

std::variant<double, NotAQuantity> parse_quantity(std::string_view text, Dimension dimension) {
  if (dimension == Dimension::number) return parse_number(text);
  const auto parts = split(text);
  if (const auto* bad = std::get_if<NotAQuantity>(&parts)) return *bad;
  const auto [number, unit] = std::get<Split>(parts);
  if (unit.empty()) return NotAQuantity{", a bare number"};
  const auto meaning = meaning_of(unit, dimension);
  if (!meaning)
    return NotAQuantity{fmt::format(", whose unit {} is unknown{}", in_quotes(unit), unit_hint(unit, dimension))};
  if (meaning->dimension == Dimension::local_money_per_energy && dimension == Dimension::money_per_energy)
    return NotAQuantity{
        fmt::format(", which is in {} (other currencies are for sheets of tariffs: docs/money.md)", unit.substr(0, 3))};
  if (meaning->dimension != dimension) return NotAQuantity{fmt::format(", {}", info(meaning->dimension).noun)};
  const double value = number * meaning->factor;
  if (!std::isfinite(value)) return NotAQuantity{", which is out of range"};
  return value;
}

std::variant<double, NotAQuantity> parse_number(std::string_view text) {
  const auto parts = split(text);
  if (const auto* bad = std::get_if<NotAQuantity>(&parts)) return *bad;
  const auto [number, unit] = std::get<Split>(parts);
  if (unit.empty()) return number;
  const auto meaning = meaning_of(unit, Dimension::number);
  if (!meaning) return NotAQuantity{", which is no bare number"};
  return NotAQuantity{fmt::format(", {}", info(meaning->dimension).noun)};
}

std::optional<WithUnit> parse_with_unit(std::string_view text) {
  const auto parts = split(text);
  const auto* found = std::get_if<Split>(&parts);
  if (!found || (!found->unit.empty() && !meaning_of(found->unit, Dimension::number))) return std::nullopt;
  return WithUnit{found->number, std::string(found->unit)};
}

std::variant<int64_t, NotAQuantity> parse_count(std::string_view text) {
  text = trimmed(text);
  int64_t value = 0;
  const auto [end, code] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (code == std::errc::result_out_of_range) return NotAQuantity{", which is out of range"};
  if (code == std::errc() && end == text.data() + text.size()) return value;
  const auto number = parse_number(text);
  if (const auto* bad = std::get_if<NotAQuantity>(&number)) return *bad;
  return NotAQuantity{", which is not whole"};
}

}  // namespace tokwatt::scenarios
