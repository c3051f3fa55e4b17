#pragma once
// Random simulations: small boxes and models, chosen so that everything happens within a few thousand tokens: full KV
// caches, filling windows, forms that cross, heat, power limits, changes while it runs.
#include <cstdint>
#include <functional>
#include <set>
#include <string>
#include <vector>

#include "sim/input.hpp"

namespace tokwatt::test {

/// One random choice, low and high included; smaller ones are simpler.
using Draw = std::function<int64_t(int64_t low, int64_t high)>;
/// The simulation that a series of choices stands for.
sim::Input random_input(const Draw& draw);
/// The simulation that a seed stands for. Equal seeds give equal inputs.
sim::Input random_input(uint64_t seed);

/// What a deployment has, its box, its streams and the run included, each by a short name.
using Features = std::set<std::string>;
/// Of the simulation that a seed stands for, by deployment.
std::vector<Features> random_features(uint64_t seed);

/// One line that says what is in it, for a failing test.
std::string describe(const sim::Input& input);

}  // namespace tokwatt::test
