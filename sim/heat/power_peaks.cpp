#include "sim/heat/power_peaks.hpp"

#include <algorithm>

namespace tokwatt::sim {

void PowerPeaks::close() {
  for (std::size_t g = 0; g < groups_.size(); ++g) {
    PowerPeak sum;
    for (const std::size_t d : groups_[g]) sum = {sum.chip + last_[d].chip, sum.wall + last_[d].wall};
    peaks_[g] = {std::max(peaks_[g].chip, sum.chip), std::max(peaks_[g].wall, sum.wall)};
  }
}

}  // namespace tokwatt::sim
