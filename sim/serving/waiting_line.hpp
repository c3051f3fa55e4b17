#pragma once
// Requests that wait for their first step, in order. A ring: however many have passed through, memory is
// asked for only when more wait than ever before (std::deque asks again after every few hundred).
#include <algorithm>
#include <boost/circular_buffer.hpp>

#include "sim/serving/request.hpp"

namespace tokwatt::sim {

class WaitingLine {
 public:
  bool empty() const { return ring_.empty(); }
  int64_t size() const { return static_cast<int64_t>(ring_.size()); }
  RequestId front() const { return ring_.front(); }

  void push_back(RequestId id) {
    make_room();
    ring_.push_back(id);
  }
  /// In front of all: whoever was preempted goes on first.
  void push_front(RequestId id) {
    make_room();
    ring_.push_front(id);
  }
  /// In front of those that it goes before.
  template <class Before>
  void insert(RequestId id, Before before) {
    make_room();
    ring_.insert(std::upper_bound(ring_.begin(), ring_.end(), id, before), id);
  }
  void pop_front() { ring_.pop_front(); }
  /// Takes out one that waits.
  void erase(RequestId id) { ring_.erase(std::find(ring_.begin(), ring_.end(), id)); }

 private:
  void make_room() {
    if (ring_.full()) ring_.set_capacity(std::max<std::size_t>(16, 2 * ring_.capacity()));
  }

  boost::circular_buffer<RequestId> ring_;
};

}  // namespace tokwatt::sim
