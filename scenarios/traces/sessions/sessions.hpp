#pragma once
// Sessions recorded elsewhere, replayed in closed loop: which times count is stated in docs/file-formats.md.
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "scenarios/traces/trace.hpp"

namespace tokwatt::scenarios {

enum class SessionFormat { csv, exgentic, llmservingsim, otel, weka };

/// The format of a file that holds sessions; nothing if it does not, or cannot be read. `asked` is a format's name, or
/// "auto" (or empty): then by what the file begins with. Two formats also have files without sessions.
std::optional<SessionFormat> session_format(const std::string& path, const std::string& asked);

struct SessionTrace {
  std::unique_ptr<sim::RequestSource> source;  ///< null if there are mistakes
  std::vector<std::string> notes;              ///< what was put right on the way and should be known
};

/// Opens a file of sessions, which is read into memory whole. Reports every mistake in it into `diagnostics`; a file
/// that cannot be read, at `asked_at`.
SessionTrace open_sessions(const std::string& path, SessionFormat format, const TraceOptions& options,
                           sim::StreamKey key, const Place& asked_at, Diagnostics& diagnostics);

}  // namespace tokwatt::scenarios
