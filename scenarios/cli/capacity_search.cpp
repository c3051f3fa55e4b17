#include "scenarios/cli/capacity_search.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <string>

namespace tokwatt::cli {
namespace {

constexpr double kNear = 1.01;  // of loads that are no whole numbers

/// As many digits as people would write.
double rounded(double load, bool is_whole) {
  return is_whole ? std::floor(load + 0.5) : std::stod(fmt::format("{:.4g}", load));
}

bool is_near(const LoadRange& range, double within, double beyond) {
  return range.is_whole ? beyond - within <= 1 : beyond <= within * kNear;
}

}  // namespace

Bracket largest_load(const LoadRange& range, const std::function<bool(double)>& keeps) {
  Bracket found;
  double load = std::clamp(rounded(range.start, range.is_whole), range.least, range.most);
  const bool grows = keeps(load);
  (grows ? found.within : found.beyond) = load;
  while (!(found.within && found.beyond)) {
    if (load == (grows ? range.most : range.least)) return found;
    load = std::clamp(rounded(grows ? load * 2 : load / 2, range.is_whole), range.least, range.most);
    (keeps(load) ? found.within : found.beyond) = load;
  }
  while (!is_near(range, *found.within, *found.beyond)) {
    const double middle =
        range.is_whole ? (*found.within + *found.beyond) / 2 : std::sqrt(*found.within * *found.beyond);
    load = range.is_whole ? std::floor(middle) : rounded(middle, false);
    if (load <= *found.within || load >= *found.beyond) break;
    (keeps(load) ? found.within : found.beyond) = load;
  }
  return found;
}

}  // namespace tokwatt::cli
