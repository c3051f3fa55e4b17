#include "sim/time.hpp"

#include <cmath>

namespace tokwatt::sim {

Picoseconds picoseconds(double s) {
  const double ps = s * kPicosecondsPerSecond;
  return ps < static_cast<double>(kNever) ? std::llround(ps) : kNever;
}

}  // namespace tokwatt::sim
