// Mooncake's traces: https://github.com/kvcache-ai/Mooncake. JSON lines; hash_ids name the prompt's blocks of 512
// tokens, the last of which is what is left over.
#include <fmt/format.h>

#include <algorithm>
#include <array>

#include "scenarios/traces/format.hpp"
#include "scenarios/traces/json_text.hpp"

namespace tokwatt::scenarios {
namespace {

constexpr int32_t kBlock = 512;  // [tokens]; the files do not say so
constexpr std::array kKeys = {"timestamp", "input_length", "output_length", "hash_ids"};

class MooncakeRows final : public RowReader {
 public:
  explicit MooncakeRows(uint64_t salt) : salt_(salt) {}

  bool read(std::string_view line, int64_t number, TraceRow& row, Mistakes& mistakes) override {
    JsonText json(line, number, mistakes);
    ids_.clear();
    std::string_view ids_at = line.substr(0, 1);
    json.object([&](std::string_view key) {
      if (key == "timestamp") return json.instant(key, TimeUnit::ms, row.at);
      if (key == "input_length") return json.tokens(key, row.prompt);
      if (key == "output_length") return json.tokens(key, row.output);
      if (key == "hash_ids") {
        ids_at = key;
        return json.ids(key, ids_);
      }
      json.value();
    });
    json.finish({"timestamp", "input_length", "output_length", "hash_ids"});
    if (!json.good()) return false;
    const int32_t blocks = row.prompt / kBlock + (row.prompt % kBlock > 0 ? 1 : 0);
    if (ids_.size() != static_cast<std::size_t>(blocks)) {
      json.wrong(ids_at, fmt::format("hash_ids has {} ids; expected {}, one for each {} tokens of {}", ids_.size(),
                                     blocks, kBlock, row.prompt));
      return false;
    }
    fill_parts(row);
    return true;
  }

 private:
  // Ids count from 0 in every file. A salt that differs in its high bits keeps those of two streams apart, and an
  // exclusive or keeps those of one file apart.
  void fill_parts(TraceRow& row) const {
    row.parts.clear();
    row.parts.reserve(ids_.size());
    int64_t left = row.prompt;
    for (const uint64_t id : ids_) {
      row.parts.push_back({id ^ salt_, std::min<int64_t>(left, kBlock)});
      left -= kBlock;
    }
  }

  uint64_t salt_;
  std::vector<uint64_t> ids_;  // of the current line
};

}  // namespace

extern const TraceFormat kMooncake;
const TraceFormat kMooncake{
    "mooncake",
    [](const FirstLine& first, bool roughly) { return first.json ? count_known(first, kKeys, roughly) : 0; },
    /*has_header=*/false,
    [](const FirstLine&, sim::StreamKey key, Mistakes&) -> std::unique_ptr<RowReader> {
      return std::make_unique<MooncakeRows>(key.stream);
    },
};

}  // namespace tokwatt::scenarios
