#pragma once
// Hashes of numbers: names for things that are told apart by several.
#include <cstdint>

namespace tokwatt::sim {

/// SplitMix64's finaliser (Steele, Lea, Flood: Fast splittable pseudorandom number generators; OOPSLA 2014).
constexpr uint64_t mix(uint64_t x) {
  x += 0x9e3779b97f4a7c15;
  x = (x ^ (x >> 30U)) * 0xbf58476d1ce4e5b9;
  x = (x ^ (x >> 27U)) * 0x94d049bb133111eb;
  return x ^ (x >> 31U);
}

template <class... Rest>
constexpr uint64_t mix(uint64_t first, uint64_t second, Rest... rest) {
  return mix(mix(first) ^ second, rest...);
}

}  // namespace tokwatt::sim
