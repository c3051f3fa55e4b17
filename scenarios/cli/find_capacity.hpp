#pragma once
// The largest load that a scenario bears within objectives.
#include <nlohmann/json_fwd.hpp>
#include <optional>
#include <string>
#include <vector>

#include "scenarios/cli/load_key.hpp"
#include "scenarios/studies/condition.hpp"
#include "scenarios/studies/draws.hpp"

namespace tokwatt::cli {

/// One load that was tried.
struct TriedLoad {
  double load = 0;
  scenarios::Answer answer;
  std::vector<std::string> broken;  ///< conditions that it does not keep

  bool answers_any() const;  ///< requests; true where it does not run, or has too many to
};

struct Capacity {
  LoadKey key;
  std::vector<scenarios::Condition> conditions;
  Bracket found;
  std::vector<std::string>
      easier;  ///< conditions that no load below the largest within need keep: more makes them easier
  std::optional<double> keeps_rest;  ///< where nothing keeps all: the largest that keeps those that are not easier
  std::vector<TriedLoad> tried;      ///< from the least load to the most
  std::vector<double> draws;         ///< the largest within with each draw that was asked for; 0: not even the least

  /// Of one of those that were tried.
  const TriedLoad& at(double load) const;
  /// The largest load over the draws, whole where loads are; nothing without draws.
  std::optional<scenarios::Interval> interval90() const;
};

/// `slo` are conditions with commas between, `stream` the one that grows (empty: the only one). With draws the search
/// is done again with each draw from what is not known of engines and boxes. Throws UsageError, InputError and
/// Infeasible.
Capacity find_capacity(const Question& question, const std::string& slo, const std::string& stream, bool with_draws);

nlohmann::ordered_json json_of(const Capacity& capacity);

}  // namespace tokwatt::cli
