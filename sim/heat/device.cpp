#include "sim/heat/device.hpp"

#include <algorithm>
#include <cmath>
#include <limits>
#include <utility>

namespace tokwatt::sim {

namespace {

constexpr double kClearly = 1.05;  // above a limit: governors keep to it within a level of the clock

}  // namespace

Device::Device(const System& system, double ambient, std::optional<double> usd_per_joule)
    : box_(system.box),
      devices_in_box_(static_cast<double>(system.count)),
      tick_length_(picoseconds(system.box.governor.tick)),
      air_(ambient),
      ambient_(ambient),
      power_limit_(system.box.power.limit),
      power_cap_(std::numeric_limits<double>::infinity()),
      usd_per_joule_(usd_per_joule),
      governor_(system.box.clock, system.box.governor),
      network_(system.box.thermal, system.box.fan, system.box.governor.tick,
               system.start_temperature.value_or(ambient)) {
  heat_inputs_.resize(box_.thermal.stages.size());
  set_supply(system.box.power.supply);
  governor_.limit_clock(std::min(box_.clock.limit, box_.clock.max));
  choose_fan();
  if (!system.start_temperature) settle_idle();
  stored_ = network_.stored();
  statistics_.clock_min = std::numeric_limits<double>::infinity();
  statistics_.temperature_max = temperature();
  if (!usd_per_joule_) bill_ = std::numeric_limits<double>::quiet_NaN();
}

// Leakage depends on the temperature it causes: a few rounds of the fixed point.
void Device::settle_idle() {
  constexpr int kRounds = 50;
  for (int round = 0; round < kRounds; ++round) {
    const TickPower idle = power_over(1, 0, 0, 0, governor_.level());
    network_.settle(heat_inputs(idle.chip.total(), idle.rest), ambient_);
    choose_fan();
  }
}

Device::TickPower Device::power_over(double dt, double busy, double compute, double memory, int level) const {
  const auto& power = box_.power;
  const double ready = is_down() ? 0 : power.ready;
  const double active = (power.active * busy + ready * (1 - busy)) * governor_.switching_at(level);
  const double still = power.idle + power.leakage_at(temperature());
  TickPower out;
  out.chip.fixed = still + memory / dt;
  out.chip.clocked = active + compute / dt;
  out.fixed = still + active;
  out.rest = power.rest_idle + busy * (power.rest_busy - power.rest_idle);
  if (box_.fan && box_.fan->power.given()) out.fan = box_.fan->power.at(box_.fan->speed_of(fan_level_));
  return out;
}

const std::vector<double>& Device::heat_inputs(double chip, double rest) {
  std::fill(heat_inputs_.begin(), heat_inputs_.end(), 0.0);
  heat_inputs_.front() += chip + box_.thermal.rest_to_die * rest;
  heat_inputs_.back() += (1 - box_.thermal.rest_to_die) * rest;
  return heat_inputs_;
}

void Device::tick(Picoseconds now, const DeviceWork& work, int pace, std::vector<Reading>& readings) {
  if (now == tick_start_) return resolve_marks(now, 0, 0, readings);
  const double dt = seconds(now - tick_start_);
  const double busy =
      as_double(work.device_time - busy_at_start_) / kWholeDevice / static_cast<double>(now - tick_start_);
  const double compute = joules(work.compute_energy - energy_.compute);
  const double memory = joules(work.memory_energy - energy_.memory);
  const TickPower power = power_over(dt, busy, compute, memory, pace);
  const double chip = power.chip.total();
  const double wall = box_.power.wall(power.dc());

  const auto fixed_energy = static_cast<Picojoules>(std::llrint(power.fixed * dt * 1e12));
  const auto rest_energy = static_cast<Picojoules>(std::llrint((wall - chip) * dt * 1e12));
  resolve_marks(now, fixed_energy, rest_energy, readings);
  energy_.compute = work.compute_energy;
  energy_.memory = work.memory_energy;
  energy_.fixed += fixed_energy;
  energy_.rest += rest_energy;
  bill_up_to(energy_.wall());

  auto& s = statistics_;
  drawn_ = {chip, wall};
  if (chip > kClearly * chip_limit(power)) s.over_limit += now - tick_start_;
  s.temperature_integral += temperature() * dt;
  s.clock_integral += clock_hz() * dt;
  s.clock_min = std::min(s.clock_min, clock_hz());
  if (throttled() && busy > 0) s.throttled += now - tick_start_;

  note_noise(dt);

  network_.advance(dt, heat_inputs(chip, power.rest), ambient_);
  const double stored_before = std::exchange(stored_, network_.stored());
  heat_given_off_ += wall * dt - (stored_ - stored_before);  // the power supply's loss and the fan's go there at once
  s.temperature_max = std::max(s.temperature_max, temperature());
  judge_sticky(power, busy, dt);
  if (busy > 0) at_work_ = AtWork{power_over(dt * busy, 1, compute, memory, pace), pace};
  const AtWork judged = at_work_.value_or(AtWork{power, pace});
  governor_.update(temperature(), judged.power.chip, chip_limit(judged.power), judged.level);
  choose_fan();
  ambient_ = air_.at(now);
  tick_start_ = now;
  busy_at_start_ = work.device_time;
}

void Device::mark(Picoseconds now, const DeviceWork& work, std::size_t row) {
  marks_.push_back({now, work.compute_energy, work.memory_energy, row, std::nullopt});
}

void Device::set_electricity(Picoseconds now, const DeviceWork& work, double usd_per_joule) {
  marks_.push_back({now, work.compute_energy, work.memory_energy, std::nullopt, usd_per_joule});
}

void Device::set_ambient(Picoseconds now, double ambient, Picoseconds ramp) {
  air_.change(now, ambient, ramp);
  if (now == tick_start_) ambient_ = air_.at(now);
}

// --- limits and the fan ----------------------------------------------------------------------------------------------

/// What the chip may draw: its own limit, what a fault leaves of it, and what the supply leaves for it.
double Device::chip_limit(const TickPower& power) const {
  double limit = std::min({power_limit_, power_cap_, box_.power.supply - power.rest - power.fan});
  if (stuck_) limit = std::min(limit, box_.governor.sticky->limit);
  return limit;
}

void Device::judge_sticky(const TickPower& power, double busy, double dt) {
  if (!box_.governor.sticky) return;
  const bool struck = temperature() >= box_.governor.trip || power.dc() > box_.power.supply;
  rested_ = struck || busy > 0 ? 0 : rested_ + dt;
  stuck_ = !is_down() && (struck || (stuck_ && rested_ < box_.governor.sticky->rest));
}

void Device::shut_down(Picoseconds until_up) {
  up_at_ = std::max(up_at_, until_up);
  stuck_ = false;
}

void Device::choose_fan() {
  if (!box_.fan) return;
  const double asked = std::isnan(forced_speed_) ? box_.fan->speed.at(temperature()) : forced_speed_;
  fan_level_ = fan_stopped_ ? 0 : box_.fan->level_of(asked);
  network_.set_fan(fan_level_);
}

void Device::set_fan_speed(Picoseconds now, double share) {
  forced_speed_ = share;
  if (now == tick_start_) choose_fan();
}

void Device::stop_fan(Picoseconds now, bool stopped) {
  fan_stopped_ = stopped;
  if (now == tick_start_) choose_fan();
}

double Device::fan_speed() const {
  return box_.fan ? box_.fan->speed_of(fan_level_) : std::numeric_limits<double>::quiet_NaN();
}

double Device::noise() const {
  const bool known = box_.fan && box_.fan->noise.given();
  return known ? box_.fan->noise.at(fan_speed()) : std::numeric_limits<double>::quiet_NaN();
}

void Device::note_noise(double dt) {
  const double dba = noise();
  if (std::isnan(dba)) return;
  statistics_.loudness_integral += std::pow(10, dba / 10) * dt;
  statistics_.noise_max = std::max(statistics_.noise_max, dba);
}

// --- readings --------------------------------------------------------------------------------------------------------

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
