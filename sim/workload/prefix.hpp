#pragma once
// Prompts that begin with a text which others share: a system prompt, one of several.
#include <memory>

#include "sim/workload/source.hpp"

namespace tokwatt::sim {

/// The requests of a source with `tokens` more in front of each. Which of the `groups` texts is drawn evenly; all turns
/// of a session have the same.
std::unique_ptr<RequestSource> prefixed_source(std::unique_ptr<RequestSource> source, int64_t tokens, int64_t groups,
                                               StreamKey key);

}  // namespace tokwatt::sim
