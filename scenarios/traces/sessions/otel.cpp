// OpenTelemetry spans of an agent: a call graph. A span follows its parent, and a model call also those whose answers
// are among its messages. It comes as long after the last of them as it did in the recording: after the end of a model
// call, after the start of a span that is none (an agent, a tool), which takes no time here. A parent that is not in
// the file is none. Recorded durations are not replayed. Without gen_ai.usage tokens are estimated as inference-perf
// does.
#include <fmt/format.h>

#include <algorithm>
#include <map>

#include "scenarios/diagnostics.hpp"
#include "scenarios/traces/sessions/iso_time.hpp"
#include "scenarios/traces/sessions/json_members.hpp"
#include "scenarios/traces/sessions/readers.hpp"
#include "scenarios/utf8.hpp"

namespace tokwatt::scenarios {
namespace {

using Kind = JsonDocument::Kind;

constexpr int64_t kCharactersPerToken = 4;

// What is said in messages, whatever their form: every text but those that name things.
struct Said {
  std::vector<std::string> texts;
  int64_t characters = 0;
};

void gather(const JsonValue& value, Said& said) {
  if (value.is(Kind::string)) {
    said.texts.push_back(value.string());
    said.characters += std::ssize(code_points(said.texts.back()));
  } else if (value.is(Kind::array)) {
    for (const JsonValue& item : value.items()) gather(item, said);
  } else if (value.is(Kind::object)) {
    for (const auto& [key, item] : value.members()) {
      if (key != "role" && key != "type" && key != "id" && key != "tool_call_id") gather(item, said);
    }
  }
}

struct Span {
  std::string id, parent;
  TraceInstant start = 0;
  std::optional<TraceInstant> end;
  bool is_call = false;
  Said answers;                     // that others gave, among its messages
  std::vector<std::string> output;  // texts
};

class OtelReader {
 public:
  explicit OtelReader(Recording& recording) : recording_(recording), mistakes_(recording.mistakes) {}

  void read(const JsonValue& root) {
    const auto spans = member(root, "spans", Kind::array, mistakes_);
    if (!spans) return;
    const std::vector<JsonValue> items = spans->items();
    for (const JsonValue& item : items) {
      if (recording_.full(spans_.size())) break;
      read_span(item);
    }
    if (mistakes_.count() > 0) return;
    note_answers();
    for (std::size_t i = 0; i < spans_.size(); ++i) connect(i);
    if (const auto call = recording_.graph.on_a_cycle()) {
      items[*call].report(
          fmt::format("span {} waits for itself: its parents lead back to it", in_quotes(spans_[*call].id)), mistakes_);
    }
    note_estimates();
  }

 private:
  void read_span(const JsonValue& item) {
    Span span;
    const auto id = member(item, "span_id", Kind::string, mistakes_);
    const bool started = read_time(item, "start_time", span.start);
    TraceInstant end = 0;
    if (const auto value = item.find("end_time"); value && !value->is(Kind::null) && read_time(item, "end_time", end))
      span.end = end;
    if (const auto parent = item.find("parent_span_id"); parent && !parent->is(Kind::null)) {
      if (const auto text = member(item, "parent_span_id", Kind::string, mistakes_)) span.parent = text->string();
    }
    RecordedCall call;
    if (const auto attributes = item.find("attributes")) read_attributes(*attributes, span, call);
    if (!id || !started) return;
    span.id = id->string();
    if (!places_.emplace(span.id, spans_.size()).second) {
      id->report(fmt::format("a span before has the span_id {} already", in_quotes(span.id)), mistakes_);
      return;
    }
    const sim::CallId number = recording_.add(call);
    if (!span.is_call) recording_.graph.calls[number].drop = sim::Drop::no_model_call;
    spans_.push_back(std::move(span));
  }

  bool read_time(const JsonValue& item, const char* key, TraceInstant& instant) {
    const auto text = member(item, key, Kind::string, mistakes_);
    if (!text) return false;
    const std::string said = text->string();
    if (times_.parse(said, instant)) return true;
    text->report(fmt::format("{} is {}", key, times_.explain(said)), mistakes_);
    return false;
  }

  void read_attributes(const JsonValue& attributes, Span& span, RecordedCall& call) {
    const auto any = [&](std::initializer_list<const char*> keys) -> std::optional<JsonValue> {
      for (const char* key : keys) {
        if (const auto value = attributes.find(key); value && !value->is(Kind::null)) return value;
      }
      return std::nullopt;
    };
    const auto messages = any({"gen_ai.input.messages"});
    const auto prompt = any({"gen_ai.usage.input_tokens", "gen_ai.usage.prompt_tokens"});
    const auto output = any({"gen_ai.usage.output_tokens", "gen_ai.usage.completion_tokens"});
    const auto answer = any({"gen_ai.output.text", "gen_ai.completion", "gen_ai.output", "gen_ai.output.messages"});
    const auto operation = any({"gen_ai.operation.name"});
    span.is_call = messages || prompt || (operation && is_model_operation(*operation));
    if (!span.is_call) return;
    ++calls_;
    const Said asked = messages ? read_messages(*messages, &span) : Said{};
    const Said said = answer ? read_messages(*answer, nullptr) : Said{};
    span.output = said.texts;
    if (!prompt && !messages) {
      attributes.report("no gen_ai.usage.input_tokens here and no gen_ai.input.messages; expected one of them",
                        mistakes_);
    }
    if (!prompt || (!output && answer)) ++estimated_;
    call.prompt = tokens(prompt, asked);
    call.output = tokens(output, said);
  }

  static bool is_model_operation(const JsonValue& operation) {
    if (!operation.is(Kind::string)) return false;
    const std::string name = operation.string();
    return name == "chat" || name == "text_completion" || name == "generate_content";
  }

  int32_t tokens(const std::optional<JsonValue>& usage, const Said& said) {
    int32_t count = 0;
    if (!usage) return static_cast<int32_t>((said.characters + kCharactersPerToken - 1) / kCharactersPerToken);
    if (!usage->is(Kind::number) || !parse_tokens(usage->text(), count))
      usage->report(fmt::format("a count of tokens is {}", explain_tokens(shown(*usage))), mistakes_);
    return count;
  }

  // Messages are a list, or the text of one; an answer may be plain text. What the messages have of others' answers
  // goes to the span.
  Said read_messages(const JsonValue& value, Span* span) {
    Said said;
    const bool nested = value.is(Kind::string) && value.string().starts_with('[');
    if (!nested) {
      gather(value, said);
      if (span != nullptr) gather_answers(value, *span);
      return said;
    }
    Mistakes inside("");
    const JsonDocument json(value.string(), 1, inside);
    const auto root = json.root();
    if (!root && span == nullptr) {  // an answer that only begins like a list
      gather(value, said);
    } else if (!root) {
      value.report("the messages are a text that is no JSON; expected a list of messages", mistakes_);
    } else {
      gather(*root, said);
      if (span != nullptr) gather_answers(*root, *span);
    }
    return said;
  }

  static void gather_answers(const JsonValue& messages, Span& span) {
    if (!messages.is(Kind::array)) return;
    for (const JsonValue& message : messages.items()) {
      const auto role = message.find("role");
      if (role && role->is(Kind::string) && role->string() == "assistant") gather(message, span.answers);
    }
  }

  void note_answers() {
    for (std::size_t place = 0; place < spans_.size(); ++place) {
      for (const std::string& text : spans_[place].output) {
        if (!text.empty() && spans_[place].end) gave_[text].emplace_back(*spans_[place].end, place);
      }
    }
    for (auto& [text, calls] : gave_) std::sort(calls.begin(), calls.end());
  }

  // The last call that had given this answer when a span started.
  std::optional<std::size_t> giver(const std::string& text, std::size_t place) const {
    const auto found = gave_.find(text);
    if (found == gave_.end()) return std::nullopt;
    const auto& calls = found->second;
    auto after = std::upper_bound(calls.begin(), calls.end(), std::pair(spans_[place].start, spans_.size()));
    while (after != calls.begin()) {
      --after;
      if (after->second != place) return after->second;
    }
    return std::nullopt;
  }

  void connect(std::size_t place) {
    const Span& span = spans_[place];
    std::vector<std::size_t> parents;
    if (const auto parent = places_.find(span.parent); !span.parent.empty() && parent != places_.end())
      parents.push_back(parent->second);
    for (const std::string& text : span.answers.texts) {
      if (const auto gave = giver(text, place)) parents.push_back(*gave);
    }
    std::sort(parents.begin(), parents.end());
    parents.erase(std::unique(parents.begin(), parents.end()), parents.end());
    const auto id = static_cast<sim::CallId>(place);
    if (parents.empty()) {
      recording_.starts_at(id, span.start);
      return;
    }
    TraceInstant ended = 0;
    for (const std::size_t parent : parents) {
      const Span& before = spans_[parent];
      ended = std::max(ended, before.is_call ? before.end.value_or(span.start) : before.start);
      recording_.graph.follow(id, static_cast<sim::CallId>(parent));
    }
    recording_.pauses(id, std::max<TraceInstant>(0, span.start - ended));
  }

  void note_estimates() {
    if (estimated_ == 0) return;
    recording_.notes.push_back(
        fmt::format("{} of {} calls have no token counts; theirs are estimated at {} characters a token", estimated_,
                    calls_, kCharactersPerToken));
  }

  Recording& recording_;
  Mistakes& mistakes_;
  IsoTimes times_;
  std::vector<Span> spans_;  // by call
  std::map<std::string, std::size_t> places_;
  std::map<std::string, std::vector<std::pair<TraceInstant, std::size_t>>> gave_;  // by answer: calls and their ends
  int64_t calls_ = 0, estimated_ = 0;
};

}  // namespace

void read_otel(const std::string& path, Recording& recording) {
  read_json_root(path, recording.mistakes, [&](const JsonValue& root) { OtelReader(recording).read(root); });
}

}  // namespace tokwatt::scenarios
