#pragma once
// Rows that each name their session, in any order: put together session by session.
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "scenarios/traces/sessions/csv_table.hpp"
#include "scenarios/traces/sessions/recording.hpp"

namespace tokwatt::scenarios {

class SessionRows {
 public:
  /// A row; one without a session is a session of its own.
  void add(std::string_view session, TraceInstant at, int32_t prompt, int32_t output);
  std::size_t size() const { return rows_.size(); }
  /// Appends the rows of each session as a chain, in order of time and, at one instant, of the file. `timed`: a row is
  /// sent no sooner than at its instant, otherwise only the first is.
  void record(bool timed, Recording& recording);

 private:
  struct Row {
    std::size_t session;  // in order of appearance
    TraceInstant at;
    int32_t prompt, output;
  };
  std::vector<Row> rows_;
  std::map<std::string, std::size_t, std::less<>> names_;
  std::size_t sessions_ = 0;
};

/// Reads two columns of tokens; false when something is wrong with them, which is reported.
bool read_tokens(CsvTable& table, std::string_view prompt_column, std::string_view output_column, int32_t& prompt,
                 int32_t& output);

}  // namespace tokwatt::scenarios
