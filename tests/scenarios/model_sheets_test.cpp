// What the shipped model sheets add up to, against what is published of the models.
#include "models/graph.hpp"
#include "scenarios/sheets/sheets.hpp"
#include "tests/catch.hpp"

using namespace tokwatt;
using namespace tokwatt::scenarios;
using Catch::Matchers::WithinRel;

namespace {

models::Architecture model(const std::string& name) {
  Diagnostics diagnostics;
  const auto sheet = open_sheet(SheetKind::model, Text{name, {}}, "model", "", diagnostics);
  INFO(diagnostics.render());
  REQUIRE(sheet);
  auto read = read_model(*sheet, {}, diagnostics);
  INFO(diagnostics.render());
  REQUIRE(diagnostics.ok());
  return read.value;
}

struct Published {
  const char* id;
  /// Weights, and those that a token passes through without the embedding table unless it is the head (0: only a
  /// rounded figure is published) [1e9].
  double total, active;
  /// Bytes of one sequence in bf16: per token of full layers (indexers' keys included), of full windows or chunks, and
  /// of recurrent states in fp32. 0 per token: compressed attention, see below.
  double kv_per_token, kv_window, state;
};

// From the published configs, model cards and llama-bench tables that the sheets name.
constexpr Published kPublished[] = {
    {"llama-2-7b", 6.738, 0, 524288, 0, 0},
    {"llama-2-13b", 13.016, 0, 819200, 0, 0},
    {"llama-2-70b", 68.977, 0, 327680, 0, 0},
    {"llama-3.1-8b", 8.03, 0, 131072, 0, 0},
    {"llama-3.1-70b", 70.554, 0, 327680, 0, 0},
    {"llama-3.1-405b", 405.853, 0, 516096, 0, 0},
    {"llama-3.2-3b", 3.213, 0, 114688, 0, 0},
    {"qwen2.5-7b", 7.616, 0, 57344, 0, 0},
    {"qwen2.5-14b", 14.77, 0, 196608, 0, 0},
    {"qwen2.5-32b", 32.764, 0, 262144, 0, 0},
    {"qwen2.5-72b", 72.706, 0, 327680, 0, 0},
    {"qwen3-8b", 8.191, 0, 147456, 0, 0},
    {"qwen3-14b", 14.768, 0, 163840, 0, 0},
    {"qwen3-32b", 32.762, 0, 262144, 0, 0},
    {"mistral-7b", 7.242, 0, 131072, 0, 0},
    {"mistral-small-3-24b", 23.572, 0, 163840, 0, 0},
    {"mistral-large-2-123b", 122.61, 0, 360448, 0, 0},
    {"mistral-nemo-12b", 12.248, 0, 163840, 0, 0},
    {"phi-4-14b", 14.66, 0, 204800, 0, 0},
    {"gemma-3-4b", 3.88, 0, 20480, 121634816, 0},
    {"gemma-3-12b", 11.765, 0, 65536, 335544320, 0},
    {"gemma-3-27b", 27.008, 0, 81920, 436207616, 0},
    {"gemma-4-31b", 30.7, 30.696, 81920, 838860800, 0},
    {"llama-4-scout", 109, 0, 49152, 1207959552, 0},
    {"qwen3-30b-a3b", 30.53, 0, 98304, 0, 0},
    {"qwen3-235b-a22b", 235.09, 0, 192512, 0, 0},
    {"qwen3-coder-480b-a35b", 480, 0, 253952, 0, 0},
    {"mixtral-8x7b", 46.7, 0, 131072, 0, 0},
    {"gpt-oss-20b", 20.91, 0, 24576, 3145728, 0},
    {"gpt-oss-120b", 116.83, 0, 36864, 4718592, 0},
    {"glm-4.5-air", 106, 0, 188416, 0, 0},
    {"glm-4.6", 355, 0, 376832, 0, 0},
    {"minimax-m2", 228.69, 0, 253952, 0, 0},
    {"mimo-v2-flash", 309, 0, 23040, 25559040, 0},
    {"mimo-v2.5-pro", 1020, 0, 51200, 39321600, 0},
    {"deepseek-v3", 671, 0, 70272, 0, 0},
    {"deepseek-v3.2", 671, 0, 85888, 0, 0},
    {"kimi-k2", 1040, 0, 70272, 0, 0},
    {"glm-5.1", 754, 0, 109824, 0, 0},
    {"deepseek-v4-flash", 284, 0, 0, 0, 0},
    {"deepseek-v4-pro", 1600, 0, 0, 0, 0},
    {"qwen3.6-27b", 27, 25.624, 65536, 0, 156893184},
    {"qwen3.6-35b-a3b", 35, 2.946, 20480, 0, 65863680},
    {"nemotron-3-nano-30b-a3b", 31.578, 3.227, 6144, 0, 49930240},
    {"nemotron-3-super-120b-a12b", 120.67, 12.232, 8192, 0, 172687360},
    {"llama-3.3-nemotron-super-49b", 49, 0, 0, 0, 0},
    {"mistral-small-4-119b", 119, 6.095, 23040, 0, 0},
    {"gemma-4-26b-a4b", 25.2, 3.822, 20480, 209715200, 0},
    {"gemma-4-12b", 11.95, 11.907, 16384, 335544320, 0},
    {"gemma-4-e4b", 7.46, 4.644, 16384, 20971520, 0},
    {"qwen3.5-0.8b", 0.752, 0.752, 12288, 0, 20201472},
    {"qwen3.5-2b", 1.88, 1.882, 12288, 0, 20201472},
    {"qwen3.5-4b", 4.21, 4.206, 32768, 0, 52690944},
    {"qwen3.5-9b", 8.95, 7.936, 32768, 0, 52690944},
    {"qwen3.5-122b-a10b", 122.11, 9.008, 24576, 0, 156303360},
    {"qwen3-next-80b-a3b", 79.67, 3.564, 24576, 0, 79036416},
    {"qwen3.8-flash-next", 176, 5.998, 25344, 0, 117669888},
    {"glm-4.7-flash", 29.94, 3.579, 54144, 0, 0},
    {"nemotron-nano-9b-v2", 8.89, 8.3, 16384, 0, 145539072},
    {"qwen3-0.6b", 0.596, 0.596, 114688, 0, 0},
    {"qwen3-1.7b", 1.72, 1.72, 114688, 0, 0},
    {"qwen3-4b", 4, 4.022, 147456, 0, 0},
    {"qwen2.5-0.5b", 0.49, 0.494, 12288, 0, 0},
    {"qwen2.5-1.5b", 1.54, 1.544, 28672, 0, 0},
    {"llama-3.2-1b", 1.236, 1.236, 32768, 0, 0},
    {"phi-3-medium-14b", 13.96, 13.796, 204800, 0, 0},
    {"phi-4-mini", 3.84, 3.836, 131072, 0, 0},
    {"deepseek-coder-6.7b", 6.74, 6.608, 524288, 0, 0},
    {"ministral-3-14b", 13.51, 12.835, 163840, 0, 0},
    {"ministral-3-3b", 3.43, 3.429, 106496, 0, 0},
    {"codellama-34b", 33.74, 33.481, 196608, 0, 0},
    {"yi-34b", 34.39, 33.929, 245760, 0, 0},
    {"k2-horizon-0.9b", 1.078, 0.98, 57344, 0, 0},
    {"k2-horizon-3.7b", 5.06, 4.416, 147456, 0, 0},
    {"gemma-2-9b", 9.24, 9.241, 172032, 704643072, 0},
    {"gemma-3-1b", 1, 1, 4096, 11534336, 0},
    {"mixtral-8x22b", 140.6, 38.955, 229376, 0, 0},
    {"hunyuan-a13b", 80.39, 12.747, 131072, 0, 0},
    {"dots.llm1.inst", 142, 13.393, 1015808, 0, 0},
    {"laguna-s", 118, 8.141, 49152, 75497472, 0},
    {"lfm2-24b-a2b", 24, 2.327, 20480, 0, 491520},
};

}  // namespace

TEST_CASE("sheets have the weights that are published", "[scenarios][models]") {
  for (const auto& p : kPublished) {
    CAPTURE(p.id);
    const auto m = model(p.id);
    CHECK_THAT(static_cast<double>(models::parameters(m)) / 1e9, WithinRel(p.total, 0.03));
    if (p.active > 0) CHECK_THAT(static_cast<double>(models::active_parameters(m)) / 1e9, WithinRel(p.active, 0.01));
  }
}

TEST_CASE("sheets keep the KV bytes and states that follow from the published dimensions", "[scenarios][models]") {
  for (const auto& p : kPublished) {
    if (p.kv_per_token == 0) continue;
    CAPTURE(p.id);
    const auto kv = models::kv_bytes(model(p.id), 2);
    CHECK(kv.per_token == p.kv_per_token);
    CHECK(kv.window_fixed == p.kv_window);
    CHECK(kv.state_fixed == p.state);
  }
}

TEST_CASE("what the operators of every sheet read is what its tensors weigh, tables that are looked up aside",
          "[scenarios][models]") {
  models::WeightFormat byte;
  byte.bits.fill(8);
  for (const auto& id : ids(SheetKind::model)) {
    CAPTURE(id);
    const auto m = model(id);
    double read = 0, flops = 0, weighed = 0, multiplied = 0;
    for (const auto& op : models::operators(m, byte, 2)) {
      read += op.weight_bytes;
      if (op.weight_bytes > 0) flops += op.flops_per_row;
    }
    for (const auto& tensor : models::tensors(m)) {
      if (tensor.share_per_token > 0) weighed += tensor.elements;
      multiplied += tensor.elements * tensor.share_per_token;
    }
    CHECK_THAT(read, WithinRel(weighed, 1e-9));
    CHECK_THAT(flops, WithinRel(2 * multiplied, 1e-3));
  }
}
