#pragma once
// The sequences that decode, kept as sums: nothing here loops over them per step.
#include <map>
#include <queue>
#include <tuple>
#include <vector>

#include "sim/serving/floor_sum.hpp"
#include "sim/serving/serving.hpp"

namespace tokwatt::sim {

/// Every member moves on by the same in each step (Pace), so a member is described by what does not change: its KV
/// tokens and its produced tokens minus what the steps so far make, in units of a token. Steps are numbered from 0 over
/// the replica's life; step() is the next one.
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
  /// The member that any other goes before under Scheduling::priority; -1 without members. Looks at all of them.
  RequestId least_urgent() const;
  bool has(RequestId id) const { return static_cast<std::size_t>(id) < links_.size() && link(id).admission >= 0; }
  /// Takes a member out, with its tokens brought up to date.
  void leave(RequestId id);
  /// Takes out a member that gets nothing from the step that has just ended; returns what it would have got.
  int64_t leave_without_last(RequestId id);

  /// Moves on by some steps, none of which completes a member before its end. Returns the blocks that they took behind
  /// the first one.
  int64_t advance(int64_t steps);
  /// Brings the tokens of every member up to date, at the end of the run.
  void update_members();
  /// Appends the members whose first answer token has just come.
  void take_answered(std::vector<RequestId>& out);
  /// Takes out the members that have all their tokens, in order of admission, and appends them.
  void take_completed(std::vector<RequestId>& out);

  /// Tokens that members get in the next steps, at most until one completes.
  int64_t tokens_in(int64_t steps) const { return pace_.drafted == 0 ? steps * size_ : speculated_in(steps); }
  /// Tokens that a member has, or will have some steps from now.
  int64_t produced(RequestId id, int64_t ahead = 0) const {
    return std::min(pace_.whole(link(id).produced_base + moved(ahead)), pool_[id].output);
  }
  /// Tokens that all may still ask for, each counted up to new_token_ratio's clip.
  int64_t expected();
  /// By stream, of members that have left and at the end of the run of all: tokens that came with another one.
  const std::vector<int64_t>& tokens_at_once() const { return at_once_; }

  /// Blocks that the members need anew for the next step. Asked before it starts.
  int64_t new_blocks() {
    needed_ = blocks_.at(moved(0));
    return needed_ - held_;
  }
  /// And for the steps 1 .. ahead behind it.
  int64_t new_blocks_until(int64_t ahead) const { return blocks_.at(moved(ahead)) - needed_; }
  /// Attention of the next step, and by how much it grows from step to step until the next change [units].
  AttentionSums attention(std::size_t group) const {
    const auto& [attention, first, others, due] = windows_[group];
    const int64_t by_first = seen(attention.reach, first);
    const int64_t pairs = by_first + seen(attention.reach, others);
    return {attention.read_together ? by_first + size_ * pace_.units(attention.rows - 1) : pairs, pairs};
  }
  AttentionSums growth(std::size_t group) const {
    const auto& [attention, first, others, due] = windows_[group];
    const int64_t pairs = (first.growing + others.growing) * pace_.per_step;
    return {attention.read_together ? first.growing * pace_.per_step : pairs, pairs};
  }
  /// Rows of members whose windows are not full, and chunks that the rows have left behind, as of settle_windows().
  int64_t growing(std::size_t group) const { return windows_[group].first.growing + windows_[group].others.growing; }
  int64_t chunks_passed() const;

  /// Steps until a member completes, begins its answer, fills a window or leaves a chunk: at least 1, kNever without
  /// members.
  int64_t steps_until_change();
  /// Counts windows that are full in the next step as full, and chunks that it begins as begun.
  void settle_windows() {
    if (!sees_all_) settle_all();
  }

  const std::vector<int64_t>& members_by_stream() const { return by_stream_; }
  /// Calls `see` with each member.
  template <class See>
  void for_each(See see) const {
    for (RequestId id = tail_; id >= 0; id = link(id).before) see(id);
  }

 private:
  struct Link {  // by RequestId: what a member keeps while it decodes
    RequestId before = -1, after = -1;
    int64_t admission = -1;  // -1: not a member
    int64_t computed_base = 0, produced_base = 0;
    int64_t joined = 0;  // its first step
  };
  struct Sight {                                               // of a member, where somebody does not see everything
    std::array<int32_t, kMaxAttentionGroups> full{};           // rows whose window is full, by group: the last ones
    std::array<int64_t, kMaxAttentionGroups> passed{};         // chunks that the first row has left behind
    std::array<int64_t, kMaxAttentionGroups> others_passed{};  // and all the others
  };
  struct Due {  // of members that may have left since
    int64_t step;
    int64_t admission;
    RequestId id;
    bool operator>(const Due& other) const {
      return step != other.step ? step > other.step : admission > other.admission;
    }
  };
  using DueHeap = std::priority_queue<Due, std::vector<Due>, std::greater<>>;
  struct RowDue : Due {  // a row reaches a context in front of the sequence [tokens]
    int64_t row, context;
  };
  struct Rows {           // of members, as sums
    int64_t growing = 0;  // whose window is not full
    int64_t bases = 0;    // their contexts, less what the steps so far make [units]
    int64_t full = 0;
    int64_t passed = 0;  // chunks that they have left behind
  };
  struct Window {
    AttentionRows attention;
    Rows first, others;  // the first row of each member, and those behind it
    std::priority_queue<RowDue, std::vector<RowDue>, std::greater<>> due;

    Rows& rows(int64_t row) { return row == 1 ? first : others; }
  };

  int64_t moved(int64_t ahead) const { return (step_ + ahead) * serving_.cost.pace().per_step; }
  int64_t seen(const Reach& reach, const Rows& rows) const {
    const int64_t all = rows.bases + rows.growing * moved(0);
    return sees_all_ ? all : all + rows.full * pace_.units(reach.window) - rows.passed * pace_.units(reach.chunk);
  }
  void join_window(std::size_t group, RequestId id);
  void leave_window(std::size_t group, RequestId id);
  void settle(std::size_t group, RowDue due);
  void settle_all();
  int64_t speculated_in(int64_t steps) const;
  int64_t completion(const Link& member, const Request& r) const;
  int64_t blocks_base(const Link& member) const;
  int64_t slots_taken(const Link& member) const;
  int64_t blocks_held(const Request& r) const { return serving_.kv.blocks_of(std::max(r.computed, r.reserved)); }
  void count_surplus(const Link& member, const Request& r, int64_t sign);
  int64_t first_step_within_clip(const Link& member, const Request& r) const;
  void join_expected(RequestId id);
  void leave_expected(const Link& member, const Request& r);
  void settle_expected();
  void update(RequestId id);
  bool stale(const Due& due) const { return link(due.id).admission != due.admission; }
  const Link& link(RequestId id) const { return links_[static_cast<std::size_t>(id)]; }
  Link& link(RequestId id) { return links_[static_cast<std::size_t>(id)]; }
  Sight& sight(RequestId id) { return sights_[static_cast<std::size_t>(id)]; }
  template <class Heap>
  void drop_stale(Heap& heap) const {
    while (!heap.empty() && stale(heap.top())) heap.pop();
  }
  static int64_t next_of(int64_t next, const auto& heap) {
    return heap.empty() ? next : std::min(next, heap.top().step);
  }

  const Serving& serving_;
  const Pace& pace_;
  RequestPool& pool_;
  std::vector<Link> links_;
  std::vector<Sight> sights_;  // by RequestId too; empty where everybody sees everything
  bool sees_all_ = true;
  RequestId tail_ = -1;
  int64_t size_ = 0, step_ = 0, composition_ = 0;
  DueHeap completions_, answers_;
  std::vector<Window> windows_;
  FloorSum blocks_;                // that members need, but for their windows
  int64_t needed_ = 0, held_ = 0;  // in the next step, and now
  FloorSum produced_;              // tokens, under speculation
  struct Expected {                // under SGLang: what members may still ask for
    DueHeap due;                   // members that may ask for more than the clip, until they do not
    int64_t beyond = 0;            // and how many
    int64_t output = 0;            // of the others, what they asked for at first
    FloorSum produced;             // and what they have got
    int64_t settled = 0;           // the step as of which that is so
  };
  std::optional<Expected> expected_;
  std::map<int64_t, int64_t>
      surplus_;  // tokens that steps give to members which they complete beyond what these asked for
  std::vector<int64_t> by_stream_, at_once_;
};

}  // namespace tokwatt::sim
