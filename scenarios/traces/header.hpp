#pragma once
// The first line of a trace: which format it is, and what each column means. Columns go by name, never by position.
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "scenarios/traces/mistakes.hpp"
#include "scenarios/traces/trace.hpp"

namespace tokwatt::scenarios {

struct TraceColumn {
  enum class Role { instant, prompt, output, ignored };
  std::string name;
  Role role = Role::ignored;
};

struct TraceHeader {
  TraceOptions::Format format = TraceOptions::Format::csv;  ///< never automatic
  std::vector<TraceColumn> columns;
  std::string line;  ///< as it stands in the file
};

/// Reads the header, or reports what is wrong with it.
std::optional<TraceHeader> read_trace_header(std::string_view line, TraceOptions::Format format, Mistakes& mistakes);

}  // namespace tokwatt::scenarios
