#include "scenarios/traces/sessions/session_rows.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <tuple>

namespace tokwatt::scenarios {

void SessionRows::add(std::string_view session, TraceInstant at, int32_t prompt, int32_t output) {
  std::size_t number = sessions_;
  if (!session.empty()) {
    const auto known = names_.find(session);
    if (known != names_.end()) number = known->second;
    if (known == names_.end()) names_.emplace(session, number);
  }
  if (number == sessions_) ++sessions_;
  rows_.push_back({number, at, prompt, output});
}

void SessionRows::record(bool timed, Recording& recording) {
  const auto by_session = [](const Row& a, const Row& b) { return a.session < b.session; };
  std::stable_sort(rows_.begin(), rows_.end(), by_session);
  int64_t moved = 0;
  for (std::size_t i = 1; i < rows_.size(); ++i)
    moved += rows_[i].session == rows_[i - 1].session && rows_[i].at < rows_[i - 1].at ? 1 : 0;
  if (moved > 0) {
    recording.notes.push_back(
        fmt::format("{} rows stand behind a later one of their session and were moved in front of it", moved));
  }
  const auto by_time = [](const Row& a, const Row& b) { return std::tie(a.session, a.at) < std::tie(b.session, b.at); };
  std::stable_sort(rows_.begin(), rows_.end(), by_time);
  std::optional<Chain> chain;
  for (std::size_t i = 0; i < rows_.size(); ++i) {
    const Row& row = rows_[i];
    const bool first = i == 0 || row.session != rows_[i - 1].session;
    if (first) chain.emplace(recording);
    chain->add({timed || first ? std::optional(row.at) : std::nullopt, 0, row.prompt, row.output});
  }
}

bool read_tokens(CsvTable& table, std::string_view prompt_column, std::string_view output_column, int32_t& prompt,
                 int32_t& output) {
  bool good = true;
  for (const auto& [column, tokens] : {std::pair(prompt_column, &prompt), std::pair(output_column, &output)}) {
    const std::string_view text = table.field(column);
    if (parse_tokens(text, *tokens)) continue;
    table.report(column, explain_tokens(text));
    good = false;
  }
  return good;
}

}  // namespace tokwatt::scenarios
