#include "sim/progression.hpp"

#include <algorithm>
#include <cmath>

namespace tokwatt::sim {

int64_t steps_within(const Progression& durations, int64_t n, int128 elapsed) {
  if (n > 0 && elapsed < durations.base) return 0;
  if (durations.sum(n) <= elapsed) return n;
  // Root of slope/2 j^2 + (base - slope/2) j = elapsed, in the form that does not cancel; then exact by whole steps.
  const double half = static_cast<double>(durations.slope) / 2;
  const double b = static_cast<double>(durations.base) - half;
  const auto t = as_double(elapsed);
  const double root = 2 * t / (b + std::sqrt(std::max(b * b + 4 * half * t, 0.0)));
  int64_t j = std::clamp(static_cast<int64_t>(root), int64_t{0}, n);
  while (j > 0 && durations.sum(j) > elapsed) --j;
  while (j < n && durations.sum(j + 1) <= elapsed) ++j;
  return j;
}

}  // namespace tokwatt::sim
