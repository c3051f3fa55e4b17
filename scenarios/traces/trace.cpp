#include "scenarios/traces/trace.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <filesystem>
#include <utility>
#include <vector>

#include "scenarios/traces/kept_rows.hpp"
#include "scenarios/traces/rows.hpp"
#include "scenarios/traces/servegen.hpp"
#include "scenarios/traces/time_scale.hpp"

namespace tokwatt::scenarios {
namespace {

// Why a row is no request (docs/file-formats.md); null if it is one.
const char* reason_to_drop(const TraceRow& row) {
  if (row.prompt > 0 && row.output > 0) return nullptr;
  if (row.prompt > 0) return "no_output";  // a failed or cancelled call
  return row.output > 0 ? "no_prompt" : "no_tokens";
}

bool earlier(const TraceRow& a, const TraceRow& b) { return a.at != b.at ? a.at < b.at : a.line < b.line; }

// What the first pass learns. A row is late if one before it in the file has a later instant; all others are in order,
// so merging them with the late ones, sorted, sorts the file, and only the late ones are kept in memory.
struct Survey {
  std::vector<TraceRow> late;
  KeptRows kept;
  int64_t rows = 0, requests = 0;
  TraceInstant first = 0;  // earliest instant
  bool timed = true, has_priorities = false;
};

Survey survey(const std::string& path, const TraceFormat& format, const TraceOptions& options, Mistakes& mistakes) {
  Survey found;
  TraceRows rows(path, format, options);
  TraceRow row;
  TraceInstant newest = 0;
  for (auto outcome = rows.next(row, mistakes); outcome != TraceRows::Outcome::end;
       outcome = rows.next(row, mistakes)) {
    if (outcome == TraceRows::Outcome::mistake) continue;
    const bool late = found.rows > 0 && row.at < newest;
    if (late) found.late.push_back(row);
    found.kept.add(row);
    if (!late) newest = row.at;
    found.first = found.rows == 0 ? row.at : std::min(found.first, row.at);
    ++found.rows;
    found.has_priorities = found.has_priorities || row.priority;
    if (reason_to_drop(row) == nullptr) ++found.requests;
  }
  found.timed = rows.timed();
  std::stable_sort(found.late.begin(), found.late.end(), earlier);
  if (mistakes.count() > 0 || found.requests > 0) return found;
  mistakes.add(std::max<int64_t>(1, rows.line()), "", 0, 1,
               found.rows == 0
                   ? "no request; expected rows"
                   : fmt::format("no request: none of the {} rows has both prompt and output tokens", found.rows));
  return found;
}

class TraceFile final : public TraceSource {
 public:
  TraceFile(const std::string& path, const TraceFormat& format, const TraceOptions& options, Survey found)
      : path_(path),
        mistakes_(path),
        kept_(std::move(found.kept)),
        scale_(found.first, options.speed, sim::picoseconds(options.start)),
        late_(std::move(found.late)),
        expected_(found.rows),
        has_priorities_(found.has_priorities) {
    if (!kept_.complete()) rows_.emplace(path, format, options);
    if (!options.arrivals) return;
    times_.emplace(*options.arrivals, options.key);
    next_time_ = times_->next();
  }

  std::optional<sim::Arrival> next(sim::Picoseconds end) override {
    while (TraceRow* row = peek()) {
      const char* reason = reason_to_drop(*row);
      const auto at = instant_of(*row, end);
      if (!at || *at >= end) return std::nullopt;
      const auto number = static_cast<uint64_t>(counts_.read++);
      if (reason != nullptr) {
        ++counts_.dropped_by[reason];
      } else if (times_) {
        next_time_ = times_->next();
      }
      TraceRow taken = take(row);
      if (reason != nullptr) continue;
      sim::Arrival arrival{*at, taken.prompt, taken.output, number};
      arrival.priority = taken.priority;
      arrival.content = content_of(std::move(taken));
      return arrival;
    }
    return std::nullopt;
  }

  sim::RowCounts rows() const override { return counts_; }
  int64_t rows_moved() const override { return static_cast<int64_t>(late_.size()); }
  bool has_priorities() const override { return has_priorities_; }
  std::string note() const override {
    if (late_.empty()) return {};
    return fmt::format("the file is not in order of time; {} of its rows were moved to their place", late_.size());
  }

 private:
  // With arrivals, a row that will be dropped comes with the request behind it and takes no instant of its own.
  std::optional<sim::Picoseconds> instant_of(const TraceRow& row, sim::Picoseconds end) const {
    if (times_) return next_time_;
    const auto at = scale_(row.at);
    if (!at && end > sim::kLongestDuration)
      fail(row.line,
           "this row comes after 106 days, the longest simulation; expected a duration, a limit or a higher speed");
    return at;
  }

  static std::shared_ptr<const sim::Content> content_of(TraceRow row) {
    if (row.parts.empty()) return nullptr;
    return std::make_shared<const sim::Content>(sim::Content{std::move(row.parts), false});
  }

  // The earlier of the next row in order and the next late one; of two at one instant the first in the file.
  TraceRow* peek() {
    if (!ahead_ && !ended_) read_ahead();
    TraceRow* in_order = ahead_ ? &*ahead_ : nullptr;
    TraceRow* late = next_late_ < late_.size() ? &late_[next_late_] : nullptr;
    if (in_order == nullptr || late == nullptr) return in_order != nullptr ? in_order : late;
    return earlier(*late, *in_order) ? late : in_order;
  }

  TraceRow take(TraceRow* row) {
    TraceRow taken = std::move(*row);
    if (ahead_ && row == &*ahead_) {
      ahead_.reset();
    } else {
      ++next_late_;
    }
    return taken;
  }

  bool next_row(TraceRow& row) {
    if (!rows_) return kept_.next(row);
    const auto outcome = rows_->next(row, mistakes_);
    if (outcome == TraceRows::Outcome::mistake) mistakes_.raise();
    return outcome == TraceRows::Outcome::row;
  }

  void read_ahead() {
    TraceRow row;
    while (next_row(row)) {
      ++read_;
      if (read_ > 1 && row.at < newest_) continue;  // late: in memory already
      newest_ = row.at;
      ahead_ = std::move(row);
      return;
    }
    ended_ = true;
    if (read_ != expected_)
      fail(rows_->line(), fmt::format("the file has changed while it was read: {} rows, {} before", read_, expected_));
  }

  [[noreturn]] void fail(int64_t line, std::string message) const {
    Mistakes mistakes(path_);
    mistakes.add(line, "", 0, 1, std::move(message));
    mistakes.raise();
  }

  std::string path_;
  Mistakes mistakes_;  // in it, had it changed since it was checked
  KeptRows kept_;
  std::optional<TraceRows> rows_;  // of the file, read again where they were not kept
  TimeScale scale_;
  std::optional<sim::ArrivalTimes> times_;  // in place of the rows' own
  std::optional<sim::Picoseconds> next_time_;
  std::vector<TraceRow> late_;  // by instant
  std::size_t next_late_ = 0;
  std::optional<TraceRow> ahead_;  // the next row that is in order
  TraceInstant newest_ = 0;
  int64_t read_ = 0, expected_;
  bool has_priorities_, ended_ = false;
  sim::RowCounts counts_;
};

bool check_options(const TraceOptions& options, const Place& asked_at, Diagnostics& diagnostics) {
  const std::size_t before = diagnostics.errors().size();
  if (!(options.speed >= kSlowest && options.speed <= kFastest)) {
    diagnostics.error(asked_at,
                      fmt::format("speed is {}; expected a number from {} to {}", options.speed, kSlowest, kFastest));
  }
  if (options.limit && *options.limit < 1)
    diagnostics.error(asked_at, fmt::format("limit is {}; expected at least 1 row", *options.limit));
  if (!(options.start >= 0 && options.start <= sim::seconds(sim::kLongestDuration))) {
    diagnostics.error(asked_at, fmt::format("start is {} s; expected 0 s to 106 days", options.start));
  }
  return diagnostics.errors().size() == before;
}

std::string wrong_timing(const Survey& found, const TraceOptions& options, const std::string& path) {
  if (!found.timed && !options.arrivals) {
    return fmt::format("{} has lengths only; expected arrivals: beside trace: to say when its requests come",
                       in_quotes(path));
  }
  if (found.timed && options.arrivals)
    return fmt::format("{} has times of its own; expected no arrivals: beside trace:", in_quotes(path));
  return {};
}

std::unique_ptr<TraceSource> open_file(const std::string& path, const TraceOptions& options, const Place& place,
                                       Diagnostics& diagnostics) {
  Mistakes mistakes(path);
  LineReader lines(path);
  const auto first = read_first_line(lines, mistakes);
  const TraceFormat* format = first ? choose_format(*first, options.format, mistakes) : nullptr;
  if (format != nullptr && format->reader == nullptr) return open_servegen(path, options, place, diagnostics);
  Survey found;
  if (format != nullptr) found = survey(path, *format, options, mistakes);
  mistakes.report(diagnostics);
  if (mistakes.count() > 0) return nullptr;
  std::string wrong = wrong_timing(found, options, path);
  if (!options.lengths.empty()) wrong = "lengths goes only with a trace of format servegen";
  if (!wrong.empty()) {
    diagnostics.error(place, wrong);
    return nullptr;
  }
  return std::make_unique<TraceFile>(path, *format, options, std::move(found));
}

}  // namespace

std::vector<std::string> trace_format_names() {
  std::vector<std::string> names;
  for (const TraceFormat* format : trace_formats()) names.emplace_back(format->name);
  std::sort(names.begin(), names.end());
  return names;
}

std::unique_ptr<TraceSource> open_trace(const std::string& path, const TraceOptions& options, const Place& asked_at,
                                        Diagnostics& diagnostics) {
  if (!check_options(options, asked_at, diagnostics)) return nullptr;
  // Without a place (no scenario asked), the trace's own name is the best one.
  const Place place = asked_at.source ? asked_at : Place{std::make_shared<Source>(Source{path, ""}), 0, 0, 1};
  std::error_code ignored;
  if (std::filesystem::exists(path, ignored) && !std::filesystem::is_regular_file(path, ignored)) {
    diagnostics.error(
        place, fmt::format("{} is no regular file; expected one, since a trace may be read twice", in_quotes(path)));
    return nullptr;
  }
  try {
    return open_file(path, options, place, diagnostics);
  } catch (const ReadFailure& e) {
    diagnostics.error(place, fmt::format("cannot read {}: {}", in_quotes(path), e.what()));
    return nullptr;
  }
}

}  // namespace tokwatt::scenarios
