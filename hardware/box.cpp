#include "hardware/box.hpp"

#include <algorithm>
#include <cmath>

namespace tokwatt::hardware {

const char* name(Dtype dtype) {
  switch (dtype) {
    case Dtype::fp32:
      return "fp32";
    case Dtype::bf16:
      return "bf16";
    case Dtype::f16:
      return "f16";
    case Dtype::fp8:
      return "fp8";
    case Dtype::int8:
      return "int8";
    case Dtype::fp4:
      return "fp4";
  }
  return "";
}

double Price::left(double age, double horizon) const {
  constexpr double kYear = 365.25 * 86'400;
  if (std::isnan(resale_fraction)) return std::pow(resale_per_year, age / kYear);
  return age < horizon ? 1 - (1 - resale_fraction) * age / horizon : resale_fraction;
}

namespace {
// The grid is written in round megahertz; half a hertz of slack keeps 0.1 + 0.2 from losing a level.
constexpr double kGridSlack = 0.5;
}  // namespace

int Clock::levels() const { return static_cast<int>((max - min + kGridSlack) / step) + 1; }

double Clock::at(int level) const { return min + step * level; }

double Clock::voltage(int level) const {
  const double hz = at(level);
  if (hz <= voltage_floor_clock || max <= voltage_floor_clock) return voltage_min;
  return voltage_min + (voltage_max - voltage_min) * (hz - voltage_floor_clock) / (max - voltage_floor_clock);
}

double Clock::switching(int level) const {
  const int top = levels() - 1;
  const double volts = voltage(level) / voltage(top);
  return at(level) / at(top) * volts * volts;
}

int Clock::level_at_most(double hz) const {
  if (!(hz > min)) return 0;
  return std::min(levels() - 1, static_cast<int>((hz - min + kGridSlack) / step));
}

int Fan::level_of(double share) const { return static_cast<int>(std::lround(std::clamp(share, 0.0, 1.0) * levels)); }

double Power::wall(double dc) const { return dc / (psu_curve.given() ? psu_curve.at(dc) : psu_efficiency); }

double Power::leakage_at(double temperature) const {
  return leakage * std::exp((std::min(temperature, kHottestDie) - leakage_temperature) / leakage_slope);
}

Box one_of(Box box, int64_t cards) {
  const auto hosts = (cards + box.cards_per_host - 1) / box.cards_per_host;
  const double part = static_cast<double>(hosts) / static_cast<double>(cards);
  const double shared = (1 - part) * box.power.rest_idle;
  box.power.rest_idle -= shared;
  box.power.rest_busy -= shared;  // what work adds is of each card's
  box.price.host *= part;
  return box;
}

}  // namespace tokwatt::hardware
