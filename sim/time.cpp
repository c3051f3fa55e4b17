#include "sim/time.hpp"

#include <cmath>

namespace tokwatt::sim {

Picoseconds picoseconds(double s) { return std::llround(s * kPicosecondsPerSecond); }

}  // namespace tokwatt::sim
