#include "sim/serving/decode_batch.hpp"

#include <algorithm>

namespace tokwatt::sim {

DecodeBatch::DecodeBatch(const Serving& serving, RequestPool& pool)
    : serving_(serving),
      pool_(pool),
      windows_(serving.cost.groups()),
      starting_block_(static_cast<std::size_t>(serving.kv.block_size)) {
  for (std::size_t g = 0; g < windows_.size(); ++g) {
    windows_[g].length = serving.cost.reach(g).window;
    windows_[g].chunk = serving.cost.reach(g).chunk;
  }
}

// A member starts a block in step s when computed_base + s is a multiple of the block size.
std::size_t DecodeBatch::first_block_phase(const Link& member) const {
  const int64_t size = serving_.kv.block_size;
  const int64_t phase = -member.computed_base % size;
  return static_cast<std::size_t>(phase < 0 ? phase + size : phase);
}

void DecodeBatch::join(RequestId id) {
  if (static_cast<std::size_t>(id) >= links_.size()) links_.resize(static_cast<std::size_t>(id) + 1);
  const Request& r = pool_[id];
  Link& member = link(id);
  member = {tail_, -1, r.admission, r.computed - step_, r.produced - step_, 0, {}};
  if (tail_ >= 0) link(tail_).after = id;
  tail_ = id;
  ++size_;
  ++composition_;
  const auto stream = static_cast<std::size_t>(r.stream);
  if (stream >= by_stream_.size()) by_stream_.resize(stream + 1);
  ++by_stream_[stream];
  ++starting_block_[first_block_phase(member)];
  completions_.push({r.output - member.produced_base, r.admission, id});
  if (r.produced <= r.thinking) answers_.push({r.thinking + 1 - member.produced_base, r.admission, id});
  for (std::size_t g = 0; g < windows_.size(); ++g) {
    auto& window = windows_[g];
    ++window.growing;
    window.computed_bases += member.computed_base;
    // In step s a member's context is computed_base + s + 1; its window stops growing when that reaches the length, and
    // its chunk has so many tokens in front of it as computed_base + s leaves over.
    if (window.length > 0) window.due.push({window.length - member.computed_base - 1, r.admission, id});
    if (window.chunk > 0) {
      member.passed[g] = r.computed / window.chunk;
      window.passed += member.passed[g];
      window.due.push({(member.passed[g] + 1) * window.chunk - member.computed_base, r.admission, id});
    }
  }
}

void DecodeBatch::update(RequestId id) {
  pool_[id].computed = link(id).computed_base + step_;
  pool_[id].produced = link(id).produced_base + step_;
}

void DecodeBatch::update_members() {
  for (RequestId id = tail_; id >= 0; id = link(id).before) update(id);
}

void DecodeBatch::leave(RequestId id) {
  update(id);
  Link& member = link(id);
  const Request& r = pool_[id];
  (member.after >= 0 ? link(member.after).before : tail_) = member.before;
  if (member.before >= 0) link(member.before).after = member.after;
  --size_;
  ++composition_;
  --by_stream_[static_cast<std::size_t>(r.stream)];
  --starting_block_[first_block_phase(member)];
  for (std::size_t g = 0; g < windows_.size(); ++g) {
    auto& window = windows_[g];
    if (member.full_windows >> g & 1U) {
      --window.full;
    } else {
      --window.growing;
      window.computed_bases -= member.computed_base;
    }
    window.passed -= member.passed[g];
  }
  member.admission = -1;
}

void DecodeBatch::drop_stale(DueHeap& heap) const {
  while (!heap.empty() && stale(heap.top())) heap.pop();
}

void DecodeBatch::note_answers(Picoseconds now) {
  for (drop_stale(answers_); !answers_.empty() && answers_.top().step == step_; drop_stale(answers_)) {
    pool_[answers_.top().id].first_answer = now;
    answers_.pop();
  }
}

void DecodeBatch::take_completed(std::vector<RequestId>& out) {
  for (drop_stale(completions_); !completions_.empty() && completions_.top().step == step_; drop_stale(completions_)) {
    const RequestId id = completions_.top().id;
    completions_.pop();
    leave(id);
    out.push_back(id);
  }
}

void DecodeBatch::settle(std::size_t group, Due due) {
  auto& window = windows_[group];
  Link& member = link(due.id);
  if (window.chunk > 0) {
    ++member.passed[group];
    ++window.passed;
    due.step += window.chunk;
    window.due.push(due);
    return;
  }
  member.full_windows |= 1U << group;
  --window.growing;
  window.computed_bases -= member.computed_base;
  ++window.full;
}

void DecodeBatch::settle_windows() {
  for (std::size_t g = 0; g < windows_.size(); ++g) {
    auto& window = windows_[g];
    for (drop_stale(window.due); !window.due.empty() && window.due.top().step <= step_; drop_stale(window.due)) {
      Due due = window.due.top();
      window.due.pop();
      settle(g, due);
    }
  }
}

int64_t DecodeBatch::steps_until_change() {
  int64_t next = kNever;
  drop_stale(completions_);
  if (!completions_.empty()) next = completions_.top().step;
  drop_stale(answers_);
  if (!answers_.empty()) next = std::min(next, answers_.top().step);
  for (auto& window : windows_) {
    drop_stale(window.due);
    if (!window.due.empty()) next = std::min(next, window.due.top().step);
  }
  return next == kNever ? kNever : next - step_;
}

AttentionSums DecodeBatch::attention(std::size_t group) const {
  const auto& window = windows_[group];
  const int64_t seen =
      window.computed_bases + window.growing * (step_ + 1) + window.full * window.length - window.passed * window.chunk;
  return {seen, seen};
}

int64_t DecodeBatch::chunks_passed() const {
  int64_t sum = 0;
  for (const auto& window : windows_) sum += window.passed;
  return sum;
}

int64_t DecodeBatch::new_blocks_until(int64_t ahead) const {
  const int64_t cycle = serving_.kv.block_size;
  int64_t sum = ahead / cycle * size_;
  std::size_t phase = block_phase(step_);
  for (int64_t rest = ahead % cycle; rest > 0; --rest) {
    if (++phase == starting_block_.size()) phase = 0;
    sum += starting_block_[phase];
  }
  return sum;
}

}  // namespace tokwatt::sim
