#pragma once
// Models that think before they answer: output tokens in front of the answer.
#include <memory>

#include "sim/workload/source.hpp"

namespace tokwatt::sim {

/// The requests of a source with drawn numbers of thinking tokens in front of their outputs.
std::unique_ptr<RequestSource> thinking_source(std::unique_ptr<RequestSource> source, Distribution thinking,
                                               StreamKey key);

}  // namespace tokwatt::sim
