#pragma once
// An integer log-linear histogram: 0.1 % wide bins from picoseconds to months, filled for an arithmetic progression in
// closed form (design, rule 10). The work is the bins crossed, never the number of values.
#include <cstdint>
#include <vector>

#include "sim/progression.hpp"

namespace tokwatt::sim {

class Histogram {
 public:
  /// Counts `value` (>= 0) `times` times.
  void add(int64_t value, int64_t times = 1);
  /// Counts the first `steps` values of a progression, each `times` times. Values are >= 0, in 2^-fraction_bits; the
  /// sum keeps the fractions.
  void add(const Progression& values, int64_t steps, int64_t times, int fraction_bits = 0);
  void merge(const Histogram& other);

  int64_t count() const { return count_; }
  int64_t max() const { return max_; }
  double mean() const;  ///< exact sum over count; NaN when empty
  /// Value below which a share q of the counts lies: linear within its bin, never above max(). NaN when empty.
  double quantile(double q) const;

 private:
  static std::size_t bin_of(int64_t value);
  static int64_t lower_edge(std::size_t bin);
  void count_in(std::size_t bin, int64_t times);

  std::vector<int64_t> counts_;
  int64_t count_ = 0, max_ = 0;
  int64_t min_ = kNever;
  int128 sum_ = 0;
  int128 fine_sum_ = 0;  // of values with fractions, in 2^-kFractionBits
};

}  // namespace tokwatt::sim
