#pragma once
// Division that rounds down.
#include <bit>
#include <cstdint>

namespace tokwatt::sim {

/// floor(x / unit), unit > 0. Units are mostly powers of two (blocks of 16 tokens), and divisions are slow.
constexpr int64_t floor_div(int64_t x, int64_t unit) {
  if ((unit & (unit - 1)) == 0) return x >> std::countr_zero(static_cast<uint64_t>(unit));
  return x >= 0 ? x / unit : -((unit - 1 - x) / unit);
}

}  // namespace tokwatt::sim
