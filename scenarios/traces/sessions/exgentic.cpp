// Agents at work (Exgentic): `session_id,timestamp,status,model,prompt_tokens,completion_tokens,messages`. A session
// starts at its first timestamp and goes on as soon as an answer is there. The other timestamps are not used: they
// hold the latencies of the hardware they were recorded on, or of a replay from a cache.
#include "scenarios/traces/sessions/iso_time.hpp"
#include "scenarios/traces/sessions/readers.hpp"
#include "scenarios/traces/sessions/session_rows.hpp"

namespace tokwatt::scenarios {

void read_exgentic(const std::string& path, Recording& recording) {
  const CsvColumns columns{
      {"session_id", "timestamp", "prompt_tokens", "completion_tokens"}, {"status", "model", "messages"}, true};
  CsvTable table(path, columns, recording.mistakes);
  SessionRows rows;
  IsoTimes times;
  while (!recording.full(rows.size()) && table.next()) {
    TraceInstant at = 0;
    int32_t prompt = 0, output = 0;
    const bool timed = times.parse(table.field("timestamp"), at);
    if (!timed) table.report("timestamp", times.explain(table.field("timestamp")));
    const bool named = !table.field("session_id").empty();
    if (!named) table.report("session_id", "empty; expected the name of a session");
    if (read_tokens(table, "prompt_tokens", "completion_tokens", prompt, output) && timed && named)
      rows.add(table.field("session_id"), at, prompt, output);
  }
  rows.record(false, recording);
}

}  // namespace tokwatt::scenarios
