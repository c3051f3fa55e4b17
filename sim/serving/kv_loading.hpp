#pragma once
// Admitted requests whose blocks are being brought back from outside: they hold them, but run only when all are there.
// Shared by both steppings.
#include <algorithm>
#include <deque>
#include <optional>

#include "sim/serving/request.hpp"

namespace tokwatt::sim {

class KvLoading {
 public:
  /// The first `tokens` of a request are there when its copy ends.
  void begin(RequestId id, int64_t tokens, Picoseconds ends) { on_the_way_.push_back({id, tokens, ends}); }
  /// When the next one is there: they come one after the other.
  std::optional<Picoseconds> next() const {
    return on_the_way_.empty() ? std::nullopt : std::optional(on_the_way_.front().ends);
  }
  struct Copy {
    RequestId id;
    int64_t tokens;
    Picoseconds ends;
  };
  /// Takes the next one that is there by now, if any: it is ready.
  std::optional<Copy> take(Picoseconds now) {
    if (on_the_way_.empty() || on_the_way_.front().ends > now) return std::nullopt;
    const Copy copy = on_the_way_.front();
    on_the_way_.pop_front();
    ready_.push_back(copy.id);
    return copy;
  }
  bool any_ready() const { return !ready_.empty(); }
  /// The first that was ready, which goes on.
  RequestId pop_ready() {
    const RequestId id = ready_.front();
    ready_.pop_front();
    return id;
  }
  int64_t size() const { return std::ssize(on_the_way_) + std::ssize(ready_); }
  /// Whether it was one of them.
  bool erase(RequestId id) {
    return std::erase_if(on_the_way_, [id](const Copy& copy) { return copy.id == id; }) + std::erase(ready_, id) > 0;
  }
  /// Forgets all, appending them to `out`.
  void move_to(std::vector<RequestId>& out) {
    for (const Copy& copy : on_the_way_) out.push_back(copy.id);
    out.insert(out.end(), ready_.begin(), ready_.end());
    on_the_way_.clear();
    ready_.clear();
  }

 private:
  std::deque<Copy> on_the_way_;
  std::deque<RequestId> ready_;  // in the order in which they came
};

}  // namespace tokwatt::sim
