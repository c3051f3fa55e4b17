#pragma once
// What numbers that move together are in whole, without a loop over them.
#include <algorithm>
#include <bit>
#include <cstdint>
#include <vector>

namespace tokwatt::sim {

/// The sum of floor((x + y) / unit) over numbers x, for any y: x = q unit + r makes it q + floor(y / unit), and one
/// more where r and what y leaves over reach a unit. So the remainders are kept in order.
class FloorSum {
 public:
  explicit FloorSum(int64_t unit)
      : unit_(unit),
        shift_(std::has_single_bit(static_cast<uint64_t>(unit)) ? std::countr_zero(static_cast<uint64_t>(unit)) : -1) {}

  void add(int64_t x) {
    const int64_t q = floor(x);
    whole_ += q;
    const int64_t r = x - q * unit_;
    remainders_.insert(std::upper_bound(remainders_.begin(), remainders_.end(), r), r);
  }
  /// One that was added.
  void remove(int64_t x) {
    const int64_t q = floor(x);
    whole_ -= q;
    remainders_.erase(std::lower_bound(remainders_.begin(), remainders_.end(), x - q * unit_));
  }
  int64_t at(int64_t y) const {
    const int64_t q = floor(y);
    const auto reach = std::lower_bound(remainders_.begin(), remainders_.end(), unit_ - (y - q * unit_));
    return whole_ + q * std::ssize(remainders_) + (remainders_.end() - reach);
  }

 private:
  int64_t floor(int64_t x) const {
    if (shift_ >= 0) return x >> shift_;  // blocks mostly hold 16 tokens, and divisions are slow
    return x >= 0 ? x / unit_ : -((unit_ - 1 - x) / unit_);
  }

  int64_t unit_, whole_ = 0;
  int shift_;                        // -1: the unit is no power of two
  std::vector<int64_t> remainders_;  // ascending
};

}  // namespace tokwatt::sim
