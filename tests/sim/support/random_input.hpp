#pragma once
// Random simulations: small boxes and models, chosen so that everything happens within a few thousand tokens: full KV
// caches, filling windows, forms that cross, heat, power limits, changes while it runs.
#include <cstdint>
#include <functional>
#include <string>

#include "sim/input.hpp"

namespace tokwatt::test {

/// One random choice, low and high included; smaller ones are simpler.
using Draw = std::function<int64_t(int64_t low, int64_t high)>;
/// The simulation that a series of choices stands for.
sim::Input random_input(const Draw& draw);
/// The simulation that a seed stands for. Equal seeds give equal inputs.
sim::Input random_input(uint64_t seed);

/// One line that says what is in it, for a failing test.
std::string describe(const sim::Input& input);

}  // namespace tokwatt::test
