#pragma once
// The fast path: decode steps between two changes are one plan. Work per change is O(log batch), whatever the number of
// tokens (docs/theory/time.md). Must match TokenReplica byte for byte.
#include <deque>
#include <utility>
#include <vector>

#include "sim/serving/decode_batch.hpp"
#include "sim/serving/kv_loading.hpp"
#include "sim/serving/new_token_ratio.hpp"
#include "sim/serving/newcomers.hpp"
#include "sim/serving/news.hpp"
#include "sim/serving/plan.hpp"
#include "sim/serving/plan_meter.hpp"
#include "sim/serving/slots.hpp"
#include "sim/serving/waiting_line.hpp"

namespace tokwatt::sim {

class MacroReplica {
 public:
  MacroReplica(int number, const Serving& serving, RequestPool& pool, ReplicaObserver& observer);

  /// A request joins the queue; a plan it may change is cut at the next step boundary.
  void arrive(RequestId id, Picoseconds now);
  /// Its client gives up on a request. True if it has left, false if it does so when the step in flight ends.
  bool give_up(RequestId id, Picoseconds now);
  /// Starts a plan. Called when none runs and has_work(). False if all that waits needs blocks that are still on their
  /// way from outside.
  bool start(Picoseconds now, OperatingPoint point);
  /// Requests that the last start() made fail: no step had room for all who had a slot.
  bool any_failed() const { return !failed_.empty(); }
  std::vector<RequestId> take_failed() { return std::exchange(failed_, {}); }
  /// When the next blocks from outside are there, if any are on their way.
  std::optional<Picoseconds> loads_at() const { return loading_.next(); }
  /// Blocks from outside are there: the next step may go on with them.
  void loaded(Picoseconds now);
  const KvOffload* offload() const { return blocks_.offload(); }
  const Slots& slots() const { return slots_; }
  const Peaks& peaks() const { return peaks_; }
  /// The plan in flight, if any, ends here; another version means that it was cut since.
  Picoseconds ends_at() const { return plan_.end.at; }
  uint64_t version() const { return version_; }
  /// Ends the plan; returns the requests that leave.
  const std::vector<RequestId>& end(Picoseconds now);
  /// When clients learn what the step before this plan gave, if they have not: when its first step ends.
  std::optional<Picoseconds> tells_at() const;
  /// Tells them, or that nothing follows; returns the requests that leave.
  const std::vector<RequestId>& tell(Picoseconds now) { return news_.tell(now); }
  /// The clock changed: steps that start from now on must see it, and what is left of the one in flight if it is long.
  void clock_changed(Picoseconds now, OperatingPoint point, Picoseconds long_step);
  /// Its share of the device changed: what is left of the step in flight takes longer, or less long.
  void share_changed(Picoseconds now, OperatingPoint point);
  /// Its box dies: the step in flight is lost, but for its energy. Returns all requests that it had, as they came.
  std::vector<RequestId> crash(Picoseconds now);
  /// The simulation ends: steps that are complete are counted.
  void stop(Picoseconds now);

  const Serving& serving() const { return serving_; }
  bool busy() const { return plan_.running; }
  bool has_work() const { return running_ > 0 || !newcomers_.empty() || anybody_waits(); }
  /// Requests that it has, running or waiting.
  int64_t requests() const { return running_ + waiting(); }
  Load load(Picoseconds now) const;
  /// Tokens of a request's prompt that its prefix cache holds.
  int64_t cached_tokens(const Request& request, Picoseconds now) {
    const int64_t used = load(now).used_blocks;
    if (!serving_.has_slots()) return blocks_.cached_tokens(request, used);
    slots_.keep_within(serving_.kv.blocks - used);
    return slots_.choose(request.content.get(), request.prompt).cached;
  }
  /// Tokens of a request's answer that are there.
  int64_t produced(RequestId id, Picoseconds now) const;
  /// Totals up to an instant, the step in flight counted by rule 3.
  Meter meter(Picoseconds now) const;
  /// The part of it that heats its devices. Ticks and samples often ask at the same instant.
  const DeviceWork& work(Picoseconds now) const {
    if (now != worked_at_) work_ = measure_work(now);
    worked_at_ = now;
    return work_;
  }

 private:
  bool anybody_waits() const { return !waiting_.empty() || loading_.any_ready(); }
  int64_t waiting() const { return waiting_.size() + newcomers_.size() + loading_.size(); }
  bool is_next(RequestId id) const;
  void see_newcomers(Picoseconds until);
  struct Chunk {
    RequestId id;
    int64_t tokens;
  };
  bool give_decoding_a_slot(Picoseconds now);
  bool continue_prompts(Picoseconds now, PromptBudget& budget);
  bool admit(Picoseconds now, PromptBudget& budget);
  void begin(RequestId id, int64_t tokens, int64_t rank, Picoseconds now);
  void send_back(RequestId id, Picoseconds now);
  PromptBudget run_out_of_context();
  RequestId gives_way() const;
  RequestId last_admitted() const;
  RequestId least_done() const;
  void expect_anew();
  void preempt(RequestId id, Picoseconds now);
  void enqueue(RequestId id);
  void add_chunk(RequestId id, int64_t tokens);

  void price_plan(bool queued);
  StepBatch step_batch() const;
  void add_chunks(StepBatch& batch) const;
  int64_t steps_until_change();
  DeviceWork measure_work(Picoseconds now) const;
  int64_t completed_by(Picoseconds now) const;
  void forget_measured() { worked_at_ = completed_at_ = kNever; }
  /// In what steps of the plan run, from the first to before the end. Where there are prompts' tokens there is one.
  StepContext context_of(int64_t first, int64_t end) const {
    const auto& c = plan_.context;
    int64_t output = plan_.first_tokens;
    if (plan_.decodes) output += batch_.tokens_in(end) - (first > 0 ? batch_.tokens_in(first) : 0);
    return {c.running, output, plan_.chunk_tokens, c.queued, c.point};
  }
  void count(int64_t steps, PlanMeter& meter) const;
  Meter amounts_of_step(int64_t j) const;
  InFlightStep step_at(int64_t j) const;

  void cut(Picoseconds now);
  void cut_behind_next(Picoseconds now);
  void end_plan_after(int64_t steps);
  void change_pace(Picoseconds now, OperatingPoint point);
  void leave_step_in_flight(Picoseconds now);
  void advance(int64_t steps);
  StepRun run_of(int64_t steps) const;
  void report_gaps(int64_t steps);
  void report_first_gaps(bool without_leaving);
  void report_gaps(int stream, int64_t first, int64_t steps, int64_t sequences);
  void drop_leaving_members();
  void finish_prompts(Picoseconds now);
  void let_go(RequestId id, Picoseconds now);

  int number_;
  const Serving& serving_;
  RequestPool& pool_;
  ReplicaObserver& observer_;

  WaitingLine waiting_;
  Newcomers newcomers_;  // vLLM's
  KvLoading loading_;
  DecodeBatch batch_;
  KvBlocks blocks_;                 // during the plan's first step
  Slots slots_;                     // llama-server's
  NewTokenRatio ratio_;             // SGLang's
  std::vector<RequestId> prompts_;  // begun, by rank
  std::vector<Chunk> chunks_;       // of the plan
  int64_t running_ = 0;
  int64_t admissions_ = 0;
  uint64_t version_ = 0;
  Plan plan_;
  bool hits_may_go_ = false;       // of who waits for blocks; then the next step tries again
  bool paused_ = false;            // since whoever decodes got a token prompts have been computed apart
  Picoseconds decoded_until_ = 0;  // the last step that gave tokens to those who decode ended
  PlanMeter done_;
  mutable int64_t completed_ = 0;  // steps of the plan
  mutable DeviceWork work_;
  mutable Picoseconds completed_at_ = kNever, worked_at_ = kNever;  // never: not since the plan began or changed
  std::vector<RequestId> leaving_;                                  // given up during the step in flight
  News news_;
  std::vector<RequestId> finished_, answered_, leaving_now_, failed_;
  Peaks peaks_;
};

}  // namespace tokwatt::sim
