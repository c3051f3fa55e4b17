#pragma once
// How an instant of a trace becomes an instant of the simulation: rebased, divided by the speed, shifted. In integers.
#include <optional>

#include "scenarios/traces/fields.hpp"
#include "sim/time.hpp"

namespace tokwatt::scenarios {

inline constexpr double kSlowest = 1e-9, kFastest = 1e9;  ///< speeds that a TimeScale takes

class TimeScale {
 public:
  /// `base` becomes `start`. The speed counts as the decimal number that a person wrote: 0.1 is one tenth exactly.
  TimeScale(TraceInstant base, double speed, sim::Picoseconds start);
  /// Rounded half up to picoseconds; nothing beyond the longest simulation.
  std::optional<sim::Picoseconds> operator()(TraceInstant at) const;

 private:
  TraceInstant base_;
  TraceInstant last_;  // of `at - base_` that can lie within the longest simulation
  sim::Picoseconds start_;
  sim::int128 times_ = 1, divided_by_ = 1;  // 1 / speed as a fraction of whole numbers
};

}  // namespace tokwatt::scenarios
