#pragma once
// In which number format a box computes.
#include <optional>

#include "hardware/box.hpp"
#include "models/engine.hpp"

namespace tokwatt::sim {

/// The arithmetic that an engine computes a quant in on a box: the best it has kernels for that the box has units for;
/// nothing where that does not run.
std::optional<hardware::Dtype> arithmetic_of(const hardware::Box& box, const models::Engine& engine,
                                             const std::string& quant);

}  // namespace tokwatt::sim
