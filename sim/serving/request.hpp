#pragma once
// A request on its way through the simulation.
#include <cstdint>
#include <memory>

#include "sim/pool.hpp"
#include "sim/time.hpp"
#include "sim/workload/source.hpp"

namespace tokwatt::sim {

enum class Outcome : int8_t { unfinished, completed, rejected, timed_out, cancelled, failed };

struct Request {
  int64_t record = 0;  ///< number in order of sending, over all streams
  int stream = 0;
  int replica = -1;      ///< that it was sent to; -1: none
  int64_t priority = 0;  ///< its own, or the stream's
  uint64_t number = 0;   ///< the stream's own
  int64_t prompt = 0, output = 0;
  int64_t thinking = 0;                    ///< of the output, tokens in front of the answer
  std::shared_ptr<const Content> content;  ///< what it may share; nothing: shares with nobody

  Picoseconds sent = 0;
  Picoseconds admitted = kNever, first_token = kNever, first_answer = kNever, last_token = kNever, finished = kNever;
  int64_t produced = 0;  ///< output tokens that are out
  int64_t preemptions = 0;
  int64_t cached = 0;  ///< prompt tokens that were in the prefix cache when it was admitted
  Outcome outcome = Outcome::unfinished;
  Outcome gives_up_as = Outcome::timed_out;  ///< should its client lose patience
  int64_t attempt = 0;                       ///< times that the client had sent it before

  /// The client does not wait any more; the request may still be in a step.
  bool given_up() const { return outcome == Outcome::timed_out || outcome == Outcome::cancelled; }
  bool at_first_answer() const { return produced == thinking + 1; }

  // While it runs.
  int64_t admission = -1;     ///< order of admission; a new number after each preemption
  int64_t rank = 0;           ///< order among prompts being prefilled: admission (vLLM), slot (llama-server)
  int64_t target = 0;         ///< tokens to prefill: the prompt, and after a preemption what was produced too
  int64_t computed = 0;       ///< tokens in the KV cache
  int64_t window_blocks = 0;  ///< KV blocks that it has beside those of its tokens
  int64_t reserved = 0;       ///< tokens that its last step of decoding had slots for
  int64_t fraction = 0;  ///< of a token that is not out yet, under speculation [units]; the reference keeps it here
};

using RequestId = PoolId;
using RequestPool = Pool<Request>;

}  // namespace tokwatt::sim
