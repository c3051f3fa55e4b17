#pragma once
// The rows of a trace, kept from the pass that checks it to the run that sends them, where they are few enough.
#include <limits>
#include <optional>
#include <vector>

#include "scenarios/traces/format.hpp"

namespace tokwatt::scenarios {

/// All rows of a file in its order, 24 bytes each, or nothing: the file is then read again.
class KeptRows {
 public:
  /// A row that mistakes were not found in. After the last that may be kept, and after one that says what its prompt
  /// begins with, nothing is.
  void add(const TraceRow& row) {
    if (!complete_) return;
    if (rows_.empty()) first_ = row.at;
    const TraceInstant since = row.at - first_;
    const auto stored = static_cast<int64_t>(since);
    complete_ = row.parts.empty() && stored == since && row.line <= kMostLines && rows_.size() < kMostRows;
    if (!complete_) return std::vector<Row>().swap(rows_);
    rows_.push_back(
        {stored, row.prompt, row.output, row.priority.value_or(kNoPriority), static_cast<int32_t>(row.line)});
  }
  bool complete() const { return complete_; }

  /// The next of them; false behind the last.
  bool next(TraceRow& row) {
    if (next_ == rows_.size()) return false;
    const Row& kept = rows_[next_++];
    row.at = first_ + kept.since_first;
    row.line = kept.line;
    row.prompt = kept.prompt;
    row.output = kept.output;
    row.priority = kept.priority == kNoPriority ? std::nullopt : std::optional(kept.priority);
    return true;
  }

 private:
  static constexpr std::size_t kMostRows = std::size_t{1} << 20U;
  static constexpr int64_t kMostLines = std::numeric_limits<int32_t>::max();
  static constexpr int32_t kNoPriority = std::numeric_limits<int32_t>::min();  // none is so low (parse_priority)

  struct Row {
    int64_t since_first;  // [ps]
    int32_t prompt, output, priority, line;
  };

  std::vector<Row> rows_;
  std::size_t next_ = 0;
  TraceInstant first_ = 0;  // of the file
  bool complete_ = true;
};

}  // namespace tokwatt::scenarios
