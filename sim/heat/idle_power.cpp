#include "sim/heat/idle_power.hpp"

#include <vector>

#include "sim/heat/device.hpp"

namespace tokwatt::sim {

double idle_wall_power(System system, double ambient) {
  system.start_temperature = {};
  Device device(system, ambient, std::nullopt);
  std::vector<Reading> none;
  device.tick(device.tick_length(), {}, device.point().level, none);
  return device.drawn().wall * static_cast<double>(system.count);
}

}  // namespace tokwatt::sim
