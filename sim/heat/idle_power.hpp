#pragma once
#include "sim/input.hpp"

namespace tokwatt::sim {

/// What a box's devices draw at the wall with nothing to do, a server up, as warm as they are then [W].
double idle_wall_power(System system, double ambient);

}  // namespace tokwatt::sim
