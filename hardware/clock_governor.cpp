#include "hardware/clock_governor.hpp"

#include <algorithm>

namespace tokwatt::hardware {

ClockGovernor::ClockGovernor(const Clock& clock, const Governor& rules)
    : clock_(clock),
      rules_(rules),
      top_(clock.levels() - 1),
      trip_cap_(top_),
      heat_cap_(top_),
      power_cap_(top_),
      set_cap_(top_),
      level_(top_) {
  for (int level = 0; level <= top_; ++level) switching_.push_back(clock.switching(level));
}

int ClockGovernor::slope_cap(double die_temperature) const {
  const double above = die_temperature - rules_.slope_start;
  return above > 0 && rules_.slope > 0 ? clock_.level_at_most(clock_.max - rules_.slope * above) : top_;
}

void ClockGovernor::step_trip(double die_temperature) {
  if (die_temperature >= rules_.trip) {
    trip_cap_ = std::max(0, std::min(trip_cap_, level_) - rules_.trip_steps);
  } else if (die_temperature <= rules_.trip - rules_.hysteresis) {
    trip_cap_ = std::min(top_, trip_cap_ + rules_.trip_steps);
  }
}

// Over the limit: the highest level at which the same work would draw no more than the limit. Under it: up again, a
// few steps a tick, as far as the same prediction allows.
void ClockGovernor::step_power(const ChipPower& power, double power_limit, int drawn_at) {
  const auto predicted = [&](int level) {
    return power.fixed + power.clocked * switching_at(level) / switching_at(drawn_at);
  };
  if (power.total() > power_limit) {
    power_cap_ = level_;
    while (power_cap_ > 0 && predicted(power_cap_) > power_limit) --power_cap_;
  } else {
    const int reach = std::min(top_, power_cap_ + rules_.trip_steps);
    while (power_cap_ < reach && predicted(power_cap_ + 1) <= power_limit) ++power_cap_;
  }
}

void ClockGovernor::update(double die_temperature, const ChipPower& power, double power_limit, int drawn_at) {
  step_trip(die_temperature);
  step_power(power, power_limit, drawn_at);
  heat_cap_ = std::min(slope_cap(die_temperature), trip_cap_);
  choose();
  throttled_ = level_ < set_cap_ && (die_temperature >= rules_.trip || trip_cap_ == level_ || power_cap_ == level_);
}

void ClockGovernor::limit_clock(double hz) {
  set_cap_ = clock_.level_at_most(hz);
  choose();
}

void ClockGovernor::choose() {
  level_ = std::min({heat_cap_, power_cap_, set_cap_});
  brake_ = level_ == set_cap_ ? Brake::none : power_cap_ < heat_cap_ ? Brake::power : Brake::heat;
}

}  // namespace tokwatt::hardware
