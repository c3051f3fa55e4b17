#pragma once
// Philox4x32-10 (Salmon, Moraes, Dror, Shaw: Parallel random numbers: as easy as 1, 2, 3; SC 2011): a block of random
// bits is a function of a key and a counter, so a draw can be named instead of waited for.
#include <array>
#include <cstdint>
#include <limits>

namespace tokwatt::sim {

using PhiloxCounter = std::array<uint32_t, 4>;
using PhiloxKey = std::array<uint32_t, 2>;

/// Ten rounds over one counter.
PhiloxCounter philox4x32(PhiloxCounter counter, PhiloxKey key);

/// The random bits that belong to one (key, purpose, number), as an engine for Boost.Random. 64 bits at a time, so that
/// a uniform double has all of its 53 bits.
class Philox {
 public:
  using result_type = uint64_t;
  static constexpr result_type min() { return 0; }
  static constexpr result_type max() { return std::numeric_limits<result_type>::max(); }

  Philox(uint64_t key, uint32_t purpose, uint64_t number);
  result_type operator()();

 private:
  PhiloxKey key_;
  PhiloxCounter counter_;  ///< word 0 counts blocks; 1 is the purpose; 2 and 3 are the number
  PhiloxCounter block_{};
  bool second_half_ = false;
};

}  // namespace tokwatt::sim
