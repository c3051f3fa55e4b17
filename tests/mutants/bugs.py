"""Deliberate bugs, each of the kind that this design invites (docs/theory/time.md, docs/theory/prefix-cache.md)."""
from dataclasses import dataclass


@dataclass
class Bug:
    name: str
    edits: list  # of (file, text in it, what to write instead)
    in_one_stepping: bool = False


def bug(name, *edits):
    return Bug(name, list(edits))


MACRO = "sim/serving/macro_replica.cpp"
ENTRANCE = "sim/serving/entrance.cpp"
MACRO_SCHEDULING = "sim/serving/macro_scheduling.cpp"
MACRO_METERING = "sim/serving/macro_metering.cpp"
PLAN = "sim/serving/plan.cpp"
PRICER = "sim/serving/step_pricer.cpp"
TOKEN = "sim/serving/token_replica.cpp"
TOKEN_SCHEDULING = "sim/serving/token_scheduling.cpp"
BATCH = "sim/serving/decode_batch.cpp"
BLOCKS = "sim/serving/kv_blocks.cpp"
CACHE = "sim/serving/prefix_cache.cpp"
RATIO = "sim/serving/new_token_ratio.hpp"
COST = "sim/serving/cost_model.cpp"
SERVING = "sim/serving/serving.cpp"
LOOP = "sim/event_loop.cpp"
ARRIVALS = "sim/events/arrivals.cpp"
GIVE_UP = "sim/events/give_up.cpp"
HOSTED_EVENTS = "sim/events/hosted.cpp"
STEPS = "sim/events/steps.cpp"
SHUTDOWN = "sim/events/shutdown.cpp"
TICKS = "sim/events/ticks.cpp"
ROUTING = "sim/cluster/routing.hpp"
SLOTS = "sim/serving/slots.cpp"
PROMPTS = "sim/serving/prompt_cache.cpp"
HOSTED_SERVICE = "sim/serving/hosted_service.cpp"
DEVICE = "sim/heat/device.cpp"
TALLY = "sim/results/tally.cpp"
RECORDER = "sim/results/recorder.cpp"


# In the fast path alone: the reference differs.
PLANS = [
    bug("an arrival does not cut the plan", (MACRO, "if (plan_.running && waiting_.front() == id) cut(now);", "")),
    bug("a change of clock does not cut the plan", (MACRO, "if (!plan_.running || plan_.point == point) return; cut(now);", "if (!plan_.running || plan_.point == point) return;")),
    bug("a cut at a step's end takes one step more", (PLAN, "return at_boundary ? completed - 1 : completed;", "return completed;")),
    bug("a cut loses the step in flight", (MACRO, "end_plan_after(plan_.in_flight(completed_by(now), now) + 1);", "end_plan_after(std::max<int64_t>(plan_.in_flight(completed_by(now), now), 1));")),
    bug("a plan runs a step past its change", (BATCH, "return next == kNever ? kNever : next - step_;", "return next == kNever ? kNever : next - step_ + 1;")),
    bug("attention turns to compute a step late", (PRICER, "-excess / gain + 1)", "-excess / gain + 2)")),
    bug("a window fills a step late", (BATCH, "push(reach.window - row);", "push(reach.window - row + 1);")),
    bug("a second wrap of an attention chunk is missed", (BATCH, "due.step = pace_.first_step_at(due.context, member.computed_base); window.due.push(due);", "")),
    bug("a member that leaves keeps its passed chunks in the sum", (BATCH, "window.first.passed -= sight(id).passed[group];", "")),
    bug("a long plan forgets the blocks of its last step", (BATCH, "held_ = blocks_.at(moved(steps - 1));", "held_ = blocks_.at(moved(std::max<int64_t>(steps - 2, 0)));")),
    bug("a plan has blocks for a step more than it has", (MACRO, "return 1 + with_blocks;", "return 2 + with_blocks;")),
    bug("a plan grows with the members whose windows are full", ("sim/serving/decode_batch.hpp", "const int64_t pairs = (first.growing + others.growing) * pace_.per_step;", "const int64_t pairs = (first.growing + others.growing + first.full) * pace_.per_step;")),
    bug("a full cache preempts a decoding sequence before a begun prompt", (MACRO_SCHEDULING, "return prompts_.empty() ? batch_.last() : prompts_.back();", "return batch_.size() > 0 ? batch_.last() : prompts_.back();")),
    bug("the gap of a preempted sequence begins at its plan's start", (MACRO_SCHEDULING, "pool_[id].last_token = std::max(pool_[id].last_token, decoded_until_);", "")),
    bug("the first answer comes a token late", (BATCH, "answers_.push({pace_.first_step_at(r.thinking + 1,", "answers_.push({pace_.first_step_at(r.thinking + 2,")),
    bug("prompts of llama-server go in order of admission", (MACRO_SCHEDULING, "return pool_[other].rank > r.rank;", "return pool_[other].admission > r.admission;")),
    bug("the last step of a plan is not metered", (MACRO, "count(steps, done_);", "count(std::max<int64_t>(steps - 1, 1), done_);")),
    bug("the end of the run drops the steps of the plan in flight", (MACRO, "advance(completed_by(now));", "")),
    bug("gaps between tokens are counted for one sequence of each stream", (MACRO, "report_gaps(stream, first, all, by_stream[s]);", "report_gaps(stream, first, all, 1);")),
]

# Clients who give up.
PLANS += [
    bug("who gives up in a step gets its token", (BATCH, "r.produced = before;", "")),
    bug("the step of who gives up counts its token", (MACRO, "done_.take_back_output(batch_.leave_without_last(id));", "batch_.leave_without_last(id);")),
    bug("giving up does not cut the plan", (MACRO, "if (plan_.running) cut(now); const bool decodes", "const bool decodes")),
    bug("the gap of who gives up is counted", (MACRO, "steps, by_stream[s] - leaving);", "steps, by_stream[s]);")),
]

# Speculation.
PLANS += [
    bug("an answer's first token counts from the step before", (BATCH, "return pace_.first_step_at(r.output, member.produced_base);", "return pace_.first_step_at(r.output, member.produced_base) + (pace_.drafted > 0 && r.output % 7 == 3);")),
    bug("the last step gives more tokens than were asked for", (BATCH, "- (surplus == surplus_.end() ? 0 : surplus->second);", ";")),
    bug("a member's surplus stays when it leaves", (BATCH, "count_surplus(member, r, -1);", "")),
    bug("a plan forgets what its start leaves over", (MACRO, "plan_.start = {now, follows ? plan_.end.rest : 0};", "plan_.start = {now, 0};")),
    bug("the rest of a picosecond outlasts idleness", (MACRO, "follows ? plan_.end.rest : 0", "plan_.end.rest")),
    bug("tokens of one step are not counted as gaps of nothing", (MACRO, "if (at_once[s] > 0) observer_.token_gaps", "if (at_once[s] < 0) observer_.token_gaps")),
    bug("who gives up has the gaps of its last step", (BATCH, "at_once_[static_cast<std::size_t>(r.stream)] -= lost - 1;", "")),
    bug("the rows behind the first never fill their window", (BATCH, "if (reach.window > 0) push(reach.window - row);", "if (reach.window > 0 && row == 1) push(reach.window - row);")),
    bug("the rows behind the first leave no chunk behind", (BATCH, "sums.passed += passed;", "if (row == 1) sums.passed += passed;")),
    bug("slots of drafted tokens are free for who has decoded before", (BATCH, "r.reserved = slots_taken(member);", "")),
    bug("rows of a step that read together read apart", ("sim/serving/decode_batch.hpp", "return {attention.read_together ? first.growing * pace_.per_step : pairs, pairs};", "return {pairs, pairs};")),
]

# In what both steppings share, or in both alike: other tests must tell.
SHARED = [
    bug("shares are rounded up", ("sim/progression.hpp", "return amount * part / whole;", "return (amount * part + whole - 1) / whole;")),
    bug("shares of many amounts are not made exact", ("sim/progression.hpp", "- (rest < 0 ? 1 : 0) + (rest >= whole_ ? 1 : 0)", "")),
    bug("of steps that end at once the later replica's comes first", ("sim/event_queue.hpp", "return at(right) < at(left) ? right : left;", "return at(right) <= at(left) ? right : left;")),
    bug("a crash leaves the end of the step in flight", (SHUTDOWN, "queue_.set_step_end(static_cast<int>(replica), kNever);", "")),
    bug("an event that takes the empty place at the top stays there", ("sim/event_queue.hpp", "if (!before(heap_[child], event)) break;", "break;")),
    bug("the edges of a histogram's bins lose their remainder", ("sim/results/histogram.cpp", "rest += rest_a_bin;", "")),
    bug("columns that are lent do not come into the file", ("sim/results/memory_file.cpp", "parts.insert(parts.end(), lent_parts_.begin(), lent_parts_.end());", "")),
    bug("a results file says that somebody has it open", ("sim/results/memory_file.cpp", "superblock[kFlagsAt] = std::byte{0};", "")),
    bug("arrivals come before the ends of steps", ("sim/event_queue.hpp", "enum class EventKind : uint8_t { tell, failed, step_end, transfer, hosted_take, hosted_first, hosted_end, loaded, tick, sample, change, give_up, arrival,", "enum class EventKind : uint8_t { arrival, tell, failed, step_end, transfer, hosted_take, hosted_first, hosted_end, loaded, tick, sample, change, give_up,")),
    bug("a sample comes before the tick of its instant", ("sim/event_queue.hpp", "hosted_end, loaded, tick, sample,", "hosted_end, loaded, sample, tick,")),
    bug("few rows take their own energy alone", ("sim/serving/cost_model.cpp", "std::max(rows, energy_rows_.at(rows))", "rows")),
    bug("a chip that works draws what it draws while it waits, too", (DEVICE, "ready * (1 - busy)", "ready")),
    bug("static energy is counted twice in a tick", (DEVICE, "energy_.fixed += fixed_energy;", "energy_.fixed += 2 * fixed_energy;")),
    bug("dynamic energy of earlier ticks is counted again", (DEVICE, "energy_.compute = work.compute_energy;", "energy_.compute += work.compute_energy;")),
    bug("a new price holds for the whole tick", (DEVICE, "bill_up_to(energy.wall()); if (mark.row)", "if (mark.row)")),
    bug("the bill is not marked as paid", (DEVICE, "billed_ = wall;", "if (usd_per_joule_) billed_ = wall / 2;")),
    bug("both steppings preempt whoever came first",
        (TOKEN_SCHEDULING, "return running_.back();", "return running_.front();"),
        (MACRO_SCHEDULING, "return prompts_.empty() ? batch_.last() : prompts_.back();", "return batch_.size() > 0 ? batch_.first() : prompts_.back();"),
        ("sim/serving/decode_batch.hpp", "RequestId last() const { return tail_; }", "RequestId last() const { return tail_; } RequestId first() const { RequestId id = tail_; while (link(id).before >= 0) id = link(id).before; return id; }")),
    bug("both steppings send the preempted to the end of the queue",
        (TOKEN_SCHEDULING, "waiting_.push_front(id);", "waiting_.push_back(id);"), (MACRO_SCHEDULING, "waiting_.push_front(id);", "waiting_.push_back(id);")),
    bug("both steppings compute only the prompt again after a preemption",
        (TOKEN_SCHEDULING, "r.fraction = 0; r.target = r.prompt + r.produced;  // recompute", "r.fraction = 0; r.target = r.prompt;"),
        (ENTRANCE, "r.target = r.prompt + r.produced;", "r.target = r.prompt;"),
        (MACRO_SCHEDULING, "r.reserved = 0; r.target = r.prompt + r.produced;", "r.reserved = 0; r.target = r.prompt;")),
    bug("both steppings keep what a preempted request had computed",
        (TOKEN_SCHEDULING, "r.computed = 0; r.reserved", "r.reserved"), (MACRO_SCHEDULING, "r.computed = 0; r.reserved", "r.reserved"),
        (BLOCKS, "r.computed = tokens_of(hit);", "r.computed = std::max(r.computed, tokens_of(hit));")),
    bug("both steppings skip the gap of a recomputed sequence",
        (TOKEN, "observer_.token_gaps(r.stream, {gap.units, 0}, 1, 1, gap.fraction_bits);", "if (!(r.computed == r.target && r.preemptions > 0)) observer_.token_gaps(r.stream, {gap.units, 0}, 1, 1, gap.fraction_bits);"),
        (MACRO, "observer_.token_gaps(r.stream, {now - r.last_token, 0}, 1, 1, 0);", "")),
    bug("both steppings give a freed slot to the next request", (SLOTS, "free_.push_back(slot); kept_", "free_.insert(free_.begin(), slot); kept_")),
    bug("a slot's last token need not be computed", (SLOTS, "best.cached = std::min(common, tokens - 1);", "best.cached = common;")),
    bug("a slot that holds any token of a prompt is chosen for it", (SLOTS, "kLeastSimilarity = 0.1;", "kLeastSimilarity = 0;")),
    bug("of equal slots the last is chosen", (SLOTS, "!(found && slot < best.slot)", "!(found && slot > best.slot)")),
    bug("a part that is longer here does not end what is common", ("sim/serving/text_place.cpp", "|| at_a.offset != at_b.offset) break;", ") break;")),
    bug("a slot that is chosen for its prompt puts nothing away", (SLOTS, "const bool much_is_lost = !found || kLeastUse * static_cast<double>(held.tokens) > static_cast<double>(common);", "const bool much_is_lost = !found;")),
    bug("a prompt comes back where it serves no better", (PROMPTS, "if (of > 0 && c * of <= common * entry.text.tokens) continue;", "")),
    bug("a prompt of which little is used comes back", (PROMPTS, "kLeastKept = 4;", "kLeastKept = 400;")),
    bug("the host's memory keeps a prompt that has come back", (PROMPTS, "if (found) erase_if(", "if (!found) erase_if(")),
    bug("the host's memory is never full", (PROMPTS, "bytes_ > limit_", "false")),
    bug("prompts are kept twice", (PROMPTS, "if (known) return;", "if (known && held.tokens < 0) return;")),
    bug("both steppings admit in a step that preempts",
        (TOKEN, "bool queued = (preempted && !nothing_runs()) || admit(now, budget);", "bool queued = admit(now, budget) || preempted;"),
        (MACRO, "(preempted && !nothing_runs()) || (anybody_waits() && admit(now, budget));", "(anybody_waits() && admit(now, budget)) || preempted;")),
    bug("both steppings let prompts have the budget of what decodes",
        ("sim/serving/serving.hpp", "return {token_budget - decoding_rows,", "return {token_budget,")),
    bug("prompts that go together are not padded", (TOKEN, "serving_.prompt_concurrency > 0 ? longest : tokens;", "tokens;"),
        (MACRO, "const bool pads = serving_.prompt_concurrency > 0;", "const bool pads = false;")),
    bug("who decodes waits until all prompts that go together are through",
        (TOKEN, "serving_.prompt_concurrency > 0 && prompts_went && someone_decodes();", "false;"),
        (MACRO, "serving_.prompt_concurrency > 0 && prompts_went && batch_.size() > 0;", "false;")),
    bug("prompts that go together share a budget", ("sim/serving/serving.hpp", "return {prompt_concurrency * token_budget, token_budget, prompt_concurrency};", "return {token_budget, token_budget, prompt_concurrency};")),
    bug("a context that slots share is split over them", ("sim/serving/kv_capacity.cpp", "return is_one ? 1 : d.engine.limits.max_num_seqs;", "return d.engine.limits.max_num_seqs;")),
    bug("idle slots keep what they hold, whoever needs the room",
        (TOKEN, "slots_.keep_within(blocks_.left());", ""),
        (MACRO, "if (serving_.shares_context) slots_.keep_within(blocks_.left()); if (nothing_runs())", "if (nothing_runs())"),
        (MACRO, "blocks_.take(batch_.advance(steps)); if (serving_.shares_context) slots_.keep_within(blocks_.left());", "blocks_.take(batch_.advance(steps));")),
    bug("idle slots of the fast path give way as its plan begins only", (MACRO, "blocks_.take(batch_.advance(steps)); if (serving_.shares_context) slots_.keep_within(blocks_.left());", "blocks_.take(batch_.advance(steps));")),
    bug("clients send again while steps of the instant begin", ("sim/events/steps.cpp", "queue_.push({now_ + 1, EventKind::failed, replica});", "queue_.push({now_, EventKind::failed, replica});")),
    bug("those who share a context keep what is put outside", (SLOTS, "if (shares_context_) empty(slot);", "")),
    bug("a slot that holds nothing takes nothing from outside", (PROMPTS, "if (of > 0 && c * of", "if (c * of")),
    bug("a full context leaves the slots what they hold", ("sim/serving/slots.cpp", "std::fill(kept_.begin(), kept_.end(), KeptText{}); idle_tokens_ = 0; }", "}")),
    bug("who has just got a slot survives a full context",
        (TOKEN_SCHEDULING, "!waiting_.empty() && std::ssize(running_) < serving_.max_num_seqs; waiting_.pop_front()", "false; waiting_.pop_front()"),
        (MACRO_SCHEDULING, "!waiting_.empty() && running_ < serving_.max_num_seqs; waiting_.pop_front(), ++running_", "false; waiting_.pop_front()")),
    bug("who has room for a chunk is admitted", (ENTRANCE, "serving.reserve_full_isl && !blocks.has_room(", "false && !blocks.has_room(")),
    bug("both steppings keep the blocks of what they preempt",
        (TOKEN_SCHEDULING, "r.content = with_own_text(r); blocks_.release(id, r, now); r.computed = 0;", "Request& r = pool_[id]; r.computed = 0;"),
        (MACRO_SCHEDULING, "r.content = with_own_text(r); blocks_.release(id, r, now); r.computed = 0;", "Request& r = pool_[id]; r.computed = 0;")),
    bug("the first answer of both is the last thinking token",
        ("sim/serving/request.hpp", "produced == thinking + 1", "produced == std::max<int64_t>(thinking, 1)"),
        (BATCH, "if (r.produced <= r.thinking) answers_.push({pace_.first_step_at(r.thinking + 1,", "if (r.produced < r.thinking) answers_.push({pace_.first_step_at(r.thinking,")),
    bug("the prefix cache forgets the newest block first", (CACHE, "forget(oldest_);", "forget(newest_);")),
    bug("a whole prompt may be found in the prefix cache", (BLOCKS, "return cache_->find(r.content, capacity_.whole_blocks_of(r.target - 1));", "return cache_->find(r.content, capacity_.whole_blocks_of(r.target));")),
    bug("a shared block is counted for each who holds it", ("sim/serving/kv_blocks.hpp", "of(r, tokens_of(hit) + tokens) - hit.blocks + hit.idle", "of(r, tokens_of(hit) + tokens)")),
    bug("a block found idle is not counted as used again", ("sim/serving/kv_blocks.hpp", "- hit.blocks + hit.idle;", "- hit.blocks;")),
    bug("a release frees blocks that others hold", (BLOCKS, "used_ -= of(r) - shared;", "used_ -= of(r);")),
    bug("blocks that nobody holds any more are lost", (CACHE, "} else { make_idle(*run); }", "}")),
    bug("a request without shared text pushes nothing out of the cache", (CACHE, "if (blocks > h.known) leave_unknown(blocks - h.known);", "")),
    bug("cached blocks go with those that they follow", (CACHE, "if (runs_[run].followers == 0) erase(run);", "erase(run);")),
    bug("a request counts as its own what another entered and lost", (CACHE, "const bool is_new = walk.blocks >= h.known;", "const bool is_new = true;")),
    bug("runs are joined over a place where texts part", (CACHE, "first.followers == 1 && first.is_idle()", "first.is_idle()")),
    bug("a run grows that another request holds too", (CACHE, "run.holders == 1 && !h.held.empty()", "!h.held.empty()")),
    bug("a run grows in front of those that follow it", (CACHE, "holds_it && run.followers == 0 &&", "holds_it &&")),
    bug("a run is cached again from its start on", (CACHE, "const int64_t begin = std::max(runs_[run].begin, h.known);", "const int64_t begin = runs_[run].begin;")),
    bug("the front of a run goes first", (CACHE, "oldest.end -= more; idle_ -= more;", "oldest.begin += more; idle_ -= more;")),
    bug("idle blocks that decoding took come back with a release", (BLOCKS, "cache_->trim(left()); store(id, r,", "store(id, r,")),
    bug("every full block asks for one more", ("sim/serving/kv_capacity.hpp", "floor_div(tokens + block_size - 1, block_size)", "floor_div(tokens + block_size, block_size)")),
    bug("windowed layers take no blocks", ("sim/serving/kv_blocks.hpp", "capacity_.blocks_of(tokens) + r.window_blocks;", "capacity_.blocks_of(tokens);")),
    bug("a client has one request more in flight than it may", ("sim/workload/in_flight.cpp", "left_(most) {}", "left_(most + 1) {}")),
    bug("held-back requests keep the time they would have come", ("sim/workload/in_flight.cpp", "arrival->at = std::max(arrival->at, now_);", "")),
    bug("a chunk that begins inside its window sees one token too many", (SERVING, "std::clamp<int64_t>(window - before, 0, tokens);", "std::clamp<int64_t>(window - before + 1, 0, tokens);")),
    bug("a step of speculation gives a whole token less", (PRICER, "return (1 - std::pow(acceptance, static_cast<double>(drafted + 1))) / (1 - acceptance);", "return (1 - std::pow(acceptance, static_cast<double>(drafted))) / (1 - acceptance);")),
    bug("the draft makes one pass for all its tokens", (PRICER, "one * pace_.drafted);", "one);")),
    bug("prompts do not pass through the draft", (PRICER, "if (batch.chunks > 0) add(", "if (batch.chunks < 0) add(")),
    bug("the draft's weights take no memory", ("sim/serving/kv_capacity.cpp", "return own + weights_per_device(", "return own + 0 * weights_per_device(")),
    bug("the draft keeps no keys and values", ("sim/serving/kv_capacity.cpp", "both{sum.per_token + draft.per_token,", "both{sum.per_token,")),
    bug("drafted tokens need no output head", (PRICER, "verified + batch.chunks, verified + batch.chunks}", "batch.decoding + batch.chunks, verified + batch.chunks}")),
    bug("the last micro-batch is free", (COST, "if (rest > 0) add(1, pass(rest));", "")),
    bug("recurrent states are free", (COST, "cost.bandwidth = ps(state_bytes / (bandwidth_ * tuning_.memory_efficiency_kv));", "")),
    bug("every expert is read in every step", (COST, "weight_bytes *= touched / static_cast<double>(op.experts);", "")),
    bug("prices of decode outlive a new tuning", (COST, "decode_memo_.assign(levels, {});", "decode_memo_.resize(levels);")),
    bug("attention costs the larger of its forms twice", ("sim/serving/cost_model.hpp", "+= std::max(compute, memory); sum.compute_energy", "+= compute + memory; sum.compute_energy")),
    bug("attention's energy is that of its longer form alone", ("sim/serving/cost_model.hpp", "sum.memory_energy += forms.memory_energy_base + forms.memory_energy_per_token * to.kept_tokens;", "if (memory >= compute) sum.memory_energy += forms.memory_energy_base + forms.memory_energy_per_token * to.kept_tokens;")),
    bug("the slope of a step's cost ignores the clock", (COST, "const double per_flop = 1 / (attention_peak_ * clock_share(level) * tuning_.compute_efficiency_attention);", "const double per_flop = 1 / (attention_peak_ * tuning_.compute_efficiency_attention);")),
    bug("a step without its last chunk gives a token too", (SERVING, "out[Quantity::output_tokens] = context.output_tokens;", "out[Quantity::output_tokens] = context.output_tokens + (context.prompt_tokens > 0);")),
    bug("recomputed prompt tokens are prefilled for nothing", (SERVING, "out[Quantity::prompt_tokens] = context.prompt_tokens;", "out[Quantity::prompt_tokens] = std::min<int64_t>(context.prompt_tokens, 100);")),
    bug("tokens of unfinished requests are lost", (TALLY, "output_tokens += r.produced;", "if (r.outcome == Outcome::completed) output_tokens += r.produced;")),
    bug("rejected requests are not counted as sent", (TALLY, "++submitted;", "if (r.outcome != Outcome::rejected) ++submitted;")),
    bug("segments are joined across a change of clock", (RECORDER, "before.point == run.point &&", "")),
    bug("segments are joined though other sequences decode", (RECORDER, "before.composition == run.composition &&", "")),
    bug("a joined segment keeps the growth of its first step", (RECORDER, "if (last.run.steps == 1) last.run.duration.slope = run.duration.base - last.run.duration.base;", "")),
    bug("a request that just fits the context is rejected", (ARRIVALS, "if (arrival.prompt + arrival.output > replica", "if (arrival.prompt + arrival.output >= replica")),
    bug("a request that timed out is sent again once too often", (GIVE_UP, "request.attempt < stream.retries", "request.attempt <= stream.retries")),
    bug("who gives up keeps their blocks", (MACRO, "const Request& r = pool_[id]; blocks_.release(id, r, now); --running_;", "const Request& r = pool_[id]; if (!r.given_up()) blocks_.release(id, r, now); --running_;"), (TOKEN, "blocks_.release(id, r, now); if (serving_.has_slots()) slots_.give_back(r.rank, r.content, r.computed); }", "if (!r.given_up()) blocks_.release(id, r, now); if (serving_.has_slots()) slots_.give_back(r.rank, r.content, r.computed); }")),
    bug("what follows a finished request is not asked for", (ARRIVALS, "while (schedule_next_arrival(request.stream)) { }", "")),
]

# KV blocks outside the device, and prompts in steps of their own.
OFFLOAD_CPP = "sim/serving/kv_offload.cpp"
PLANS += [
    bug("what comes from outside does not cut the plan", (MACRO, "pool_[copy->id], copy->tokens, used); if (plan_.running) cut(now);", "pool_[copy->id], copy->tokens, used);")),
    bug("gaps after a pause begin where the step does", (MACRO, "const int64_t first = paused_ ? 1 : 0;", "paused_ = false; const int64_t first = 0;")),
    bug("a prompt computed apart takes blocks chunk by chunk", (ENTRANCE, "serving.reserves_prompts ? missing : tokens)", "tokens)")),
    bug("whoever decodes moves on while prompts are computed apart", (MACRO, "plan_.decodes = !apart || chunks_.empty();", "plan_.decodes = true;")),
]
OFFLOAD = [
    bug("a copy can be used before it has ended", (OFFLOAD_CPP, "at->second->there_at <= now;", "true;")),
    bug("the most recently used copy goes first", (OFFLOAD_CPP, "tier.copies.splice(tier.copies.end(), tier.copies, at->second);", "tier.copies.splice(tier.copies.begin(), tier.copies, at->second);")),
    bug("copies go side by side on one link", (OFFLOAD_CPP, "const Picoseconds begins = std::max(free, earliest);", "const Picoseconds begins = earliest;")),
    bug("what the host has no room for is lost", (OFFLOAD_CPP, "if (!disk_.by_key.contains(oldest.key)) add_to_disk(", "if (false) add_to_disk(")),
    bug("every device has the whole link's work", (OFFLOAD_CPP, "link_time = block_bytes / tiers.link.bandwidth;", "link_time = whole / tiers.link.bandwidth;")),
    bug("who was preempted does not look outside", (ENTRANCE, "paged ? blocks.outside(id, r, hit, now) : 0; outside > 0)", "paged && r.preemptions == 0 ? blocks.outside(id, r, hit, now) : 0; outside > 0)")),
    bug("a request's own text is everybody's", ("sim/serving/own_text.cpp", "mix(kOwnText, static_cast<uint64_t>(r.stream), r.number)", "kOwnText")),
    bug("generated blocks are not copied out", (BLOCKS, "store(id, r, cache_->known(id), now); shared", "shared")),
]

# Several devices.
CLUSTER = [
    bug("the most loaded replica gets the next request", (ROUTING, "if (routing == Routing::least_loaded || unbalanced) return *least;", "if (routing == Routing::least_loaded || unbalanced) return *most;")),
    bug("round-robin stays where it is", (ROUTING, "turn++ %", "turn %")),
    bug("any cached token draws a request", (ROUTING, "kLeastMatch = 0.3;", "kLeastMatch = 0;")),
    bug("routing sees the fast path's cache as its plan began", ("sim/serving/macro_replica.hpp", "const int64_t used = load(now).used_blocks;", "const int64_t used = blocks_.used();")),
    bug("the quickest device of a group sets its pace", (TICKS, "if (devices_[d].point().level < slowest.level)", "if (devices_[d].point().level > slowest.level)")),
    bug("only the first device of a group works", ("sim/cluster/layout.cpp", "for (const std::size_t device : mine) out.devices[device].replicas.push_back(out.replicas.size());", "out.topology[mine.front()].replicas.push_back(out.replicas.size());")),
    bug("a latent is shared by the devices of a group", ("models/architecture.cpp", "kept.push_back({d(layer.latent->kv_rank + layer.latent->rope_dim), 0});", "kept.push_back({d(layer.latent->kv_rank + layer.latent->rope_dim), 0, 64});")),
    bug("routers are shared too", ("models/graph.cpp", "op.replicated = weight_class == WeightClass::router;", "")),
    bug("an all-reduce always goes round the ring", ("sim/cluster/collectives.hpp", "overhead + std::min(at_once, ring)", "overhead + ring")),
    bug("nothing is sent in decode steps", (COST, "cost.link = ps(collectives.all_reduces *", "if (rows > 16) cost.link = ps(collectives.all_reduces *")),
    bug("an urgent request behind the front does not cut the plan", ("sim/serving/macro_replica.cpp", "if (plan_.running && waiting_.front() == id) cut(now);", "if (plan_.running && waiting_.size() == 1) cut(now);")),
    bug("the most urgent gives way", (BATCH, "goes_before(Scheduling::priority, pool_[least], pool_[id])", "goes_before(Scheduling::priority, pool_[id], pool_[least])")),
    bug("a sequence that makes way for a prompt keeps its slot", (MACRO_SCHEDULING, "blocks_.take(batch_.new_blocks() - slots);", "")),
    bug("both orders of admission are by time alone", (SERVING, "return std::tie(a.priority, a.record) < std::tie(b.priority, b.record);", "return a.record < b.record;")),
    bug("a model serves while it is being loaded", (STEPS, "if (standing.start_pending || !standing.is_loaded) return;", "if (standing.start_pending) return;")),
    bug("requests that came while a model was loaded are forgotten", (SHUTDOWN, "if (replicas_[index(replica)].has_work()) schedule_step_start(replica); note_work(index(replica));", "note_work(index(replica));")),
    bug("time on the link counts as idle", ("sim/results/recorder.cpp", "spent(Quantity::link_time),", "0,")),
]

# Several deployments on one device, clients that are told late, boxes that die.
PLANS += [
    bug("a change of share loses the steps before the one in flight", (MACRO, "advance(completed); blocks_.take(batch_.new_blocks()); plan_.start = start;", "plan_.start = start;")),
    bug("a change of share forgets the blocks of the step in flight", (MACRO, "advance(completed); blocks_.take(batch_.new_blocks());", "advance(completed);")),
    bug("a change of share goes on at the price of the plan's first step", (MACRO, "plan_.start = start; plan_.price = serving_.cost.price(plan_.point, step_batch());", "plan_.start = start;")),
    bug("clients are told when the plan ends, not its first step", (MACRO, "return plan_.end_of(1).at;", "return plan_.end.at;")),
    bug("a crash loses the steps of the plan that were complete", (MACRO, "advance(completed); done_ += lost;", "done_ += lost;")),
    bug("a tick counts the plan's steps at the price of the first", (MACRO_METERING, "plan_.price.compute_energy * j + plan_.growth.compute_energy * grown", "plan_.price.compute_energy * j")),
    bug("a tick leaves out the step in flight", (MACRO_METERING, "busy += into;", "")),
    bug("the meter does not settle when the operating point changes", ("sim/serving/plan_meter.hpp", "if (!(context.point == point_)) settle(context.point);", "point_ = context.point;")),
    bug("steps that kept nobody waiting count as if they had", ("sim/serving/plan_meter.hpp", "(context.queued ? queued_ : ran_) += costs;", "(any_queued_ || context.queued ? queued_ : ran_) += costs;")),
    bug("a step follows the last whatever else happens at the instant", ("sim/event_queue.hpp", "return last_.empty() && step_ends_.first_at() > now && (other == nullptr || other->time > now);", "return last_.empty();")),
    bug("steps that start do not see that the clock has changed", (TICKS, "standing_[r].point = operating_point(r);", "if (replicas_[r].busy()) standing_[r].point = operating_point(r);")),
    bug("a remainder that just reaches a block does not", ("sim/serving/floor_sum.hpp", "for (int64_t r = 0; r <= remainder; ++r)", "for (int64_t r = 0; r < remainder; ++r)")),
    bug("an event of the same instant comes before the others", ("sim/event_queue.hpp", "last_.front().time < at) return", "last_.front().time <= at) return")),
]
SHARED_DEVICES = [
    bug("idle deployments keep their share", ("sim/cluster/sharing.cpp", "weights += busy_[r] ? weight_[r] : 0;", "weights += weight_[r];")),
    bug("a step in flight keeps its pace when the shares change", (STEPS, "replicas_[r].share_changed(now_, standing_[r].point);", "")),
    bug("what is left of a step is not stretched", ("sim/serving/in_flight_step.cpp", "step.rest = static_cast<int64_t>((stretched + step.price.duration - 1) / step.price.duration);", "step.rest = step.duration() - units;")),
    bug("a shared device is as active as each of its deployments", (SERVING, "out[Quantity::device_time] = duration * context.point.share;", "out[Quantity::device_time] = duration * kWholeDevice;")),
    bug("a share leaves the bandwidth whole", (PRICER, "box.memory.bandwidth *= share * static_cast<double>(point.bandwidth) / kWholeDevice;", "box.memory.bandwidth *= static_cast<double>(point.bandwidth) / kWholeDevice;")),
    bug("clients are told at once", (MACRO, "if (tell_later) return leaving_now_;", ""), (TOKEN, "if (tell_later) return leaving_;", "")),
    bug("clients are told late behind prompts too", (MACRO, "running_ > 0 && prompts_.empty() && !anybody_waits();", "running_ > 0;"), (TOKEN, "!running_.empty() && !someone_prefills() && !anybody_waits();", "!running_.empty();")),
    bug("who comes while a step runs is in the next one", (MACRO, "serving_.async_scheduling && (plan_.running", "false && (plan_.running"), (TOKEN, "serving_.async_scheduling && (step_.running", "false && (step_.running")),
    bug("who comes as a step ends is in the next one", (MACRO, "(plan_.running || plan_.end.at == now)", "plan_.running")),
    bug("a plan goes on past whoever is seen", (MACRO, "if (plan_.running && is_next(id)) cut_behind_next(now);", "")),
    bug("a plan that begins passes over who is seen in it", (MACRO, "|| hits_may_go_ || seen_next)", "|| hits_may_go_)")),
    bug("newcomers wait for nobody", (MACRO, "if (running_ == 0) see_newcomers(now);", "see_newcomers(now);"), (TOKEN, "if (running_.empty()) see_newcomers(now);", "see_newcomers(now);")),
    bug("who gave up is told nevertheless", ("sim/serving/news.cpp", "if (r.given_up()) return;", "")),
    bug("a box that died keeps its cache", (BLOCKS, "if (cache_) cache_ = std::make_unique<PrefixCache>(capacity_.block_size); if (offload_)", "if (offload_)")),
    bug("a lost step counts its tokens", ("sim/serving/in_flight_step.cpp", "lost[Quantity::output_tokens] = -output_passed;", "")),
    bug("a model that was loaded before the box died again serves", (SHUTDOWN, "if (event.detail != standing_[index(replica)].crashes) return;", "")),
]

# Models that others host.
HOSTED = [
    bug("a rate limit has no minute's worth to begin with", (HOSTED_SERVICE, "full_from_ + std::llround(taken) - kMinute);", "full_from_ + std::llround(taken));")),
    bug("a rate limit forgets what passed", (HOSTED_SERVICE, "full_from_ = std::max(full_from_, now) + std::llround(units * time_per_unit_);", "full_from_ = now;")),
    bug("who gives up on a provider pays for the whole answer", (HOSTED_SERVICE, "static_cast<double>(r.produced) * price.output;", "static_cast<double>(r.output) * price.output;")),
    bug("what a provider has cached costs as much as the rest", (HOSTED_SERVICE, "price.cached.value_or(price.prompt)", "price.prompt")),
    bug("who waits for a rate limit and gives up keeps the others waiting", (HOSTED_EVENTS, "remove(id); take_hosted(deployment);", "remove(id);")),
    bug("the end of a run pays no provider", (LOOP, "hosted_[index(input_.streams[index(stream)].deployment)]->leave(id - 1, now_, recorder_.tally(stream).itl);", "")),
    bug("a free tier is given once", (HOSTED_SERVICE, "if (now / limit.of.span != limit.span)", "if (limit.span < 0)")),
]

# Room for output (SGLang).
PLANS += [
    bug("whose prompt ends in a step is promised nothing", (MACRO_SCHEDULING, "if (ratio_.in_use() && r.computed + tokens == r.target)", "if (ratio_.in_use() && r.computed + tokens > r.target)")),
    bug("a plan goes on when others are to be tried", (MACRO, "if (preempted || try_again || decodes ||", "if (preempted || decodes ||")),
    bug("a plan is one step in the ratio", (MACRO, "ratio_.decay(steps);", "ratio_.decay(1);")),
    bug("who leaves does not open the door", (MACRO, "if (!finished_.empty()) ratio_.left(plan_.decodes);", "")),
    bug("a preemption leaves the ratio as it was", (MACRO_SCHEDULING, "if (preempted) expect_anew();", "")),
    bug("the last admitted gives way under SGLang", (MACRO_SCHEDULING, "return least_done();", "return batch_.last();")),
    bug("who is preempted under SGLang waits in front", (MACRO_SCHEDULING, "serving_.scheduling == Scheduling::fcfs && !ratio_.in_use()", "serving_.scheduling == Scheduling::fcfs")),
    bug("those beyond the clip are expected to ask for nothing", (BATCH, "expected_->beyond * serving_.new_token_ratio->clip + expected_->output", "expected_->output")),
    bug("members stay beyond the clip", (BATCH, "void DecodeBatch::settle_expected() {", "void DecodeBatch::settle_expected() { return;")),
]
SHARED += [
    bug("everybody is tried at every step", (RATIO, "bool full() const { return full_; }", "bool full() const { return false; }")),
    bug("the ratio stays as it is", (RATIO, "ratio_ = std::max(ratio_ - decay_ * std::min(steps, kOne), least_);", "ratio_ = std::max(ratio_, least_);")),
    bug("no plan decays the ratio by more than its whole way", (RATIO, "std::min(steps, kOne)", "std::min(steps, rules_.decay_steps)")),
    bug("the step of a preemption counts", (RATIO, "if (just_set_) --steps;", "")),
    bug("a pause leaves the ratio as it was", (RATIO, "if (!follows || (full_ && !anybody_decodes && !prompts_are_begun)) ratio_ = initial_;", "")),
]

# Fans, the room, supplies, governors that hold a grudge.
ROOM = "sim/heat/room_air.cpp"
SURROUNDINGS = [
    bug("heat that a box stores warms the room too", (DEVICE, "heat_given_off_ += wall * dt - (stored_ - stored_before);", "heat_given_off_ += wall * dt;")),
    bug("only the chip's heat reaches the room", (DEVICE, "heat_given_off_ += wall * dt - (stored_ - stored_before);", "heat_given_off_ += chip * dt - (stored_ - stored_before);")),
    bug("a room keeps the heat of its last tick", (ROOM, "price_integral_ = 0; heat_ = 0;", "price_integral_ = 0;")),
    bug("cooling is as strong as it has to be", (ROOM, "0.0, unit.cop * unit.max_power)", "0.0, 1e9)")),
    bug("cooling draws the heat that it takes away", (ROOM, "removed / room_.cooling->cop * dt", "removed * dt")),
    bug("a new price holds for a whole tick of cooling", (ROOM, "price_integral_ += usd_per_joule_.value_or(0) * seconds(now - price_at_);", "price_integral_ = usd_per_joule_.value_or(0) * seconds(now - tick_start_);")),
    bug("boxes do not breathe the room's air", (TICKS, "if (!is_rented(d)) devices_[d].set_ambient(now_, room_->temperature());", "")),
    bug("a ramp is a step", ("sim/heat/air.cpp", "if (now - start_ >= ramp_) return to_;", "return to_;")),
    bug("a fan blows at the last stage, whichever it names", ("hardware/thermal_network.cpp", "return stage.name == fan.stage;", "return stage.name == fan.stage && fan.stage.empty();")),
    bug("a fan costs nothing", (DEVICE, "out.fan = box_.fan->power.at(box_.fan->speed_of(fan_level_));", "")),
    bug("a fan that stopped goes on blowing", (DEVICE, "fan_level_ = fan_stopped_ ? 0 : box_.fan->level_of(asked);", "fan_level_ = box_.fan->level_of(asked);")),
    bug("a fan runs at the level before its curve's", (DEVICE, "fan_level_ = fan_stopped_ ? 0 : box_.fan->level_of(asked); network_.set_fan(fan_level_);", "network_.set_fan(fan_level_); fan_level_ = fan_stopped_ ? 0 : box_.fan->level_of(asked);")),
    bug("a supply is the chip's alone", (DEVICE, "box_.power.supply - power.rest - power.fan", "box_.power.supply")),
    bug("a stuck box recovers at the next good tick", (DEVICE, "stuck_ = !is_down() && (struck || (stuck_ && rested_ < box_.governor.sticky->rest));", "stuck_ = !is_down() && struck;")),
    bug("a reboot leaves a box stuck", (DEVICE, "up_at_ = std::max(up_at_, until_up); stuck_ = false;", "up_at_ = std::max(up_at_, until_up);"), (DEVICE, "stuck_ = !is_down() && (struck", "stuck_ = (struck")),
    bug("a second shutdown brings a box up earlier", (DEVICE, "up_at_ = std::max(up_at_, until_up);", "up_at_ = until_up;")),
    bug("leakage has no end", ("hardware/box.cpp", "std::min(temperature, kHottestDie)", "temperature")),
    bug("a server is ready on a box that is down", (DEVICE, "is_down() ? 0 : power.ready;", "power.ready;")),
    bug("limits act on means over pauses", (DEVICE, "AtWork{power_over(dt * busy, 1, compute, memory, pace), pace}", "AtWork{power_over(dt, busy, compute, memory, pace), pace}")),
    bug("a pause lets go of the limit", (DEVICE, "at_work_.value_or(AtWork{power, pace})", "busy > 0 ? *at_work_ : AtWork{power, pace}")),
    bug("each card has a machine of its own", ("hardware/box.cpp", "(cards + box.cards_per_host - 1) / box.cards_per_host", "cards")),
    bug("a box is worth at any age what it is at the horizon", ("hardware/box.cpp", "std::pow(resale_per_year, age / kYear)", "std::pow(resale_per_year, horizon / kYear)")),
    bug("a power cap is not noticed", (DEVICE, "std::min({power_limit_, power_cap_,", "std::min({power_limit_,")),
    bug("a supply's curve is not read", ("hardware/box.cpp", "psu_curve.given() ? psu_curve.at(dc) : psu_efficiency", "psu_efficiency")),
    bug("a mode of a box is not laid over its sheet", ("scenarios/sheets/read_sheets.cpp", "box.root = laid_over(box.root, Node(*chosen)); return box;", "return box;")),
    bug("a device that waits for a slower one draws as if it did not", (TICKS, "return pace >= 0 ? pace : devices_[device].point().level;", "return devices_[device].point().level;")),
    bug("what waits is not tried again when what it would hold goes", (ENTRANCE, "-1, hit.idle > 0 &&", "-1, false && hit.idle > 0 &&")),
    bug("what has had to go is still a copy", (BLOCKS, "cache_->trim(left());  // what has had to go is no copy to go by", "")),
    bug("who is preempted leaves nothing to be found", ("sim/serving/serving.hpp", "return policy == models::Policy::vllm && prefix_cache && !new_token_ratio;", "return false;")),
    bug("who is preempted waits as if it had not been", (TOKEN_SCHEDULING, "++pool_[id].preemptions;  // which says where it waits send_back(id, now);", "send_back(id, now); ++pool_[id].preemptions;"), (MACRO_SCHEDULING, "++pool_[id].preemptions;  // which says where it waits send_back(id, now);", "send_back(id, now); ++pool_[id].preemptions;")),
    bug("a long step keeps its clock", ("sim/serving/macro_replica.cpp", "if (is_long && plan_.point.level != point.level)", "if (false && is_long)"), ("sim/serving/token_replica.cpp", "if (is_long) change_pace(now, at_clock_of(point, step_.point));", "")),
    bug("short steps change their clock too, in one stepping", ("sim/serving/macro_replica.cpp", "if (is_long && plan_.point.level != point.level)", "if (plan_.point.level != point.level)")),
    bug("what is left of a step costs the energy of the clock that it began with", ("sim/serving/in_flight_step.cpp", "if (whole == instead) return left;", "return left;")),
    bug("a deployment's hardware is paid for while it answers alone", ("sim/results/summary.cpp", "o.power_peaks.of(d), in_use, api_usd(o, {d}), mine);", "o.power_peaks.of(d), part[\"duration_s\"].is_number() ? part[\"duration_s\"].get<double>() : 0, api_usd(o, {d}), mine);")),
    bug("a run ends with its last whole answer", (TALLY, "if (r.outcome != Outcome::unfinished && r.outcome != Outcome::rejected)", "if (r.outcome == Outcome::completed)")),
    bug("a link keeps its first speed", (TICKS, "slowest.link = layout_.replicas[replica].link_after[link_changes_];", "")),
    bug("replicas have the link of the first of them", ("sim/event_loop.cpp", "before->links == place.links &&", "")),
    bug("only the device that is too hot goes down", (TICKS, "shut_down(devices_of(layout_.devices[index(device)].system), governor.reboot,", "shut_down({index(device)}, governor.reboot,")),
    bug("waiting for a box that is down is idle time", ("sim/events/steps.cpp", "note_outage(replica);", "")),
    bug("tokens of a lost step are taken back from the series", ("sim/results/recorder.cpp", "return std::max(as_double(meter[q] - interval.meter[q]), 0.0) / seconds(span);", "return as_double(meter[q] - interval.meter[q]) / seconds(span);")),
    bug("each device has the whole supply", ("sim/heat/device.hpp", "box_.power.supply = watts / devices_in_box_;", "box_.power.supply = watts;")),
    bug("a rented box feels its owner's weather", ("sim/events/changes.cpp", "if (!is_rented(d)) devices_[d].set_ambient(now_, change.value, change.ramp);", "devices_[d].set_ambient(now_, change.value, change.ramp);")),
    bug("the largest power is the last", ("sim/heat/power_peaks.cpp", "peaks_[g] = {std::max(peaks_[g].chip, sum.chip), std::max(peaks_[g].wall, sum.wall)};", "peaks_[g] = sum;")),
    bug("what is sent again has no text of its own", (ARRIVALS, "replica.serving().offload || may_come_again", "replica.serving().offload")),
]
PLANS += [
    bug("what came of an answer is told without the steps of the plan", (MACRO_METERING, "plan_.running && plan_.decodes ? completed_by(now) : 0", "0")),
]

for one_sided in PLANS:
    one_sided.in_one_stepping = True
BUGS = PLANS + SHARED + OFFLOAD + CLUSTER + SHARED_DEVICES + HOSTED + SURROUNDINGS
