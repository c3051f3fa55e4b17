#pragma once
// Simulated time and energy are integers, so that two ways of adding them up give the same bytes (design, rule 1).
#include <cstdint>
#include <limits>

namespace tokwatt::sim {

__extension__ typedef __int128 int128;

using Picoseconds = int64_t;  ///< 106 days fit
using Picojoules = int64_t;   ///< of one step; totals are int128

inline constexpr double kPicosecondsPerSecond = 1e12;
inline constexpr Picoseconds kNever = std::numeric_limits<Picoseconds>::max();
inline constexpr Picoseconds kLongestDuration = 9'158'400'000'000'000'000;  ///< 106 days

inline double seconds(Picoseconds t) { return static_cast<double>(t) / kPicosecondsPerSecond; }
/// The nearest double. What fits 64 bits, as nearly all does, takes one instruction.
inline double as_double(int128 value) {
  const auto low = static_cast<int64_t>(value);
  return low == value ? static_cast<double>(low) : static_cast<double>(value);
}
inline double joules(int128 pj) { return as_double(pj) / 1e12; }
/// Under speculation times and energies have so many binary digits behind the point (docs/theory/speculation.md).
inline constexpr int kFractionBits = 16;
/// Nearest picosecond; kNever for what is later than all that can be counted.
Picoseconds picoseconds(double s);

}  // namespace tokwatt::sim
