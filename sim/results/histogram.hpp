#pragma once
// An integer log-linear histogram: 0.1 % wide bins from picoseconds to months, filled for an arithmetic progression in
// closed form (design, rule 10). The work is the bins crossed, never the number of values.
#include <algorithm>
#include <bit>
#include <cstdint>
#include <vector>

#include "sim/progression.hpp"

namespace tokwatt::sim {

class Histogram {
 public:
  /// Counts `value` (>= 0) `times` times.
  void add(int64_t value, int64_t times = 1) {
    count_in(bin_of(value), times);
    count_ += times;
    sum_ += int128{value} * times;
    max_ = std::max(max_, value);
    min_ = std::min(min_, value);
  }
  /// Counts the first `steps` values of a progression, each `times` times. Values are >= 0.
  void add(const Progression& values, int64_t steps, int64_t times);
  /// The same of values in 2^-fraction_bits, each in the bin of its floor; the sum keeps the fractions.
  void add_fractions(const Progression& values, int64_t steps, int64_t times, int fraction_bits);
  void merge(const Histogram& other);

  int64_t count() const { return count_; }
  int64_t max() const { return max_; }
  double mean() const;  ///< exact sum over count; NaN when empty
  /// Linear between order statistics, numpy's default and vLLM's; each is known to the width of its bin. NaN when
  /// empty.
  double quantile(double q) const;

 private:
  static constexpr int kBinBits = 10;  // 1,024 bins per octave: each is below 0.1 % wide
  static constexpr int64_t kBinsPerOctave = int64_t{1} << kBinBits;

  /// Values below 1,024 have a bin each; above, the leading 11 bits choose the bin.
  static std::size_t bin_of(int64_t value) {
    if (value < kBinsPerOctave) return static_cast<std::size_t>(value);
    const int shift = static_cast<int>(std::bit_width(static_cast<uint64_t>(value))) - 1 - kBinBits;
    return static_cast<std::size_t>(shift * kBinsPerOctave + (value >> shift));
  }
  static int64_t lower_edge(std::size_t bin) {
    const auto b = static_cast<int64_t>(bin);
    if (b < 2 * kBinsPerOctave) return b;
    const int64_t shift = b / kBinsPerOctave - 1;
    return (b - shift * kBinsPerOctave) << shift;
  }
  void count_in(std::size_t bin, int64_t times) {
    if (bin >= counts_.size()) counts_.resize(bin + 1);
    counts_[bin] += times;
  }

  struct Place {
    std::size_t bin = 0;
    int64_t below = 0;  // values in bins in front of it
  };
  Place place_of(int64_t rank, Place from) const;
  double order_statistic(int64_t rank, const Place& from) const;

  std::vector<int64_t> counts_;
  int64_t count_ = 0, max_ = 0;
  int64_t min_ = kNever;
  int128 sum_ = 0;
  int128 fine_sum_ = 0;  // of values with fractions, in 2^-kFractionBits
};

}  // namespace tokwatt::sim
