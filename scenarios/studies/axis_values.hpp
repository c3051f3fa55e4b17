#pragma once
// The values of one axis of a study.
#include "scenarios/studies/axes.hpp"

namespace tokwatt::scenarios {

/// An axis as a dimension of its own, or along one with others: its list, its range, or its variants. An axis that is
/// not well written has no values, and is reported.
Axis axis_along(const Named<WrittenAxis>& written, Diagnostics& diagnostics);
/// The same axis drawn from: a number between its ends, or one of its values or variants. Equal seeds and names give
/// equal draws.
Axis sampled_axis(const Named<WrittenAxis>& written, const WrittenSample& sample, Diagnostics& diagnostics);

/// What a mapping of dotted keys and values changes.
std::vector<Setting> settings_of(const WrittenChanges& changes, Diagnostics& diagnostics);

/// The key that is no scenario's: the draw from what is not known about an engine's tuning.
bool is_calibration_draw(const std::vector<PathSegment>& path);

}  // namespace tokwatt::scenarios
