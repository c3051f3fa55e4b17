#include "sim/serving/macro_replica.hpp"

#include <algorithm>

namespace tokwatt::sim {

MacroReplica::MacroReplica(int number, const Serving& serving, RequestPool& pool, ReplicaObserver& observer)
    : number_(number),
      serving_(serving),
      pool_(pool),
      observer_(observer),
      batch_(serving, pool),
      blocks_(serving.kv, serving.prefix_cache) {
  if (serving.policy == models::Policy::llama_server) {
    for (int64_t slot = 0; slot < serving.max_num_seqs; ++slot) free_slots_.push_back(slot);
  }
}

// A request behind others changes nothing until one of them leaves, and that ends the plan anyway.
void MacroReplica::arrive(RequestId id, Picoseconds now) {
  waiting_.push_back(id);
  if (plan_.running && waiting_.size() == 1) cut(now);
}

bool MacroReplica::give_up(RequestId id, Picoseconds now) {
  if (plan_.running) cut(now);
  const bool decodes = batch_.has(id);
  const auto prompt = std::find(prompts_.begin(), prompts_.end(), id);
  if (!decodes && prompt == prompts_.end()) {
    waiting_.erase(id);
    return true;
  }
  if (plan_.running) {
    leaving_.push_back(id);
    return false;
  }
  if (decodes) {
    batch_.leave(id);
  } else {
    prompts_.erase(prompt);
  }
  let_go(id);
  return true;
}

void MacroReplica::clock_changed(Picoseconds now, ClockState clock) {
  if (plan_.running && !(plan_.clock == clock)) cut(now);
}

// --- scheduling: the same decisions as the reference, from sums ---------------------------------------------------

bool MacroReplica::give_decoding_a_slot(Picoseconds now) {
  bool preempted = false;
  while (batch_.new_blocks(0) > blocks_.left()) {
    blocks_.exhausted();
    preempt_last(now);
    preempted = true;
  }
  blocks_.take(batch_.new_blocks(0));
  return preempted;
}

bool MacroReplica::continue_prompts(Picoseconds now, int64_t& budget) {
  for (const RequestId id : prompts_) {
    const Request& r = pool_[id];
    const int64_t tokens = std::min(r.target - r.computed, budget);
    if (tokens == 0) continue;
    const int64_t more = serving_.kv.blocks_of(r.computed + tokens) - serving_.kv.blocks_of(r.computed);
    if (more > blocks_.left()) {
      preempt_last(now);
      return true;
    }
    blocks_.take(more);
    budget -= tokens;
    add_chunk(id, tokens);
  }
  return false;
}

bool MacroReplica::admit(Picoseconds now, int64_t& budget) {
  while (!waiting_.empty()) {
    if (running_ >= serving_.max_num_seqs) return true;
    const bool paged = serving_.policy == models::Policy::vllm;
    if (paged && budget == 0) return false;
    const RequestId id = waiting_.front();
    Request& r = pool_[id];
    r.target = r.prompt + r.produced;
    const auto hit = blocks_.find(r);
    const int64_t tokens = std::min(r.target - blocks_.tokens_of(hit), budget);
    if (!blocks_.admit(id, r, hit, tokens)) return true;
    waiting_.pop_front();
    ++running_;
    budget -= tokens;
    r.admission = admissions_++;
    r.rank = r.admission;
    if (!paged) {
      r.rank = free_slots_.front();
      free_slots_.pop_front();
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
void MacroReplica::preempt_last(Picoseconds now) {
  RequestId id = -1;
  if (!prompts_.empty()) {
    id = prompts_.back();
    prompts_.pop_back();
  } else {
    id = batch_.last();
    batch_.leave(id);
    pool_[id].last_token = now;  // steps follow each other without a gap
  }
  Request& r = pool_[id];
  blocks_.release(id, r);
  r.computed = 0;
  r.target = r.prompt + r.produced;
  ++r.preemptions;
  --running_;
  waiting_.push_front(id);
  observer_.preempted(number_, now, r);
}

void MacroReplica::add_chunk(RequestId id, int64_t tokens) {
  chunks_.push_back({id, tokens});
  plan_.chunk_tokens += tokens;
}

// --- plans -----------------------------------------------------------------------------------------------------------

void MacroReplica::start(Picoseconds now, ClockState clock) {
  plan_.start = now;
  plan_.clock = clock;
  plan_.chunk_tokens = 0;
  chunks_.clear();
  batch_.settle_windows();
  bool preempted = give_decoding_a_slot(now);
  int64_t budget = serving_.token_budget - batch_.size();
  preempted = continue_prompts(now, budget) || preempted;
  const bool queued = preempted || admit(now, budget);
  price_plan(queued);
  if (preempted) plan_.steps = 1;  // nothing was admitted in this step; the next one tries again
  plan_.running = true;
  plan_.end = now + static_cast<Picoseconds>(plan_.duration.sum(plan_.steps));
  ++version_;
  observer_.step_started(number_, running_, blocks_.used());
}

void MacroReplica::price_plan(bool queued) {
  StepShape shape;
  shape.tokens = batch_.size() + plan_.chunk_tokens;
  shape.sequences = batch_.size() + std::ssize(chunks_);
  int64_t first_tokens = 0;
  for (const auto& [id, tokens] : chunks_) first_tokens += pool_[id].computed + tokens == pool_[id].target ? 1 : 0;
  for (std::size_t g = 0; g < serving_.cost.groups(); ++g) {
    auto& sums = shape.attention[g];
    sums = batch_.attention(g);
    for (const auto& [id, tokens] : chunks_) {
      const auto chunk = chunk_attention(pool_[id].computed, tokens, serving_.cost.reach(g));
      sums.kept_tokens += chunk.kept_tokens;
      sums.pairs += chunk.pairs;
    }
  }
  const StepCost cost = serving_.cost.cost(plan_.clock.level, shape);
  plan_.forms = cost.forms;
  const StepContext context{running_, batch_.size() + first_tokens, plan_.chunk_tokens, queued, plan_.clock};
  const StepAmounts base = amounts(cost, context, serving_.cost);

  StepCost growth;
  plan_.steps = 1;
  if (chunks_.empty()) {
    growth = cost_growth(shape.tokens);
    plan_.steps = std::min(steps_until_change(), steps_until_forms_cross(shape));
  }
  const StepContext growth_context{running_, 0, 0, queued, plan_.clock};
  const StepAmounts slope = amounts(growth, growth_context, serving_.cost);
  plan_.duration = {cost.duration, growth.duration};
  for (std::size_t q = 0; q < kQuantities; ++q) plan_.amounts.values[q] = {base.values[q], slope.values[q]};
}

/// By how much each step of the plan costs more than the one before, in the active forms.
StepCost MacroReplica::cost_growth(int64_t tokens) const {
  StepCost growth;
  for (std::size_t g = 0; g < serving_.cost.groups(); ++g) {
    const auto forms = serving_.cost.group_forms(plan_.clock.level, g, tokens);
    const int64_t more = batch_.growing(g);
    if (plan_.forms[g] == Form::compute) {
      growth.compute += forms.compute_per_pair * more;
    } else {
      growth.bandwidth += forms.memory.slope * more;
    }
    growth.compute_energy += forms.compute_energy_per_pair * more;
    growth.memory_energy += forms.memory_energy_per_token * more;
  }
  growth.duration = growth.bandwidth + growth.compute;
  return growth;
}

// Until a member completes, fills a window, leaves a chunk or the blocks run out. The first step has its blocks
// already.
int64_t MacroReplica::steps_until_change() {
  const int64_t steps = batch_.steps_until_change();
  int64_t left = blocks_.left();
  if (batch_.new_blocks_until(steps - 1) <= left) return steps;
  const int64_t cycle = serving_.kv.block_size;
  const int64_t cycles = left / batch_.size();
  left -= cycles * batch_.size();
  int64_t with_blocks = 1 + cycles * cycle;  // this many steps have their blocks
  while (batch_.new_blocks(with_blocks) <= left) left -= batch_.new_blocks(with_blocks++);
  return with_blocks;
}

// First step in which some group's form turns from memory to compute (ties: memory). It never turns back: both grow
// with what is seen, and compute overtakes only where it grows faster.
int64_t MacroReplica::steps_until_forms_cross(const StepShape& shape) const {
  int64_t steps = kNever;
  for (std::size_t g = 0; g < serving_.cost.groups(); ++g) {
    const auto forms = serving_.cost.group_forms(plan_.clock.level, g, shape.tokens);
    const int64_t seen = shape.attention[g].kept_tokens;
    // compute - memory in step j is excess + gain * j
    const int64_t excess = (forms.compute_per_pair - forms.memory.slope) * seen - forms.memory.base;
    const int64_t gain = (forms.compute_per_pair - forms.memory.slope) * batch_.growing(g);
    if (plan_.forms[g] == Form::memory && gain > 0) steps = std::min(steps, -excess / gain + 1);
  }
  return steps;
}

// --- time within a plan
// -------------------------------------------------------------------------------------------------

int64_t MacroReplica::completed_by(Picoseconds now) const {
  return steps_within(plan_.duration, plan_.steps, now - plan_.start);
}

// At a boundary the step that ends there is still the one in flight: steps start last of all that happens at an
// instant.
int64_t MacroReplica::in_flight_at(Picoseconds now) const {
  const int64_t completed = completed_by(now);
  const bool at_boundary =
      completed > 0 && plan_.start + static_cast<Picoseconds>(plan_.duration.sum(completed)) == now;
  return at_boundary ? completed - 1 : completed;
}

void MacroReplica::cut(Picoseconds now) {
  const int64_t steps = in_flight_at(now) + 1;
  if (steps == plan_.steps) return;
  plan_.steps = steps;
  plan_.end = plan_.start + static_cast<Picoseconds>(plan_.duration.sum(steps));
  ++version_;
}

Load MacroReplica::load(Picoseconds now) const {
  const int64_t taken = plan_.running && plan_.chunk_tokens == 0 ? batch_.new_blocks_until(in_flight_at(now)) : 0;
  return {running_, waiting_.size(), blocks_.used() + taken};
}

Meter MacroReplica::meter(Picoseconds now) const {
  Meter total = done_;
  if (!plan_.running) return total;
  const int64_t j = completed_by(now);
  const auto into_step = static_cast<Picoseconds>(now - plan_.start - plan_.duration.sum(j));
  const Shares shares(into_step, plan_.duration.at(j));
  for (std::size_t q = 0; q < kQuantities; ++q) {
    const Progression& amount = plan_.amounts.values[q];
    if (amount.base == 0 && amount.slope == 0) continue;  // about half of them
    total.values[q] += amount.sum(j);
    if (j < plan_.steps) total.values[q] += shares.of(amount.at(j));
  }
  return total;
}

// Counts the first steps of the plan as done.
void MacroReplica::advance(int64_t steps) {
  if (steps == 0) return;
  StepRun run;
  run.start = plan_.start;
  run.steps = steps;
  run.duration = plan_.duration;
  run.decoding = batch_.size();
  run.chunk_tokens = plan_.chunk_tokens;
  run.composition = batch_.composition();
  for (std::size_t g = 0; g < serving_.cost.groups(); ++g) run.growing[g] = batch_.growing(g);
  run.chunks_passed = batch_.chunks_passed();
  run.forms = plan_.forms;
  run.clock = plan_.clock;
  observer_.ran(number_, run);
  report_gaps(steps);
  for (std::size_t q = 0; q < kQuantities; ++q) done_.values[q] += plan_.amounts.values[q].sum(steps);
  if (plan_.chunk_tokens == 0) blocks_.take(batch_.new_blocks_until(steps - 1));
  observer_.step_started(number_, running_, blocks_.used());
  batch_.advance(steps);
}

// Who gives up during the plan's last step gets no token from it.
void MacroReplica::report_gaps(int64_t steps) {
  const auto& by_stream = batch_.members_by_stream();
  for (std::size_t s = 0; s < by_stream.size(); ++s) {
    const auto stream = static_cast<int>(s);
    const auto leaving = std::count_if(leaving_.begin(), leaving_.end(),
                                       [&](RequestId id) { return batch_.has(id) && pool_[id].stream == stream; });
    const int64_t all = leaving > 0 && steps == plan_.steps ? steps - 1 : steps;
    if (by_stream[s] > 0 && all > 0) observer_.token_gaps(stream, plan_.duration, all, by_stream[s]);
    if (all < steps && by_stream[s] > leaving)
      observer_.token_gaps(stream, {plan_.duration.at(all), 0}, 1, by_stream[s] - leaving);
  }
}

// Their last token does not count, though it was computed.
void MacroReplica::drop_leaving_members() {
  for (const RequestId id : leaving_) {
    if (!batch_.has(id)) continue;
    batch_.leave(id);
    --pool_[id].produced;
    --done_[Quantity::output_tokens];
    finished_.push_back(id);
  }
}

void MacroReplica::let_go(RequestId id) {
  const Request& r = pool_[id];
  blocks_.release(id, r);
  --running_;
  if (serving_.policy == models::Policy::llama_server) free_slots_.push_back(r.rank);
}

const std::vector<RequestId>& MacroReplica::end(Picoseconds now) {
  advance(plan_.steps);
  plan_.running = false;
  plan_.end = kNever;
  finished_.clear();
  drop_leaving_members();
  batch_.note_answers(now);
  batch_.take_completed(finished_);
  finish_prompts(now);
  std::sort(finished_.begin(), finished_.end(),
            [&](RequestId a, RequestId b) { return pool_[a].admission < pool_[b].admission; });
  for (const RequestId id : finished_) {
    let_go(id);
    Request& r = pool_[id];
    if (r.given_up()) continue;
    r.finished = now;
    r.last_token = now;
    r.outcome = Outcome::completed;
  }
  leaving_.clear();
  return finished_;
}

// Prompts whose last chunk has ended give a token and decode from the next step on.
void MacroReplica::finish_prompts(Picoseconds now) {
  for (const auto& [id, tokens] : chunks_) {
    Request& r = pool_[id];
    r.computed += tokens;
    blocks_.computed(id, r);
    if (r.given_up() && r.computed == r.target) --done_[Quantity::output_tokens];
    if (r.given_up() || r.computed < r.target) continue;
    prompts_.erase(std::find(prompts_.begin(), prompts_.end(), id));
    if (r.first_token == kNever) {
      r.first_token = now;
      observer_.first_token(number_, now - r.sent);
    } else {
      observer_.token_gaps(r.stream, {now - r.last_token, 0}, 1, 1);
    }
    r.last_token = now;
    ++r.produced;
    if (r.at_first_answer()) r.first_answer = now;
    if (r.produced == r.output) {
      finished_.push_back(id);
    } else {
      batch_.join(id);
    }
  }
  chunks_.clear();
  for (const RequestId id : leaving_) {
    const auto at = std::find(prompts_.begin(), prompts_.end(), id);
    if (at == prompts_.end()) continue;
    prompts_.erase(at);
    finished_.push_back(id);
  }
}

void MacroReplica::stop(Picoseconds now) {
  if (!plan_.running) return;
  observer_.step_started(number_, running_, load(now).used_blocks);
  advance(completed_by(now));
  batch_.update_members();
}

}  // namespace tokwatt::sim
