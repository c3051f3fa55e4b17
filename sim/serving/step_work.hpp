#pragma once
// What a step of a deployment asks for, whatever the device: a model's operators, merged by kind (docs/theory/cost.md).
#include <algorithm>
#include <cstdint>
#include <vector>

#include "sim/input.hpp"

namespace tokwatt::sim {

/// Which of the tokens in front of it a token attends to; itself included.
struct Reach {
  int64_t window = 0;  ///< the last so many; 0: all
  int64_t chunk = 0;   ///< those in its own chunk of so many; 0: all

  /// Tokens that the token with so many in its context (itself included) sees; both in units of a token, of which one
  /// token has `one`.
  int64_t seen(int64_t context, int64_t one = 1) const {
    if (chunk > 0) return (context - one) % (chunk * one) + one;
    return window > 0 ? std::min(context, window * one) : context;
  }
  bool operator==(const Reach&) const = default;
};

/// Equal matrix products of all layers.
struct Matmul {
  double count = 0, flops_per_row = 0, weight_bytes = 0, activation_bytes_per_row = 0;
  int64_t experts = 0, per_token = 0;
  bool operator==(const Matmul&) const = default;
};

/// Attention of all layers with the same reach.
struct AttentionGroup {
  Reach reach;
  double flops_per_pair = 0, bytes_per_kept_token = 0, activation_bytes_per_row = 0;
};

/// Recurrent states of all layers that have one.
struct StateWork {
  double bytes_per_sequence = 0;  ///< read and written once a step
  double flops_per_row = 0, activation_bytes_per_row = 0;
};

/// What the devices of a tensor-parallel group send each other.
struct Collectives {
  double all_reduces = 0;           ///< in a pass: behind each mixer and each feed-forward block, and the embedding
  double bytes_per_row = 0;         ///< of each all-reduce
  double gather_bytes_per_row = 0;  ///< logits, once a step and sequence
};

/// Of one device; with tensor parallelism its share.
struct StepWork {
  std::vector<Matmul> per_token, per_sequence;
  std::vector<AttentionGroup> attention;
  StateWork state;
  double kernels = 0;  ///< launched in a pass
  Collectives collectives;
};

StepWork step_work(const Deployment& deployment);

}  // namespace tokwatt::sim
