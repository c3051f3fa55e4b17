#include "sim/cluster/layout.hpp"

#include <fmt/format.h>

namespace tokwatt::sim {

Layout layout(const Input& input) {
  Layout out;
  std::vector<std::vector<std::size_t>> devices_of(input.systems.size());
  for (std::size_t s = 0; s < input.systems.size(); ++s) {
    for (std::size_t number = 0; number < static_cast<std::size_t>(input.systems[s].count); ++number)
      devices_of[s].push_back(boost::add_vertex(hardware::DeviceNode{s, number, {}}, out.topology));
  }
  out.replicas_of.resize(input.deployments.size());
  for (std::size_t d = 0; d < input.deployments.size(); ++d) {
    for (const int system : input.deployments[d].systems) {
      for (const std::size_t device : devices_of[static_cast<std::size_t>(system)]) {
        out.topology[device].replicas.push_back(out.replicas.size());
        out.replicas_of[d].push_back(out.replicas.size());
        out.replicas.push_back({d, {device}});
      }
    }
  }
  return out;
}

std::string device_name(const Input& input, const hardware::DeviceNode& device) {
  const auto& system = input.systems[device.system];
  return system.count == 1 ? system.name : fmt::format("{}/{}", system.name, device.number);
}

}  // namespace tokwatt::sim
