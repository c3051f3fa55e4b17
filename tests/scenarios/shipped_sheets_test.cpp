// The sheets that come with the program: each number says where it comes from, and what they say of the world is sane.
#include <fmt/format.h>

#include <set>

#include "models/graph.hpp"
#include "scenarios/hf_config.hpp"
#include "scenarios/sheets/sheets.hpp"
#include "tests/catch.hpp"

using namespace tokwatt;
using namespace tokwatt::scenarios;
using Catch::Matchers::WithinRel;

namespace {

constexpr double kGiB = 1073741824.0, kGB = 1e9;

RawSheet open(SheetKind kind, const std::string& id) {
  Diagnostics diagnostics;
  auto sheet = open_sheet(kind, Text{id, {}}, "test", "", diagnostics);
  INFO(diagnostics.render());
  REQUIRE(diagnostics.ok());
  REQUIRE(sheet);
  return *sheet;
}

/// What read(diagnostics) gives, once it has nothing to complain about.
template <class Read>
auto clean(Read read) {
  Diagnostics diagnostics;
  auto result = read(diagnostics);
  INFO(diagnostics.render());
  REQUIRE(diagnostics.ok());
  return result;
}

BoxRead box(const std::string& id) {
  return clean([&](Diagnostics& d) { return read_box(open(SheetKind::box, id), {}, d); });
}
ModelRead model(const std::string& id) {
  return clean([&](Diagnostics& d) { return read_model(open(SheetKind::model, id), {}, d); });
}
QuantRead quant(const std::string& id) {
  return clean([&](Diagnostics& d) { return read_quant(open(SheetKind::quant, id), {}, d); });
}
EngineRead engine(const std::string& id, const std::string& on_box) {
  return clean(
      [&](Diagnostics& d) { return read_engine(open(SheetKind::engine, id), open(SheetKind::box, on_box), {}, d); });
}

void check_numbers(const std::string& sheet, const std::vector<SheetNumber>& numbers) {
  REQUIRE(numbers.size() > 5);
  for (const auto& number : numbers) {
    CAPTURE(sheet, number.path);
    CHECK_FALSE(number.sources.empty());  // the reader has reported an id that does not resolve
    CHECK((number.confidence == "vendor" || number.confidence == "measured" || number.confidence == "derived" ||
           number.confidence == "assumed"));
  }
}

}  // namespace

TEST_CASE("the sheets that the first release promises are there", "[scenarios][sheets]") {
  using Ids = std::vector<std::string>;
  CHECK_THAT(ids(SheetKind::box), Catch::Contains(Ids{"dgx-spark", "h100-sxm-80", "mac-studio-m3-ultra-80c-512"}));
  CHECK_THAT(ids(SheetKind::model), Catch::Contains(Ids{"gpt-oss-120b", "llama-3.1-8b", "qwen3-30b-a3b"}));
  CHECK_THAT(ids(SheetKind::quant), Catch::Contains(Ids{"bf16", "f16", "mxfp4", "q4_k_m", "q8_0"}));
  CHECK_THAT(ids(SheetKind::engine), Catch::Contains(Ids{"llama.cpp-cuda", "llama.cpp-metal", "vllm"}));
}

TEST_CASE("every number of a shipped sheet has a source that resolves and a confidence", "[scenarios][sheets]") {
  for (const auto& id : ids(SheetKind::box)) check_numbers(id, box(id).numbers);
  for (const auto& id : ids(SheetKind::model)) check_numbers(id, model(id).numbers);
  for (const auto& id : ids(SheetKind::quant)) check_numbers(id, quant(id).numbers);
  for (const auto& id : ids(SheetKind::engine)) {
    for (const auto& on : ids(SheetKind::box)) check_numbers(id + " on " + on, engine(id, on).numbers);
  }
}

TEST_CASE("a sheet is named after its file and says what it describes", "[scenarios][sheets]") {
  for (const auto kind : {SheetKind::box, SheetKind::model, SheetKind::quant, SheetKind::engine}) {
    for (const auto& id : ids(kind)) {
      CAPTURE(id);
      const auto sheet = open(kind, id);
      REQUIRE(sheet.root.find("id"));
      CHECK(sheet.root.find("id")->scalar == id);
      REQUIRE(sheet.root.find("describes"));
      CHECK(sheet.root.find("describes")->find("date"));
    }
  }
}

TEST_CASE("a shipped box names its chip's generation, a user's need not", "[scenarios][sheets]") {
  const std::set<std::string> known = {"ada",      "ampere",   "ampere-a100", "apple-m1", "apple-m2", "apple-m3",
                                       "apple-m4", "apple-m5", "blackwell",   "hopper",   "rdna3.5",  "blackwell-gb10"};
  for (const auto& id : ids(SheetKind::box)) {
    const auto architecture = box(id).value.architecture;
    CAPTURE(id, architecture);
    CHECK(known.count(architecture) == 1);
  }
  auto sheet = open(SheetKind::box, "dgx-spark");
  std::string text = sheet.source->text;
  const std::string line = "architecture: blackwell-gb10\n";
  REQUIRE(text.find(line) != std::string::npos);
  text.erase(text.find(line), line.size());
  sheet.source = std::make_shared<Source>(Source{"own.yaml", text});
  const auto own = clean([&](Diagnostics& d) {
    sheet.root = parse(sheet.source, d);
    return read_box(sheet, {}, d);
  });
  CHECK(own.value.architecture.empty());
}

TEST_CASE("weights take what the published files take", "[scenarios][sheets]") {
  struct File {
    const char *model, *quant;
    bool gguf;
    double bytes;
  };
  // llama.cpp: tools/quantize/README.md (Llama 3.1 8B), benches/dgx-spark (gpt-oss, Qwen3 Q8_0); sunkcost (Qwen3
  // Q4_K_M); gpt-oss in safetensors: its model card's 60.8 GiB.
  const auto file =
      GENERATE(File{"llama-3.1-8b", "q4_k_m", true, 4.58 * kGiB}, File{"llama-3.1-8b", "q8_0", true, 7.95 * kGiB},
               File{"llama-3.1-8b", "f16", true, 14.96 * kGiB}, File{"llama-3.1-8b", "bf16", false, 16.06 * kGB},
               File{"gpt-oss-120b", "mxfp4", true, 59.02 * kGiB}, File{"gpt-oss-120b", "mxfp4", false, 60.8 * kGiB},
               File{"qwen3-30b-a3b", "q4_k_m", true, 18.56 * kGB}, File{"qwen3-30b-a3b", "q8_0", true, 30.25 * kGiB});
  CAPTURE(file.model, file.quant, file.gguf);
  const auto format = quant(file.quant).value;
  const double bytes = models::weight_bytes(model(file.model).value, file.gguf ? format.gguf : format.safetensors);
  CHECK_THAT(bytes, WithinRel(file.bytes, 0.02));
}

TEST_CASE("a quant's sheet names the kernels that unpack it", "[scenarios][sheets]") {
  CHECK(quant("bf16").value.unpack == "float");
  CHECK(quant("q8_0").value.unpack == "legacy");
  CHECK(quant("q4_k_m").value.unpack == "k");
  CHECK(quant("mxfp4").value.unpack == "mxfp4");
}

TEST_CASE("a model's sheet and its config.json say the same", "[scenarios][sheets]") {
  const std::string id = GENERATE("llama-3.1-8b", "gpt-oss-120b", "qwen3-30b-a3b");
  CAPTURE(id);
  const auto sheet = model(id).value;
  const auto config = clean([&](Diagnostics& d) {
    const auto path = fmt::format("{}/tests/data/configs/{}.json", TOKWATT_SOURCE_DIR, id);
    return read_hf_config(parse(read_source(path, {}, d), d), id, d);
  });
  CHECK(sheet.family == config.family);
  CHECK(sheet.native_quant == config.native_quant);
  CHECK(sheet.max_context == config.max_context);
  CHECK(sheet.tied_embeddings == config.tied_embeddings);
  CHECK(models::parameters(sheet) == models::parameters(config));
  CHECK(models::active_parameters(sheet) == models::active_parameters(config));
  CHECK(models::kv_bytes(sheet, 2).per_token == models::kv_bytes(config, 2).per_token);
  CHECK(models::kv_bytes(sheet, 2).window_fixed == models::kv_bytes(config, 2).window_fixed);
}

TEST_CASE("peaks are dense and balanced with the bandwidth", "[scenarios][sheets]") {
  for (const auto& id : ids(SheetKind::box)) {
    CAPTURE(id);
    const auto b = box(id).value;
    // Ridge point in BF16: 35 FLOP/B (a GPU without matrix units) to 458 (GB10's LPDDR5X); a sparse figure would
    // double the upper end.
    const double ridge = b.compute.peak_of(hardware::Dtype::bf16) / b.memory.bandwidth;
    CHECK(ridge > 20);
    CHECK(ridge < 600);
    // A narrower format is at most twice as fast as the next wider one; 2:4 sparsity taken for dense would make it
    // four.
    const double bf16 = b.compute.peak_of(hardware::Dtype::bf16), fp8 = b.compute.peak_of(hardware::Dtype::fp8);
    CHECK(fp8 <= 2.01 * bf16);
    CHECK(b.compute.peak_of(hardware::Dtype::fp4) <= 2.01 * fp8);
  }
  CHECK(box("dgx-spark").value.compute.peak_of(hardware::Dtype::fp4) == 500e12);  // 1 PFLOP/s is the sparse figure
  CHECK(box("h100-sxm-80").value.compute.peak_of(hardware::Dtype::bf16) == 989e12);
}

TEST_CASE("a peak that is marked sparse is refused", "[scenarios][sheets]") {
  auto sheet = open(SheetKind::box, "dgx-spark");
  std::string text = sheet.source->text;
  const std::string dense = "sparsity: dense";
  REQUIRE(text.find(dense) != std::string::npos);
  text.replace(text.find(dense), dense.size(), "sparsity: sparse");
  Diagnostics diagnostics;
  sheet.source = std::make_shared<Source>(Source{"sparse.yaml", text});
  sheet.root = parse(sheet.source, diagnostics);
  read_box(sheet, {}, diagnostics);
  REQUIRE(diagnostics.errors().size() == 1);
  CHECK_THAT(diagnostics.errors()[0].message, Catch::Contains("expected the dense figure"));
}

TEST_CASE("a box at rest and at work draws what was measured at the wall", "[scenarios][sheets]") {
  const auto spark = box("dgx-spark").value.power;
  const auto wall = [](const hardware::Power& p, double chip, double rest) { return (chip + rest) / p.psu_efficiency; };
  const double idle = spark.idle + spark.leakage_at(35);
  CHECK_THAT(idle, WithinRel(4.0, 0.05));  // nvidia-smi at 35 degC
  CHECK(wall(spark, idle, spark.rest_idle) > 22);
  CHECK(wall(spark, idle, spark.rest_idle) < 25);
  const double decode = spark.idle + spark.leakage_at(67) + spark.active + 230e9 * spark.per_byte;
  CHECK_THAT(decode, WithinRel(41.0, 0.02));
  CHECK_THAT(wall(spark, decode, spark.rest_busy), WithinRel(95.0, 0.03));
  const double prefill = spark.idle + spark.leakage_at(80) + spark.active + 30e9 * spark.per_byte +
                         55e12 * spark.per_flop[static_cast<std::size_t>(hardware::Dtype::bf16)];
  CHECK(prefill > 78);  // median and 90th percentile of long prefill
  CHECK(prefill < 97);

  const auto mac = box("mac-studio-m3-ultra-80c-512").value.power;
  CHECK_THAT(wall(mac, mac.idle + mac.leakage_at(22), mac.rest_idle), WithinRel(9.0, 0.02));
  const double busy = mac.idle + mac.leakage_at(70) + mac.active + 60e9 * mac.per_byte +
                      21.6e12 * mac.per_flop[static_cast<std::size_t>(hardware::Dtype::bf16)];
  CHECK(wall(mac, busy, mac.rest_busy) > 223);
  CHECK(wall(mac, busy, mac.rest_busy) < 262);
}

TEST_CASE("the Spark's die settles where 38 measured runs did", "[scenarios][sheets]") {
  const auto b = box("dgx-spark").value;
  double resistance = 0;
  for (const auto& stage : b.thermal.stages) resistance += stage.resistance;
  CHECK_THAT(resistance, WithinRel(0.467, 0.001));
  const double T = 24 + resistance * (41 + b.thermal.rest_to_die * b.power.rest_busy);
  CHECK(std::abs(T - (47.2 + 0.467 * 41)) < 2.5);  // the fit's standard deviation
}

TEST_CASE("an engine runs on a box that has its backend and the units that its quants need", "[scenarios][sheets]") {
  const auto spark = box("dgx-spark").value, mac = box("mac-studio-m3-ultra-80c-512").value;
  CHECK(why_not(spark, engine("vllm", "dgx-spark").value, quant("mxfp4").value).empty());
  CHECK(why_not(mac, engine("llama.cpp-metal", mac.id).value, quant("q4_k_m").value).empty());
  CHECK_FALSE(why_not(mac, engine("vllm", mac.id).value, quant("bf16").value).empty());
  CHECK_FALSE(why_not(spark, engine("vllm", "dgx-spark").value, quant("q4_k_m").value).empty());
}

TEST_CASE("a box's sheet lays its own tuning over an engine's", "[scenarios][sheets]") {
  const auto spark = engine("vllm", "dgx-spark").value, h100 = engine("vllm", "h100-sxm-80").value;
  CHECK(spark.limits.max_num_batched_tokens == 2048);
  CHECK(h100.limits.max_num_batched_tokens == 8192);
  CHECK(h100.limits.block_size == 16);  // the engine's own
  CHECK(spark.tuning.host_per_step > h100.tuning.host_per_step);
}
