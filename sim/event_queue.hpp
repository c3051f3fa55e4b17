#pragma once
// The one order of events (design, rule 2), written here and nowhere else.
#include <cstdint>
#include <optional>
#include <queue>
#include <tuple>
#include <vector>

#include "sim/time.hpp"

namespace tokwatt::sim {

/// What happens; the order of the names is the order at one instant. A step ends, and a model is loaded, before the tick that
/// judges it; a sample sees the state that the tick leaves, changes and clients who give up come before the arrivals they
/// meet, and steps start last, when everything else of the instant is known.
enum class EventKind : uint8_t { step_end, loaded, tick, sample, change, give_up, arrival, step_start };

struct Event {
  Picoseconds time = 0;
  EventKind kind = EventKind::step_end;
  int32_t subject = 0;    ///< replica, device, stream or request
  uint64_t sequence = 0;  ///< given by the queue: first in, first out
  uint64_t detail =
      0;  ///< of a step_end: the plan's version; of an arrival: its place in the pool; of a give_up: the record

  auto order() const { return std::tie(time, kind, subject, sequence); }
};

class EventQueue {
 public:
  void push(Event event) {
    event.sequence = next_sequence_++;
    heap_.push(event);
  }
  /// The earliest event at or before `end`, removed; nothing when there is none.
  std::optional<Event> pop_until(Picoseconds end) {
    if (heap_.empty() || heap_.top().time > end) return std::nullopt;
    const Event event = heap_.top();
    heap_.pop();
    return event;
  }

 private:
  struct Later {
    bool operator()(const Event& a, const Event& b) const { return a.order() > b.order(); }
  };
  std::priority_queue<Event, std::vector<Event>, Later> heap_;
  uint64_t next_sequence_ = 0;
};

}  // namespace tokwatt::sim
