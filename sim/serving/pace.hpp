#pragma once
// How a replica moves on: by whole tokens, or under speculation by a fraction more than one
// (docs/theory/speculation.md).
#include <algorithm>

#include "sim/time.hpp"

namespace tokwatt::sim {

/// Tokens of contexts, and the times and energies that follow from them, are counted in units of 2^-fraction_bits.
struct Pace {
  int fraction_bits = 0;  ///< 0 without speculation: everything is whole
  int64_t drafted = 0;    ///< tokens drafted for each sequence in a step
  int64_t per_step = 1;   ///< by how much each sequence moves on in a step [units of a token], at least one token

  int64_t rows() const { return drafted + 1; }  ///< of a sequence in a step; as many KV slots
  int64_t units(int64_t tokens) const { return tokens << fraction_bits; }
  int64_t whole(int64_t units) const { return units >> fraction_bits; }
  int64_t rest(int64_t units) const { return units & (units_of_one() - 1); }
  /// First step s with base + s * per_step >= units(tokens).
  int64_t first_step_at(int64_t tokens, int64_t base) const {
    const int64_t way = units(tokens) - base;
    if (per_step == 1) return way;
    return way <= 0 ? -(-way / per_step) : (way + per_step - 1) / per_step;
  }

 private:
  int64_t units_of_one() const { return int64_t{1} << fraction_bits; }
};

/// An instant to the fraction of a picosecond; what happens then happens at its floor.
struct ExactInstant {
  Picoseconds at = 0;
  int64_t rest = 0;  ///< [units of a picosecond]

  ExactInstant after(int128 units, int fraction_bits) const {
    if (fraction_bits == 0) return {at + static_cast<Picoseconds>(units), 0};
    const int128 sum = units + rest;
    const int128 whole = sum >> fraction_bits;
    return {at + static_cast<Picoseconds>(whole), static_cast<int64_t>(sum - (whole << fraction_bits))};
  }
  bool operator==(const ExactInstant&) const = default;
  /// Units from here to the whole instant `now`; none where that comes before.
  int128 until(Picoseconds now, int fraction_bits) const {
    return std::max<int128>((int128{now - at} << fraction_bits) - rest, 0);
  }
};

}  // namespace tokwatt::sim
