#pragma once
// Arrivals in a window of time whose gaps have a shape of their own: a stationary renewal process.
#include <cstdint>
#include <optional>

#include "sim/workload/arrivals.hpp"

namespace tokwatt::sim {

struct Renewal {
  GapProcess process = GapProcess::gamma;  ///< gamma or weibull
  double shape = 1;
  double rate = 0;  ///< [1/s], above 0
};

/// Instants since the window's start. The window is seen from a random instant of an endless process, so that it holds
/// rate * duration of them in the mean however bursty they are; a window that began with a whole gap would hold about
/// (cv^2 - 1) / 2 more (Cox, Renewal Theory, 1962, ch. 4).
class RenewalTimes {
 public:
  RenewalTimes(const Renewal& renewal, StreamKey key, uint64_t window)
      : renewal_(renewal), key_(key), number_(window << 32U) {}
  /// The next one [s]; infinite when it is beyond what a double holds.
  double next();

 private:
  double draw_gap(bool first) const;

  Renewal renewal_;
  StreamKey key_;
  uint64_t number_;  // of the next draw
  bool first_ = true;
  double now_ = 0;
};

}  // namespace tokwatt::sim
