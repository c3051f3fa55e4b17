#include "scenarios/units.hpp"

#include "tests/catch.hpp"

using namespace tokwatt::scenarios;
using Catch::Matchers::WithinRel;

namespace {

double si(const std::string& text, Dimension dimension) {
  const auto value = parse_quantity(text, dimension);
  INFO(text);
  if (const auto* bad = std::get_if<NotAQuantity>(&value)) FAIL(bad->why);
  return std::get<double>(value);
}

std::string why(const std::string& text, Dimension dimension) {
  const auto value = parse_quantity(text, dimension);
  INFO(text);
  REQUIRE(std::holds_alternative<NotAQuantity>(value));
  return std::get<NotAQuantity>(value).why;
}

}  // namespace

TEST_CASE("quantities become SI", "[scenarios][units]") {
  struct Row {
    const char* text;
    Dimension dimension;
    double value;
  };
  const Row rows[] = {
      {"273 GB/s", Dimension::byte_rate, 273e9},
      {"200 Gb/s", Dimension::byte_rate, 25e9},
      {"128 GB", Dimension::bytes, 128e9},
      {"128 GiB", Dimension::bytes, 137438953472.0},
      {"8 Gb", Dimension::bytes, 1e9},
      {"8 Gbit", Dimension::bytes, 1e9},
      {"4.5 bit", Dimension::weight_bits, 4.5},
      {"125 TFLOP/s", Dimension::flop_rate, 125e12},
      {"1 PFLOPS", Dimension::flop_rate, 1e15},
      {"100 TOPS", Dimension::flop_rate, 100e12},
      {"2 TFLOP", Dimension::flop, 2e12},
      {"100 W", Dimension::power, 100},
      {"1.5 kWh", Dimension::energy, 5.4e6},
      {"1.38 GHz", Dimension::frequency, 1.38e9},
      {"8 h", Dimension::duration, 28800},
      {"24 months", Dimension::duration, 24 * 730.5 * 3600},
      {"3 years", Dimension::duration, 36 * 730.5 * 3600},
      {"1 year", Dimension::duration, 12 * 730.5 * 3600},
      {"2 weeks", Dimension::duration, 1209600},
      {"5.2 us", Dimension::duration, 5.2e-6},
      {"5.2 \xC2\xB5s", Dimension::duration, 5.2e-6},
      {"10ms", Dimension::duration, 0.01},
      {"30 min", Dimension::duration, 1800},
      {"-5 degC", Dimension::temperature, -5},
      {"2 K", Dimension::temperature_difference, 2},
      {"44 J/K", Dimension::heat_capacity, 44},
      {"0.32 K/W", Dimension::thermal_resistance, 0.32},
      {"3 W/K", Dimension::thermal_conductance, 3},
      {"4699 USD", Dimension::money, 4699},
      {"0.15 USD/kWh", Dimension::money_per_energy, 0.15 / 3.6e6},
      {"1.8 USD/h", Dimension::money_per_time, 0.0005},
      {"60 pJ/B", Dimension::energy_per_byte, 60e-12},
      {"0.87 pJ/FLOP", Dimension::energy_per_flop, 0.87e-12},
      {"4.5 MHz/K", Dimension::frequency_per_kelvin, 4.5e6},
      {"900 mV", Dimension::voltage, 0.9},
      {"2.5/s", Dimension::rate, 2.5},
      {"30/min", Dimension::rate, 0.5},
      {"3600 /h", Dimension::rate, 1},
      {"35 dBA", Dimension::sound_level, 35},
      {"2 1/s", Dimension::rate, 2},
      {"1e3 W", Dimension::power, 1000},
      {".5 W", Dimension::power, 0.5},
  };
  for (const auto& row : rows) {
    CAPTURE(row.text);
    CHECK_THAT(si(row.text, row.dimension), WithinRel(row.value, 1e-14));
  }
}

TEST_CASE("a wrong dimension is named", "[scenarios][units]") {
  CHECK(why("273 GB", Dimension::byte_rate) == ", a size");
  CHECK(why("273", Dimension::byte_rate) == ", a bare number");
  CHECK(why("24 K", Dimension::temperature) == ", a temperature difference");
  CHECK(why("24 degC", Dimension::temperature_difference) == ", a temperature");
  CHECK(why("4 bit", Dimension::byte_rate) == ", a size");
  CHECK(why("4 B", Dimension::weight_bits) == ", a size");
  CHECK(expectation(Dimension::byte_rate) == "a rate such as \"273 GB/s\"");
  CHECK(why("5 W", Dimension::number) == ", a power");
  CHECK(why("0.30 EUR/kWh", Dimension::money_per_energy) ==
        ", which is in EUR (other currencies are for sheets of tariffs: docs/money.md)");
}

TEST_CASE("what is no finite decimal number with a known unit is refused", "[scenarios][units]") {
  CHECK(why("5 KB", Dimension::bytes) == ", whose unit \"KB\" is unknown; did you mean \"kB\"?");
  for (const char* text :
       {"inf W", "nan W", "infinity", "W", "", " ", "- W", "+5 W", "--5 W", "W 5", "five W", "1e999 W", "1e308 TW"}) {
    why(text, Dimension::power);
  }
  CHECK(why("0x10 W", Dimension::power).find("unit \"x10 W\" is unknown") != std::string::npos);
  CHECK(why("1,000 W", Dimension::power).find("comma in its number") != std::string::npos);
  CHECK(why("5,000", Dimension::number).find("comma in its number") != std::string::npos);
  CHECK(why("1 m", Dimension::duration) == ", whose unit \"m\" is unknown; did you mean \"min\"?");
  CHECK(why("1e999 W", Dimension::power) == ", which is out of range");
  CHECK(why("1e308 TW", Dimension::power) == ", which is out of range");
  CHECK(why("5 kUSD", Dimension::money).find("unknown") != std::string::npos);
  CHECK(why("5 MiW", Dimension::power).find("unknown") != std::string::npos);
}

TEST_CASE("counts are whole and fit", "[scenarios][units]") {
  CHECK(std::get<int64_t>(parse_count("12")) == 12);
  CHECK(std::get<int64_t>(parse_count(" 12 ")) == 12);
  CHECK(std::get<int64_t>(parse_count("9223372036854775807")) == 9223372036854775807);
  for (const char* text : {"12.0", "1e3", "0x10", "", "9223372036854775808", "12 users", "twelve"}) {
    CAPTURE(text);
    CHECK(std::holds_alternative<NotAQuantity>(parse_count(text)));
  }
}

TEST_CASE("every dimension reads its own example", "[scenarios][units]") {
  for (int i = 0; i <= static_cast<int>(Dimension::sound_level); ++i) {
    const auto dimension = static_cast<Dimension>(i);
    const std::string example(info(dimension).example);
    CAPTURE(example);
    CHECK(std::holds_alternative<double>(parse_quantity(example, dimension)));
    const bool of_money = dimension >= Dimension::money_per_token && dimension <= Dimension::interest;
    if (dimension != Dimension::number && !of_money)  // nobody writes a price of one token, or growth as a bare share
      CHECK(std::get<double>(parse_quantity("1 " + std::string(info(dimension).si), dimension)) == 1);
  }
}
