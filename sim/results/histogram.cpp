#include "sim/results/histogram.hpp"

#include <algorithm>
#include <bit>
#include <cmath>
#include <limits>

namespace tokwatt::sim {

namespace {

constexpr int kBinBits = 10;  // 1,024 bins per octave: each is below 0.1 % wide
constexpr int64_t kBinsPerOctave = int64_t{1} << kBinBits;

}  // namespace

// Values below 1,024 have a bin each; above, the leading 11 bits choose the bin.
std::size_t Histogram::bin_of(int64_t value) {
  if (value < kBinsPerOctave) return static_cast<std::size_t>(value);
  const int shift = static_cast<int>(std::bit_width(static_cast<uint64_t>(value))) - 1 - kBinBits;
  return static_cast<std::size_t>(shift * kBinsPerOctave + (value >> shift));
}

int64_t Histogram::lower_edge(std::size_t bin) {
  const auto b = static_cast<int64_t>(bin);
  if (b < 2 * kBinsPerOctave) return b;
  const int64_t shift = b / kBinsPerOctave - 1;
  return (b - shift * kBinsPerOctave) << shift;
}

void Histogram::count_in(std::size_t bin, int64_t times) {
  if (bin >= counts_.size()) counts_.resize(bin + 1);
  counts_[bin] += times;
}

void Histogram::add(int64_t value, int64_t times) {
  count_in(bin_of(value), times);
  count_ += times;
  sum_ += int128{value} * times;
  max_ = std::max(max_, value);
  min_ = std::min(min_, value);
}

void Histogram::add(const Progression& values, int64_t steps, int64_t times, int fraction_bits) {
  if (steps == 0) return;
  if (values.slope == 0 && fraction_bits == 0) return add(values.base, steps * times);
  if (values.slope < 0) return add({values.at(steps - 1), -values.slope}, steps, times, fraction_bits);
  for (int64_t j = 0; j < steps;) {
    const std::size_t bin = bin_of(values.at(j) >> fraction_bits);
    // First step whose value is at or above the next bin's edge.
    const int64_t room = (lower_edge(bin + 1) << fraction_bits) - values.base;
    const int64_t next = values.slope == 0 ? steps : std::min(steps, (room + values.slope - 1) / values.slope);
    count_in(bin, (next - j) * times);
    j = next;
  }
  count_ += steps * times;
  if (fraction_bits == 0) {
    sum_ += values.sum(steps) * times;
  } else {
    fine_sum_ += (values.sum(steps) << (kFractionBits - fraction_bits)) * times;
  }
  max_ = std::max(max_, values.at(steps - 1) >> fraction_bits);
  min_ = std::min(min_, values.base >> fraction_bits);
}

void Histogram::merge(const Histogram& other) {
  if (other.counts_.size() > counts_.size()) counts_.resize(other.counts_.size());
  for (std::size_t i = 0; i < other.counts_.size(); ++i) counts_[i] += other.counts_[i];
  count_ += other.count_;
  sum_ += other.sum_;
  fine_sum_ += other.fine_sum_;
  max_ = std::max(max_, other.max_);
  min_ = std::min(min_, other.min_);
}

double Histogram::mean() const {
  if (count_ == 0) return std::numeric_limits<double>::quiet_NaN();
  const auto units = static_cast<double>((sum_ << kFractionBits) + fine_sum_);
  return std::ldexp(units, -kFractionBits) / static_cast<double>(count_);
}

double Histogram::quantile(double q) const {
  if (count_ == 0) return std::numeric_limits<double>::quiet_NaN();
  const double rank = q * static_cast<double>(count_ - 1);  // numpy's default: linear between order statistics
  int64_t below = 0;
  for (std::size_t bin = 0; bin < counts_.size(); ++bin) {
    if (counts_[bin] == 0) continue;
    if (rank < static_cast<double>(below + counts_[bin])) {
      const double within = (rank - static_cast<double>(below)) / static_cast<double>(counts_[bin]);
      const auto low = static_cast<double>(lower_edge(bin)), high = static_cast<double>(lower_edge(bin + 1));
      if (high - low <= 1) return low;  // one whole number, or what is rounded down to it: zeros stay zeros
      return std::clamp(low + within * (high - low), static_cast<double>(min_), static_cast<double>(max_));
    }
    below += counts_[bin];
  }
  return static_cast<double>(max_);
}

}  // namespace tokwatt::sim
