#pragma once
// Memory of boxes that hold several deployments.
#include "sim/input.hpp"

namespace tokwatt::sim {

/// Sets Deployment::memory_of_others. A paged engine takes memory_utilization of the memory, whatever it needs; those
/// that split their context over slots take their weights, and what is left then in equal parts. Throws DoesNotFit
/// where paged engines and weights are more than there is.
void divide_memory(Input& input);

}  // namespace tokwatt::sim
