#pragma once
// The most that several devices drew at once.
#include <cstddef>
#include <utility>
#include <vector>

#include "sim/time.hpp"

namespace tokwatt::sim {

struct PowerPeak {
  double chip = 0, wall = 0;  ///< [W]
};

/// Of each of some groups of devices: the largest sum of what they drew in their last ticks, each a tick's mean. Where
/// ticks differ in length, a longer one counts until it ends.
class PowerPeaks {
 public:
  PowerPeaks(std::vector<std::vector<std::size_t>> groups, std::size_t devices)
      : groups_(std::move(groups)), peaks_(groups_.size()), last_(devices) {}

  /// A tick of a device has ended. Instants never go backwards.
  void drew(Picoseconds at, std::size_t device, PowerPeak mean) {
    if (at != at_) close();
    at_ = at;
    last_[device] = mean;
  }
  /// All ticks of the last instant are known.
  void close();
  const PowerPeak& of(std::size_t group) const { return peaks_[group]; }

 private:
  std::vector<std::vector<std::size_t>> groups_;
  std::vector<PowerPeak> peaks_;  // by group
  std::vector<PowerPeak> last_;   // by device
  Picoseconds at_ = 0;
};

}  // namespace tokwatt::sim
