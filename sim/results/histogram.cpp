#include "sim/results/histogram.hpp"

#include <cmath>
#include <limits>

namespace tokwatt::sim {

void Histogram::add(const Progression& values, int64_t steps, int64_t times) {
  if (steps == 0) return;
  if (values.slope == 0) return add(values.base, steps * times);
  if (values.slope < 0) return add({values.at(steps - 1), -values.slope}, steps, times);
  const std::size_t last_bin = bin_of(values.at(steps - 1));
  count_in(last_bin, 0);  // there is room for all
  int64_t counted = 0;
  for (std::size_t bin = bin_of(values.base); bin < last_bin;) {
    // `next` is the first step whose value is at or above the next bin's edge.
    const int64_t past = lower_edge(bin + 1) - values.base + values.slope - 1;
    const int64_t width = lower_edge(bin + 1) - lower_edge(bin);
    int64_t next = past / values.slope, rest = past % values.slope;
    if (width < values.slope) {  // bins are skipped
      counts_[bin] += (next - counted) * times;
      counted = next;
      bin = bin_of(values.at(counted));
      continue;
    }
    // Bins of an octave are equally wide: from edge to edge the quotient grows evenly, its remainder carried along.
    const int64_t steps_a_bin = width / values.slope, rest_a_bin = width % values.slope;
    constexpr auto kOctave = static_cast<std::size_t>(kBinsPerOctave);
    const std::size_t end = std::min(last_bin, (bin / kOctave + 1) * kOctave);
    for (; bin < end; ++bin) {
      counts_[bin] += (next - counted) * times;
      counted = next;
      next += steps_a_bin;
      rest += rest_a_bin;
      if (rest >= values.slope) {
        rest -= values.slope;
        ++next;
      }
    }
  }
  counts_[last_bin] += (steps - counted) * times;
  count_ += steps * times;
  sum_ += values.sum(steps) * times;
  max_ = std::max(max_, values.at(steps - 1));
  min_ = std::min(min_, values.base);
}

void Histogram::add_fractions(const Progression& values, int64_t steps, int64_t times, int fraction_bits) {
  if (steps == 0) return;
  if (values.slope < 0) return add_fractions({values.at(steps - 1), -values.slope}, steps, times, fraction_bits);
  for (int64_t j = 0; j < steps;) {
    const std::size_t bin = bin_of(values.at(j) >> fraction_bits);
    // First step whose value is at or above the next bin's edge.
    const int64_t room = (lower_edge(bin + 1) << fraction_bits) - values.base;
    const int64_t next = values.slope == 0 ? steps : std::min(steps, (room + values.slope - 1) / values.slope);
    count_in(bin, (next - j) * times);
    j = next;
  }
  count_ += steps * times;
  fine_sum_ += (values.sum(steps) << (kFractionBits - fraction_bits)) * times;
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

Histogram::Place Histogram::place_of(int64_t rank, Place from) const {
  for (; from.below + counts_[from.bin] <= rank; ++from.bin) from.below += counts_[from.bin];
  return from;
}

// The values of a bin are taken to stand evenly in it.
double Histogram::order_statistic(int64_t rank, const Place& place) const {
  if (rank == 0) return static_cast<double>(min_);
  if (rank >= count_ - 1) return static_cast<double>(max_);
  const auto& [bin, below] = place_of(rank, place);
  const auto low = static_cast<double>(lower_edge(bin)), high = static_cast<double>(lower_edge(bin + 1));
  if (high - low <= 1) return low;  // one whole number, or what is rounded down to it: zeros stay zeros
  const double within = (static_cast<double>(rank - below) + 0.5) / static_cast<double>(counts_[bin]);
  return std::clamp(low + within * (high - low), static_cast<double>(min_), static_cast<double>(max_));
}

double Histogram::quantile(double q) const {
  if (count_ == 0) return std::numeric_limits<double>::quiet_NaN();
  const double rank = q * static_cast<double>(count_ - 1);
  const auto below = static_cast<int64_t>(rank);
  const Place place = place_of(below, {});
  const double low = order_statistic(below, place), high = order_statistic(below + 1, place);
  return low + (rank - static_cast<double>(below)) * (high - low);
}

}  // namespace tokwatt::sim
