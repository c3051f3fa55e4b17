// LLMServingSim's workloads: https://github.com/casys-kaist/LLMServingSim. JSON lines, with token ids or without.
#include <fmt/format.h>

#include <array>

#include "scenarios/traces/format.hpp"
#include "scenarios/traces/json_text.hpp"

namespace tokwatt::scenarios {
namespace {

constexpr std::array kKeys = {"input_toks",    "output_toks",    "arrival_time_ns",
                              "input_tok_ids", "output_tok_ids", "sub_requests"};

class LlmServingSimRows final : public RowReader {
 public:
  bool read(std::string_view line, int64_t number, TraceRow& row, Mistakes& mistakes) override {
    JsonText json(line, number, mistakes);
    IdCount input, output;
    std::string_view session;
    json.object([&](std::string_view key) {
      if (key == "input_toks") return json.tokens(key, row.prompt);
      if (key == "output_toks") return json.tokens(key, row.output);
      if (key == "arrival_time_ns") return json.instant(key, TimeUnit::ns, row.at);
      if (key == "input_tok_ids") return read_ids(json, key, input);
      if (key == "output_tok_ids") return read_ids(json, key, output);
      if (key == "session_id" || key == "sub_requests") session = key;
      json.value();
    });
    if (!session.empty() && !json.broken()) {
      json.wrong(session,
                 fmt::format("{}: sessions of llmservingsim are not built yet; expected lines with input_toks, "
                             "output_toks and arrival_time_ns",
                             session));
      return false;
    }
    json.finish({"input_toks", "output_toks", "arrival_time_ns"});
    if (json.good()) check_count(json, input, row.prompt, "input_toks");
    if (json.good()) check_count(json, output, row.output, "output_toks");
    return json.good();
  }

 private:
  struct IdCount {
    std::string_view key;
    std::size_t count = 0;
  };

  void read_ids(JsonText& json, std::string_view key, IdCount& into) {
    ids_.clear();
    json.ids(key, ids_);
    into = {key, ids_.size()};
  }

  static void check_count(JsonText& json, const IdCount& ids, int32_t tokens, const char* of) {
    if (ids.key.empty() || ids.count == static_cast<std::size_t>(tokens)) return;
    json.wrong(ids.key, fmt::format("{} has {} ids; expected {}, as {} says", ids.key, ids.count, tokens, of));
  }

  std::vector<uint64_t> ids_;  // of the current list
};

}  // namespace

extern const TraceFormat kLlmServingSim;
const TraceFormat kLlmServingSim{
    "llmservingsim",
    [](const FirstLine& first, bool roughly) { return first.json ? count_known(first, kKeys, roughly) : 0; },
    /*has_header=*/false,
    [](const FirstLine&, sim::StreamKey, Mistakes&) -> std::unique_ptr<RowReader> {
      return std::make_unique<LlmServingSimRows>();
    },
};

}  // namespace tokwatt::scenarios
