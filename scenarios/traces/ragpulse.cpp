// RAGPulse: https://github.com/flashserve/RAGPulse. JSON lines; instants are strings; hash_ids name chunks of unknown
// length, so nothing can be said of what prompts share.
#include <fmt/format.h>

#include <algorithm>
#include <array>

#include "scenarios/traces/format.hpp"
#include "scenarios/traces/json_text.hpp"

namespace tokwatt::scenarios {
namespace {

constexpr std::array kKeys = {"timestamp", "input_length", "output_length", "session_id", "hash_ids"};
constexpr std::array kLists = {"sys_prompt", "passages_ids", "history", "web_search", "user_input"};

class RagPulseRows final : public RowReader {
 public:
  bool read(std::string_view line, int64_t number, TraceRow& row, Mistakes& mistakes) override {
    JsonText json(line, number, mistakes);
    json.object([&](std::string_view key) {
      if (key == "timestamp") return json.quoted_instant(key, TimeUnit::s, row.at);
      if (key == "input_length") return json.tokens(key, row.prompt);
      if (key == "output_length") return json.tokens(key, row.output);
      if (key == "hash_ids") return check_lists(json, key);
      json.value();
    });
    json.finish({"timestamp", "input_length", "output_length", "hash_ids"});
    return json.good();
  }

 private:
  void check_lists(JsonText& json, std::string_view hash_ids) {
    std::size_t found = 0;
    const bool is_object = json.object([&](std::string_view key) {
      if (std::find(kLists.begin(), kLists.end(), key) == kLists.end()) {
        json.value();
        return;
      }
      ++found;
      ids_.clear();
      json.ids(key, ids_);
    });
    if (is_object && found < kLists.size()) {
      json.wrong(hash_ids, fmt::format("hash_ids has {} of its {} lists; expected {}", found, kLists.size(),
                                       fmt::join(kLists, ", ")));
    }
  }

  std::vector<uint64_t> ids_;  // of the current list
};

}  // namespace

extern const TraceFormat kRagPulse;
const TraceFormat kRagPulse{
    "ragpulse",
    [](const FirstLine& first, bool roughly) { return first.json ? count_known(first, kKeys, roughly) : 0; },
    /*has_header=*/false,
    [](const FirstLine&, sim::StreamKey, Mistakes&) -> std::unique_ptr<RowReader> {
      return std::make_unique<RagPulseRows>();
    },
};

}  // namespace tokwatt::scenarios
