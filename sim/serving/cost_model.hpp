#pragma once
// Joins a model, an engine and a box: what a step costs, in integers (docs/theory/cost.md). Both steppings call this.
#include <array>
#include <cstdint>
#include <vector>

#include "hardware/clock_governor.hpp"
#include "sim/input.hpp"
#include "sim/serving/meter.hpp"

namespace tokwatt::sim {

/// Attention layers that keep the same window form one group; its time is the larger of two affine forms.
inline constexpr std::size_t kMaxAttentionGroups = 4;

enum class Form : uint8_t { memory, compute };  // ties: the first
using Forms = std::array<Form, kMaxAttentionGroups>;

/// Sums over the sequences of a step for one attention group. A decoding sequence adds its context (windowed) to both.
struct AttentionSums {
  int64_t kept_tokens = 0;  ///< KV entries read
  int64_t pairs = 0;        ///< (query, key) pairs
};

struct StepShape {
  int64_t tokens = 0;     ///< rows of the matmuls: decoding sequences + prompt chunks
  int64_t sequences = 0;  ///< rows of the output head
  std::array<AttentionSums, kMaxAttentionGroups> attention{};
};

struct StepCost {
  Picoseconds duration = 0;
  Forms forms{};
  Picoseconds bandwidth = 0, compute = 0, dispatch = 0;  ///< sum to duration
  Picojoules compute_energy = 0, memory_energy = 0;
};

class CostModel {
 public:
  /// Throws std::invalid_argument when the model has more than kMaxAttentionGroups kinds of attention.
  CostModel(const Deployment& deployment, const hardware::Box& box);

  StepCost cost(int level, const StepShape& shape) const;

  std::size_t groups() const { return groups_.size(); }
  int64_t window(std::size_t group) const { return groups_[group].window; }  ///< 0: the whole context

  /// Coefficients of one attention group at a level, for a step of `tokens`.
  struct GroupForms {
    Progression memory;  ///< duration = base + slope * kept_tokens
    int64_t compute_per_pair = 0;
    int64_t compute_energy_per_pair = 0;
    int64_t memory_energy_base = 0, memory_energy_per_token = 0;
  };
  GroupForms group_forms(int level, std::size_t group, int64_t tokens) const;

  /// Share of compute time at a level that the top clock would not have taken, in 2^-10.
  int64_t slowdown(int level) const { return slowdown_[static_cast<std::size_t>(level)]; }

 private:
  struct Matmul {  // equal operators of all layers, merged
    double count = 0, flops_per_row = 0, weight_bytes = 0, activation_bytes_per_row = 0;
    int64_t experts = 0, per_token = 0;
    bool operator==(const Matmul&) const = default;
  };
  struct AttentionGroup {
    int64_t window = 0;
    double flops_per_pair = 0, bytes_per_kept_token = 0, activation_bytes_per_row = 0;  // summed over layers
  };
  struct RowCost {  // of all operators with the same rows
    int64_t bandwidth = 0, compute = 0, dispatch = 0, compute_energy = 0, memory_energy = 0;
  };

  void add_operators(const Deployment& deployment);
  RowCost rows_cost(int level, int64_t rows, const std::vector<Matmul>& operators) const;
  RowCost token_cost(int level, int64_t tokens) const;
  const RowCost& memoised_token_cost(int level, int64_t tokens) const;
  const RowCost& memoised_head_cost(int level, int64_t sequences) const;
  double flop_rate(int level) const;    // peak at this clock [FLOP/s]
  double flop_energy(int level) const;  // [J/FLOP]

  models::Tuning tuning_;
  int64_t micro_batch_;
  double bandwidth_, peak_, byte_energy_, top_flop_energy_;
  hardware::Clock clock_;
  double kernels_ = 0;
  std::vector<Matmul> per_token_, per_sequence_;
  std::vector<AttentionGroup> groups_;
  std::vector<int64_t> slowdown_;
  struct Memo {
    std::vector<RowCost> cost;
    std::vector<uint8_t> known;
  };
  mutable std::vector<Memo> token_memo_, head_memo_;  // by level, then rows
};

}  // namespace tokwatt::sim
