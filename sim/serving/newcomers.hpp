#pragma once
// Requests that came after the next step had been put together: under asynchronous scheduling that is done when the
// step before it starts (docs/theory/scheduling.md). Shared by both steppings.
#include <algorithm>
#include <vector>

#include "sim/serving/request.hpp"

namespace tokwatt::sim {

class Newcomers {
 public:
  bool empty() const { return came_.empty(); }
  int64_t size() const { return static_cast<int64_t>(came_.size()); }
  void add(RequestId id, Picoseconds now) { came_.push_back({id, now}); }
  /// Its client gives up. Returns whether it was here.
  bool erase(RequestId id) {
    return std::erase_if(came_, [id](const Newcomer& c) { return c.id == id; }) > 0;
  }
  template <class Condition>
  bool any(Condition condition) const {
    return std::any_of(came_.begin(), came_.end(), [&](const Newcomer& c) { return condition(c.id); });
  }
  /// Takes out those that had come when a step started, in the order in which they came.
  template <class Take>
  void take_until(Picoseconds start, Take take) {
    const auto late = std::find_if(came_.begin(), came_.end(), [start](const Newcomer& c) { return c.at > start; });
    for (auto c = came_.begin(); c != late; ++c) take(c->id);
    came_.erase(came_.begin(), late);
  }

 private:
  struct Newcomer {
    RequestId id;
    Picoseconds at;
  };
  std::vector<Newcomer> came_;  // by the instant
};

}  // namespace tokwatt::sim
