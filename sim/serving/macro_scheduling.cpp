// Who is in the next step: the same decisions as the reference makes (docs/theory/scheduling.md), from sums.
#include <algorithm>

#include "sim/serving/macro_replica.hpp"

namespace tokwatt::sim {

bool MacroReplica::give_decoding_a_slot(Picoseconds now) {
  bool preempted = false;
  while (batch_.new_blocks() > blocks_.left()) {
    blocks_.exhausted();
    preempt(gives_way(), now);
    preempted = true;
  }
  blocks_.take(batch_.new_blocks());
  return preempted;
}

// Only one prompt is begun and not finished at a time where sequences can be preempted: one that is begun is given all
// of the budget that is left.
bool MacroReplica::continue_prompts(Picoseconds now, int64_t& budget) {
  bool preempted = false;
  for (const RequestId id : prompts_) {
    const Request& r = pool_[id];
    const int64_t tokens = std::min(r.target - r.computed, budget);
    if (tokens == 0) continue;
    const int64_t more = serving_.kv.blocks_of(r.computed + tokens) - serving_.kv.blocks_of(r.computed);
    while (more > blocks_.left()) {
      const RequestId out = gives_way();
      preempted = true;
      const int64_t slots = batch_.new_blocks();
      preempt(out, now);
      if (out == id) return true;
      blocks_.take(batch_.new_blocks() - slots);  // what the sequence had been given for this step
      budget += serving_.cost.pace().rows();
    }
    blocks_.take(more);
    budget -= tokens;
    add_chunk(id, tokens);
  }
  return preempted;
}

bool MacroReplica::admit(Picoseconds now, int64_t& budget) {
  while (!waiting_.empty()) {
    if (running_ >= serving_.max_num_seqs) return true;
    const bool paged = serving_.policy == models::Policy::vllm;
    if (paged && budget == 0) return false;
    const RequestId id = waiting_.front();
    Request& r = pool_[id];
    r.target = r.prompt + r.produced;
    const auto choice = paged ? Slots::Choice{} : slots_.choose(r.content.get(), r.target);
    const auto hit = paged ? blocks_.find(r) : blocks_.in_slot(choice.cached);
    const int64_t tokens = std::min(r.target - blocks_.tokens_of(hit), budget);
    if (!blocks_.admit(id, r, hit, tokens)) return true;
    waiting_.pop_front();
    ++running_;
    budget -= tokens;
    r.admission = admissions_++;
    r.rank = r.admission;
    if (!paged) {
      r.rank = choice.slot;
      slots_.take(choice.slot);
    }
    if (r.admitted == kNever) {
      r.admitted = now;
      r.cached = r.computed;
    }
    const auto place =
        std::find_if(prompts_.begin(), prompts_.end(), [&](RequestId other) { return pool_[other].rank > r.rank; });
    prompts_.insert(place, id);
    if (tokens > 0) add_chunk(id, tokens);
  }
  return false;
}

// The last admitted is a begun prompt if there is one: under vLLM prompts are finished in order of admission.
RequestId MacroReplica::gives_way() const {
  if (serving_.scheduling != Scheduling::priority) return prompts_.empty() ? batch_.last() : prompts_.back();
  RequestId least = batch_.least_urgent();
  for (const RequestId id : prompts_) {
    if (least < 0 || goes_before(Scheduling::priority, pool_[least], pool_[id])) least = id;
  }
  return least;
}

void MacroReplica::preempt(RequestId id, Picoseconds now) {
  if (batch_.has(id)) {
    batch_.leave(id);
    pool_[id].last_token = now;  // steps follow each other without a gap
  } else {
    prompts_.erase(std::find(prompts_.begin(), prompts_.end(), id));
  }
  Request& r = pool_[id];
  blocks_.release(id, r);
  r.computed = 0;
  r.reserved = 0;
  r.target = r.prompt + r.produced;
  ++r.preemptions;
  --running_;
  if (serving_.scheduling == Scheduling::fcfs) {
    waiting_.push_front(id);
  } else {
    enqueue(id);
  }
  observer_.preempted(number_, now, r);
}

void MacroReplica::enqueue(RequestId id) {
  if (serving_.scheduling == Scheduling::fcfs) return waiting_.push_back(id);
  waiting_.insert(id,
                  [this](RequestId a, RequestId b) { return goes_before(serving_.scheduling, pool_[a], pool_[b]); });
}

void MacroReplica::add_chunk(RequestId id, int64_t tokens) {
  chunks_.push_back({id, tokens});
  plan_.chunk_tokens += tokens;
}

}  // namespace tokwatt::sim
