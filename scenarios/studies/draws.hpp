#pragma once
// The same scenario with each draw from what is not known about the engines.
#include <optional>
#include <vector>

#include "scenarios/studies/answer.hpp"

namespace tokwatt::scenarios {

struct Interval {
  double low = 0, high = 0;
};

/// From the 5th to the 95th percentile, linear between neighbours; nothing where a value is missing or not finite.
std::optional<Interval> interval90(std::vector<double> values);

/// A scenario with draw number `draw`, from 1.
std::function<Loaded()> with_draw(std::function<Loaded()> load, int64_t draw);

}  // namespace tokwatt::scenarios
