#pragma once
// Arithmetic progressions of integers: what a run of decode steps is made of (docs/theory/time.md).
#include <limits>

#include "sim/time.hpp"

namespace tokwatt::sim {

/// value(j) = base + slope * j for steps j = 0, 1, 2, ...
struct Progression {
  int64_t base = 0, slope = 0;

  int64_t at(int64_t j) const { return base + slope * j; }
  /// Sum over the first n steps; n < 2^31, as steps give tokens.
  int128 sum(int64_t n) const { return int128{base} * n + int128{slope} * (n * (n - 1) / 2); }
};

/// Largest j in [0, n] with durations.sum(j) <= elapsed; durations are positive over the n steps.
int64_t steps_within(const Progression& durations, int64_t n, int128 elapsed);

/// floor(amount * part / whole): the share of a step's energy, tokens or time up to an instant (rule 3).
inline int128 share(int128 amount, int64_t part, int64_t whole) {
  if (amount <= std::numeric_limits<int64_t>::max()) return amount * part / whole;
  return amount / whole * part + amount % whole * part / whole;  // the product itself would not fit
}

/// The same shares of many amounts, 0 <= part <= whole: one division for all of them, made exact by the remainder.
class Shares {
 public:
  Shares(Picoseconds part, Picoseconds whole)
      : part_(part), whole_(whole), ratio_(static_cast<double>(part) / static_cast<double>(whole)) {}

  int128 of(int128 amount) const {
    if (amount == 0) return 0;
    // Below 2^50 the product of doubles is off by less than a quarter, so that its floor is off by one at most, and the
    // remainder lies within twice the whole: 64 bits hold it, whatever the products overflow.
    if (amount < 0 || amount >= kMostAmount || whole_ >= kMostWhole) return share(amount, part_, whole_);
    const auto floor = static_cast<int64_t>(static_cast<double>(static_cast<int64_t>(amount)) * ratio_);
    const auto rest = static_cast<int64_t>(static_cast<uint64_t>(amount) * bits(part_) - bits(floor) * bits(whole_));
    return floor - (rest < 0 ? 1 : 0) + (rest >= whole_ ? 1 : 0);
  }

 private:
  static constexpr int64_t kMostAmount = int64_t{1} << 50, kMostWhole = int64_t{1} << 61;
  static uint64_t bits(int64_t value) { return static_cast<uint64_t>(value); }

  Picoseconds part_, whole_;
  double ratio_;
};

}  // namespace tokwatt::sim
