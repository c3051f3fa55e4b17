#pragma once
// What the readers of session formats fill: calls, what they wait for, and what was said about them.
#include <optional>
#include <string>
#include <vector>

#include "scenarios/traces/fields.hpp"
#include "scenarios/traces/mistakes.hpp"
#include "scenarios/traces/trace.hpp"
#include "sim/workload/calls.hpp"

namespace tokwatt::scenarios {

/// A call as a file has it.
struct RecordedCall {
  std::optional<TraceInstant> start;  ///< not rebased [ps]; nothing: as soon as those before it allow
  TraceInstant pause = 0;             ///< after the last of those before it [ps]
  int32_t prompt = 0, output = 0;
};

class Recording {
 public:
  Recording(const TraceOptions& options, Mistakes& found) : mistakes(found), options_(options) {}

  sim::CallId add(const RecordedCall& call);
  /// Times of a call that become known later.
  void starts_at(sim::CallId call, TraceInstant at) { starts_.emplace_back(call, at); }
  void pauses(sim::CallId call, TraceInstant pause) { pauses_[call] = pause; }
  /// So many calls are all that is asked for.
  bool full(std::size_t calls) const { return options_.limit && static_cast<int64_t>(calls) >= *options_.limit; }
  /// Rebases all starts to the first one, and puts times to the trace's speed.
  void settle_times();

  sim::CallGraph graph;
  Mistakes& mistakes;
  std::vector<std::string> notes;  ///< for the user

 private:
  const TraceOptions& options_;
  std::vector<std::pair<sim::CallId, TraceInstant>> starts_;
  std::vector<TraceInstant> pauses_;  // by call
};

/// Calls of a session that follow one another. One whose prompt is at least as long as prompt and answer before it
/// begins with both; one at least as long as that prompt, only with the prompt (answers lose what was thought); a
/// shorter one has nothing in common with it.
class Chain {
 public:
  explicit Chain(Recording& recording) : recording_(recording) {}
  void add(const RecordedCall& call);

 private:
  static constexpr int kMostForks = 1000;  // each is a part of all prompts that follow

  uint32_t conversation_of(const sim::Call& call);

  Recording& recording_;
  std::optional<sim::CallId> last_;
  sim::Call said_;  // the last that was a request
  int forks_ = 0;   // of its conversation
};

}  // namespace tokwatt::scenarios
