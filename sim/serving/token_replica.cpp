#include "sim/serving/token_replica.hpp"

#include <algorithm>

namespace tokwatt::sim {

TokenReplica::TokenReplica(int number, const Serving& serving, RequestPool& pool, ReplicaObserver& observer)
    : number_(number), serving_(serving), pool_(pool), observer_(observer), blocks_(serving.kv, serving.prefix_cache) {
  if (serving.policy == models::Policy::llama_server) {
    for (int64_t slot = 0; slot < serving.max_num_seqs; ++slot) free_slots_.push_back(slot);
  }
}

void TokenReplica::arrive(RequestId id, Picoseconds) { waiting_.push_back(id); }

bool TokenReplica::give_up(RequestId id, Picoseconds) {
  if (std::erase(waiting_, id) > 0) return true;
  if (step_.running) return false;
  std::erase(running_, id);
  let_go(id);
  return true;
}

void TokenReplica::let_go(RequestId id) {
  const Request& r = pool_[id];
  if (!prefilling(id)) ++composition_;
  blocks_.release(id, r);
  if (serving_.policy == models::Policy::llama_server) free_slots_.push_back(r.rank);
}

// Decode first: each decoding sequence, in order of admission, takes one KV slot. When there is no block for it, the
// last admitted sequence is preempted until there is (vLLM v1 Scheduler.schedule). Returns whether any was.
bool TokenReplica::give_decoding_a_slot(Picoseconds now) {
  bool preempted = false;
  step_.decoding.clear();
  for (std::size_t i = 0; i < running_.size(); ++i) {
    const RequestId id = running_[i];
    if (prefilling(id)) continue;
    const int64_t more = serving_.kv.blocks_of(pool_[id].computed + 1) - blocks_.of(pool_[id]);
    while (i < running_.size() && more > blocks_.left()) {
      blocks_.exhausted();
      preempt_last(now);
      preempted = true;
    }
    if (i >= running_.size()) break;  // it was the last itself
    blocks_.take(more);
    step_.decoding.push_back(id);
  }
  return preempted;
}

// Then prompts already begun go on, each with what is left of the token budget. Returns whether one was preempted.
bool TokenReplica::continue_prompts(Picoseconds now, int64_t& budget) {
  std::vector<RequestId> begun;
  for (const RequestId id : running_) {
    if (prefilling(id)) begun.push_back(id);
  }
  std::sort(begun.begin(), begun.end(), [&](RequestId a, RequestId b) { return pool_[a].rank < pool_[b].rank; });
  for (const RequestId id : begun) {
    const Request& r = pool_[id];
    const int64_t tokens = std::min(r.target - r.computed, budget);
    if (tokens == 0) continue;
    const int64_t more = serving_.kv.blocks_of(r.computed + tokens) - blocks_.of(r);
    if (more > blocks_.left()) {
      preempt_last(now);  // a begun prompt is the last admitted: it preempts itself
      return true;
    }
    blocks_.take(more);
    budget -= tokens;
    step_.chunks.push_back({id, tokens});
  }
  return false;
}

// Then waiting requests are admitted first come, first served. Returns whether one had to wait for a slot or for
// blocks.
bool TokenReplica::admit(Picoseconds now, int64_t& budget) {
  while (!waiting_.empty()) {
    if (std::ssize(running_) >= serving_.max_num_seqs) return true;
    const bool paged = serving_.policy == models::Policy::vllm;
    if (paged && budget == 0) return false;
    const RequestId id = waiting_.front();
    Request& r = pool_[id];
    r.target = r.prompt + r.produced;
    const int64_t cached = blocks_.cached_tokens(r);
    const int64_t tokens = std::min(r.target - cached, budget);
    if (!blocks_.admit(id, r, cached, tokens)) return true;
    waiting_.pop_front();
    running_.push_back(id);
    budget -= tokens;
    r.admission = admissions_++;
    r.rank = r.admission;
    if (!paged) {
      r.rank = free_slots_.front();
      free_slots_.pop_front();
    }
    if (r.admitted == kNever) {
      r.admitted = now;
      r.cached = cached;
    }
    if (tokens > 0) step_.chunks.push_back({id, tokens});
  }
  return false;
}

void TokenReplica::preempt_last(Picoseconds now) {
  const RequestId id = running_.back();
  running_.pop_back();
  Request& r = pool_[id];
  blocks_.release(id, r);
  if (!prefilling(id)) ++composition_;
  r.computed = 0;
  r.target = r.prompt + r.produced;  // recompute
  ++r.preemptions;
  waiting_.push_front(id);
  observer_.preempted(number_, now, r);
}

void TokenReplica::start(Picoseconds now, ClockState clock) {
  step_.start = now;
  step_.clock = clock;
  step_.chunks.clear();
  bool preempted = give_decoding_a_slot(now);
  int64_t budget = serving_.token_budget - std::ssize(step_.decoding);
  preempted = continue_prompts(now, budget) || preempted;
  const bool queued = preempted || admit(now, budget);
  price_step(queued);
  step_.running = true;
  step_.end = now + step_.cost.duration;
  ++version_;
  observer_.step_started(number_, std::ssize(running_), blocks_.used());
}

void TokenReplica::price_step(bool queued) {
  StepShape shape;
  step_.chunk_tokens = 0;
  for (const auto& chunk : step_.chunks) step_.chunk_tokens += chunk.tokens;
  shape.tokens = std::ssize(step_.decoding) + step_.chunk_tokens;
  shape.sequences = std::ssize(step_.decoding) + std::ssize(step_.chunks);
  int64_t first_tokens = 0;
  for (const auto& [id, tokens] : step_.chunks) {
    if (pool_[id].computed + tokens == pool_[id].target) ++first_tokens;
  }
  for (std::size_t g = 0; g < serving_.cost.groups(); ++g) {
    const Reach& reach = serving_.cost.reach(g);
    auto& sums = shape.attention[g];
    for (const RequestId id : step_.decoding) {
      const int64_t seen = reach.seen(pool_[id].computed + 1);
      sums.kept_tokens += seen;
      sums.pairs += seen;
    }
    for (const auto& [id, tokens] : step_.chunks) {
      const auto chunk = chunk_attention(pool_[id].computed, tokens, reach);
      sums.kept_tokens += chunk.kept_tokens;
      sums.pairs += chunk.pairs;
    }
  }
  step_.cost = serving_.cost.cost(step_.clock.level, shape);
  const StepContext context{std::ssize(running_), std::ssize(step_.decoding) + first_tokens, step_.chunk_tokens, queued,
                            step_.clock};
  step_.amounts = amounts(step_.cost, context, serving_.cost);
}

void TokenReplica::report_step() const {
  StepRun run;
  run.start = step_.start;
  run.steps = 1;
  run.duration = {step_.cost.duration, 0};
  run.decoding = std::ssize(step_.decoding);
  run.chunk_tokens = step_.chunk_tokens;
  run.composition = composition_;
  for (std::size_t g = 0; g < serving_.cost.groups(); ++g) {
    const Reach& reach = serving_.cost.reach(g);
    for (const RequestId id : step_.decoding) {
      if (reach.window == 0 || pool_[id].computed + 1 < reach.window) ++run.growing[g];
      if (reach.chunk > 0) run.chunks_passed += pool_[id].computed / reach.chunk;
    }
  }
  run.forms = step_.cost.forms;
  run.clock = step_.clock;
  observer_.ran(number_, run);
}

const std::vector<RequestId>& TokenReplica::end(Picoseconds now) {
  report_step();
  for (std::size_t q = 0; q < kQuantities; ++q) done_.values[q] += step_.amounts.values[q];
  // Who has given up was in the step, but gets no token from it.
  const auto give_token = [&](RequestId id) {
    if (pool_[id].given_up()) {
      --done_[Quantity::output_tokens];
    } else {
      emit_token(id, now);
    }
  };
  for (const RequestId id : step_.decoding) {
    ++pool_[id].computed;
    give_token(id);
  }
  for (const auto& [id, tokens] : step_.chunks) {
    pool_[id].computed += tokens;
    blocks_.computed(id, pool_[id]);
    if (prefilling(id)) continue;
    ++composition_;
    give_token(id);
  }
  finished_.clear();
  std::vector<RequestId> still_running;
  for (const RequestId id : running_) {
    Request& r = pool_[id];
    if (r.produced < r.output && !r.given_up()) {
      still_running.push_back(id);
      continue;
    }
    let_go(id);
    finished_.push_back(id);
    if (r.given_up()) continue;
    r.finished = now;
    r.outcome = Outcome::completed;
  }
  running_ = std::move(still_running);
  step_.running = false;
  step_.end = kNever;
  return finished_;
}

void TokenReplica::emit_token(RequestId id, Picoseconds now) {
  Request& r = pool_[id];
  if (r.first_token == kNever) {
    r.first_token = now;
    observer_.first_token(number_, now - r.sent);
  } else {
    observer_.token_gaps(r.stream, {now - r.last_token, 0}, 1, 1);
  }
  r.last_token = now;
  ++r.produced;
  if (r.at_first_answer()) r.first_answer = now;
}

Meter TokenReplica::meter(Picoseconds now) const {
  Meter total = done_;
  if (step_.running) {
    for (std::size_t q = 0; q < kQuantities; ++q) {
      total.values[q] += share(step_.amounts.values[q], now - step_.start, step_.cost.duration);
    }
  }
  return total;
}

}  // namespace tokwatt::sim
