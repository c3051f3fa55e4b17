#pragma once
// Which devices there are, and which replica of which deployment runs on which of them.
#include <string>
#include <vector>

#include "hardware/topology.hpp"
#include "sim/input.hpp"

namespace tokwatt::sim {

/// One running copy of a deployment.
struct ReplicaPlace {
  std::size_t deployment = 0;
  std::vector<std::size_t> devices;  ///< of the layout's
  /// The slowest between two of them: as the run starts, and what the timeline makes of it.
  std::vector<hardware::Link> links;
  std::vector<int32_t> link_after;  ///< by how many changes of links have been: index into `links`
};

struct Layout {
  std::vector<hardware::DeviceNode> devices;          ///< box by box
  std::vector<ReplicaPlace> replicas;                 ///< deployment by deployment
  std::vector<std::vector<std::size_t>> replicas_of;  ///< by deployment
};

Layout layout(const Input& input);

/// What a device goes by: its box, and its number where the box has several.
std::string device_name(const Input& input, const hardware::DeviceNode& device);

}  // namespace tokwatt::sim
