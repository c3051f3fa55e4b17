#pragma once
// One deployment's constants, and what its replica tells the rest of the simulation; shared by both steppings.
#include <vector>

#include "sim/progression.hpp"
#include "sim/serving/kv_blocks.hpp"
#include "sim/serving/operating_point.hpp"
#include "sim/serving/prompt_cache.hpp"
#include "sim/serving/request.hpp"
#include "sim/serving/step_pricer.hpp"

namespace tokwatt::sim {

/// What prompts may take of a step.
struct PromptBudget {
  int64_t left = 0;     ///< tokens, of all together
  int64_t each = 0;     ///< tokens, of one
  int64_t prompts = 0;  ///< how many more

  int64_t of(int64_t wanted) const { return std::min({wanted, left, each}); }
  void take(int64_t tokens) {
    left -= tokens;
    --prompts;
  }
  bool spent() const { return left == 0 || prompts == 0; }
};

struct Serving {
  /// `links` are those that may join its devices (StepPricer).
  Serving(const Deployment& deployment, const hardware::Box& box, std::vector<hardware::Link> links)
      : cost(deployment, box, std::move(links)),
        kv(kv_capacity(deployment, box)),
        prefix_cache(deployment.prefix_cache),
        outside_slots(deployment.cache_ram, kv_bytes(deployment)),
        offload(deployment.kv_offload
                    ? std::optional(OffloadPlan(*deployment.kv_offload, kv.block_bytes, deployment.tensor_parallel))
                    : std::nullopt),
        policy(deployment.engine.policy),
        shares_context(deployment.engine.kv_unified),
        scheduling(deployment.scheduling),
        max_num_seqs(deployment.engine.limits.max_num_seqs),
        token_budget(deployment.engine.limits.max_num_batched_tokens),
        prompt_concurrency(deployment.engine.limits.prompt_concurrency),
        async_scheduling(deployment.engine.async_scheduling),
        tells_late(deployment.engine.tells_late),
        prefill_apart(deployment.engine.prefill_apart),
        reserve_full_isl(deployment.engine.reserve_full_isl),
        new_token_ratio(deployment.engine.new_token_ratio),
        reserves_prompts(prefill_apart || offload) {}

  /// Of a request with so many tokens in the end.
  int64_t window_blocks_of(int64_t tokens) const { return kv.window_blocks_of(tokens + cost.pace().drafted); }

  /// A sequence has a slot of its own (llama-server).
  bool has_slots() const { return policy == models::Policy::llama_server; }

  /// Who is preempted leaves all of its blocks in the cache, those of its own text too, and may find them again: vLLM
  /// names every full block, SGLang gives back what was generated.
  bool names_own_text() const { return policy == models::Policy::vllm && prefix_cache && !new_token_ratio; }

  /// Of a step in which so many rows decode too.
  PromptBudget prompt_budget(int64_t decoding_rows) const {
    if (prompt_concurrency > 0) return {prompt_concurrency * token_budget, token_budget, prompt_concurrency};
    return {token_budget - decoding_rows, kNever, kNever};
  }

  /// Whoever has produced least gives way; under speculation, and where streams have priorities, it is as elsewhere.
  bool retracts_least_done() const {
    return new_token_ratio && scheduling != Scheduling::priority && cost.pace().drafted == 0;
  }

  StepPricer cost;
  KvCapacity kv;
  bool prefix_cache;
  PromptCache outside_slots;  ///< empty: what a replica begins with
  std::optional<OffloadPlan> offload;
  models::Policy policy;
  bool shares_context;  ///< slots have one context together, in place of a part each
  Scheduling scheduling;
  int64_t max_num_seqs;
  int64_t token_budget;
  int64_t prompt_concurrency;  ///< 0: prompts share the budget
  bool async_scheduling;
  bool tells_late;
  bool prefill_apart;
  bool reserve_full_isl;  ///< a request is admitted when there is room for its whole prompt, and takes that of a chunk
  std::optional<models::NewTokenRatio> new_token_ratio;
  bool reserves_prompts;  ///< it takes that of its whole prompt
};

/// Whether a waiting request is admitted before another. Under fcfs neither is, by this.
bool goes_before(Scheduling scheduling, const Request& a, const Request& b);

/// State of a replica at an instant.
struct Load {
  int64_t running = 0, waiting = 0, used_blocks = 0;
  Load& operator+=(const Load& other) {
    running += other.running;
    waiting += other.waiting;
    used_blocks += other.used_blocks;
    return *this;
  }
};

/// The most that a replica has had at once.
struct Peaks {
  int64_t running = 0, used_blocks = 0;
  /// A step runs with so many sequences and blocks, or could not start; of a run of steps, the last counts too.
  void note(int64_t running_now, int64_t used_now) {
    running = std::max(running, running_now);
    used_blocks = std::max(used_blocks, used_now);
  }
};

/// A run of equal steps that has ended: the same sequences, clock, share and forms; or one step with a prompt chunk or
/// whose pace changed.
struct StepRun {
  ExactInstant start;
  int64_t steps = 0;
  Progression duration;                                ///< [units of a picosecond]
  int64_t decoding = 0;                                ///< sequences that got tokens in each step
  int64_t chunk_tokens = 0;                            ///< prompt tokens; then steps is 1
  int64_t composition = 0;                             ///< changes whenever the decoding sequences do
  std::array<int64_t, kMaxAttentionGroups> growing{};  ///< rows of decoding sequences whose window was not full yet
  int64_t chunks_passed = 0;  ///< attention chunks that these rows have left behind, all groups together
  Forms forms{};
  OperatingPoint point;
  bool pace_changed = false;  ///< while its one step ran
};

/// Where replicas report what happened. Times between tokens are counted per stream, in 2^-fraction_bits ps.
class ReplicaObserver {
 public:
  virtual ~ReplicaObserver() = default;
  virtual bool keeps_runs() const = 0;  ///< otherwise nobody need tell ran()
  virtual void ran(int replica, const StepRun& run) = 0;
  virtual void token_gaps(int stream, const Progression& gaps, int64_t steps, int64_t sequences, int fraction_bits) = 0;
  virtual void first_token(int replica, Picoseconds ttft) = 0;
  virtual void preempted(int replica, Picoseconds now, const Request& request) = 0;
};

/// What steps in which the same happens add to the meter.
struct StepContext {
  int64_t running = 0, output_tokens = 0, prompt_tokens = 0;
  bool queued = false;
  OperatingPoint point;
};
Meter amounts(const Costs& costs, const StepContext& context, const StepPricer& pricer);
/// Sums in units as they are read: tokens as they are, times and energies in whole ps and pJ, rounded down.
Meter in_whole(Meter meter, int fraction_bits);

/// Attention of a prompt chunk of `tokens` whose first token has `before` tokens in front of it.
AttentionSums chunk_attention(int64_t before, int64_t tokens, const Reach& reach);

}  // namespace tokwatt::sim
