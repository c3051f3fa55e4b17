#include "sim/workload/block_lists.hpp"

#include <algorithm>

namespace tokwatt::sim {

uint32_t BlockLists::add(std::span<const uint64_t> list, std::optional<uint32_t> like) {
  List added;
  added.own = own_.size();
  added.size = static_cast<uint32_t>(list.size());
  if (like) {
    const std::vector<uint64_t> before = ids(*like);
    const auto differs = std::mismatch(list.begin(), list.end(), before.begin(), before.end());
    added.like = *like;
    added.shared = static_cast<uint32_t>(differs.first - list.begin());
    // Past lists that have none of the shared ids themselves, so that a list is never made of more lists than ids.
    while (added.shared > 0 && added.shared <= lists_[added.like].shared) added.like = lists_[added.like].like;
  }
  own_.insert(own_.end(), list.begin() + added.shared, list.end());
  lists_.push_back(added);
  return static_cast<uint32_t>(lists_.size() - 1);
}

// From the end to the beginning: each list on the way fills in what is its own.
std::vector<uint64_t> BlockLists::ids(uint32_t list) const {
  std::vector<uint64_t> all(lists_[list].size);
  for (uint32_t missing = lists_[list].size; missing > 0; list = lists_[list].like) {
    const List& l = lists_[list];
    for (uint32_t i = l.shared; i < missing; ++i) all[i] = own_[l.own + i - l.shared];
    missing = std::min(missing, l.shared);
  }
  return all;
}

}  // namespace tokwatt::sim
