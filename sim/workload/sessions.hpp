#pragma once
// Closed loop in sessions: turns that follow each other, each with all that was said before in front of it.
#include <memory>

#include "sim/workload/arrivals.hpp"
#include "sim/workload/source.hpp"

namespace tokwatt::sim {

/// Longer sessions end there.
inline constexpr int64_t kMostTurns = 1'000'000;

struct SessionShape {
  Distribution turns;   ///< of a session, at least 1
  Distribution think;   ///< [s] between an answer and the next turn
  Distribution prompt;  ///< new tokens of a turn
  Distribution output;
};

/// Sessions begin at drawn instants with their first turn.
std::unique_ptr<RequestSource> arriving_sessions_source(const ArrivalProcess& begin, SessionShape shape, StreamKey key);

/// `users` of them, each with one session after the other. Nobody sends before having thought, at the beginning of a
/// session neither.
std::unique_ptr<RequestSource> user_sessions_source(int64_t users, SessionShape shape, StreamKey key);

}  // namespace tokwatt::sim
