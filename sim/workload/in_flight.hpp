#pragma once
// A client that keeps no more than so many requests in flight and holds the others back.
#include <memory>

#include "sim/workload/source.hpp"

namespace tokwatt::sim {

/// The requests of an open source, in their order, each sent once fewer than `most` are in flight. Latencies count from
/// then.
std::unique_ptr<RequestSource> in_flight_source(std::unique_ptr<RequestSource> source, int64_t most);

}  // namespace tokwatt::sim
