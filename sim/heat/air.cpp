#include "sim/heat/air.hpp"

namespace tokwatt::sim {

void Air::change(Picoseconds now, double temperature, Picoseconds ramp) {
  from_ = at(now);
  to_ = temperature;
  start_ = now;
  ramp_ = ramp;
}

double Air::at(Picoseconds now) const {
  if (now - start_ >= ramp_) return to_;
  return from_ + (to_ - from_) * (static_cast<double>(now - start_) / static_cast<double>(ramp_));
}

}  // namespace tokwatt::sim
