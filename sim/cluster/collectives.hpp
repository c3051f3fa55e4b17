#pragma once
// What devices that share a model by tensor parallelism spend on talking to each other (alpha-beta model: Thakur,
// Rabenseifner, Gropp, IJHPCA 2005; docs/theory/cluster.md).
#include <algorithm>
#include <cstdint>

#include "hardware/topology.hpp"

namespace tokwatt::sim {

/// Devices of one replica, each two of them joined by such a link.
struct DeviceGroup {
  int64_t devices = 1;
  hardware::Link link;
  double overhead = 0;  ///< of a collective in the engine, whatever the link [s]

  /// Sum of `bytes` of each device, for all of them [s]: at once (everybody sends everything to everybody) or round the
  /// ring, whichever is quicker.
  double all_reduce(double bytes) const {
    if (devices == 1) return 0;
    const double at_once = link.latency + others() * bytes / link.bandwidth;
    const double ring = 2 * others() * link.latency + 2 * others() / count() * bytes / link.bandwidth;
    return overhead + std::min(at_once, ring);
  }
  /// `bytes`, of which each device has its part, brought together [s].
  double gather(double bytes) const {
    if (devices == 1) return 0;
    return overhead + link.latency + others() / count() * bytes / link.bandwidth;
  }

 private:
  double count() const { return static_cast<double>(devices); }
  double others() const { return count() - 1; }
};

}  // namespace tokwatt::sim
