#pragma once
// What fits beside the weights: KV blocks, and the longest request they can hold.
#include <stdexcept>

#include "sim/input.hpp"

namespace tokwatt::sim {

/// The deployment does not fit the box (exit 4). what() carries the arithmetic.
class DoesNotFit : public std::runtime_error {
 public:
  using std::runtime_error::runtime_error;
};

struct KvCapacity {
  int64_t block_size = 1;     ///< tokens
  int64_t blocks = 0;         ///< in all, per replica
  int64_t window_blocks = 0;  ///< taken by each sequence for its windowed layers, whatever its length
  int64_t max_model_len = 0;  ///< tokens of prompt and output together

  int64_t blocks_of(int64_t tokens) const { return (tokens + block_size - 1) / block_size + window_blocks; }
};

/// Bytes of device memory that the weights and the step's workspace take, and what is left for the KV cache.
struct MemoryPlan {
  double usable = 0, weights = 0, workspace = 0;  ///< [B]
  double left() const { return usable - weights - workspace; }
};
MemoryPlan memory_plan(const Deployment& deployment, const hardware::Memory& memory);

/// What a sequence keeps in the cache, for what drafts too.
models::KvBytes kv_bytes(const Deployment& deployment);

/// Throws DoesNotFit.
KvCapacity kv_capacity(const Deployment& deployment, const hardware::Box& box);

}  // namespace tokwatt::sim
