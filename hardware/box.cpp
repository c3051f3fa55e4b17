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

}  // namespace tokwatt::hardware
