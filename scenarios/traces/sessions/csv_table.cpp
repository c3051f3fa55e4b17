#include "scenarios/traces/sessions/csv_table.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>

#include "scenarios/diagnostics.hpp"
#include "scenarios/traces/fields.hpp"
#include "scenarios/utf8.hpp"

namespace tokwatt::scenarios {
namespace {

constexpr std::size_t kMostColumns = 256;

bool contains(const std::vector<std::string>& names, std::string_view name) {
  return std::find(names.begin(), names.end(), name) != names.end();
}

}  // namespace

CsvTable::CsvTable(const std::string& path, const CsvColumns& columns, Mistakes& mistakes)
    : lines_(path), mistakes_(mistakes), holds_(columns.holds) {
  const int64_t before = mistakes.count();
  read_header(columns);
  ended_ = mistakes.count() > before;
}

void CsvTable::report_line(std::size_t offset, std::size_t size, std::string what) {
  mistakes_.add(lines_.line(), line_, offset, size, std::move(what));
}

void CsvTable::read_header(const CsvColumns& columns) {
  if (!next_line()) {
    mistakes_.add(1, "", 0, 1, fmt::format("the file is empty; expected {} with a header", holds_));
    return;
  }
  header_line_ = line_;
  if (const std::size_t at = find_not_text(line_); at != std::string_view::npos) {
    report_line(at, 1,
                fmt::format("byte {} is no text; expected CSV in UTF-8, gzip or not", in_quotes(line_.substr(at, 1))));
    return;
  }
  std::array<std::string_view, kMostColumns> room;
  const std::size_t count = split_fields(line_, room);
  if (count > room.size()) {
    report_line(0, 1, fmt::format("{} columns; expected at most {}", count, room.size()));
    return;
  }
  fields_.assign(room.begin(), room.begin() + static_cast<std::ptrdiff_t>(count));
  check_header(columns);
  header_.assign(fields_.begin(), fields_.end());
}

void CsvTable::check_header(const CsvColumns& columns) {
  std::vector<std::string> known = columns.wanted, seen, meant;
  known.insert(known.end(), columns.allowed.begin(), columns.allowed.end());
  for (const std::string_view name : fields_) {
    const auto offset = static_cast<std::size_t>(name.data() - line_.data());
    const std::string best = nearest(name, columns.wanted);
    const bool misspelt = !best.empty() && std::find(fields_.begin(), fields_.end(), best) == fields_.end();
    if (contains(seen, name)) {
      report_line(offset, name.size(),
                  fmt::format("column {} comes twice; expected each column once", in_quotes(name)));
    } else if (!contains(known, name) && (!columns.others || misspelt)) {
      report_line(offset, name.size(),
                  fmt::format("unknown column {}; expected {}{}", in_quotes(name), fmt::join(known, ", "),
                              did_you_mean(name, known)));
      meant.push_back(best);
    }
    seen.emplace_back(name);
  }
  for (const std::string& name : columns.wanted) {
    if (!contains(seen, name) && !contains(meant, name)) {
      report_line(0, line_.size(),
                  fmt::format("no column \"{}\"; expected {} in any order", name, fmt::join(columns.wanted, ",")));
    }
  }
}

// The next line that is not empty. One empty line may stand at the end of the file.
bool CsvTable::next_line() {
  try {
    while (const auto line = lines_.next()) {
      if (blank_line_ != 0) mistakes_.add(blank_line_, "", 0, 1, "an empty line; expected a row");
      blank_line_ = line->empty() ? lines_.line() : 0;
      if (line->empty()) continue;
      line_ = *line;
      if (!lines_.too_long()) return true;
      report_line(0, 1, fmt::format("a line of more than {} bytes; expected a row of {}", kLongestLine, holds_));
    }
  } catch (const ReadFailure& e) {
    mistakes_.add(lines_.line() + 1, "", 0, 1, e.what());
  }
  return false;
}

bool CsvTable::next() {
  while (!ended_ && next_line()) {
    fields_.resize(header_.size());
    const std::size_t count = split_fields(line_, fields_);
    if (line_ == header_line_) {
      report_line(0, line_.size(), "the header again; expected a row");
    } else if (count != header_.size()) {
      report_count(count);
    } else {
      return true;
    }
  }
  ended_ = true;
  return false;
}

void CsvTable::report_count(std::size_t count) {
  if (count < header_.size()) {
    const std::vector<std::string> missing(header_.begin() + static_cast<std::ptrdiff_t>(count), header_.end());
    report_line(line_.size(), 1,
                fmt::format("{} of {} fields in {}; missing: {}", count, header_.size(), in_quotes(line_),
                            fmt::join(missing, ", ")));
  } else {
    const auto end = static_cast<std::size_t>(fields_.back().data() + fields_.back().size() - line_.data());
    report_line(end, line_.size() - end,
                fmt::format("{} fields in {}; expected {}, as in the header", count, in_quotes(line_), header_.size()));
  }
}

std::string_view CsvTable::field(std::string_view column) const {
  const auto found = std::find(header_.begin(), header_.end(), column);
  return found == header_.end() ? "" : fields_[static_cast<std::size_t>(found - header_.begin())];
}

void CsvTable::report(std::string_view column, const std::string& what) {
  const std::string_view text = field(column);
  report_line(static_cast<std::size_t>(text.data() - line_.data()), text.size(), fmt::format("{} is {}", column, what));
}

}  // namespace tokwatt::scenarios
