#pragma once
// Whether a scenario's models fit their boxes, and if not, what would.
#include <string>
#include <vector>

#include "scenarios/scenario.hpp"

namespace tokwatt::cli {

/// Throws sim::DoesNotFit with the arithmetic, and with the largest other quant that would fit in its place.
/// `path` and `sets` are what was loaded.
void check_fits(const scenarios::Loaded& loaded, const std::string& path, const std::vector<std::string>& sets);

}  // namespace tokwatt::cli
