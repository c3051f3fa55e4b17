#pragma once
// The temperature of the air that a box draws in, or of what lies around a room: as it was last changed, at once or in
// a ramp.
#include "sim/time.hpp"

namespace tokwatt::sim {

class Air {
 public:
  explicit Air(double temperature) : from_(temperature), to_(temperature) {}

  /// From `now` on it goes to `temperature` [degC] in a straight line that takes `ramp`.
  void change(Picoseconds now, double temperature, Picoseconds ramp);
  double at(Picoseconds now) const;

 private:
  double from_, to_;
  Picoseconds start_ = 0, ramp_ = 0;
};

}  // namespace tokwatt::sim
