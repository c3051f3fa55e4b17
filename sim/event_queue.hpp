#pragma once
// The one order of events (design, rule 2), written here and nowhere else.
#include <algorithm>
#include <bit>
#include <cstdint>
#include <optional>
#include <tuple>
#include <vector>

#include "sim/time.hpp"

namespace tokwatt::sim {

/// What happens; the order of the names is the order at one instant. Clients are told what an earlier step gave, or
/// that their requests have failed, before another one ends; a step ends, KV blocks come from outside, an answer from
/// elsewhere begins or ends, and a model is loaded, before the tick that judges it; a sample sees the state that the
/// tick leaves, changes and clients who give up come before the arrivals they meet, devices are divided among those who
/// have work then, and steps start last, when everything else of the instant is known.
enum class EventKind : uint8_t {
  tell,
  failed,
  step_end,
  transfer,
  hosted_take,
  hosted_first,
  hosted_end,
  loaded,
  tick,
  sample,
  change,
  give_up,
  arrival,
  divide,
  step_start
};

struct Event {
  Picoseconds time = 0;
  EventKind kind = EventKind::tell;
  int32_t subject = 0;    ///< replica, device, stream or request
  uint64_t sequence = 0;  ///< given by the queue: first in, first out
  uint64_t detail = 0;    ///< of an arrival: its place in the pool; of a give_up: the record

  auto order() const { return std::tie(time, kind, subject, sequence); }
};

/// Instants mostly differ, so that the rest of the order is rarely asked for.
inline bool before(const Event& a, const Event& b) {
  return a.time != b.time ? a.time < b.time : a.order() < b.order();
}

/// When the step in flight of each replica ends, and which ends first (of several the lowest number): a tournament, in
/// which an end that moves, as it does whenever a plan is cut, goes through the rounds of its own replica.
class StepEnds {
 public:
  explicit StepEnds(std::size_t replicas) : leaves_(std::bit_ceil(std::max<std::size_t>(replicas, 1))) {
    ends_.assign(leaves_, kNever);
    winners_.resize(leaves_);
    for (std::size_t match = leaves_ - 1; match > 0; --match) winners_[match] = winner_of(match);
  }

  /// kNever: none is in flight.
  void set(int32_t replica, Picoseconds at) {
    ends_[static_cast<std::size_t>(replica)] = at;
    for (std::size_t match = (leaves_ + static_cast<std::size_t>(replica)) / 2; match > 0; match /= 2)
      winners_[match] = winner_of(match);
  }
  int32_t first() const { return leaves_ == 1 ? 0 : winners_[1]; }
  Picoseconds first_at() const { return at(first()); }

 private:
  Picoseconds at(int32_t replica) const { return ends_[static_cast<std::size_t>(replica)]; }
  int32_t in(std::size_t node) const { return node < leaves_ ? winners_[node] : static_cast<int32_t>(node - leaves_); }
  int32_t winner_of(std::size_t match) const {
    const int32_t left = in(2 * match), right = in(2 * match + 1);
    return at(right) < at(left) ? right : left;
  }

  std::size_t leaves_;  // a power of two
  std::vector<Picoseconds> ends_;
  std::vector<int32_t> winners_;  // of the match between nodes 2 i and 2 i + 1; leaves come behind the matches
};

/// Ends of steps, and beside them a binary heap of all other events. The place of the event that is being handled stays
/// empty until a push, since handling it mostly brings another one: that then takes the place at the top and sinks, and
/// nothing is moved twice. What follows at the same instant, behind everything else of it, is a short list.
class EventQueue {
 public:
  explicit EventQueue(std::size_t replicas = 0) : step_ends_(replicas) {}

  /// The step in flight of a replica ends then, and not when it was said before; kNever: there is none.
  void set_step_end(int32_t replica, Picoseconds at) { step_ends_.set(replica, at); }
  void push(const Event& unnumbered) {
    const Event event = numbered(unnumbered);
    if (top_is_taken_) {
      top_is_taken_ = false;
      sink(event);
    } else {
      heap_.push_back(event);
      rise(event);
    }
  }
  /// The same for the last kinds of an instant, which come in no other way.
  void push_last(const Event& unnumbered) {
    const Event event = numbered(unnumbered);
    if (last_.empty()) return last_.push_back(event);
    last_.insert(std::upper_bound(last_.begin(), last_.end(), event, before), event);
  }
  /// Whether nothing else happens up to now.
  bool is_over(Picoseconds now) const {
    const Event* other = earliest();
    return last_.empty() && step_ends_.first_at() > now && (other == nullptr || other->time > now);
  }
  /// The earliest event at or before `end`, removed; nothing when there is none. None is at kNever.
  std::optional<Event> pop_until(Picoseconds end) {
    const Event* other = earliest();
    const Picoseconds other_at = other != nullptr ? other->time : kNever, step_ends_at = step_ends_.first_at();
    const Picoseconds at = std::min(other_at, step_ends_at);
    if (!last_.empty() && last_.front().time < at) return pop_last(end);
    if (at > end || at == kNever) return std::nullopt;
    if (step_ends_at < other_at || (step_ends_at == other_at && other->kind > EventKind::step_end)) {
      const int32_t replica = step_ends_.first();
      step_ends_.set(replica, kNever);
      return Event{at, EventKind::step_end, replica};
    }
    if (top_is_taken_) remove_top();
    top_is_taken_ = true;
    return heap_.front();
  }

 private:
  Event numbered(const Event& event) { return {event.time, event.kind, event.subject, next_sequence_++, event.detail}; }
  std::optional<Event> pop_last(Picoseconds end) {
    if (last_.front().time > end) return std::nullopt;
    const Event event = last_.front();
    last_.erase(last_.begin());
    return event;
  }
  /// Of the heap.
  const Event* earliest() const {
    if (!top_is_taken_) return heap_.empty() ? nullptr : &heap_.front();
    if (heap_.size() < 3) return heap_.size() == 2 ? &heap_[1] : nullptr;
    return before(heap_[2], heap_[1]) ? &heap_[2] : &heap_[1];
  }
  void remove_top() {
    top_is_taken_ = false;
    const Event last = heap_.back();
    heap_.pop_back();
    if (!heap_.empty()) sink(last);
  }
  /// Finds the place of an event from the top down, where there is an empty one.
  void sink(const Event& event) {
    std::size_t at = 0;
    for (std::size_t child = 1; child < heap_.size(); child = 2 * at + 1) {
      if (child + 1 < heap_.size() && before(heap_[child + 1], heap_[child])) ++child;
      if (!before(heap_[child], event)) break;
      heap_[at] = heap_[child];
      at = child;
    }
    heap_[at] = event;
  }
  /// Finds the place of an event from the last one up.
  void rise(const Event& event) {
    std::size_t at = heap_.size() - 1;
    for (; at > 0 && before(event, heap_[(at - 1) / 2]); at = (at - 1) / 2) heap_[at] = heap_[(at - 1) / 2];
    heap_[at] = event;
  }

  StepEnds step_ends_;
  std::vector<Event> heap_;
  std::vector<Event> last_;  // of the instant, in order
  bool top_is_taken_ = false;
  uint64_t next_sequence_ = 0;
};

}  // namespace tokwatt::sim
