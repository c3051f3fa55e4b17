#pragma once
// What a whole step of a deployment costs: the model's pass and, under speculation, the passes of what drafts for it
// (docs/theory/speculation.md). Both steppings call this.
#include <deque>
#include <optional>

#include "sim/serving/cost_model.hpp"
#include "sim/serving/operating_point.hpp"
#include "sim/serving/pace.hpp"

namespace tokwatt::sim {

/// What is in a step. Attention sums are in units of a token.
struct StepBatch {
  int64_t decoding = 0;      ///< sequences
  int64_t chunk_tokens = 0;  ///< of prompts
  int64_t chunks = 0;        ///< one of a prompt each
  AttentionByGroup attention{};
};

/// What a step costs, in units of a picosecond and a picojoule.
struct StepPrice {
  int64_t duration = 0;
  Forms forms{};
  int64_t bandwidth = 0, compute = 0, dispatch = 0, link = 0;  ///< sum to duration
  int128 compute_energy = 0, memory_energy = 0;
};

/// By how much each of several steps costs more than the one before, and how many of them do so: until the form of
/// some group of attention turns from memory to compute.
struct StepGrowth {
  int64_t duration = 0, bandwidth = 0, compute = 0;
  int128 compute_energy = 0, memory_energy = 0;
  int64_t steps = kNever;
};

/// What several cost.
using Costs = CostSums<int128>;
/// Of the first n steps.
inline Costs costs(const StepPrice& first, const StepGrowth& growth, int64_t n) {
  const int64_t grown = n * (n - 1) / 2;  // steps are fewer than the tokens of a request, which fit 31 bits
  const auto sum = [&](int64_t base, int64_t slope) { return int128{base} * n + int128{slope} * grown; };
  return {sum(first.bandwidth, growth.bandwidth),
          sum(first.compute, growth.compute),
          int128{first.dispatch} * n,
          int128{first.link} * n,
          first.compute_energy * n + growth.compute_energy * grown,
          first.memory_energy * n + growth.memory_energy * grown};
}
/// Of the step behind the first j of them.
Costs cost_of_step(const StepPrice& first, const StepGrowth& growth, int64_t j);

/// Attention with one reach: of the model, where the rows of a sequence are verified together and read its context
/// once; or of the draft, which makes a pass for each.
struct AttentionRows {
  Reach reach;
  int64_t rows = 1;           ///< of a decoding sequence, one token further each
  bool read_together = true;  ///< else each row reads the context anew
};

class StepPricer {
 public:
  /// `links` are those that may join its devices, by OperatingPoint::link. Throws std::invalid_argument when model and
  /// draft have more than kMaxAttentionGroups kinds of attention.
  StepPricer(const Deployment& deployment, const hardware::Box& box, std::vector<hardware::Link> links = {{}});

  const Pace& pace() const { return pace_; }
  std::size_t groups() const { return groups_.size(); }
  const AttentionRows& attention(std::size_t group) const { return groups_[group]; }
  const Reach& reach(std::size_t group) const { return groups_[group].reach; }
  /// Share of compute time at a level that the top clock would not have taken, in 2^-10.
  int64_t slowdown(int level) const { return whole_.model.slowdown(level); }

  /// Throws DoesNotFit for a step that is too long to be counted in units.
  StepPrice price(const OperatingPoint& point, const StepBatch& batch) const {
    StepPrice price;
    set_price(point, batch, price, nullptr, nullptr);
    return price;
  }
  /// The same of the first of several steps that decode, each of which attends to so much more than the one before.
  void price_run(const OperatingPoint& point, const StepBatch& batch, const AttentionByGroup& more, StepPrice& first,
                 StepGrowth& growth) const {
    growth = {};
    set_price(point, batch, first, &more, &growth);
    growth.duration = growth.bandwidth + growth.compute;
  }

 private:
  struct Models {  // on so much of the device, joined by such a link
    Models(const Deployment& deployment, const hardware::Box& part, const hardware::Link& joined_by);

    int32_t share = kWholeDevice, bandwidth = kWholeDevice, link = 0;
    CostModel model;
    std::optional<CostModel> draft;
  };
  const Models& models_at(const OperatingPoint& point) const {
    const bool whole = point.share == kWholeDevice && point.bandwidth == kWholeDevice && point.link == 0;
    return whole ? whole_ : models_on_part(point);
  }
  const Models& models_on_part(const OperatingPoint& point) const;
  CostModel::GroupForms group_forms(const Models& models, int level, std::size_t group, const StepBatch& batch) const;
  void set_price(const OperatingPoint& point, const StepBatch& batch, StepPrice& price, const AttentionByGroup* more,
                 StepGrowth* growth) const;
  void set_price_with_draft(const Models& models, int level, const StepBatch& batch, StepPrice& price,
                            const AttentionByGroup* more, StepGrowth* growth) const;

  Deployment deployment_;
  hardware::Box box_;
  std::vector<hardware::Link> links_;
  Pace pace_;
  Models whole_;
  mutable std::deque<Models> parts_;   // of the device, as they come up
  std::vector<AttentionRows> groups_;  // the model's, then the draft's
};

/// What the rows of a decoding sequence with so much context in front of them see [units].
inline AttentionSums decode_attention(int64_t before, const AttentionRows& attention, const Pace& pace) {
  const int64_t one = pace.units(1);
  const int64_t by_first = attention.reach.seen(before + one, one);
  AttentionSums sums{by_first, by_first};
  for (int64_t row = 2; row <= attention.rows; ++row) {
    const int64_t by_row = attention.reach.seen(before + row * one, one);
    sums.kept_tokens += attention.read_together ? one : by_row;
    sums.pairs += by_row;
  }
  return sums;
}

/// Expected tokens of a step in which so many are drafted and each is accepted with chance `acceptance` if those before
/// it were, and one more comes from the model itself: (1 - a^(g + 1)) / (1 - a) (Leviathan, Kalman, Matias 2023).
double tokens_per_step(int64_t drafted, double acceptance);
Pace pace_of(const Deployment& deployment);

}  // namespace tokwatt::sim
