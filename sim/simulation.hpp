#pragma once
// One run, from checked input to results.
#include <functional>
#include <optional>

#include "sim/input.hpp"
#include "sim/results/results.hpp"
#include "sim/serving/kv_capacity.hpp"

namespace tokwatt::sim {

struct ProgressReport {
  Picoseconds now = 0;
  std::optional<Picoseconds> end;  ///< nothing: until drained
  int64_t completed = 0;           ///< requests
};
/// Called now and then while the run goes on; what it throws ends the run.
using Progress = std::function<void(const ProgressReport&)>;

/// Runs to the end. Both steppings give equal results, byte for byte; `token` is the naive reference.
/// Throws DoesNotFit, and what the workload's sources throw.
Results simulate(Input input, Stepping stepping = Stepping::macro, const Progress& progress = {});

}  // namespace tokwatt::sim
