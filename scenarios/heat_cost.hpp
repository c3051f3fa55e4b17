#pragma once
// What heat cost a run (docs/theory/heat.md): it is run again with perfect coolers.
#include <functional>
#include <nlohmann/json_fwd.hpp>

#include "scenarios/scenario.hpp"
#include "sim/simulation.hpp"

namespace tokwatt::scenarios {

using Simulate = std::function<sim::Results(sim::Input)>;

/// Adds heat_cost: {output_fraction, e2e_s} to a run's summary, where heat held a clock down while a step computed:
/// the part of the output per second that this cost, and by how much it made the mean answer longer (null where none
/// was given). `load` gives the run's input anew, `simulate` runs it. Throws what they throw.
void add_heat_cost(
    nlohmann::ordered_json& summary, const std::function<Loaded()>& load,
    const Simulate& simulate = [](sim::Input input) { return sim::simulate(std::move(input)); });

}  // namespace tokwatt::scenarios
