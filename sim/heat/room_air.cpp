#include "sim/heat/room_air.hpp"

#include <algorithm>
#include <cmath>
#include <limits>

namespace tokwatt::sim {

RoomAir::RoomAir(const Room& room, double outside, std::optional<double> usd_per_joule)
    : room_(room),
      outside_(outside),
      outside_temperature_(outside),
      temperature_(room.start_temperature.value_or(outside)),
      usd_per_joule_(usd_per_joule) {
  statistics_.temperature_max = temperature_;
  if (!usd_per_joule_) statistics_.cooling_usd = std::numeric_limits<double>::quiet_NaN();
}

void RoomAir::set_outside(Picoseconds now, double temperature, Picoseconds ramp) {
  outside_.change(now, temperature, ramp);
  if (now == tick_start_) outside_temperature_ = outside_.at(now);
}

void RoomAir::set_electricity(Picoseconds now, std::optional<double> usd_per_joule) {
  price_integral_ += usd_per_joule_.value_or(0) * seconds(now - price_at_);
  price_at_ = now;
  usd_per_joule_ = usd_per_joule;
}

// What the cooling unit has to take away [W] so that the room is at its target at the end of the tick, as far as it
// can: each watt makes it 1/G colder in the end, of which the tick sees the part `moved`.
double RoomAir::heat_removed(double free, double moved) const {
  if (!room_.cooling) return 0;
  const auto& unit = *room_.cooling;
  return std::clamp((free - unit.target) * room_.conductance / moved, 0.0, unit.cop * unit.max_power);
}

// C dT/dt = P - G (T - T_out) - Q, with P and Q constant over the tick: T goes to T_out + (P - Q)/G with the time
// constant C/G.
void RoomAir::tick(Picoseconds now) {
  if (now == tick_start_) return;
  const double dt = seconds(now - tick_start_), time_constant = room_.heat_capacity / room_.conductance;
  const double moved = -std::expm1(-dt / time_constant);  // part of the way to the end that a tick goes
  const double before = temperature_, uncooled = outside_temperature_ + heat_ / dt / room_.conductance;
  const double removed = heat_removed(before + (uncooled - before) * moved, moved);
  const double end = uncooled - removed / room_.conductance;
  temperature_ = before + (end - before) * moved;

  auto& s = statistics_;
  s.temperature_integral += end * dt + (before - end) * moved * time_constant;
  s.temperature_max = std::max(s.temperature_max, temperature_);
  const double joules = room_.cooling ? removed / room_.cooling->cop * dt : 0;
  s.cooling_energy += joules;
  set_electricity(now, usd_per_joule_);
  s.cooling_usd += joules * price_integral_ / dt;
  price_integral_ = 0;
  heat_ = 0;
  outside_temperature_ = outside_.at(now);
  tick_start_ = now;
}

}  // namespace tokwatt::sim
