#pragma once
// What a little more of each number that a scenario rests on does to its answers.
#include <nlohmann/json_fwd.hpp>
#include <string>
#include <vector>

#include "scenarios/cli/question.hpp"
#include "scenarios/studies/condition.hpp"

namespace tokwatt::cli {

inline constexpr const char* kPercent = "+1 %";
/// What most people ask of.
inline constexpr const char* kUsualMetrics = "ttft_s.p95,tpot_s.p95,j_per_tok_output,usd_per_mtok_output";

/// A kelvin beside fractions, so that changes can be ranked: as one per cent.
inline constexpr double kOfKelvin = 0.01;

/// By how much each metric changes, as a fraction, or of a temperature in kOfKelvin; NaN where there is none.
using Changes = std::vector<double>;

struct Effect {
  std::string name;    ///< of the number: "desk: memory.bandwidth"
  std::string change;  ///< kPercent, or "+1 W"
  Changes changes;
  double beyond_chance = 0, largest = 0;
};

struct Effects {
  std::vector<scenarios::Metric> metrics;
  Changes chance;            ///< the largest changes that chance brings
  std::vector<Effect> list;  ///< first what is beyond chance, the largest before the others
  std::size_t left_out = 0;  ///< numbers that cannot be changed alone
};

/// `metrics` are numbers of the summary with commas between. Throws UsageError, InputError and Infeasible.
Effects find_effects(const Question& question, const std::string& metrics);

nlohmann::ordered_json json_of(const Effects& effects);

}  // namespace tokwatt::cli
