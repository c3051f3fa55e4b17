#pragma once
// Where requests come from: an open-loop source hands them out in order of time, a closed loop sends when an answer
// ends.
#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <variant>

#include "sim/random/distribution.hpp"
#include "sim/time.hpp"

namespace tokwatt::sim {

struct Arrival {
  Picoseconds at = 0;
  int64_t prompt = 0;  ///< tokens, at least 1
  int64_t output = 0;  ///< tokens, at least 1
};

/// Rows of a trace: read = handed out as requests + dropped, by reason.
struct RowCounts {
  int64_t read = 0;
  std::map<std::string, int64_t> dropped_by;
};

/// An open-loop stream, in order of time. Streams from disk; holds no more than it must.
class RequestSource {
 public:
  virtual ~RequestSource() = default;
  /// The next request, or nothing when there is none before `end`: rows at or after it are not read.
  virtual std::optional<Arrival> next(Picoseconds end) = 0;
  virtual RowCounts rows() const { return {}; }
};

/// `users` people who each think, send, wait for the whole answer, and think again.
struct ClosedLoop {
  int64_t users = 0;
  Distribution think, prompt, output;
};

struct Objective {
  std::optional<double> ttft, tpot;  ///< [s]
};

struct Stream {
  std::string name;
  int deployment = 0;  ///< index into Input::deployments
  StreamKey key;
  std::variant<std::unique_ptr<RequestSource>, ClosedLoop> source;
  std::optional<Objective> objective;
};

}  // namespace tokwatt::sim
