#pragma once
// Arithmetic progressions of integers: what a run of decode steps is made of (docs/theory/time.md).
#include <limits>

#include "sim/time.hpp"

namespace tokwatt::sim {

/// value(j) = base + slope * j for steps j = 0, 1, 2, ...
struct Progression {
  int64_t base = 0, slope = 0;

  int64_t at(int64_t j) const { return base + slope * j; }
  /// Sum over the first n steps.
  int128 sum(int64_t n) const { return int128{base} * n + int128{slope} * n * (n - 1) / 2; }
};

/// Largest j in [0, n] with durations.sum(j) <= elapsed; durations are positive over the n steps.
int64_t steps_within(const Progression& durations, int64_t n, int128 elapsed);

/// floor(amount * part / whole): the share of a step's energy, tokens or time up to an instant (rule 3).
inline int128 share(int128 amount, int64_t part, int64_t whole) {
  if (amount <= std::numeric_limits<int64_t>::max()) return amount * part / whole;
  return amount / whole * part + amount % whole * part / whole;  // the product itself would not fit
}

}  // namespace tokwatt::sim
