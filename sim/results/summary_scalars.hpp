#pragma once
// The JSON summary as flat scalars with units, as the root of the results file shows them.
#include <cstdint>
#include <nlohmann/json_fwd.hpp>
#include <string>
#include <variant>
#include <vector>

namespace tokwatt::sim {

struct SummaryScalar {
  std::string name;  ///< dotted path: "ttft_s.p50"
  std::string units;
  std::string long_name;
  std::variant<int64_t, double> value;  ///< null becomes NaN
};

/// Every number and null of the summary outside `deployments`, `workload`, `assumed`, `interval90` and `plan`, in its
/// order.
std::vector<SummaryScalar> summary_scalars(const nlohmann::ordered_json& summary);

}  // namespace tokwatt::sim
