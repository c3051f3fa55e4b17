#pragma once
// Which models, quants and boxes go together: what `tokwatt fit` lists.
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "models/architecture.hpp"
#include "scenarios/cli/shelf.hpp"
#include "scenarios/cli/subject.hpp"
#include "sim/bench.hpp"

namespace tokwatt::cli {

/// What was given; empty: look for it.
struct FitQuestion {
  std::string system, model, quant, engine, kv;
  int64_t context = 0;  ///< tokens of each user; 0: kUsualContext, or what the model takes
  int64_t users = 1;
  bool hypothetical = false;          ///< list what cannot be bought too
  double min_bits = 0;                ///< of a weight: quants with fewer are not looked at
  std::optional<double> budget = {};  ///< boxes that cost more are not looked at [USD]
};
inline constexpr int64_t kUsualContext = 8192;

/// Opens the sheets of what was given. Throws InputError with every misspelt name.
void open_all(const FitQuestion& question, Shelf& shelf);

/// One model in one quant on one box under one engine.
struct Fit {
  Subject subject;
  sim::MemoryPlan plan;
  int64_t users = 0, context = 0;  ///< asked for
  double kv_per_user = 0;          ///< [B] at that context
  int64_t longest_context = 0;     ///< tokens that each of the users may have; 0: none
  int64_t most_users = 0;          ///< that may have the context
  sim::BenchRate decode;           ///< of one user whose context is full; nothing where it does not fit

  double left() const { return plan.left() - static_cast<double>(users) * kv_per_user; }
  /// Of a weight, scales and all.
  double bits() const { return 8 * plan.weights / static_cast<double>(models::parameters(subject.deployment.model)); }
  bool takes_context() const { return context <= subject.deployment.model.max_context; }
  bool fits() const { return takes_context() && left() >= 0; }
};

/// Weighs one subject.
Fit fit_of(const Subject& subject, const FitQuestion& question);

/// The subject with what is not given filled in, when system, model and quant are: the engine is the natural one.
/// Throws InputError for what is misnamed, Infeasible when no engine runs it.
Subject whole_subject(const FitQuestion& question, Shelf& shelf);

/// All that fits: for each model and box, in the quant that was given or, where only one of model and system is, in the
/// best one (the format that the model is published in, else the largest). Largest first, of boxes the fastest first.
struct FitList {
  std::vector<Fit> fits;
  std::vector<std::string> too_dear;   ///< boxes over the budget
  std::vector<std::string> no_price;   ///< boxes that cannot be held against it
  std::vector<std::string> too_big;    ///< names of what does not fit in any quant
  std::vector<std::string> too_short;  ///< names of what takes less context than was asked for
  std::vector<std::string> not_run;    ///< names of what no engine runs so
  std::vector<std::string> no_files;   ///< of one model on one box: quants that it cannot be had in
};
FitList search(const FitQuestion& question, Shelf& shelf);

/// What a box would run a model as: in the best quant that fits, under the first engine that does it; the question
/// names both, and may name quant and engine. Nothing where nothing fits. Throws InputError for what is misnamed.
std::optional<Subject> best_subject(const FitQuestion& question, Shelf& shelf);

}  // namespace tokwatt::cli
