#pragma once
// One device over time: energy, heat, clock and the electricity bill, advanced once per tick (design, rule 4).
#include <limits>
#include <optional>
#include <utility>
#include <vector>

#include "hardware/clock_governor.hpp"
#include "hardware/thermal_network.hpp"
#include "sim/heat/air.hpp"
#include "sim/heat/power_peaks.hpp"
#include "sim/input.hpp"
#include "sim/serving/meter.hpp"
#include "sim/serving/serving.hpp"

namespace tokwatt::sim {

/// Energy up to an instant [pJ].
struct Energy {
  int128 compute = 0, memory = 0, fixed = 0, rest = 0;
  int128 chip() const { return compute + memory + fixed; }
  int128 wall() const { return chip() + rest; }
};

/// Energy and bill at an instant that was marked.
struct Reading {
  std::size_t row = 0;  ///< the caller's
  Energy energy;
  double electricity_usd = 0;
};

/// Time-weighted statistics over ticks.
struct DeviceStatistics {
  double temperature_integral = 0;  ///< [degC s]
  double temperature_max = 0;       ///< [degC]
  double clock_integral = 0;        ///< [Hz s]
  double clock_min = 0;             ///< [Hz]
  double loudness_integral = 0;     ///< of 10^(dBA/10) [s]
  double noise_max = 0;             ///< [dBA]
  Picoseconds throttled = 0;
  Picoseconds over_limit = 0;  ///< the chip drew clearly more than it may
};

class Device {
 public:
  Device(const System& system, double ambient, std::optional<double> usd_per_joule);

  OperatingPoint point() const { return {governor_.level(), governor_.brake()}; }
  double clock_hz() const { return box_.clock.at(governor_.level()); }
  double temperature() const { return network_.die(); }
  /// Speed of its fan, as a share of the top one; NaN without a fan.
  double fan_speed() const;
  /// Of its fan, at the present speed [dBA]; NaN where it is not known.
  double noise() const;
  bool throttled() const { return governor_.throttled(); }
  Picoseconds tick_length() const { return tick_length_; }

  /// Ends the tick in progress: adds its static energy, moves heat, lets the governor choose. `work` is what was done
  /// up to now, at the clock level `pace`. Readings asked for within the tick are appended.
  void tick(Picoseconds now, const DeviceWork& work, int pace, std::vector<Reading>& readings);
  Picoseconds tick_start() const { return tick_start_; }
  /// Means over the last tick.
  const PowerPeak& drawn() const { return drawn_; }

  /// Asks for a reading at `now`; it comes with the end of the tick, when its static energy is known.
  void mark(Picoseconds now, const DeviceWork& work, std::size_t row);

  void set_ambient(Picoseconds now, double ambient, Picoseconds ramp = 0);
  /// Heat given off to the room since it was last asked for [J].
  double take_heat() { return std::exchange(heat_given_off_, 0); }
  void set_power_limit(double watts) { power_limit_ = watts; }
  void set_power_cap(double watts) { power_cap_ = watts; }
  /// Of the whole box; its devices have equal parts of it.
  void set_supply(double watts) { box_.power.supply = watts / devices_in_box_; }
  /// A share of the top speed, or NaN: what the firmware asks for. From the next tick.
  void set_fan_speed(Picoseconds now, double share);
  void stop_fan(Picoseconds now, bool stopped);
  /// It is down until then, or as long as an earlier shutdown has it.
  void shut_down(Picoseconds until_up);
  Picoseconds up_at() const { return up_at_; }
  void limit_clock(double hz) { governor_.limit_clock(hz); }
  bool too_hot() const { return temperature() >= box_.governor.shutdown; }
  void set_electricity(Picoseconds now, const DeviceWork& work, double usd_per_joule);

  const Energy& energy() const { return energy_; }
  double electricity_usd() const { return bill_; }
  const DeviceStatistics& statistics() const { return statistics_; }

 private:
  struct Mark {
    Picoseconds at;
    int128 compute, memory;
    std::optional<std::size_t> row;           // a reading
    std::optional<double> new_usd_per_joule;  // a change of price
  };
  struct TickPower {  // means over a tick [W]
    hardware::ChipPower chip;
    double fixed = 0, rest = 0;  // fixed: energy booked as static; rest: DC outside the chip and the fan
    double fan = 0;
    double dc() const { return chip.total() + rest + fan; }
  };

  struct AtWork {  // means over the time that steps ran, and their clock's level
    TickPower power;
    int level = 0;
  };

  TickPower power_over(double dt, double busy, double compute, double memory, int level) const;
  const std::vector<double>& heat_inputs(double chip, double rest);
  void settle_idle();
  void choose_fan();
  bool is_down() const { return tick_start_ < up_at_; }
  double chip_limit(const TickPower& power) const;
  void judge_sticky(const TickPower& power, double busy, double dt);
  void note_noise(double dt);
  void resolve_marks(Picoseconds now, Picojoules fixed, Picojoules rest, std::vector<Reading>& readings);
  void bill_up_to(int128 wall);

  hardware::Box box_;
  double devices_in_box_;
  Picoseconds tick_length_;
  Air air_;
  double ambient_;  // over the tick in progress
  double power_limit_, power_cap_;
  bool stuck_ = false;  // at the limit of governor.sticky
  double rested_ = 0;   // so long, while it is stuck [s]
  int fan_level_ = 0;
  double forced_speed_ = std::numeric_limits<double>::quiet_NaN();
  bool fan_stopped_ = false;
  double heat_given_off_ = 0;
  double stored_ = 0;  // heat, at the end of the last tick [J]
  std::optional<double> usd_per_joule_;
  hardware::ClockGovernor governor_;
  hardware::ThermalNetwork network_;
  std::vector<double> heat_inputs_;  // [W] by stage

  Picoseconds up_at_ = 0;  // after the last shutdown
  Picoseconds tick_start_ = 0;
  PowerPeak drawn_;
  std::optional<AtWork> at_work_;  // in the last tick with a step in it: limits act within milliseconds, not on means
  int128 busy_at_start_ = 0;       // [ps / 2^16]
  std::vector<Mark> marks_;
  Energy energy_;  // up to tick_start_
  int128 billed_ = 0;
  double bill_ = 0;
  DeviceStatistics statistics_;
};

}  // namespace tokwatt::sim
