#pragma once
// Joins a model, an engine and a box: what a step costs, in integers (docs/theory/cost.md). Both steppings call this.
#include <algorithm>
#include <array>
#include <cstdint>
#include <vector>

#include "hardware/clock_governor.hpp"
#include "sim/cluster/collectives.hpp"
#include "sim/input.hpp"
#include "sim/progression.hpp"
#include "sim/serving/meter.hpp"
#include "sim/serving/step_work.hpp"

namespace tokwatt::sim {

/// Attention layers with the same reach form one group; its time is the larger of two affine forms.
inline constexpr std::size_t kMaxAttentionGroups = 4;

enum class Form : uint8_t { memory, compute };  // ties: the first
using Forms = std::array<Form, kMaxAttentionGroups>;

/// Sums over the sequences of a step for one attention group. A decoding sequence adds what it sees to both.
struct AttentionSums {
  int64_t kept_tokens = 0;  ///< KV entries read
  int64_t pairs = 0;        ///< (query, key) pairs
};

using AttentionByGroup = std::array<AttentionSums, kMaxAttentionGroups>;

struct StepShape {
  int64_t tokens = 0;     ///< rows of the matmuls: decoding sequences + prompt chunks
  int64_t sequences = 0;  ///< rows of the output head
  AttentionByGroup attention{};
};

struct StepCost {
  Picoseconds duration = 0;
  Forms forms{};
  Picoseconds bandwidth = 0, compute = 0, dispatch = 0, link = 0;  ///< sum to duration
  Picojoules compute_energy = 0, memory_energy = 0;
};

/// What something costs, by what bounds it: times in units of a picosecond, energies of a picojoule.
template <class T>
struct CostSums {
  T bandwidth = 0, compute = 0, dispatch = 0, link = 0, compute_energy = 0, memory_energy = 0;

  T duration() const { return bandwidth + compute + dispatch + link; }
  CostSums& operator+=(const CostSums& more) {
    bandwidth += more.bandwidth;
    compute += more.compute;
    dispatch += more.dispatch;
    link += more.link;
    compute_energy += more.compute_energy;
    memory_energy += more.memory_energy;
    return *this;
  }
};

class CostModel {
 public:
  /// Of one device of a replica; `link` joins it to the others, where it takes several. Throws std::invalid_argument
  /// when the model has more than kMaxAttentionGroups kinds of attention.
  CostModel(const Deployment& deployment, const hardware::Box& box, const hardware::Link& link = {})
      : CostModel(step_work(deployment), deployment, box, link) {}
  /// The same where the work is known already.
  CostModel(StepWork work, const Deployment& deployment, const hardware::Box& box, const hardware::Link& link = {});

  /// Prices with another tuning from here on.
  void retune(const models::Tuning& tuning);

  StepCost cost(int level, const StepShape& shape) const;

  /// What a pass goes through without its attention.
  struct PassRows {
    int64_t tokens = 0;     ///< rows of the matmuls
    int64_t sequences = 0;  ///< with a recurrent state and bookkeeping each
    int64_t outputs = 0;    ///< rows of the output head; none: it is left out
    int64_t states = 0;     ///< recurrent states that are written: of each sequence, or of several of its tokens
  };
  StepCost pass_cost(int level, const PassRows& rows) const;

  std::size_t groups() const { return work_.attention.size(); }
  const Reach& reach(std::size_t group) const { return work_.attention[group].reach; }

  /// Coefficients of one attention group at a level, for a step of `tokens`.
  struct GroupForms {
    Progression memory;  ///< duration = base + slope * kept_tokens
    int64_t compute_per_pair = 0;
    int64_t compute_energy_per_pair = 0;
    int64_t memory_energy_base = 0, memory_energy_per_token = 0;
  };
  GroupForms group_forms(int level, std::size_t group, int64_t tokens) const {
    const AttentionCost& a = attention_cost(level, group);
    return {{a.time_per_row * tokens, a.time_per_kept_token},
            a.time_per_pair,
            a.energy_per_pair,
            a.energy_per_row * tokens,
            a.energy_per_kept_token};
  }

  /// Adds what it costs to attend to so much; returns the active form.
  template <class Sum>
  static Form add_attention(Sum& sum, const GroupForms& forms, const AttentionSums& to) {
    const int64_t memory = forms.memory.base + forms.memory.slope * to.kept_tokens;
    const int64_t compute = forms.compute_per_pair * to.pairs;
    (compute > memory ? sum.compute : sum.bandwidth) += std::max(compute, memory);
    sum.compute_energy += forms.compute_energy_per_pair * to.pairs;
    sum.memory_energy += forms.memory_energy_base + forms.memory_energy_per_token * to.kept_tokens;
    return compute > memory ? Form::compute : Form::memory;
  }

  using RowCost = CostSums<int64_t>;  ///< of all operators with the same rows
  /// Of a step without its attention. Holds until the next is asked for.
  const RowCost& rows_of_step(int level, int64_t tokens, int64_t sequences) const {
    const auto& known = decode_memo_[static_cast<std::size_t>(level)].entries;
    const auto i = static_cast<std::size_t>(tokens);
    return tokens == sequences && i < known.size() && known[i].known ? known[i].cost
                                                                     : price_rows(level, tokens, sequences);
  }

  /// Share of compute time at a level that the top clock would not have taken, in 2^-10.
  int64_t slowdown(int level) const { return slowdown_[static_cast<std::size_t>(level)]; }

 private:
  static StepCost without_attention(const RowCost& rows);
  const RowCost& price_rows(int level, int64_t tokens, int64_t sequences) const;

  struct Seconds {
    double memory = 0, compute = 0;
  };

  Seconds matmul_time(int level, double rows, const Matmul& op, double weight_bytes, double rows_per_matrix) const;
  double energy_rows(double rows, bool experts) const;
  RowCost rows_cost(int level, int64_t rows, const std::vector<Matmul>& operators) const;
  void add_state(int level, int64_t rows, RowCost& sum) const;
  RowCost token_cost(int level, int64_t tokens) const;
  RowCost head_cost(int level, int64_t sequences) const;
  RowCost output_cost(int level, int64_t outputs) const;
  RowCost sequences_cost(int64_t sequences, int64_t states) const;
  struct Memo {
    struct Entry {
      RowCost cost;
      bool known = false;
    };
    std::vector<Entry> entries;  // by rows
    RowCost last;                // of more rows than are kept
  };
  template <class Cost>
  static const RowCost& memoised(Memo& memo, int64_t rows, Cost cost);
  const RowCost& memoised_token_cost(int level, int64_t tokens) const;
  const RowCost& memoised_head_cost(int level, int64_t sequences) const;
  struct AttentionCost {  // of a group [ps], [pJ]
    int64_t time_per_row = kUnknown, time_per_kept_token = 0, time_per_pair = 0;
    int64_t energy_per_row = 0, energy_per_kept_token = 0, energy_per_pair = 0;
  };
  static constexpr int64_t kUnknown = -1;
  const AttentionCost& attention_cost(int level, std::size_t group) const {
    const auto i = static_cast<std::size_t>(level) * groups() + group;
    if (attention_memo_[i].time_per_row == kUnknown) price_attention(level);
    return attention_memo_[i];
  }
  void price_attention(int level) const;
  double clock_share(int level) const;  // of the clock at which the peaks hold
  double flop_energy(int level) const;  // [J/FLOP]

  models::Tuning tuning_;
  int64_t micro_batch_;
  double bandwidth_, byte_energy_;
  double matrix_peak_, vector_peak_, attention_peak_;  // at clock.of_peak [FLOP/s]
  double top_flop_energy_;
  hardware::Curve energy_rows_;
  hardware::Clock clock_;
  StepWork work_;
  DeviceGroup group_;
  std::vector<int64_t> slowdown_;
  mutable std::vector<Memo> token_memo_, head_memo_, output_memo_;  // by level, then rows
  mutable std::vector<Memo> decode_memo_;                           // the same: a token for each sequence
  mutable RowCost mixed_;                                           // of the last step that is none of those
  mutable std::vector<AttentionCost> attention_memo_;               // by level, then group
};

}  // namespace tokwatt::sim
