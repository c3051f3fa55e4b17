#pragma once
// A trace row by row, as it stands in the file.
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "scenarios/traces/format.hpp"

namespace tokwatt::scenarios {

class TraceRows {
 public:
  /// Throws ReadFailure if the file cannot be opened.
  TraceRows(const std::string& path, const TraceFormat& format, const TraceOptions& options);

  enum class Outcome { row, mistake, end };
  /// The next row; or mistakes were added, after which reading may go on; or the end of the file or of the limit.
  Outcome next(TraceRow& row, Mistakes& mistakes);
  int64_t line() const { return lines_.line(); }
  bool timed() const { return reader_ == nullptr || reader_->timed(); }  ///< once a row is read

 private:
  bool begin(Mistakes& mistakes);
  std::optional<std::string_view> next_line(Mistakes& mistakes);

  LineReader lines_;
  const TraceFormat& format_;
  sim::StreamKey key_;
  int64_t left_;                             // rows up to the limit
  std::optional<FirstLine> first_;           // once it is read
  std::optional<std::string_view> pending_;  // the first line, where it is a row
  std::unique_ptr<RowReader> reader_;
  int64_t blank_line_ = 0;  // an empty line that is fine only if it is the last
  bool ended_ = false;
};

}  // namespace tokwatt::scenarios
