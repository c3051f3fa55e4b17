// LLMServingSim, a line for each session: `session_id`, `arrival_time_ns`, and `sub_requests` of which each begins
// `tool_duration_ns` of the one before after that one has left. A line without sub_requests is a request of its own.
#include <fmt/format.h>

#include "scenarios/diagnostics.hpp"
#include "scenarios/traces/lines.hpp"
#include "scenarios/traces/sessions/json_members.hpp"
#include "scenarios/traces/sessions/readers.hpp"

namespace tokwatt::scenarios {
namespace {

using Kind = JsonDocument::Kind;

class LlmServingSimReader {
 public:
  explicit LlmServingSimReader(Recording& recording) : recording_(recording), mistakes_(recording.mistakes) {}

  bool full() const { return recording_.full(recording_.graph.calls.size()); }

  void read(std::string_view line, int64_t number) {
    const JsonDocument json(std::string(line), number, mistakes_);
    const auto root = json.root();
    if (!root) return;
    if (!root->is(Kind::object)) {
      root->report(fmt::format("{}; expected an object with input_toks or sub_requests", shown(*root)), mistakes_);
      return;
    }
    TraceInstant arrival = 0;
    if (!read_nanoseconds(*root, "arrival_time_ns", arrival, mistakes_)) return;
    Chain chain(recording_);
    if (!root->find("sub_requests")) {
      add(*root, arrival, 0, chain);
      return;
    }
    if (const auto requests = member(*root, "sub_requests", Kind::array, mistakes_)) read(*requests, arrival, chain);
  }

 private:
  void read(const JsonValue& requests, TraceInstant arrival, Chain& chain) {
    TraceInstant pause = 0;
    bool first = true;
    for (const JsonValue& request : requests.items()) {
      if (full()) return;
      add(request, first ? std::optional(arrival) : std::nullopt, pause, chain);
      pause = 0;  // of the last one it may be missing
      if (request.find("tool_duration_ns")) read_nanoseconds(request, "tool_duration_ns", pause, mistakes_);
      first = false;
    }
  }

  void add(const JsonValue& request, std::optional<TraceInstant> start, TraceInstant pause, Chain& chain) {
    RecordedCall call{start, pause, 0, 0};
    const bool prompt = read_tokens(request, "input_toks", call.prompt, mistakes_);
    if (read_tokens(request, "output_toks", call.output, mistakes_) && prompt) chain.add(call);
  }

  Recording& recording_;
  Mistakes& mistakes_;
};

}  // namespace

void read_llmservingsim_sessions(const std::string& path, Recording& recording) {
  LlmServingSimReader reader(recording);
  LineReader lines(path);
  try {
    while (const auto line = reader.full() ? std::nullopt : lines.next()) {
      if (lines.too_long()) {
        recording.mistakes.add(lines.line(), *line, 0, 1,
                               fmt::format("a line of more than {} bytes; expected a session", kLongestLine));
      } else if (!line->empty()) {
        reader.read(*line, lines.line());
      }
    }
  } catch (const ReadFailure& e) {
    recording.mistakes.add(lines.line() + 1, "", 0, 1, e.what());
  }
}

}  // namespace tokwatt::scenarios
