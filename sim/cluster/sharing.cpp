#include "sim/cluster/sharing.hpp"

#include <algorithm>

namespace tokwatt::sim {

Sharing::Sharing(const Input& input, const Layout& layout)
    : layout_(layout),
      devices_of_(layout.replicas.size()),
      busy_(layout.replicas.size()),
      share_(layout.replicas.size(), kWholeDevice) {
  for (std::size_t r = 0; r < layout.replicas.size(); ++r) {
    weight_.push_back(input.deployments[layout.replicas[r].deployment].share);
    for (const std::size_t d : layout.replicas[r].devices) {
      if (layout.devices[d].replicas.size() > 1) devices_of_[r].push_back(d);
    }
  }
}

const std::vector<std::size_t>& Sharing::divide() {
  changed_.clear();
  for (std::size_t r = 0; r < share_.size(); ++r) {
    if (!busy_[r] || !shares(r)) continue;
    const int32_t now = share_now(r);
    if (now != share_[r]) changed_.push_back(r);
    share_[r] = now;
  }
  return changed_;
}

int32_t Sharing::share_now(std::size_t replica) const {
  int32_t least = kWholeDevice;
  for (const std::size_t d : devices_of_[replica]) {
    int64_t weights = 0;
    for (const std::size_t r : layout_.devices[d].replicas) weights += busy_[r] ? weight_[r] : 0;
    least = std::min(least, static_cast<int32_t>((weight_[replica] << kShareBits) / weights));
  }
  return std::max(least, 1);
}

}  // namespace tokwatt::sim
