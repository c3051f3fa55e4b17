#pragma once
// The months of a plan for people, at most 80 columns.
#include <nlohmann/json_fwd.hpp>
#include <string>

#include "scenarios/cli/program.hpp"

namespace tokwatt::cli {

/// Empty where the summary has no plan.
std::string plan_table(const nlohmann::ordered_json& summary, const Terminal& terminal);

}  // namespace tokwatt::cli
