#pragma once
// What a cluster is made of: devices, and the links between them.
#include <cstddef>
#include <vector>

namespace tokwatt::hardware {

struct DeviceNode {
  std::size_t system = 0;             ///< index of the box it sits in
  std::size_t number = 0;             ///< within the box
  std::vector<std::size_t> replicas;  ///< indices of those that run on it
};

/// A message of n bytes takes latency + n / bandwidth (alpha-beta model).
struct Link {
  double bandwidth = 0;  ///< one way [B/s]
  double latency = 0;    ///< [s]
  bool operator==(const Link&) const = default;
};

}  // namespace tokwatt::hardware
