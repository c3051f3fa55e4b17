#pragma once
// The text of a request that nobody else has.
#include <memory>

#include "sim/serving/request.hpp"

namespace tokwatt::sim {

/// What a request begins with, and then a text that nobody else has: its blocks are found again when it comes back.
std::shared_ptr<const Content> with_own_text(const Request& request);

}  // namespace tokwatt::sim
