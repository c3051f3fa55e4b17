#pragma once
// What fits beside the weights: KV blocks, and the longest request they can hold.
#include <stdexcept>

#include "sim/floor_div.hpp"
#include "sim/input.hpp"

namespace tokwatt::sim {

/// The deployment does not fit the box (exit 4). what() carries the arithmetic.
class DoesNotFit : public std::runtime_error {
 public:
  using std::runtime_error::runtime_error;
};

struct KvCapacity {
  int64_t block_size = 1;        ///< tokens
  int64_t blocks = 0;            ///< in all, per replica
  int64_t window_blocks = 0;     ///< of a sequence that fills the windows of its windowed layers, and for its states
  int64_t max_model_len = 0;     ///< tokens of prompt and output together
  double block_bytes = 0;        ///< of layers that see everything
  models::KvBytes windows = {};  ///< of a sequence, what takes blocks beside those of its tokens

  int64_t blocks_of(int64_t tokens) const { return floor_div(tokens + block_size - 1, block_size); }
  int64_t whole_blocks_of(int64_t tokens) const { return floor_div(tokens, block_size); }  ///< that they fill
  /// Taken by a sequence of so many tokens in the end for its windowed layers and states. It has them from the start.
  int64_t window_blocks_of(int64_t tokens) const;
};

/// Bytes of device memory that the weights and the step's workspace take, and what is left for the KV cache.
struct MemoryPlan {
  double usable = 0, weights = 0, workspace = 0;  ///< [B]
  double left() const { return usable - weights - workspace; }
};
MemoryPlan memory_plan(const Deployment& deployment, const hardware::Memory& memory);

/// What a sequence keeps in the cache, for what drafts too.
models::KvBytes kv_bytes(const Deployment& deployment);

/// Into how many equal parts a server with slots splits its context: one for each slot, or one that all share.
int64_t contexts(const Deployment& deployment);

/// Throws DoesNotFit.
KvCapacity kv_capacity(const Deployment& deployment, const hardware::Box& box);

}  // namespace tokwatt::sim
