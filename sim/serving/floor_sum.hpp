#pragma once
// What numbers that move together are in whole, without a loop over them.
#include <algorithm>
#include <cstdint>
#include <vector>

#include "sim/floor_div.hpp"

namespace tokwatt::sim {

/// The sum of floor((x + y) / unit) over numbers x, for any y: x = q unit + r makes it q + floor(y / unit), and one
/// more where r and what y leaves over reach a unit. So of each remainder it is kept how many reach it: one by one
/// where a unit has few, else in order.
class FloorSum {
 public:
  explicit FloorSum(int64_t unit) : unit_(unit), reaching_(unit <= kFew ? static_cast<std::size_t>(unit) + 1 : 0) {}

  void add(int64_t x) {
    const int64_t r = split(x, 1);
    if (is_few()) return count(r, 1);
    remainders_.insert(std::upper_bound(remainders_.begin(), remainders_.end(), r), r);
  }
  /// One that was added.
  void remove(int64_t x) {
    const int64_t r = split(x, -1);
    if (is_few()) return count(r, -1);
    remainders_.erase(std::lower_bound(remainders_.begin(), remainders_.end(), r));
  }
  int64_t at(int64_t y) const {
    const int64_t q = floor_div(y, unit_), missing = unit_ - (y - q * unit_);
    return whole_ + q * size_ + reaching(missing);
  }

 private:
  static constexpr int64_t kFew = 64;

  bool is_few() const { return !reaching_.empty(); }
  /// Counts its whole part; returns its remainder.
  int64_t split(int64_t x, int64_t sign) {
    const int64_t q = floor_div(x, unit_);
    whole_ += sign * q;
    size_ += sign;
    return x - q * unit_;
  }
  void count(int64_t remainder, int32_t sign) {
    for (int64_t r = 0; r <= remainder; ++r) reaching_[static_cast<std::size_t>(r)] += sign;
  }
  int64_t reaching(int64_t remainder) const {
    if (is_few()) return reaching_[static_cast<std::size_t>(remainder)];
    return remainders_.end() - std::lower_bound(remainders_.begin(), remainders_.end(), remainder);
  }

  int64_t unit_, whole_ = 0, size_ = 0;
  std::vector<int32_t> reaching_;    // how many remainders are at least as large, by remainder up to the unit
  std::vector<int64_t> remainders_;  // ascending, where a unit has many
};

}  // namespace tokwatt::sim
