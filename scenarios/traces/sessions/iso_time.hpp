#pragma once
// Wall-clock time as ISO 8601 has it: `2026-04-23T17:23:06.245972+00:00`, `...Z`, or without a zone.
#include <string>
#include <string_view>

#include "scenarios/traces/fields.hpp"

namespace tokwatt::scenarios {

class IsoTimes {
 public:
  /// An instant since 1970, in UTC, to the picosecond; one without a zone is taken as UTC. All must have a zone, or
  /// none.
  bool parse(std::string_view text, TraceInstant& instant);
  std::string explain(std::string_view text) const;

 private:
  enum class Zones { unknown, none, all };
  Zones zones_ = Zones::unknown;
};

}  // namespace tokwatt::scenarios
