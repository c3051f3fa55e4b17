#include "sim/serving/token_replica.hpp"

#include <algorithm>

namespace tokwatt::sim {

TokenReplica::TokenReplica(int number, const Serving& serving, RequestPool& pool, ReplicaObserver& observer)
    : number_(number),
      serving_(serving),
      pace_(serving.cost.pace()),
      pool_(pool),
      observer_(observer),
      blocks_(serving.kv, serving.prefix_cache && !serving.has_slots(), serving.offload),
      slots_(serving.has_slots() ? serving.max_num_seqs : 0, serving.prefix_cache, serving.shares_context,
             serving.outside_slots),
      ratio_(serving.new_token_ratio),
      news_(number, pool, observer) {}

// The next step is put together when this one starts.
void TokenReplica::arrive(RequestId id, Picoseconds now) {
  const bool too_late = serving_.async_scheduling && (step_.running || step_.end.at == now);
  if (too_late) return newcomers_.add(id, now);
  enqueue(id);
}

void TokenReplica::see_newcomers(Picoseconds until) {
  newcomers_.take_until(until, [this](RequestId id) { enqueue(id); });
}

void TokenReplica::enqueue(RequestId id) {
  const auto before = [this](RequestId a, RequestId b) { return goes_before(serving_.scheduling, pool_[a], pool_[b]); };
  waiting_.insert(std::upper_bound(waiting_.begin(), waiting_.end(), id, before), id);
}

bool TokenReplica::someone_decodes() const {
  return std::any_of(running_.begin(), running_.end(), [this](RequestId id) { return !prefilling(id); });
}

bool TokenReplica::someone_prefills() const {
  return std::any_of(running_.begin(), running_.end(), [this](RequestId id) { return prefilling(id); });
}

bool TokenReplica::give_up(RequestId id, Picoseconds now) {
  if (news_.drop(id) || newcomers_.erase(id) || std::erase(waiting_, id) > 0) return true;
  if (loading_.erase(id)) {
    blocks_.release(id, pool_[id], now);
    return true;
  }
  if (step_.running) return false;
  std::erase(running_, id);
  let_go(id, now);
  return true;
}

void TokenReplica::loaded(Picoseconds now) {
  while (const auto copy = loading_.take(now)) blocks_.brought(copy->id, pool_[copy->id], copy->tokens, blocks_.used());
}

void TokenReplica::let_go(RequestId id, Picoseconds now) {
  const Request& r = pool_[id];
  if (!prefilling(id)) ++composition_;
  blocks_.release(id, r, now);
  if (serving_.has_slots()) slots_.give_back(r.rank, r.content, r.computed);
}

bool TokenReplica::start(Picoseconds now, OperatingPoint point) {
  const bool follows = step_.end.at == now;
  const bool prompts_went = !step_.chunks.empty();
  if (running_.empty()) see_newcomers(now);  // nothing had been put together
  ratio_.begin_step(follows, someone_decodes(), someone_prefills());
  step_.start = {now, follows ? step_.end.rest : 0};
  step_.point = point;
  step_.chunks.clear();
  step_.decoding.clear();
  const bool apart = serving_.prefill_apart;
  const auto nothing_runs = [this] { return step_.decoding.empty() && step_.chunks.empty(); };
  // Where prompts go together, who decodes gets a token between two steps of theirs (mlx_lm's BatchGenerator).
  const bool takes_turns = serving_.prompt_concurrency > 0 && prompts_went && someone_decodes();
  bool preempted = (!apart || takes_turns) && give_decoding_a_slot(now);
  auto budget = serving_.prompt_budget(std::ssize(step_.decoding) * pace_.rows());
  if (takes_turns && !step_.decoding.empty()) budget = {};
  preempted = continue_prompts(now, budget) || preempted;
  bool queued = (preempted && !nothing_runs()) || admit(now, budget);
  if (apart && nothing_runs()) {  // no prompt to compute: those who decode go on
    preempted = give_decoding_a_slot(now);
    queued = preempted || queued;
    if (nothing_runs()) queued = admit(now, budget);
  }
  slots_.keep_within(blocks_.left());
  if (nothing_runs()) {
    peaks_.note(std::ssize(running_), blocks_.used());  // what is on its way has its blocks
    return false;
  }
  price_step(queued);
  if (step_.chunks.empty()) ratio_.decode(preempted);
  step_.running = true;
  step_.pace_changed = false;
  step_.end = step_.start.after(step_.in_flight.duration(), pace_.fraction_bits);
  ++version_;
  peaks_.note(std::ssize(running_), blocks_.used());
  return true;
}

void TokenReplica::price_step(bool queued) {
  step_.chunk_tokens = 0;
  int64_t longest = 0;
  for (const auto& chunk : step_.chunks) {
    step_.chunk_tokens += chunk.tokens;
    longest = std::max(longest, chunk.tokens);
  }
  const auto padded = [&](int64_t tokens) { return serving_.prompt_concurrency > 0 ? longest : tokens; };
  StepBatch batch{std::ssize(step_.decoding), 0, std::ssize(step_.chunks), {}};
  for (const auto& chunk : step_.chunks) batch.chunk_tokens += padded(chunk.tokens);
  int64_t output_tokens = 0;
  for (const RequestId id : step_.decoding) output_tokens += tokens_of_step(pool_[id]);
  for (const auto& [id, tokens] : step_.chunks) {
    if (pool_[id].computed + tokens == pool_[id].target) ++output_tokens;
  }
  for (std::size_t g = 0; g < serving_.cost.groups(); ++g) {
    auto& sums = batch.attention[g];
    for (const RequestId id : step_.decoding) {
      const auto rows = decode_attention(context_of(id), serving_.cost.attention(g), pace_);
      sums.kept_tokens += rows.kept_tokens;
      sums.pairs += rows.pairs;
    }
    for (const auto& [id, tokens] : step_.chunks) {
      const auto chunk = chunk_attention(pool_[id].computed, padded(tokens), serving_.cost.reach(g));
      sums.kept_tokens += pace_.units(chunk.kept_tokens);
      sums.pairs += pace_.units(chunk.pairs);
    }
  }
  step_.batch = batch;
  step_.context = {std::ssize(running_), output_tokens, step_.chunk_tokens, queued, step_.point};
  const StepPrice price = serving_.cost.price(step_.point, batch);
  step_.in_flight = {0, price.duration, price, amounts(costs(price, {}, 1), step_.context, serving_.cost)};
}

// The clock stays what it is.
void TokenReplica::share_changed(Picoseconds now, OperatingPoint point) {
  if (!step_.running) return;
  OperatingPoint same_clock = step_.point;
  same_clock.share = point.share;
  change_pace(now, same_clock);
}

// Short steps keep theirs.
void TokenReplica::clock_changed(Picoseconds now, OperatingPoint point, Picoseconds long_step) {
  if (!step_.running || step_.point.level == point.level) return;
  const bool is_long = step_.in_flight.duration() >> pace_.fraction_bits >= long_step;
  if (is_long) change_pace(now, at_clock_of(point, step_.point));
}

void TokenReplica::change_pace(Picoseconds now, OperatingPoint point) {
  step_.point = step_.context.point = point;
  step_.pace_changed = true;
  done_ += sim::change_pace(step_.in_flight, units_into_step(now), serving_.cost.price(step_.point, step_.batch),
                            step_.context, serving_.cost);
  step_.end = step_.start.after(step_.in_flight.duration(), pace_.fraction_bits);
  ++version_;
}

int64_t TokenReplica::units_into_step(Picoseconds now) const {
  return static_cast<int64_t>(step_.start.until(now, pace_.fraction_bits));
}

void TokenReplica::report_step() const {
  StepRun run;
  run.start = step_.start;
  run.steps = 1;
  run.duration = {step_.in_flight.duration(), 0};
  run.decoding = std::ssize(step_.decoding);
  run.chunk_tokens = step_.chunk_tokens;
  run.composition = composition_;
  for (std::size_t g = 0; g < serving_.cost.groups(); ++g) {
    const auto& [reach, rows, read_together] = serving_.cost.attention(g);
    for (const RequestId id : step_.decoding) {
      for (int64_t row = 1; row <= rows; ++row) {
        const int64_t in_front = context_of(id) + pace_.units(row - 1);
        if (reach.window == 0 || in_front + pace_.units(1) < pace_.units(reach.window)) ++run.growing[g];
        if (reach.chunk > 0) run.chunks_passed += in_front / pace_.units(reach.chunk);
      }
    }
  }
  run.forms = step_.in_flight.price.forms;
  run.point = step_.point;
  run.pace_changed = step_.pace_changed;
  observer_.ran(number_, run);
}

const std::vector<RequestId>& TokenReplica::end(Picoseconds now) {
  if (observer_.keeps_runs()) report_step();
  done_ += step_.in_flight.left;
  const bool decoded = !step_.decoding.empty();
  if (decoded) ratio_.decay(1);
  for (const RequestId id : step_.decoding) {
    Request& r = pool_[id];
    const int64_t tokens = tokens_of_step(r);
    r.fraction = pace_.rest(r.fraction + pace_.per_step);
    r.computed += tokens;
    emit_tokens(id, tokens, now);
  }
  for (const auto& [id, tokens] : step_.chunks) {
    Request& r = pool_[id];
    r.computed += tokens;
    blocks_.computed(id, r, now);
    if (prefilling(id)) continue;
    ++composition_;
    if (r.given_up()) {
      --done_[Quantity::output_tokens];
    } else {
      emit_token(id, {now - r.last_token, 0}, now);
    }
  }
  leaving_.clear();
  std::vector<RequestId> still_running;
  for (const RequestId id : running_) {
    Request& r = pool_[id];
    if (r.produced < r.output && !r.given_up()) {
      still_running.push_back(id);
      continue;
    }
    let_go(id, now);
    if (r.given_up()) {
      leaving_.push_back(id);
    } else {
      news_.hold(id, News::Kind::finish);
    }
  }
  if (still_running.size() < running_.size()) ratio_.left(decoded);
  running_ = std::move(still_running);
  step_.running = false;
  see_newcomers(step_.start.at);
  const bool only_decodes_next = !running_.empty() && !someone_prefills() && !anybody_waits();
  const bool tell_later = serving_.tells_late && only_decodes_next;
  if (tell_later) return leaving_;
  const auto& finished = news_.tell(now);
  leaving_.insert(leaving_.end(), finished.begin(), finished.end());
  return leaving_;
}

std::optional<Picoseconds> TokenReplica::tells_at() const {
  if (!step_.running || !news_.held()) return std::nullopt;
  return step_.end.at;
}

std::vector<RequestId> TokenReplica::crash(Picoseconds now) {
  if (step_.running) done_ += step_.in_flight.lost_at(units_into_step(now));
  step_.running = false;
  step_.end = {kNever, 0};
  ++version_;
  std::vector<RequestId> lost = running_;
  for (const RequestId id : running_) composition_ += prefilling(id) ? 0 : 1;
  see_newcomers(now);
  lost.insert(lost.end(), waiting_.begin(), waiting_.end());
  loading_.move_to(lost);
  news_.append_finished(lost);
  running_.clear();
  waiting_.clear();
  news_.clear();
  blocks_.forget();
  slots_.forget();
  std::sort(lost.begin(), lost.end(), [this](RequestId a, RequestId b) { return pool_[a].record < pool_[b].record; });
  return lost;
}

// What a step gives a decoding sequence: the whole tokens that it has come to, and no more than it still needs.
int64_t TokenReplica::tokens_of_step(const Request& r) const {
  return std::min(pace_.whole(r.fraction + pace_.per_step), r.output - r.produced);
}

// They come at one instant. Who has given up was in the step, but gets nothing from it.
void TokenReplica::emit_tokens(RequestId id, int64_t tokens, Picoseconds now) {
  if (pool_[id].given_up()) {
    done_[Quantity::output_tokens] -= tokens;
    return;
  }
  const Picoseconds since = pool_[id].last_token;  // earlier than the step's start if prompts were computed before it
  const bool waited = since < step_.start.at;
  emit_token(id, waited ? Gap{now - since, 0} : Gap{step_.in_flight.duration(), pace_.fraction_bits}, now);
  for (int64_t further = 1; further < tokens; ++further) emit_token(id, {0, 0}, now);
}

void TokenReplica::emit_token(RequestId id, Gap gap, Picoseconds now) {
  Request& r = pool_[id];
  if (r.produced == 0) {
    news_.hold(id, News::Kind::first_token);
  } else {
    observer_.token_gaps(r.stream, {gap.units, 0}, 1, 1, gap.fraction_bits);
  }
  r.last_token = now;
  ++r.produced;
  if (r.at_first_answer()) news_.hold(id, News::Kind::first_answer);
}

Meter TokenReplica::meter(Picoseconds now) const {
  Meter total = done_;
  if (step_.running) total += step_.in_flight.added_by(units_into_step(now));
  return in_whole(total, pace_.fraction_bits);
}

}  // namespace tokwatt::sim
