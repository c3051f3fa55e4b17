// Who is in the next step: the same decisions as the reference makes (docs/theory/scheduling.md), from sums.
#include <algorithm>

#include "sim/serving/entrance.hpp"
#include "sim/serving/macro_replica.hpp"
#include "sim/serving/own_text.hpp"

namespace tokwatt::sim {

bool MacroReplica::give_decoding_a_slot(Picoseconds now) {
  bool preempted = false;
  int64_t more = batch_.new_blocks();
  for (; more > blocks_.left(); more = batch_.new_blocks()) {
    if (serving_.has_slots()) {
      run_out_of_context();
      return false;
    }
    blocks_.exhausted();
    preempt(gives_way(), now);
    preempted = true;
  }
  if (preempted) expect_anew();
  blocks_.take(more);
  return preempted;
}

// Only one prompt is begun and not finished at a time where sequences can be preempted: one that is begun is given all
// of the budget that is left.
bool MacroReplica::continue_prompts(Picoseconds now, PromptBudget& budget) {
  bool preempted = false;
  for (const RequestId id : prompts_) {
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
      preempted = true;
      const int64_t slots = batch_.new_blocks();
      preempt(out, now);
      if (out == id) return true;
      blocks_.take(batch_.new_blocks() - slots);  // what the sequence had been given for this step
      budget.left += serving_.cost.pace().rows();
    }
    blocks_.take(more);
    budget.take(tokens);
    add_chunk(id, tokens);
  }
  return preempted;
}

bool MacroReplica::admit(Picoseconds now, PromptBudget& budget) {
  const bool closed = ratio_.full() && chunks_.empty();
  while (anybody_waits()) {
    if (running_ >= serving_.max_num_seqs) {
      ratio_.fill();
      return true;
    }
    const bool paged = serving_.policy == models::Policy::vllm;
    if (paged && budget.spent()) return false;
    if (loading_.any_ready()) {
      const RequestId id = loading_.pop_ready();
      const int64_t tokens = budget.of(pool_[id].target - pool_[id].computed);
      begin(id, tokens, admissions_, now);
      budget.take(tokens);
      continue;
    }
    if (closed) return true;
    const RequestId id = waiting_.front();
    const auto others = running_ > 0 && ratio_.in_use() ? std::optional(batch_.expected()) : std::nullopt;
    const Entrance entrance{serving_, blocks_, slots_, ratio_, loading_};
    const auto [answer, tokens, slot, room_may_grow] = entrance.first(id, pool_[id], budget, others, now);
    if (answer == Entrance::Answer::waits) {
      hits_may_go_ = room_may_grow;  // then it is tried again
      return true;
    }
    if (answer == Entrance::Answer::out_of_context) {
      budget = run_out_of_context();
      continue;
    }
    waiting_.pop_front();
    if (answer == Entrance::Answer::loads) continue;
    begin(id, tokens, paged ? admissions_ : slot, now);
    budget.take(tokens);
  }
  return false;
}

void MacroReplica::begin(RequestId id, int64_t tokens, int64_t rank, Picoseconds now) {
  Request& r = pool_[id];
  ++running_;
  r.admission = admissions_++;
  r.rank = rank;
  if (r.admitted == kNever) {
    r.admitted = now;
    r.cached = r.computed;
  }
  const auto place =
      std::find_if(prompts_.begin(), prompts_.end(), [&](RequestId other) { return pool_[other].rank > r.rank; });
  prompts_.insert(place, id);
  if (tokens > 0) add_chunk(id, tokens);
}

// The last admitted is a begun prompt if there is one: under vLLM prompts are finished in order of admission. Of
// prompts that go together the shorter ones are finished first.
RequestId MacroReplica::gives_way() const {
  if (serving_.retracts_least_done()) return least_done();
  if (serving_.scheduling != Scheduling::priority) {
    if (serving_.prompt_concurrency > 0) return last_admitted();
    return prompts_.empty() ? batch_.last() : prompts_.back();
  }
  RequestId least = batch_.least_urgent();
  for (const RequestId id : prompts_) {
    if (least < 0 || goes_before(Scheduling::priority, pool_[least], pool_[id])) least = id;
  }
  return least;
}

RequestId MacroReplica::last_admitted() const {
  RequestId last = prompts_.empty() ? batch_.last() : prompts_.back();
  batch_.for_each([&](RequestId id) {
    if (pool_[id].admission > pool_[last].admission) last = id;
  });
  return last;
}

// Under SGLang: who has produced least, of equals the longest prompt, of equals the last admitted.
RequestId MacroReplica::least_done() const {
  RequestId least = batch_.last();
  batch_.for_each([&](RequestId id) {
    const auto rank = [this](RequestId of) { return std::pair(batch_.produced(of), -pool_[of].prompt); };
    if (rank(id) < rank(least)) least = id;
  });
  return least;
}

// Somebody was preempted: what the others have produced says how much to expect from now on.
void MacroReplica::expect_anew() {
  if (!ratio_.in_use()) return;
  int64_t produced = 0, asked = 0;
  batch_.for_each([&](RequestId id) {
    produced += batch_.produced(id);
    asked += pool_[id].output;
  });
  ratio_.set(produced, asked, batch_.size());
}

// The context that slots share has no room for a step: the requests of all slots fail. Returns what prompts may take of
// the step now.
PromptBudget MacroReplica::run_out_of_context() {
  for (; !waiting_.empty() && running_ < serving_.max_num_seqs; waiting_.pop_front(), ++running_)
    failed_.push_back(waiting_.front());
  for (RequestId id = batch_.last(); id >= 0; id = batch_.last()) {
    batch_.leave(id);
    failed_.push_back(id);
  }
  batch_.new_blocks();  // nobody needs any
  failed_.insert(failed_.end(), prompts_.begin(), prompts_.end());
  for (const RequestId id : failed_) news_.drop(id);
  peaks_.note(running_, serving_.kv.blocks);
  prompts_.clear();
  chunks_.clear();
  plan_.chunk_tokens = 0;
  running_ = 0;
  blocks_.forget();
  slots_.clear();
  return serving_.prompt_budget(0);
}

void MacroReplica::preempt(RequestId id, Picoseconds now) {
  if (batch_.has(id)) {
    batch_.leave(id);
    pool_[id].last_token = std::max(pool_[id].last_token, decoded_until_);
  } else {
    prompts_.erase(std::find(prompts_.begin(), prompts_.end(), id));
  }
  ++pool_[id].preemptions;  // which says where it waits
  send_back(id, now);
  --running_;
  observer_.preempted(number_, now, pool_[id]);
}

void MacroReplica::send_back(RequestId id, Picoseconds now) {
  Request& r = pool_[id];
  if (serving_.names_own_text()) r.content = with_own_text(r);
  blocks_.release(id, r, now);
  r.computed = 0;
  r.reserved = 0;
  r.target = r.prompt + r.produced;
  if (serving_.scheduling == Scheduling::fcfs && !ratio_.in_use()) {
    waiting_.push_front(id);
  } else {
    enqueue(id);
  }
}

void MacroReplica::enqueue(RequestId id) {
  if (serving_.scheduling == Scheduling::fcfs) return waiting_.push_back(id);
  waiting_.insert(id,
                  [this](RequestId a, RequestId b) { return goes_before(serving_.scheduling, pool_[a], pool_[b]); });
}

void MacroReplica::add_chunk(RequestId id, int64_t tokens) {
  chunks_.push_back({id, tokens});
  plan_.chunk_tokens += tokens;
  const Request& r = pool_[id];
  if (ratio_.in_use() && r.computed + tokens == r.target)
    ratio_.promise(ratio_.expected(r.output, r.produced) + blocks_.beside_tokens(r));
}

}  // namespace tokwatt::sim
