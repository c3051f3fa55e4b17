#pragma once
// Closed loop: people who each think, send, wait for the whole answer, and think again.
#include <memory>

#include "sim/workload/source.hpp"

namespace tokwatt::sim {

/// `users` of them; nobody sends before having thought. Message numbers are user + users * turn, so that what a user
/// does depends on nobody else.
std::unique_ptr<RequestSource> users_source(int64_t users, Distribution think, Distribution prompt, Distribution output,
                                            StreamKey key);

}  // namespace tokwatt::sim
