#include "scenarios/traces/rows.hpp"

#include <fmt/format.h>

#include <limits>
#include <utility>

namespace tokwatt::scenarios {

TraceRows::TraceRows(const std::string& path, const TraceFormat& format, const TraceOptions& options)
    : lines_(path),
      format_(format),
      key_(options.key),
      left_(options.limit.value_or(std::numeric_limits<int64_t>::max())) {}

TraceRows::Outcome TraceRows::next(TraceRow& row, Mistakes& mistakes) {
  const int64_t before = mistakes.count();
  if (!reader_ && !ended_ && !begin(mistakes)) ended_ = true;
  if (ended_ || left_ == 0) return mistakes.count() > before ? Outcome::mistake : Outcome::end;
  const auto line = next_line(mistakes);
  if (!line) {
    ended_ = true;
  } else if (lines_.too_long()) {
    mistakes.add(lines_.line(), *line, 0, 1,
                 fmt::format("a line of more than {} bytes; expected a row of a trace", kLongestLine));
  } else {
    --left_;
    row.line = lines_.line();
    if (reader_->read(*line, row.line, row, mistakes) && mistakes.count() == before) return Outcome::row;
  }
  return mistakes.count() > before ? Outcome::mistake : Outcome::end;
}

bool TraceRows::begin(Mistakes& mistakes) {
  first_ = read_first_line(lines_, mistakes);
  if (!first_) return false;
  reader_ = format_.reader(*first_, key_, mistakes);
  if (!format_.has_header) pending_ = first_->text;
  return reader_ != nullptr;
}

// The next line that is not empty. One empty line may stand at the end of the file.
std::optional<std::string_view> TraceRows::next_line(Mistakes& mistakes) {
  if (pending_) return std::exchange(pending_, std::nullopt);
  try {
    while (true) {
      const auto line = lines_.next();
      if (!line) return std::nullopt;
      if (blank_line_ != 0) mistakes.add(blank_line_, "", 0, 1, "an empty line; expected a row");
      blank_line_ = line->empty() ? lines_.line() : 0;
      if (!line->empty()) return line;
    }
  } catch (const ReadFailure& e) {
    mistakes.add(lines_.line() + 1, "", 0, 1, e.what());
    return std::nullopt;
  }
}

}  // namespace tokwatt::scenarios
