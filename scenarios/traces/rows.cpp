#include "scenarios/traces/rows.hpp"

#include <fmt/format.h>

#include <limits>

namespace tokwatt::scenarios {

using Role = TraceColumn::Role;

TraceRows::TraceRows(const std::string& path, const TraceOptions& options)
    : lines_(path), asked_(options.format), left_(options.limit.value_or(std::numeric_limits<int64_t>::max())) {}

TraceRows::Outcome TraceRows::next(TraceRow& row, Mistakes& mistakes) {
  const int64_t before = mistakes.count();
  if (!header_ && !ended_ && !read_header(mistakes)) ended_ = true;
  if (ended_ || left_ == 0) return mistakes.count() > before ? Outcome::mistake : Outcome::end;
  const auto line = next_line(mistakes);
  if (!line) {
    ended_ = true;
  } else if (lines_.too_long()) {
    mistakes.add(lines_.line(), *line, 0, 1,
                 fmt::format("a line of more than {} bytes; expected a row of a trace", kLongestLine));
  } else {
    --left_;
    if (parse(*line, row, mistakes) && mistakes.count() == before) return Outcome::row;
  }
  return mistakes.count() > before ? Outcome::mistake : Outcome::end;
}

// The next line that is not empty. One empty line may stand at the end of the file.
std::optional<std::string_view> TraceRows::next_line(Mistakes& mistakes) {
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

bool TraceRows::read_header(Mistakes& mistakes) {
  std::optional<std::string_view> line;
  try {
    line = lines_.next();
  } catch (const ReadFailure& e) {
    mistakes.add(1, "", 0, 1, e.what());
    return false;
  }
  if (!line || line->empty()) {
    mistakes.add(
        1, "", 0, 1,
        fmt::format("{}; expected a trace with a header", line ? "the first line is empty" : "the file is empty"));
    return false;
  }
  header_ = read_trace_header(*line, asked_, mistakes);
  if (header_) fields_.resize(header_->columns.size());
  return header_.has_value();
}

bool TraceRows::parse(std::string_view line, TraceRow& row, Mistakes& mistakes) {
  const std::size_t count = split_fields(line, fields_);
  if (line == header_->line) {
    mistakes.add(lines_.line(), line, 0, line.size(), "the header again; expected a row");
    return false;
  }
  if (count != fields_.size()) return wrong_count(line, count, mistakes);
  row.line = lines_.line();
  bool good = true;
  for (std::size_t i = 0; i < count; ++i) {
    const TraceColumn& column = header_->columns[i];
    if (parse_field(column, fields_[i], row)) continue;
    const auto offset = static_cast<std::size_t>(fields_[i].data() - line.data());
    mistakes.add(row.line, line, offset, fields_[i].size(),
                 fmt::format("{} is {}", column.name, explain(column, fields_[i])));
    good = false;
  }
  return good;
}

bool TraceRows::parse_field(const TraceColumn& column, std::string_view text, TraceRow& row) {
  switch (column.role) {
    case Role::instant:
      return header_->format == TraceOptions::Format::azure ? timestamps_.parse(text, row.at)
                                                            : parse_seconds(text, row.at);
    case Role::prompt:
      return parse_tokens(text, row.prompt);
    case Role::output:
      return parse_tokens(text, row.output);
    case Role::ignored:
      break;
  }
  return true;
}

std::string TraceRows::explain(const TraceColumn& column, std::string_view text) const {
  if (column.role != Role::instant) return explain_tokens(text);
  return header_->format == TraceOptions::Format::azure ? timestamps_.explain(text) : explain_seconds(text);
}

bool TraceRows::wrong_count(std::string_view line, std::size_t count, Mistakes& mistakes) const {
  const std::size_t expected = fields_.size();
  if (count < expected) {
    std::string missing;
    for (std::size_t i = count; i < expected; ++i) missing += (missing.empty() ? "" : ", ") + header_->columns[i].name;
    mistakes.add(lines_.line(), line, line.size(), 1,
                 fmt::format("{} of {} fields in {}; missing: {}", count, expected, in_quotes(line), missing));
  } else {
    const std::string_view last = fields_.back();
    const auto offset = static_cast<std::size_t>(last.data() + last.size() - line.data());
    mistakes.add(lines_.line(), line, offset, line.size() - offset,
                 fmt::format("{} fields in {}; expected {}, as in the header", count, in_quotes(line), expected));
  }
  return false;
}

}  // namespace tokwatt::scenarios
