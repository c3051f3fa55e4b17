#include "sim/serving/macro_replica.hpp"

#include <algorithm>
#include <map>

namespace tokwatt::sim {

MacroReplica::MacroReplica(int number, const Serving& serving, RequestPool& pool, ReplicaObserver& observer)
    : number_(number),
      serving_(serving),
      pool_(pool),
      observer_(observer),
      batch_(serving, pool),
      blocks_(serving.kv, serving.prefix_cache && !serving.has_slots(), serving.offload),
      slots_(serving.has_slots() ? serving.max_num_seqs : 0, serving.prefix_cache, serving.shares_context,
             serving.outside_slots),
      ratio_(serving.new_token_ratio),
      done_(serving.cost),
      news_(number, pool, observer) {
  plan_.fraction_bits = serving.cost.pace().fraction_bits;
}

// A request behind others changes nothing until one of them leaves, and that ends the plan anyway.
void MacroReplica::arrive(RequestId id, Picoseconds now) {
  const bool too_late = serving_.async_scheduling && (plan_.running || plan_.end.at == now);
  if (too_late) {
    newcomers_.add(id, now);
    if (plan_.running && is_next(id)) cut_behind_next(now);
  } else {
    enqueue(id);
    if (plan_.running && waiting_.front() == id) cut(now);
  }
}

/// Of the newcomers: in front of all that wait.
bool MacroReplica::is_next(RequestId id) const {
  return waiting_.empty() || goes_before(serving_.scheduling, pool_[id], pool_[waiting_.front()]);
}

void MacroReplica::see_newcomers(Picoseconds until) {
  newcomers_.take_until(until, [this](RequestId id) { enqueue(id); });
}

bool MacroReplica::give_up(RequestId id, Picoseconds now) {
  if (news_.drop(id)) return true;
  if (plan_.running) cut(now);
  const bool decodes = batch_.has(id);
  const auto prompt = std::find(prompts_.begin(), prompts_.end(), id);
  if (!decodes && prompt == prompts_.end()) {
    if (loading_.erase(id)) {
      const int64_t used = load(now).used_blocks, taken = used - blocks_.used();  // by the steps of the plan so far
      if (plan_.running) peaks_.note(running_, used);                             // before there are fewer
      blocks_.take(taken);
      blocks_.release(id, pool_[id], now);
      blocks_.take(-taken);
    } else if (!newcomers_.erase(id)) {
      waiting_.erase(id);
    }
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
  let_go(id, now);
  return true;
}

void MacroReplica::loaded(Picoseconds now) {
  const int64_t used = load(now).used_blocks;
  while (const auto copy = loading_.take(now)) blocks_.brought(copy->id, pool_[copy->id], copy->tokens, used);
  if (plan_.running) cut(now);
}

void MacroReplica::clock_changed(Picoseconds now, OperatingPoint point, Picoseconds long_step) {
  if (!plan_.running || plan_.point == point) return;
  cut(now);
  const bool is_long = plan_.takes(plan_.steps - 1) >= long_step;
  if (is_long && plan_.point.level != point.level) change_pace(now, at_clock_of(point, plan_.point));
}

// --- plans -----------------------------------------------------------------------------------------------------------

bool MacroReplica::start(Picoseconds now, OperatingPoint point) {
  forget_measured();
  hits_may_go_ = false;
  const bool follows = plan_.end.at == now;
  const bool prompts_went = plan_.chunk_tokens > 0;
  if (running_ == 0) see_newcomers(now);
  ratio_.begin_step(follows, batch_.size() > 0, !prompts_.empty());
  plan_.start = {now, follows ? plan_.end.rest : 0};
  plan_.point = point;
  plan_.chunk_tokens = 0;
  plan_.step.reset();
  chunks_.clear();
  batch_.settle_windows();
  const bool apart = serving_.prefill_apart;
  const auto nothing_runs = [this] { return batch_.size() == 0 && chunks_.empty(); };
  // Where prompts go together, who decodes gets a token between two steps of theirs.
  const bool takes_turns = serving_.prompt_concurrency > 0 && prompts_went && batch_.size() > 0;
  bool preempted = (!apart || takes_turns) && give_decoding_a_slot(now);
  const bool decodes = takes_turns && batch_.size() > 0;
  auto budget = serving_.prompt_budget(apart ? 0 : batch_.size() * serving_.cost.pace().rows());
  if (decodes) budget = {};
  preempted = continue_prompts(now, budget) || preempted;
  bool queued = (preempted && !nothing_runs()) || (anybody_waits() && admit(now, budget));
  if (apart && !decodes && chunks_.empty()) {
    preempted = give_decoding_a_slot(now);
    queued = preempted || queued;
    if (nothing_runs()) queued = admit(now, budget);
  }
  if (serving_.shares_context) slots_.keep_within(blocks_.left());
  if (nothing_runs()) {
    peaks_.note(running_, blocks_.used());  // what is on its way has its blocks
    return false;
  }
  plan_.decodes = !apart || chunks_.empty();
  if (!plan_.decodes) paused_ = true;
  price_plan(queued);
  const bool try_again = plan_.decodes && ratio_.decode(preempted);
  const bool seen_next = newcomers_.any([this](RequestId id) { return is_next(id); });
  if (preempted || try_again || decodes || hits_may_go_ || seen_next)
    plan_.steps = 1;  // nothing was admitted; the next step tries again
  plan_.end_after(plan_.steps);
  plan_.running = true;
  ++version_;
  peaks_.note(running_, blocks_.used());
  return true;
}

StepBatch MacroReplica::step_batch() const {
  StepBatch batch;
  if (plan_.decodes) {
    batch.decoding = batch_.size();
    for (std::size_t g = 0; g < serving_.cost.groups(); ++g) batch.attention[g] = batch_.attention(g);
  }
  if (!chunks_.empty()) add_chunks(batch);
  return batch;
}

void MacroReplica::add_chunks(StepBatch& batch) const {
  int64_t longest = 0;
  for (const auto& chunk : chunks_) longest = std::max(longest, chunk.tokens);
  const bool pads = serving_.prompt_concurrency > 0;
  batch.chunks = std::ssize(chunks_);
  batch.chunk_tokens = pads ? longest * batch.chunks : plan_.chunk_tokens;
  const Pace& pace = serving_.cost.pace();
  for (std::size_t g = 0; g < serving_.cost.groups(); ++g) {
    for (const auto& [id, tokens] : chunks_) {
      const auto chunk = chunk_attention(pool_[id].computed, pads ? longest : tokens, serving_.cost.reach(g));
      batch.attention[g].kept_tokens += pace.units(chunk.kept_tokens);
      batch.attention[g].pairs += pace.units(chunk.pairs);
    }
  }
}

void MacroReplica::price_plan(bool queued) {
  plan_.context = {running_, 0, 0, queued, plan_.point};
  plan_.first_tokens = 0;
  if (chunks_.empty()) {
    AttentionByGroup more;
    for (std::size_t g = 0; g < serving_.cost.groups(); ++g) more[g] = batch_.growth(g);
    serving_.cost.price_run(plan_.point, step_batch(), more, plan_.price, plan_.growth);
    plan_.steps = std::min(steps_until_change(), plan_.growth.steps);
    return;
  }
  plan_.price = serving_.cost.price(plan_.point, step_batch());
  plan_.growth = {};
  plan_.steps = 1;
  for (const auto& [id, tokens] : chunks_)
    plan_.first_tokens += pool_[id].computed + tokens == pool_[id].target ? 1 : 0;
}

// Until a member completes, fills a window, leaves a chunk or the blocks run out. The first step has its blocks
// already.
int64_t MacroReplica::steps_until_change() {
  const int64_t steps = batch_.steps_until_change();
  const int64_t left = blocks_.left();
  if (batch_.size() == 0 || batch_.new_blocks_until(steps - 1) <= left) return steps;
  int64_t with_blocks = 0, without = steps - 1;  // steps behind the first
  while (without - with_blocks > 1) {
    const int64_t middle = with_blocks + (without - with_blocks) / 2;
    (batch_.new_blocks_until(middle) <= left ? with_blocks : without) = middle;
  }
  return 1 + with_blocks;
}

// --- time within a plan
// -------------------------------------------------------------------------------------------------

void MacroReplica::cut(Picoseconds now) { end_plan_after(plan_.in_flight(completed_by(now), now) + 1); }

/// Who comes now is in the step behind the first one that has yet to start.
void MacroReplica::cut_behind_next(Picoseconds now) {
  int64_t first = completed_by(now);
  while (plan_.end_of(first).at < now) ++first;
  if (first < plan_.steps) end_plan_after(first + 1);
}

void MacroReplica::end_plan_after(int64_t steps) {
  if (steps == plan_.steps) return;
  plan_.end_after(steps);
  ++version_;
}

// The clock stays what it is.
void MacroReplica::share_changed(Picoseconds now, OperatingPoint point) {
  if (!plan_.running) return;
  OperatingPoint same_clock = plan_.point;
  same_clock.share = point.share;
  change_pace(now, same_clock);
}

// Steps that are complete are done with, so that the plan is the step in flight. A step that ends at this very instant
// is no longer in flight, and the next one has not started.
void MacroReplica::change_pace(Picoseconds now, OperatingPoint point) {
  cut(now);
  if (plan_.end.at == now) return;
  leave_step_in_flight(now);
  forget_measured();
  plan_.point = point;
  StepContext context = plan_.context;
  context.point = plan_.point;
  if (!plan_.step) plan_.step = InFlightStep{0, plan_.price.duration, plan_.price, amounts_of_step(0)};
  done_ += sim::change_pace(*plan_.step, plan_.into_step(0, now), serving_.cost.price(plan_.point, step_batch()),
                            context, serving_.cost);
  plan_.price = plan_.step->price;
  plan_.context = context;
  plan_.end_after(1);
  ++version_;
}

void MacroReplica::leave_step_in_flight(Picoseconds now) {
  const int64_t completed = completed_by(now);
  if (completed > 0) {
    const ExactInstant start = plan_.end_of(completed);
    advance(completed);
    blocks_.take(batch_.new_blocks());
    plan_.start = start;
    plan_.price = serving_.cost.price(plan_.point, step_batch());
  }
  plan_.steps = 1;
  plan_.growth = {};
}

// Counts the first steps of the plan as done.
void MacroReplica::advance(int64_t steps) {
  if (steps == 0) return;
  if (observer_.keeps_runs()) observer_.ran(number_, run_of(steps));
  count(steps, done_);
  if (plan_.decodes) {
    report_gaps(steps);
    ratio_.decay(steps);
    decoded_until_ = plan_.end_of(steps).at;
    blocks_.take(batch_.advance(steps));
    if (serving_.shares_context) slots_.keep_within(blocks_.left());
  }
  peaks_.note(running_, blocks_.used());
}

StepRun MacroReplica::run_of(int64_t steps) const {
  StepRun run;
  run.start = plan_.start;
  run.steps = steps;
  run.duration = plan_.duration();
  run.chunk_tokens = plan_.chunk_tokens;
  run.composition = batch_.composition();
  if (plan_.decodes) {
    run.decoding = batch_.size();
    for (std::size_t g = 0; g < serving_.cost.groups(); ++g) run.growing[g] = batch_.growing(g);
    run.chunks_passed = batch_.chunks_passed();
  }
  run.forms = plan_.price.forms;
  run.point = plan_.point;
  run.pace_changed = plan_.step.has_value();
  return run;
}

// Who gives up during the plan's last step gets no token from it. After a pause the first gaps are longer, and differ.
void MacroReplica::report_gaps(int64_t steps) {
  const int64_t first = paused_ ? 1 : 0;
  if (paused_) report_first_gaps(steps == 1 && plan_.steps == 1);
  paused_ = false;
  const auto& by_stream = batch_.members_by_stream();
  for (std::size_t s = 0; s < by_stream.size(); ++s) {
    const auto stream = static_cast<int>(s);
    const auto leaving = std::count_if(leaving_.begin(), leaving_.end(),
                                       [&](RequestId id) { return batch_.has(id) && pool_[id].stream == stream; });
    const int64_t all = leaving > 0 && steps == plan_.steps ? steps - 1 : steps;
    report_gaps(stream, first, all, by_stream[s]);
    if (leaving > 0) report_gaps(stream, std::max(first, all), steps, by_stream[s] - leaving);
  }
}

/// Gaps that the plan's steps from `first` on end, before the `end`th.
void MacroReplica::report_gaps(int stream, int64_t first, int64_t end, int64_t sequences) {
  if (first >= end || sequences == 0) return;
  const Progression duration = plan_.duration();
  observer_.token_gaps(stream, {duration.at(first), duration.slope}, end - first, sequences, plan_.fraction_bits);
}

// The one place that looks at all who decode: once after each time that prompts were computed apart.
void MacroReplica::report_first_gaps(bool without_leaving) {
  std::map<std::pair<int, Picoseconds>, int64_t> sequences;  // by stream, and since when they have waited
  batch_.for_each([&](RequestId id) {
    if (without_leaving && std::find(leaving_.begin(), leaving_.end(), id) != leaving_.end()) return;
    ++sequences[{pool_[id].stream, std::max(pool_[id].last_token, decoded_until_)}];
  });
  const Picoseconds end = plan_.end_of(1).at;
  for (const auto& [group, count] : sequences) {
    const auto& [stream, since] = group;
    if (since == plan_.start.at) {
      report_gaps(stream, 0, 1, count);
    } else {
      observer_.token_gaps(stream, {end - since, 0}, 1, count, 0);
    }
  }
}

// What their last step gave does not count, though it was computed.
void MacroReplica::drop_leaving_members() {
  for (const RequestId id : leaving_) {
    if (!batch_.has(id)) continue;
    if (plan_.decodes) {
      done_.take_back_output(batch_.leave_without_last(id));
    } else {
      batch_.leave(id);
    }
    finished_.push_back(id);
  }
}

void MacroReplica::let_go(RequestId id, Picoseconds now) {
  const Request& r = pool_[id];
  blocks_.release(id, r, now);
  --running_;
  if (serving_.has_slots()) slots_.give_back(r.rank, r.content, r.computed);
}

const std::vector<RequestId>& MacroReplica::end(Picoseconds now) {
  forget_measured();
  const Picoseconds last_step = plan_.end_of(plan_.steps - 1).at;
  advance(plan_.steps);
  plan_.running = false;
  finished_.clear();
  drop_leaving_members();
  answered_.clear();
  batch_.take_answered(answered_);
  for (const RequestId id : answered_) news_.hold(id, News::Kind::first_answer);
  batch_.take_completed(finished_);
  if (!chunks_.empty() || !leaving_.empty()) finish_prompts(now);
  const auto as_admitted = [&](RequestId a, RequestId b) { return pool_[a].admission < pool_[b].admission; };
  if (finished_.size() > 1) std::sort(finished_.begin(), finished_.end(), as_admitted);
  leaving_now_.clear();
  if (!finished_.empty()) ratio_.left(plan_.decodes);
  for (const RequestId id : finished_) {
    let_go(id, now);
    if (pool_[id].given_up()) {
      leaving_now_.push_back(id);
    } else {
      news_.hold(id, News::Kind::finish);
    }
  }
  leaving_.clear();
  see_newcomers(last_step);
  const bool only_decodes_next = running_ > 0 && prompts_.empty() && !anybody_waits();
  const bool tell_later = serving_.tells_late && only_decodes_next;
  if (tell_later) return leaving_now_;
  const auto& told = news_.tell(now);
  leaving_now_.insert(leaving_now_.end(), told.begin(), told.end());
  return leaving_now_;
}

std::optional<Picoseconds> MacroReplica::tells_at() const {
  if (!plan_.running || !news_.held()) return std::nullopt;
  return plan_.end_of(1).at;
}

// Prompts whose last chunk has ended give a token and decode from the next step on.
void MacroReplica::finish_prompts(Picoseconds now) {
  for (const auto& [id, tokens] : chunks_) {
    Request& r = pool_[id];
    r.computed += tokens;
    blocks_.computed(id, r, now);
    if (r.given_up() && r.computed == r.target) done_.take_back_output(1);
    if (r.given_up() || r.computed < r.target) continue;
    prompts_.erase(std::find(prompts_.begin(), prompts_.end(), id));
    if (r.produced == 0) {
      news_.hold(id, News::Kind::first_token);
    } else {
      observer_.token_gaps(r.stream, {now - r.last_token, 0}, 1, 1, 0);
    }
    r.last_token = now;
    ++r.produced;
    if (r.at_first_answer()) news_.hold(id, News::Kind::first_answer);
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

std::vector<RequestId> MacroReplica::crash(Picoseconds now) {
  forget_measured();
  if (plan_.running) {
    peaks_.note(running_, load(now).used_blocks);
    const int64_t completed = completed_by(now);
    Meter lost;
    if (completed < plan_.steps) lost = step_at(completed).lost_at(plan_.into_step(completed, now));
    advance(completed);
    done_ += lost;
  }
  plan_.running = false;
  plan_.end = {kNever, 0};
  ++version_;
  std::vector<RequestId> lost = prompts_;
  for (RequestId id = batch_.last(); id >= 0; id = batch_.last()) {
    batch_.leave(id);
    lost.push_back(id);
  }
  see_newcomers(now);
  for (; !waiting_.empty(); waiting_.pop_front()) lost.push_back(waiting_.front());
  loading_.move_to(lost);
  news_.append_finished(lost);
  news_.clear();
  paused_ = false;
  prompts_.clear();
  chunks_.clear();
  leaving_.clear();
  blocks_.forget();
  slots_.forget();
  running_ = 0;
  std::sort(lost.begin(), lost.end(), [this](RequestId a, RequestId b) { return pool_[a].record < pool_[b].record; });
  return lost;
}

void MacroReplica::stop(Picoseconds now) {
  if (plan_.running) {
    peaks_.note(running_, load(now).used_blocks);
    advance(completed_by(now));
  }
  batch_.update_members();
  const auto& at_once = batch_.tokens_at_once();
  for (std::size_t s = 0; s < at_once.size(); ++s) {
    if (at_once[s] > 0) observer_.token_gaps(static_cast<int>(s), {0, 0}, 1, at_once[s], 0);
  }
}

}  // namespace tokwatt::sim
