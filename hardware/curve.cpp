#include "hardware/curve.hpp"

#include <algorithm>
#include <cassert>

namespace tokwatt::hardware {

double Curve::at(double x) const {
  assert(given());
  if (!(x > points.front().first)) return points.front().second;  // so that no number at all is no crash
  const auto above = std::upper_bound(points.begin(), points.end(), x,
                                      [](double value, const auto& point) { return value < point.first; });
  if (above == points.end()) return points.back().second;
  const auto& [x0, y0] = *(above - 1);
  const auto& [x1, y1] = *above;
  return y0 + (y1 - y0) * (x - x0) / (x1 - x0);
}

}  // namespace tokwatt::hardware
