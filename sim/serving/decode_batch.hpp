#pragma once
// The sequences that get one token per step, kept as sums: nothing here loops over them per step.
#include <queue>
#include <tuple>
#include <vector>

#include "sim/serving/serving.hpp"

namespace tokwatt::sim {

/// Every member advances by one token per step, so a member is described by what does not change: its KV tokens and its
/// produced tokens minus the step number. Steps are numbered from 0 over the replica's life; step() is the next one.
class DecodeBatch {
 public:
  DecodeBatch(const Serving& serving, RequestPool& pool);

  int64_t size() const { return size_; }
  int64_t step() const { return step_; }
  int64_t composition() const { return composition_; }

  /// A sequence whose prompt is in the cache joins from the next step on; members join in order of admission under
  /// vLLM.
  void join(RequestId id);
  /// The member admitted last.
  RequestId last() const { return tail_; }
  bool has(RequestId id) const { return static_cast<std::size_t>(id) < links_.size() && link(id).admission >= 0; }
  /// Takes a member out, with its computed and produced tokens brought up to date.
  void leave(RequestId id);

  /// Moves on by some steps, none of which completes a member before its end.
  void advance(int64_t steps) { step_ += steps; }
  /// Brings the computed and produced tokens of every member up to date.
  void update_members();
  /// Notes of the members whose first answer token is out that it came now.
  void note_answers(Picoseconds now);
  /// Takes out the members that have all their tokens, in order of admission, and appends them.
  void take_completed(std::vector<RequestId>& out);

  /// Blocks that the members need anew for the step `ahead` of the next one.
  int64_t new_blocks(int64_t ahead) const { return starting_block_[block_phase(step_ + ahead)]; }
  /// The same summed over the steps 1 .. ahead.
  int64_t new_blocks_until(int64_t ahead) const;
  /// Attention of the next step, and by how much a group's sums grow from step to step until the next change.
  AttentionSums attention(std::size_t group) const;
  int64_t growing(std::size_t group) const { return windows_[group].growing; }

  /// Chunks that the members have left behind, as of settle_windows().
  int64_t chunks_passed() const;

  /// Steps until a member completes, begins its answer, fills a window or leaves a chunk: at least 1, kNever without
  /// members.
  int64_t steps_until_change();
  /// Counts windows that are full in the next step as full, and chunks that it begins as begun.
  void settle_windows();

  const std::vector<int64_t>& members_by_stream() const { return by_stream_; }

 private:
  struct Link {  // by RequestId: what a member keeps while it decodes
    RequestId before = -1, after = -1;
    int64_t admission = -1;  // -1: not a member
    int64_t computed_base = 0, produced_base = 0;
    uint32_t full_windows = 0;                          // bit per group
    std::array<int64_t, kMaxAttentionGroups> passed{};  // chunks left behind, by group
  };
  struct Due {  // of members that may have left since
    int64_t step;
    int64_t admission;
    RequestId id;
    bool operator>(const Due& other) const { return std::tie(step, admission) > std::tie(other.step, other.admission); }
  };
  using DueHeap = std::priority_queue<Due, std::vector<Due>, std::greater<>>;
  struct Window {
    int64_t length = 0;          // 0: never full
    int64_t chunk = 0;           // 0: none
    int64_t passed = 0;          // chunks that members have left behind
    int64_t growing = 0;         // members whose window is not full
    int64_t computed_bases = 0;  // their sum
    int64_t full = 0;
    DueHeap due;  // of members that fill the window or begin a chunk
  };

  void update(RequestId id);
  void settle(std::size_t group, Due due);
  std::size_t block_phase(int64_t step) const { return static_cast<std::size_t>(step % serving_.kv.block_size); }
  std::size_t first_block_phase(const Link& member) const;
  bool stale(const Due& due) const { return link(due.id).admission != due.admission; }
  const Link& link(RequestId id) const { return links_[static_cast<std::size_t>(id)]; }
  Link& link(RequestId id) { return links_[static_cast<std::size_t>(id)]; }
  void drop_stale(DueHeap& heap) const;

  const Serving& serving_;
  RequestPool& pool_;
  std::vector<Link> links_;
  RequestId tail_ = -1;
  int64_t size_ = 0, step_ = 0, composition_ = 0;
  DueHeap completions_, answers_;
  std::vector<Window> windows_;
  std::vector<int64_t> starting_block_;  // members by the phase of the steps in which they start a block
  std::vector<int64_t> by_stream_;
};

}  // namespace tokwatt::sim
