#pragma once
// What clients learn of their requests: when a step ends, or under asynchronous scheduling when the one behind it does
// (docs/theory/scheduling.md). Shared by both steppings.
#include <vector>

#include "sim/serving/serving.hpp"

namespace tokwatt::sim {

class News {
 public:
  News(int replica, RequestPool& pool, ReplicaObserver& observer)
      : replica_(replica), pool_(pool), observer_(observer) {}

  enum class Kind { first_token, first_answer, finish };
  void hold(RequestId id, Kind kind) { held_.push_back({id, kind}); }
  void clear() { held_.clear(); }
  /// Those whose tokens are all computed.
  void append_finished(std::vector<RequestId>& out) const;
  bool held() const { return !held_.empty(); }
  /// Tells clients what is held. Returns the requests that have finished, in the order in which they came.
  const std::vector<RequestId>& tell(Picoseconds now);
  /// Its client has given up: there is nobody to tell. Returns whether all its tokens were computed.
  bool drop(RequestId id);

 private:
  struct Item {
    RequestId id;
    Kind kind;
  };
  void tell(const Item& item, Picoseconds now);

  int replica_;
  RequestPool& pool_;
  ReplicaObserver& observer_;
  std::vector<Item> held_;
  std::vector<RequestId> finished_;
};

}  // namespace tokwatt::sim
