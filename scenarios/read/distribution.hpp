#pragma once
// DIST: a number, or a mapping with one shape and optional clipping.
#include <optional>
#include <string>

#include "scenarios/diagnostics.hpp"
#include "scenarios/read/fields.hpp"

namespace tokwatt::scenarios {

/// The distribution that a sheet of numbers means; reports what does not make one at `place`, as `path`.
std::optional<sim::Distribution> to_distribution(const DistributionSheet& sheet, const Place& place,
                                                 const std::string& path, Diagnostics& diagnostics);

}  // namespace tokwatt::scenarios
