// Who is in the next step, sequence by sequence; written to be read beside vLLM's scheduler
// (docs/theory/scheduling.md).
#include <algorithm>
#include <utility>

#include "sim/serving/entrance.hpp"
#include "sim/serving/own_text.hpp"
#include "sim/serving/token_replica.hpp"

namespace tokwatt::sim {

// Decode first: each decoding sequence, in order of admission, takes its KV slots. When there is no block for it,
// others are preempted until there is, the last admitted first (vLLM v1 Scheduler.schedule) or the least urgent, or it
// is itself. Returns whether any was.
bool TokenReplica::give_decoding_a_slot(Picoseconds now) {
  bool preempted = false;
  const std::vector<RequestId> running = running_;
  for (const RequestId id : running) {
    if (prefilling(id) || (preempted && !runs(id))) continue;
    const int64_t more = blocks_.of(pool_[id], pool_[id].computed + pace_.rows()) - blocks_.of(pool_[id]);
    while (more > blocks_.left() && runs(id)) {
      if (serving_.has_slots()) {
        run_out_of_context();
        return false;
      }
      blocks_.exhausted();
      preempt(gives_way(), now);
      preempted = true;
    }
    if (preempted && !runs(id)) continue;
    blocks_.take(more);
    pool_[id].reserved = pool_[id].computed + pace_.rows();
    step_.decoding.push_back(id);
  }
  if (preempted) expect_anew();
  return preempted;
}

// Then prompts already begun go on, each with what is left of the token budget. Returns whether one was preempted.
bool TokenReplica::continue_prompts(Picoseconds now, PromptBudget& budget) {
  bool preempted = false;
  std::vector<RequestId> begun;
  for (const RequestId id : running_) {
    if (prefilling(id)) begun.push_back(id);
  }
  std::sort(begun.begin(), begun.end(), [&](RequestId a, RequestId b) { return pool_[a].rank < pool_[b].rank; });
  for (const RequestId id : begun) {
    const Request& r = pool_[id];
    const int64_t tokens = budget.of(r.target - r.computed);
    if (tokens == 0) continue;
    const int64_t more = blocks_.of(r, std::max(r.computed + tokens, r.reserved)) - blocks_.of(r);
    while (more > blocks_.left()) {
      if (serving_.has_slots()) {
        budget = run_out_of_context();
        return false;
      }
      const RequestId out = gives_way();
      preempt(out, now);
      preempted = true;
      if (out == id) return true;
      budget.left += pace_.rows();
    }
    blocks_.take(more);
    budget.take(tokens);
    add_chunk(id, tokens);
  }
  return preempted;
}

// Then waiting requests are admitted in order, those whose blocks have been brought back first. Who finds blocks
// outside waits for them, and others go on meanwhile. Returns whether one had to wait for a slot or for blocks.
bool TokenReplica::admit(Picoseconds now, PromptBudget& budget) {
  const bool closed = ratio_.full() && step_.chunks.empty();  // SGLang's door: until somebody who decodes has left
  while (!waiting_.empty() || loading_.any_ready()) {
    if (std::ssize(running_) >= serving_.max_num_seqs) {
      ratio_.fill();
      return true;
    }
    const bool paged = serving_.policy == models::Policy::vllm;
    if (paged && budget.spent()) return false;
    if (loading_.any_ready()) {
      const RequestId id = loading_.pop_ready();
      const int64_t tokens = budget.of(pool_[id].target - pool_[id].computed);
      begin(id, tokens, now);
      budget.take(tokens);
      continue;
    }
    if (closed) return true;
    const RequestId id = waiting_.front();
    const Entrance entrance{serving_, blocks_, slots_, ratio_, loading_};
    const auto [answer, tokens, slot, _] = entrance.first(id, pool_[id], budget, others_expect(), now);
    if (answer == Entrance::Answer::waits) return true;
    if (answer == Entrance::Answer::out_of_context) {
      budget = run_out_of_context();
      continue;
    }
    waiting_.pop_front();
    if (answer == Entrance::Answer::loads) continue;
    begin(id, tokens, now);
    budget.take(tokens);
    if (!paged) pool_[id].rank = slot;
  }
  return false;
}

// A request runs from now on.
void TokenReplica::begin(RequestId id, int64_t tokens, Picoseconds now) {
  Request& r = pool_[id];
  running_.push_back(id);
  r.admission = admissions_++;
  r.rank = r.admission;
  if (r.admitted == kNever) {
    r.admitted = now;
    r.cached = r.computed;
  }
  if (tokens > 0) add_chunk(id, tokens);
}

void TokenReplica::add_chunk(RequestId id, int64_t tokens) {
  const Request& r = pool_[id];
  step_.chunks.push_back({id, tokens});
  if (ratio_.in_use() && r.computed + tokens == r.target)
    ratio_.promise(ratio_.expected(r.output, r.produced) + blocks_.beside_tokens(r));
}

// What those who decode may still ask for; nothing where nobody runs.
std::optional<int64_t> TokenReplica::others_expect() const {
  if (running_.empty()) return std::nullopt;
  int64_t expected = 0;
  for (const RequestId id : running_) {
    if (!prefilling(id)) expected += ratio_.expected(pool_[id].output, pool_[id].produced);
  }
  return expected;
}

// After a preemption the others are expected to ask for what they have produced so far, and for some steps more
// (ScheduleBatch.retract_decode).
void TokenReplica::expect_anew() {
  if (!ratio_.in_use()) return;
  int64_t produced = 0, asked = 0, decoding = 0;
  for (const RequestId id : running_) {
    if (prefilling(id)) continue;
    produced += pool_[id].produced;
    asked += pool_[id].output;
    ++decoding;
  }
  ratio_.set(produced, asked, decoding);
}

// The last admitted; under SGLang who has produced least, of equals the longest prompt, of equals the last admitted.
RequestId TokenReplica::gives_way() const {
  if (serving_.retracts_least_done()) {
    return *std::min_element(running_.rbegin(), running_.rend(), [this](RequestId a, RequestId b) {
      return std::pair(pool_[a].produced, -pool_[a].prompt) < std::pair(pool_[b].produced, -pool_[b].prompt);
    });
  }
  if (serving_.scheduling != Scheduling::priority) return running_.back();
  return *std::max_element(running_.begin(), running_.end(), [this](RequestId a, RequestId b) {
    return goes_before(Scheduling::priority, pool_[a], pool_[b]);
  });
}

// Slots that share a context come to its end together: where a step finds no room for all, llama-server fails the
// request of every slot and empties it (server_context::update_slots). Who waits for a slot goes on waiting. Returns
// what prompts may take of the step now.
PromptBudget TokenReplica::run_out_of_context() {
  for (; !waiting_.empty() && std::ssize(running_) < serving_.max_num_seqs; waiting_.pop_front())
    running_.push_back(waiting_.front());
  peaks_.note(std::ssize(running_), serving_.kv.blocks);
  for (const RequestId id : running_) news_.drop(id);
  failed_.insert(failed_.end(), running_.begin(), running_.end());
  running_.clear();
  step_.decoding.clear();
  step_.chunks.clear();
  ++composition_;
  blocks_.forget();
  slots_.clear();
  return serving_.prompt_budget(0);
}

// What it was given in this step already goes back too.
void TokenReplica::preempt(RequestId id, Picoseconds now) {
  std::erase(running_, id);
  std::erase(step_.decoding, id);
  if (!prefilling(id)) ++composition_;
  ++pool_[id].preemptions;  // which says where it waits
  send_back(id, now);
  observer_.preempted(number_, now, pool_[id]);
}

// It gives its blocks back and waits again.
void TokenReplica::send_back(RequestId id, Picoseconds now) {
  Request& r = pool_[id];
  if (serving_.names_own_text()) r.content = with_own_text(r);
  blocks_.release(id, r, now);
  r.computed = 0;
  r.reserved = 0;
  r.fraction = 0;
  r.target = r.prompt + r.produced;  // recompute
  if (serving_.scheduling == Scheduling::fcfs && !ratio_.in_use()) {
    waiting_.push_front(id);
  } else {
    enqueue(id);
  }
}

}  // namespace tokwatt::sim
