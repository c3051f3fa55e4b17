#pragma once
// A trace row by row, as it stands in the file.
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "scenarios/traces/fields.hpp"
#include "scenarios/traces/header.hpp"
#include "scenarios/traces/lines.hpp"
#include "scenarios/traces/mistakes.hpp"

namespace tokwatt::scenarios {

struct TraceRow {
  TraceInstant at = 0;  ///< as in the file, not rebased [ps]
  int64_t line = 0;
  int32_t prompt = 0, output = 0;
};

class TraceRows {
 public:
  /// Throws ReadFailure if the file cannot be opened.
  TraceRows(const std::string& path, const TraceOptions& options);

  enum class Outcome { row, mistake, end };
  /// The next row; or mistakes were added, after which reading may go on; or the end of the file or of the limit.
  Outcome next(TraceRow& row, Mistakes& mistakes);
  int64_t line() const { return lines_.line(); }

 private:
  bool read_header(Mistakes& mistakes);
  bool parse(std::string_view line, TraceRow& row, Mistakes& mistakes);
  bool parse_field(const TraceColumn& column, std::string_view text, TraceRow& row);
  std::string explain(const TraceColumn& column, std::string_view text) const;
  bool wrong_count(std::string_view line, std::size_t count, Mistakes& mistakes) const;
  std::optional<std::string_view> next_line(Mistakes& mistakes);

  LineReader lines_;
  TraceOptions::Format asked_;
  int64_t left_;  // rows up to the limit
  std::optional<TraceHeader> header_;
  std::vector<std::string_view> fields_;  // of the current line
  Timestamps timestamps_;
  int64_t blank_line_ = 0;  // an empty line that is fine only if it is the last
  bool ended_ = false;
};

}  // namespace tokwatt::scenarios
