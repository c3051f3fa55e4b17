#include "sim/serving/decode_batch.hpp"

#include <algorithm>

namespace tokwatt::sim {

DecodeBatch::DecodeBatch(const Serving& serving, RequestPool& pool)
    : serving_(serving),
      pace_(serving.cost.pace()),
      pool_(pool),
      windows_(serving.cost.groups()),
      blocks_(pace_.units(serving.kv.block_size)),
      produced_(pace_.units(1)) {
  for (std::size_t g = 0; g < windows_.size(); ++g) {
    windows_[g].attention = serving.cost.attention(g);
    sees_all_ = sees_all_ && windows_[g].attention.reach == Reach{};
  }
  if (serving.new_token_ratio) expected_.emplace(Expected{{}, 0, 0, FloorSum(pace_.units(1))});
}

// --- members ---------------------------------------------------------------------------------------------------------

void DecodeBatch::join(RequestId id) {
  const auto members = static_cast<std::size_t>(id) + 1;
  if (members > links_.size()) links_.resize(members);
  const Request& r = pool_[id];
  Link& member = link(id);
  member = {tail_, -1, r.admission, pace_.units(r.computed) - moved(0), pace_.units(r.produced) - moved(0), step_};
  if (!sees_all_) {
    if (members > sights_.size()) sights_.resize(members);
    sight(id) = {};
  }
  if (tail_ >= 0) link(tail_).after = id;
  tail_ = id;
  ++size_;
  ++composition_;
  const auto stream = static_cast<std::size_t>(r.stream);
  if (stream >= by_stream_.size()) {
    by_stream_.resize(stream + 1);
    at_once_.resize(stream + 1);
  }
  ++by_stream_[stream];
  blocks_.add(blocks_base(member));
  held_ += blocks_held(r);
  completions_.push({completion(member, r), r.admission, id});
  if (r.produced <= r.thinking)
    answers_.push({pace_.first_step_at(r.thinking + 1, member.produced_base), r.admission, id});
  for (std::size_t g = 0; g < windows_.size(); ++g) join_window(g, id);
  if (expected_) join_expected(id);
  if (pace_.drafted == 0) return;
  produced_.add(member.produced_base);
  count_surplus(member, r, 1);
}

RequestId DecodeBatch::least_urgent() const {
  RequestId least = tail_;
  for (RequestId id = tail_; id >= 0; id = link(id).before) {
    if (goes_before(Scheduling::priority, pool_[least], pool_[id])) least = id;
  }
  return least;
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
  blocks_.remove(blocks_base(member));
  held_ -= blocks_held(r);
  for (std::size_t g = 0; g < windows_.size(); ++g) leave_window(g, id);
  if (expected_) leave_expected(member, r);
  member.admission = -1;
  if (pace_.drafted == 0) return;
  produced_.remove(member.produced_base);
  count_surplus(member, r, -1);
}

int64_t DecodeBatch::leave_without_last(RequestId id) {
  const int64_t before = pace_.whole(link(id).produced_base + moved(-1));
  leave(id);
  Request& r = pool_[id];
  const int64_t lost = r.produced - before;
  r.produced = before;
  at_once_[static_cast<std::size_t>(r.stream)] -= lost - 1;
  return lost;
}

int64_t DecodeBatch::advance(int64_t steps) {
  held_ = blocks_.at(moved(steps - 1));
  step_ += steps;
  return held_ - needed_;
}

// A request gets no more than it asked for, and keeps no more either.
void DecodeBatch::update(RequestId id) {
  const Link& member = link(id);
  Request& r = pool_[id];
  const int64_t produced = pace_.whole(member.produced_base + moved(0));
  r.produced = std::min(produced, r.output);
  r.computed = pace_.whole(member.computed_base + moved(0)) - (produced - r.produced);
  if (pace_.drafted == 0) return;
  r.reserved = slots_taken(member);
  const int64_t at_first = pace_.whole(member.produced_base + member.joined * pace_.per_step);
  at_once_[static_cast<std::size_t>(r.stream)] += r.produced - at_first - (step_ - member.joined);
}

void DecodeBatch::update_members() {
  for (RequestId id = tail_; id >= 0; id = link(id).before) update(id);
}

// --- tokens ----------------------------------------------------------------------------------------------------------

int64_t DecodeBatch::completion(const Link& member, const Request& r) const {
  return pace_.first_step_at(r.output, member.produced_base);
}

void DecodeBatch::count_surplus(const Link& member, const Request& r, int64_t sign) {
  const int64_t step = completion(member, r);
  const int64_t tokens = pace_.whole(member.produced_base + step * pace_.per_step) - r.output;
  if (tokens == 0) return;
  if ((surplus_[step] += sign * tokens) == 0) surplus_.erase(step);
}

int64_t DecodeBatch::speculated_in(int64_t steps) const {
  const auto surplus = surplus_.find(step_ + steps);
  return produced_.at(moved(steps)) - produced_.at(moved(0)) - (surplus == surplus_.end() ? 0 : surplus->second);
}

void DecodeBatch::take_answered(std::vector<RequestId>& out) {
  for (drop_stale(answers_); !answers_.empty() && answers_.top().step == step_; drop_stale(answers_)) {
    out.push_back(answers_.top().id);
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

int64_t DecodeBatch::steps_until_change() {
  drop_stale(completions_);
  drop_stale(answers_);
  int64_t next = next_of(next_of(kNever, completions_), answers_);
  for (auto& window : windows_) {
    drop_stale(window.due);
    next = next_of(next, window.due);
  }
  return next == kNever ? kNever : next - step_;
}

// --- output still to come -------------------------------------------------------------------------------------------

int64_t DecodeBatch::first_step_within_clip(const Link& member, const Request& r) const {
  return pace_.first_step_at(r.output - serving_.new_token_ratio->clip, member.produced_base);
}

void DecodeBatch::join_expected(RequestId id) {
  settle_expected();
  const Link& member = link(id);
  const Request& r = pool_[id];
  if (const int64_t within = first_step_within_clip(member, r); within > step_) {
    ++expected_->beyond;
    expected_->due.push({within, r.admission, id});
  } else {
    expected_->output += r.output;
    expected_->produced.add(member.produced_base);
  }
}

void DecodeBatch::leave_expected(const Link& member, const Request& r) {
  if (first_step_within_clip(member, r) > expected_->settled) {
    --expected_->beyond;
  } else {
    expected_->output -= r.output;
    expected_->produced.remove(member.produced_base);
  }
}

void DecodeBatch::settle_expected() {
  auto& due = expected_->due;
  for (drop_stale(due); !due.empty() && due.top().step <= step_; drop_stale(due)) {
    const RequestId id = due.top().id;
    due.pop();
    --expected_->beyond;
    expected_->output += pool_[id].output;
    expected_->produced.add(link(id).produced_base);
  }
  expected_->settled = step_;
}

int64_t DecodeBatch::expected() {
  settle_expected();
  return expected_->beyond * serving_.new_token_ratio->clip + expected_->output - expected_->produced.at(moved(0));
}

// --- blocks ----------------------------------------------------------------------------------------------------------

// In step s a member has slots for whole(computed_base + s * per_step) + rows tokens, in as many blocks as hold them.
int64_t DecodeBatch::blocks_base(const Link& member) const {
  return member.computed_base + pace_.units(pace_.rows() + serving_.kv.block_size - 1);
}

// Tokens that it had slots for in its last step; those of its prompt alone before its first.
int64_t DecodeBatch::slots_taken(const Link& member) const {
  if (member.joined == step_) return 0;
  return pace_.whole(member.computed_base + moved(-1)) + pace_.rows();
}

// --- attention -------------------------------------------------------------------------------------------------------

// Row i of a member has a context of i more than the member has in front of it. In step s that is computed_base +
// s * per_step. Its window is full when its context is as long, and it leaves a chunk behind when all that is in front
// of it has filled one.
void DecodeBatch::join_window(std::size_t group, RequestId id) {
  auto& window = windows_[group];
  const auto& [reach, rows, together] = window.attention;
  const Request& r = pool_[id];
  const Link& member = link(id);
  for (int64_t row = 1; row <= rows; ++row) {
    auto& sums = window.rows(row);
    ++sums.growing;
    sums.bases += member.computed_base + pace_.units(row);
    const auto push = [&](int64_t context) {
      window.due.push({{pace_.first_step_at(context, member.computed_base), r.admission, id}, row, context});
    };
    if (reach.window > 0) push(reach.window - row);
    if (reach.chunk > 0) {
      const int64_t passed = (r.computed + row - 1) / reach.chunk;
      (row == 1 ? sight(id).passed : sight(id).others_passed)[group] += passed;
      sums.passed += passed;
      push((passed + 1) * reach.chunk - (row - 1));
    }
  }
}

void DecodeBatch::leave_window(std::size_t group, RequestId id) {
  auto& window = windows_[group];
  const int64_t full = sees_all_ ? 0 : sight(id).full[group];
  for (int64_t row = 1; row <= window.attention.rows; ++row) {
    auto& sums = window.rows(row);
    if (row > window.attention.rows - full) {
      --sums.full;
    } else {
      --sums.growing;
      sums.bases -= link(id).computed_base + pace_.units(row);
    }
  }
  if (sees_all_) return;
  window.first.passed -= sight(id).passed[group];
  window.others.passed -= sight(id).others_passed[group];
}

void DecodeBatch::settle(std::size_t group, RowDue due) {
  auto& window = windows_[group];
  auto& sums = window.rows(due.row);
  const Link& member = link(due.id);
  if (window.attention.reach.chunk > 0) {
    ++(due.row == 1 ? sight(due.id).passed : sight(due.id).others_passed)[group];
    ++sums.passed;
    due.context += window.attention.reach.chunk;
    due.step = pace_.first_step_at(due.context, member.computed_base);
    window.due.push(due);
    return;
  }
  ++sight(due.id).full[group];
  --sums.growing;
  sums.bases -= member.computed_base + pace_.units(due.row);
  ++sums.full;
}

void DecodeBatch::settle_all() {
  for (std::size_t g = 0; g < windows_.size(); ++g) {
    auto& window = windows_[g];
    for (drop_stale(window.due); !window.due.empty() && window.due.top().step <= step_; drop_stale(window.due)) {
      const RowDue due = window.due.top();
      window.due.pop();
      settle(g, due);
    }
  }
}

int64_t DecodeBatch::chunks_passed() const {
  int64_t sum = 0;
  for (const auto& window : windows_) sum += window.first.passed + window.others.passed;
  return sum;
}

}  // namespace tokwatt::sim
