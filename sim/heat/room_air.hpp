#pragma once
// The room as a node that all boxes share (docs/theory/heat.md): they warm it, it loses heat through its walls, and a
// cooling unit holds it at a target as far as it can.
#include <optional>

#include "sim/heat/air.hpp"
#include "sim/input.hpp"

namespace tokwatt::sim {

/// Time-weighted statistics over ticks.
struct RoomStatistics {
  double temperature_integral = 0;  ///< [degC s]
  double temperature_max = 0;       ///< [degC]
  double cooling_energy = 0;        ///< electrical [J]
  double cooling_usd = 0;           ///< not a number without a price
};

class RoomAir {
 public:
  RoomAir(const Room& room, double outside, std::optional<double> usd_per_joule);

  double temperature() const { return temperature_; }
  /// Heat that a box has given off since it said so last [J].
  void add_heat(double joules) { heat_ += joules; }
  /// What lies outside its walls; from the next tick.
  void set_outside(Picoseconds now, double temperature, Picoseconds ramp);
  void set_electricity(Picoseconds now, std::optional<double> usd_per_joule);
  /// Ends the tick in progress: the heat of the boxes counts as spread evenly over it.
  void tick(Picoseconds now);

  const RoomStatistics& statistics() const { return statistics_; }

 private:
  double heat_removed(double free, double moved) const;

  Room room_;
  Air outside_;
  double outside_temperature_;  // over the tick in progress
  double temperature_;
  double heat_ = 0;
  Picoseconds tick_start_ = 0;
  std::optional<double> usd_per_joule_;
  double price_integral_ = 0;  // over the tick in progress, up to price_at_ [USD/J s]
  Picoseconds price_at_ = 0;
  RoomStatistics statistics_;
};

}  // namespace tokwatt::sim
