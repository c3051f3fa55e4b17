#pragma once
// What steps add up: energy, tokens, and the time that each limit took. Integers all, so that sums do not depend on
// how they were split.
#include <array>
#include <cstddef>

#include "sim/time.hpp"

namespace tokwatt::sim {

enum class Quantity : std::size_t {
  compute_energy,  ///< [pJ]
  memory_energy,   ///< [pJ]
  output_tokens,
  prompt_tokens,   ///< prefilled, recomputed ones included
  busy_time,       ///< a step was running [ps]
  device_time,     ///< the same, weighted by its share of the device [ps / 2^16]
  running_time,    ///< busy time weighted by sequences in the step [ps]
  bandwidth_time,  ///< busy time by what bound it [ps]
  compute_time,
  dispatch_time,
  link_time,
  queue_time,  ///< steps during which KV blocks or sequence slots kept requests waiting [ps]
  heat_loss,   ///< part of compute_time that a cooler chip would not have taken [ps / 2^10]
  power_loss,  ///< the same for the power limit [ps / 2^10]
  down_time,   ///< requests waited for a box that was down or a model that was not loaded [ps]; the event loop's
};
inline constexpr std::size_t kQuantities = 15;

template <class T>
struct Quantities {
  std::array<T, kQuantities> values{};
  T& operator[](Quantity q) { return values[static_cast<std::size_t>(q)]; }
  const T& operator[](Quantity q) const { return values[static_cast<std::size_t>(q)]; }
  Quantities& operator+=(const Quantities& other) {
    for (std::size_t q = 0; q < kQuantities; ++q) values[q] += other.values[q];
    return *this;
  }
};

/// Totals up to an instant.
using Meter = Quantities<int128>;

/// The part of it that heats a device, which is all that its ticks ask for.
struct DeviceWork {
  int128 compute_energy = 0, memory_energy = 0;  ///< [pJ]
  int128 device_time = 0;                        ///< [ps / 2^16]

  DeviceWork() = default;
  explicit DeviceWork(const Meter& meter)
      : compute_energy(meter[Quantity::compute_energy]),
        memory_energy(meter[Quantity::memory_energy]),
        device_time(meter[Quantity::device_time]) {}
  DeviceWork& operator+=(const DeviceWork& other) {
    compute_energy += other.compute_energy;
    memory_energy += other.memory_energy;
    device_time += other.device_time;
    return *this;
  }
};

}  // namespace tokwatt::sim
