// Ours, with a column `session`: the next row of a session is sent at its arrival_s or when the one before has left,
// whichever comes later.
#include "scenarios/traces/sessions/readers.hpp"
#include "scenarios/traces/sessions/session_rows.hpp"

namespace tokwatt::scenarios {

void read_csv_sessions(const std::string& path, Recording& recording) {
  const CsvColumns columns{{"arrival_s", "prompt_tokens", "output_tokens", "session"}, {"id"}, false};
  CsvTable table(path, columns, recording.mistakes);
  SessionRows rows;
  while (!recording.full(rows.size()) && table.next()) {
    TraceInstant at = 0;
    int32_t prompt = 0, output = 0;
    const bool timed = parse_instant(table.field("arrival_s"), TimeUnit::s, at);
    if (!timed) table.report("arrival_s", explain_instant(table.field("arrival_s"), TimeUnit::s));
    if (read_tokens(table, "prompt_tokens", "output_tokens", prompt, output) && timed)
      rows.add(table.field("session"), at, prompt, output);
  }
  rows.record(true, recording);
}

}  // namespace tokwatt::scenarios
