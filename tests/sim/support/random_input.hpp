#pragma once
// Random simulations: small boxes and models, chosen so that everything happens within a few thousand tokens: full KV
// caches, filling windows, forms that cross, heat, power limits, changes while it runs.
#include <cstdint>
#include <string>

#include "sim/input.hpp"

namespace tokwatt::test {

/// The simulation that a seed stands for. Equal seeds give equal inputs.
sim::Input random_input(uint64_t seed);

/// One line that says what is in it, for a failing test.
std::string describe(const sim::Input& input);

}  // namespace tokwatt::test
