#include "scenarios/traces/sessions/sessions.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>

#include "scenarios/traces/lines.hpp"
#include "scenarios/traces/sessions/readers.hpp"

namespace tokwatt::scenarios {
namespace {

constexpr std::size_t kHead = std::size_t{64} << 10U;  // [B] of a file that tell its format

// The beginning of a file; nothing if it cannot be read.
std::string head_of(const std::string& path) {
  std::string head(kHead, '\0');
  std::size_t size = 0;
  try {
    if (!why_no_file(path).empty()) return "";
    ByteStream bytes(path);
    while (size < head.size()) {
      const std::size_t got = bytes.read(std::span(head).subspan(size));
      if (got == 0) break;
      size += got;
    }
  } catch (const ReadFailure&) {
  }
  head.resize(size);
  return head;
}

bool has_column(std::string_view header, std::string_view name) {
  std::array<std::string_view, 64> fields;
  const std::size_t count = std::min(split_fields(header, fields), fields.size());
  return std::find(fields.begin(), fields.begin() + count, name) != fields.begin() + count;
}

// JSON by its keys, CSV by its columns.
std::optional<SessionFormat> format_of(std::string_view head) {
  if (head.starts_with("\xEF\xBB\xBF")) head.remove_prefix(3);
  const std::size_t text = head.find_first_not_of(" \t\r\n");
  if (text != std::string_view::npos && head[text] == '{') {
    const auto has = [&](std::string_view key) { return head.find(key) != std::string_view::npos; };
    if (has("\"sub_requests\"")) return SessionFormat::llmservingsim;
    if (has("\"spans\"")) return SessionFormat::otel;
    if (has("\"requests\"") || has("\"hash_id_scope\"")) return SessionFormat::weka;
    return std::nullopt;
  }
  const std::string_view header = head.substr(0, head.find_first_of("\r\n"));
  if (has_column(header, "session_id") && has_column(header, "completion_tokens")) return SessionFormat::exgentic;
  if (has_column(header, "session") && has_column(header, "arrival_s")) return SessionFormat::csv;
  return std::nullopt;
}

void read(const std::string& path, SessionFormat format, Recording& recording) {
  switch (format) {
    case SessionFormat::csv:
      return read_csv_sessions(path, recording);
    case SessionFormat::exgentic:
      return read_exgentic(path, recording);
    case SessionFormat::llmservingsim:
      return read_llmservingsim_sessions(path, recording);
    case SessionFormat::otel:
      return read_otel(path, recording);
    case SessionFormat::weka:
      return read_weka(path, recording);
  }
}

bool is_request(const sim::Call& call) { return call.drop == sim::Drop::none; }

}  // namespace

std::optional<SessionFormat> session_format(const std::string& path, const std::string& asked) {
  if (asked == "exgentic") return SessionFormat::exgentic;
  if (asked == "otel") return SessionFormat::otel;
  if (asked == "weka") return SessionFormat::weka;
  const bool automatic = asked.empty() || asked == "auto";
  if (!automatic && asked != "csv" && asked != "llmservingsim") return std::nullopt;
  const auto found = format_of(head_of(path));
  if (asked == "csv" && found != SessionFormat::csv) return std::nullopt;
  if (asked == "llmservingsim" && found != SessionFormat::llmservingsim) return std::nullopt;
  return found;
}

SessionTrace open_sessions(const std::string& path, SessionFormat format, const TraceOptions& options,
                           sim::StreamKey key, const Place& asked_at, Diagnostics& diagnostics) {
  // Without a place (no scenario asked), the trace's own name is the best one.
  const Place place = asked_at.source ? asked_at : Place{std::make_shared<Source>(Source{path, ""}), 0, 0, 1};
  if (const std::string why = why_no_file(path); !why.empty()) {
    diagnostics.error(place, fmt::format("cannot read {}: {}", in_quotes(path), why));
    return {};
  }
  try {
    Mistakes mistakes(path);
    Recording recording(options, mistakes);
    read(path, format, recording);
    const auto& calls = recording.graph.calls;
    if (mistakes.count() == 0 && std::none_of(calls.begin(), calls.end(), is_request)) {
      mistakes.add(1, "", 0, 1,
                   fmt::format("no request: none of {} calls has both prompt and output tokens", calls.size()));
    }
    mistakes.report(diagnostics);
    if (mistakes.count() > 0) return {};
    recording.settle_times();
    return {sim::calls_source(std::move(recording.graph), key), std::move(recording.notes)};
  } catch (const ReadFailure& e) {
    diagnostics.error(place, fmt::format("cannot read {}: {}", in_quotes(path), e.what()));
    return {};
  }
}

}  // namespace tokwatt::scenarios
