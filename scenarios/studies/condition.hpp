#pragma once
// Numbers of a run's summary by name, and conditions on them: "ttft_s.p95 < 2 s".
#include <nlohmann/json_fwd.hpp>
#include <optional>
#include <string>
#include <vector>

#include "scenarios/diagnostics.hpp"
#include "scenarios/read/fields.hpp"

namespace tokwatt::scenarios {

/// A number of the summary.
struct Metric {
  std::string name;               ///< "ttft_s.p95", "deployments.chat.ttft_s.p95"
  std::vector<std::string> path;  ///< of keys
  std::string units, long_name;
};
/// Every number that the summary of the whole scenario has, in its order; then those of its plan, but for its months.
std::vector<Metric> metrics_of(const nlohmann::ordered_json& summary);
/// The number that a name means in a summary like this one; ttft_p95 means ttft_s.p95. Reports a name that there is
/// not.
std::optional<Metric> metric_named(const Text& name, const nlohmann::ordered_json& summary, Diagnostics& diagnostics);
/// Its value; NaN where the run has none.
double value_of(const Metric& metric, const nlohmann::ordered_json& summary);

/// Whether it is of the scenario's plan.
bool is_of_plan(const Metric& metric);

struct Condition {
  enum class Is { below, at_most, above, at_least };
  std::string text;  ///< as written
  Metric metric;
  Is is = Is::below;
  double bound = 0;  ///< in the metric's units
};
/// Reports what is wrong with it.
std::optional<Condition> parse_condition(const Text& text, const nlohmann::ordered_json& summary,
                                         Diagnostics& diagnostics);
/// False for a number that is not there.
bool holds(const Condition& condition, const nlohmann::ordered_json& summary);

}  // namespace tokwatt::scenarios
