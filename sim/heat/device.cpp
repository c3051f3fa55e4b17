#include "sim/heat/device.hpp"

#include <algorithm>
#include <cmath>
#include <limits>
#include <utility>

namespace tokwatt::sim {

Device::Device(const System& system, double ambient, std::optional<double> usd_per_joule)
    : box_(system.box),
      tick_length_(picoseconds(system.box.governor.tick)),
      ambient_(ambient),
      power_limit_(system.box.power.limit),
      usd_per_joule_(usd_per_joule),
      governor_(system.box.clock, system.box.governor),
      network_(system.box.thermal, system.box.governor.tick, system.start_temperature.value_or(ambient)) {
  if (!system.start_temperature) settle_idle();
  statistics_.clock_min = std::numeric_limits<double>::infinity();
  statistics_.temperature_max = temperature();
  if (!usd_per_joule_) bill_ = std::numeric_limits<double>::quiet_NaN();
}

// Leakage depends on the temperature it causes: a few rounds of the fixed point. A box that runs away stays at the
// last.
void Device::settle_idle() {
  constexpr int kRounds = 50;
  for (int round = 0; round < kRounds; ++round) {
    const TickPower idle = power_over(1, 0, 0, 0);
    network_.settle(heat_inputs(idle.chip.total(), idle.rest), ambient_);
  }
}

Device::TickPower Device::power_over(double dt, double busy, double compute, double memory) const {
  const auto& power = box_.power;
  const double active = power.active * busy * governor_.switching();
  const double still = power.idle + power.leakage_at(temperature());
  TickPower out;
  out.chip.fixed = still + memory / dt;
  out.chip.clocked = active + compute / dt;
  out.fixed = still + active;
  out.rest = power.rest_idle + busy * (power.rest_busy - power.rest_idle);
  return out;
}

const std::vector<double>& Device::heat_inputs(double chip, double rest) {
  heat_inputs_.assign(box_.thermal.stages.size(), 0);
  heat_inputs_.front() += chip + box_.thermal.rest_to_die * rest;
  heat_inputs_.back() += (1 - box_.thermal.rest_to_die) * rest;
  return heat_inputs_;
}

void Device::tick(Picoseconds now, const Meter& meter, std::vector<Reading>& readings) {
  if (now == tick_start_) return resolve_marks(now, 0, 0, readings);
  const double dt = seconds(now - tick_start_);
  const double busy =
      as_double(meter[Quantity::device_time] - busy_at_start_) / kWholeDevice / static_cast<double>(now - tick_start_);
  const double compute = joules(meter[Quantity::compute_energy] - energy_.compute);
  const double memory = joules(meter[Quantity::memory_energy] - energy_.memory);
  const TickPower power = power_over(dt, busy, compute, memory);
  const double chip = power.chip.total();
  const double wall = (chip + power.rest) / box_.power.psu_efficiency;

  const auto fixed_energy = static_cast<Picojoules>(std::llround(power.fixed * dt * 1e12));
  const auto rest_energy = static_cast<Picojoules>(std::llround((wall - chip) * dt * 1e12));
  resolve_marks(now, fixed_energy, rest_energy, readings);
  energy_.compute = meter[Quantity::compute_energy];
  energy_.memory = meter[Quantity::memory_energy];
  energy_.fixed += fixed_energy;
  energy_.rest += rest_energy;
  bill_up_to(energy_.wall());

  auto& s = statistics_;
  s.chip_power_max = std::max(s.chip_power_max, chip);
  s.wall_power_max = std::max(s.wall_power_max, wall);
  s.temperature_integral += temperature() * dt;
  s.clock_integral += clock_hz() * dt;
  s.clock_min = std::min(s.clock_min, clock_hz());
  if (throttled()) s.throttled += now - tick_start_;

  network_.advance(dt, heat_inputs(chip, power.rest), ambient_);
  s.temperature_max = std::max(s.temperature_max, temperature());
  governor_.update(temperature(), power.chip, power_limit_);
  if (next_ambient_) ambient_ = *std::exchange(next_ambient_, std::nullopt);
  tick_start_ = now;
  busy_at_start_ = meter[Quantity::device_time];
}

void Device::mark(Picoseconds now, const Meter& meter, std::size_t row) {
  marks_.push_back({now, meter[Quantity::compute_energy], meter[Quantity::memory_energy], row, std::nullopt});
}

void Device::set_electricity(Picoseconds now, const Meter& meter, double usd_per_joule) {
  marks_.push_back({now, meter[Quantity::compute_energy], meter[Quantity::memory_energy], std::nullopt, usd_per_joule});
}

void Device::set_ambient(Picoseconds now, double ambient) {
  if (now == tick_start_) {
    ambient_ = ambient;
  } else {
    next_ambient_ = ambient;
  }
}

// A tick's static energy is spread evenly over it; dynamic energy was metered when the mark was made (rule 3).
void Device::resolve_marks(Picoseconds now, Picojoules fixed, Picojoules rest, std::vector<Reading>& readings) {
  const Picoseconds length = std::max<Picoseconds>(now - tick_start_, 1);
  for (const auto& mark : marks_) {
    const Picoseconds part = mark.at - tick_start_;
    const Energy energy{mark.compute, mark.memory, energy_.fixed + share(fixed, part, length),
                        energy_.rest + share(rest, part, length)};
    bill_up_to(energy.wall());
    if (mark.row) readings.push_back({*mark.row, energy, bill_});
    if (mark.new_usd_per_joule) usd_per_joule_ = mark.new_usd_per_joule;
  }
  marks_.clear();
}

void Device::bill_up_to(int128 wall) {
  if (usd_per_joule_) bill_ += joules(wall - billed_) * *usd_per_joule_;
  billed_ = wall;
}

}  // namespace tokwatt::sim
