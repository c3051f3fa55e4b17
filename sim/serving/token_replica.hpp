#pragma once
// The reference: one event per step, plain sums over the sequences, no closed forms. It is written to be read beside
// docs/theory/time.md and is the specification that MacroReplica must match byte for byte.
#include <algorithm>
#include <deque>
#include <optional>
#include <utility>
#include <vector>

#include "sim/serving/in_flight_step.hpp"
#include "sim/serving/kv_loading.hpp"
#include "sim/serving/new_token_ratio.hpp"
#include "sim/serving/newcomers.hpp"
#include "sim/serving/news.hpp"
#include "sim/serving/slots.hpp"

namespace tokwatt::sim {

class TokenReplica {
 public:
  TokenReplica(int number, const Serving& serving, RequestPool& pool, ReplicaObserver& observer);

  /// A request joins the queue.
  void arrive(RequestId id, Picoseconds now);
  /// Its client gives up on a request. True if it has left, false if it does so when the step in flight ends.
  bool give_up(RequestId id, Picoseconds now);
  /// Starts a step. Called when no step runs and has_work(). False if all that waits needs blocks that are still on
  /// their way from outside.
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
  /// The step in flight, if any, ends here.
  Picoseconds ends_at() const { return step_.end.at; }
  uint64_t version() const { return version_; }
  /// Ends the step; returns the requests that leave.
  const std::vector<RequestId>& end(Picoseconds now);
  /// When clients learn what the step before this one gave, if they have not: when this one ends.
  std::optional<Picoseconds> tells_at() const;
  /// Tells them, or that nothing follows; returns the requests that leave.
  const std::vector<RequestId>& tell(Picoseconds now) { return news_.tell(now); }
  /// The clock changed: what is left of the step in flight sees it if it is long; the next one asks for it.
  void clock_changed(Picoseconds now, OperatingPoint point, Picoseconds long_step);
  /// Its share of the device changed: what is left of the step in flight takes longer, or less long.
  void share_changed(Picoseconds now, OperatingPoint point);
  /// Its box dies: the step in flight is lost, but for its energy. Returns all requests that it had, as they came.
  std::vector<RequestId> crash(Picoseconds now);
  /// The simulation ends: nothing to do, steps that are over are counted already.
  void stop(Picoseconds) {}

  const Serving& serving() const { return serving_; }
  bool busy() const { return step_.running; }
  bool has_work() const { return !running_.empty() || !newcomers_.empty() || anybody_waits(); }
  /// Requests that it has, running or waiting.
  int64_t requests() const { return std::ssize(running_) + waiting(); }
  /// Tokens of a request's prompt that its prefix cache holds.
  int64_t cached_tokens(const Request& request, Picoseconds) {
    if (serving_.has_slots()) return slots_.choose(request.content.get(), request.prompt).cached;
    return blocks_.cached_tokens(request, blocks_.used());
  }
  Load load(Picoseconds) const { return {std::ssize(running_), waiting(), blocks_.used()}; }
  /// Tokens of a request's answer that are there.
  int64_t produced(RequestId id, Picoseconds) const { return pool_[id].produced; }
  /// Totals up to an instant, the step in flight counted by rule 3.
  Meter meter(Picoseconds now) const;
  /// The part of it that heats its devices.
  DeviceWork work(Picoseconds now) const { return DeviceWork(meter(now)); }

 private:
  struct Chunk {
    RequestId id;
    int64_t tokens;
  };
  struct Step {
    bool running = false;
    ExactInstant start, end{kNever, 0};
    std::vector<RequestId> decoding;
    std::vector<Chunk> chunks;
    int64_t chunk_tokens = 0;
    OperatingPoint point;
    StepBatch batch;
    StepContext context;
    InFlightStep in_flight;
    bool pace_changed = false;
  };

  struct Gap {  // between two tokens
    int64_t units;
    int fraction_bits;
  };

  /// Tokens in front of what a decoding sequence computes next [units].
  int64_t context_of(RequestId id) const { return pace_.units(pool_[id].computed) + pool_[id].fraction; }
  bool runs(RequestId id) const { return std::find(running_.begin(), running_.end(), id) != running_.end(); }
  bool prefilling(RequestId id) const { return pool_[id].computed < pool_[id].target; }
  bool someone_prefills() const;
  bool anybody_waits() const { return !waiting_.empty() || loading_.any_ready(); }
  int64_t waiting() const { return std::ssize(waiting_) + newcomers_.size() + loading_.size(); }
  void see_newcomers(Picoseconds until);
  bool give_decoding_a_slot(Picoseconds now);
  bool someone_decodes() const;
  bool continue_prompts(Picoseconds now, PromptBudget& budget);
  bool admit(Picoseconds now, PromptBudget& budget);
  void begin(RequestId id, int64_t tokens, Picoseconds now);
  void send_back(RequestId id, Picoseconds now);
  PromptBudget run_out_of_context();
  std::optional<int64_t> others_expect() const;
  void add_chunk(RequestId id, int64_t tokens);
  RequestId gives_way() const;
  void expect_anew();
  void preempt(RequestId id, Picoseconds now);
  void enqueue(RequestId id);
  void price_step(bool queued);
  void change_pace(Picoseconds now, OperatingPoint point);
  int64_t units_into_step(Picoseconds now) const;
  void report_step() const;
  void let_go(RequestId id, Picoseconds now);
  int64_t tokens_of_step(const Request& r) const;
  void emit_tokens(RequestId id, int64_t tokens, Picoseconds now);
  void emit_token(RequestId id, Gap gap, Picoseconds now);

  int number_;
  const Serving& serving_;
  const Pace& pace_;
  RequestPool& pool_;
  ReplicaObserver& observer_;

  KvBlocks blocks_;
  Slots slots_;          // llama-server's
  NewTokenRatio ratio_;  // SGLang's
  std::deque<RequestId> waiting_;
  Newcomers newcomers_;  // vLLM's
  KvLoading loading_;
  std::vector<RequestId> running_;  // in order of admission
  int64_t admissions_ = 0;
  int64_t composition_ = 0;
  uint64_t version_ = 0;
  Step step_;
  Meter done_;
  News news_;
  std::vector<RequestId> leaving_, failed_;
  Peaks peaks_;
};

}  // namespace tokwatt::sim
