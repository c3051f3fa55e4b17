#pragma once
// What a device does a step at.
#include <cstdint>

#include "hardware/clock_governor.hpp"

namespace tokwatt::sim {

/// Shares of a device, and of the bandwidth that its sheet gives, are counted in 2^-16 of it.
inline constexpr int kShareBits = 16;
inline constexpr int32_t kWholeDevice = 1 << kShareBits;

/// The governor's choice that a step goes by, how much of the device it has (docs/theory/sharing.md), and which of its
/// replica's links joins it to the others.
struct OperatingPoint {
  int level = 0;
  hardware::Brake brake = hardware::Brake::none;
  int32_t share = kWholeDevice;
  int32_t bandwidth = kWholeDevice;
  int32_t link = 0;
  bool operator==(const OperatingPoint&) const = default;
};

/// What a step goes on at whose clock changes while it runs.
inline OperatingPoint at_clock_of(const OperatingPoint& now, OperatingPoint step) {
  step.level = now.level;
  step.brake = now.brake;
  return step;
}

}  // namespace tokwatt::sim
