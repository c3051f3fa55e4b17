#pragma once
// Picks a level of the clock grid once a tick, from temperature and power (docs/theory/heat.md).
#include <vector>

#include "hardware/box.hpp"

namespace tokwatt::hardware {

/// Why the clock is below its top.
enum class Brake { none, heat, power };

/// Chip power while steps ran, split by how it follows the clock [W].
struct ChipPower {
  double fixed = 0;    ///< idle, leakage, bytes: do not follow the clock
  double clocked = 0;  ///< compute and active power: follow clock * voltage^2
  double total() const { return fixed + clocked; }
};

class ClockGovernor {
 public:
  ClockGovernor(const Clock& clock, const Governor& rules);

  /// End of a tick: picks the level from now on, for work like the last. `drawn_at` is the level at which that drew the
  /// power: not its own where it waited for others.
  void update(double die_temperature, const ChipPower& power, double power_limit, int drawn_at);

  /// The user's highest clock (nvidia-smi -lgc) [Hz]; holds at once.
  void limit_clock(double hz);

  int level() const { return level_; }
  /// What clocked power follows at a level, relative to the top clock's.
  double switching_at(int level) const { return switching_[static_cast<std::size_t>(level)]; }
  Brake brake() const { return brake_; }
  /// Held down by the thermal trip or the power limit (the gentle slope below the trip is not called throttling).
  bool throttled() const { return throttled_; }

 private:
  int slope_cap(double die_temperature) const;
  void step_trip(double die_temperature);
  void step_power(const ChipPower& power, double power_limit, int drawn_at);
  void choose();

  Clock clock_;
  std::vector<double> switching_;  // by level
  Governor rules_;
  int top_;
  int trip_cap_, heat_cap_, power_cap_, set_cap_;  // highest level each allows; heat: trip and slope
  int level_;
  Brake brake_ = Brake::none;
  bool throttled_ = false;
};

}  // namespace tokwatt::hardware
