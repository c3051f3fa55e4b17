#pragma once
// A quantity that follows another one: straight lines between points.
#include <utility>
#include <vector>

namespace tokwatt::hardware {

/// Points in ascending order of x; before the first and behind the last it stays level.
struct Curve {
  std::vector<std::pair<double, double>> points;
  bool given() const { return !points.empty(); }
  double at(double x) const;
  bool operator==(const Curve&) const = default;
};

}  // namespace tokwatt::hardware
