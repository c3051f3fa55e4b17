// The sheets that come with the program: each number says where it comes from, and what they say of the world is sane.
#include <fmt/format.h>

#include <algorithm>
#include <set>

#include "hardware/thermal_network.hpp"
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

/// What does not exist says so of all its numbers, and nothing else says it of any.
void check_numbers(const std::string& sheet, const std::vector<SheetNumber>& numbers, bool hypothetical = false) {
  REQUIRE(numbers.size() > 5);
  for (const auto& number : numbers) {
    CAPTURE(sheet, number.path, number.confidence);
    CHECK_FALSE(number.sources.empty());  // the reader has reported an id that does not resolve
    CHECK_FALSE(number.confidence.empty());
    CHECK((number.confidence == "hypothetical") == hypothetical);
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
  for (const auto& id : ids(SheetKind::box)) {
    const auto sheet = box(id);
    check_numbers(id, sheet.numbers, sheet.head.hypothetical);
  }
  for (const auto& id : ids(SheetKind::model)) check_numbers(id, model(id).numbers);
  for (const auto& id : ids(SheetKind::quant)) check_numbers(id, quant(id).numbers);
  for (const auto& id : ids(SheetKind::engine)) {
    for (const auto& on : ids(SheetKind::box)) check_numbers(id + " on " + on, engine(id, on).numbers);
  }
}

TEST_CASE("a sheet is named after its file and says what it describes", "[scenarios][sheets]") {
  for (const auto kind : {SheetKind::box, SheetKind::model, SheetKind::quant, SheetKind::engine, SheetKind::link}) {
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

TEST_CASE("a box with the chip of another that was measured is calibrated as that one", "[scenarios][sheets]") {
  const auto reached = [](const char* on) {
    return clean([&](Diagnostics& d) {
             return read_engine(open(SheetKind::engine, "mlx"), open(SheetKind::box, on), {}, d);
           })
        .value.tuning;
  };
  const auto twin = reached("macbook-pro-16-m5-max"), here = reached("mac-studio-m5-max-128"),
             relative = reached("macbook-pro-16-m5-pro");
  CHECK(here.memory_efficiency == twin.memory_efficiency);
  CHECK(here.kernel_dispatch == twin.kernel_dispatch);
  CHECK(relative.memory_efficiency != twin.memory_efficiency);
  CHECK(box("mac-studio-m5-max-128").value.base == "macbook-pro-16-m5-max");
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
  CHECK(quant("bf16").value.unpack == "bf16");
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
    // Ridge point in BF16: 20 FLOP/B (a GPU without matrix units) to 458 (GB10's LPDDR5X); a sparse figure would
    // double the upper end.
    const double ridge = b.compute.peak_of(hardware::Dtype::bf16) / b.memory.bandwidth;
    CHECK(ridge > 15);
    CHECK(ridge < 600);
    // A narrower format is at most twice as fast as the next wider one; 2:4 sparsity taken for dense would make it
    // four. NVIDIA prints 733 beside 362.05 for the L40S: hence 2.03. On a GeForce FP8 accumulates in FP32 at half the
    // rate of INT8 and FP4, which have no slow accumulation.
    const double bf16 = b.compute.peak_of(hardware::Dtype::bf16), fp8 = b.compute.peak_of(hardware::Dtype::fp8);
    const double int8 = b.compute.peak_of(hardware::Dtype::int8), fp4 = b.compute.peak_of(hardware::Dtype::fp4);
    CHECK(fp8 <= 2.03 * bf16);
    CHECK(int8 <= (id == "rtx-3090" || id == "rtx-4090" || id == "rtx-5090" ? 4.01 : 2.03) * bf16);
    CHECK(fp4 <= 2.03 * std::max(fp8, int8));
    CHECK(bf16 >= b.compute.peak_of(hardware::Dtype::fp32));
  }
  CHECK(box("dgx-spark").value.compute.peak_of(hardware::Dtype::fp4) == 500e12);  // 1 PFLOP/s is the sparse figure
  CHECK(box("h100-sxm-80").value.compute.peak_of(hardware::Dtype::bf16) == 989e12);
}

TEST_CASE("bandwidth and dense BF16 peak are those of the data sheets", "[scenarios][sheets]") {
  struct Printed {
    const char* id;
    double bandwidth, bf16;  // [GB/s], [TFLOP/s] with FP32 accumulation
  };
  // The tensor rates follow from SM x FLOP per clock x boost clock (512 on a GeForce, 1,024 on its professional sister,
  // 2,048 on an A100, 4,096 on Hopper), Apple's from cores x 128 ALUs x 2 x clock.
  const auto printed = GENERATE(
      Printed{"rtx-3090", 936, 71}, Printed{"rtx-4090", 1008, 165.2}, Printed{"rtx-5090", 1792, 209.5},
      Printed{"rtx-pro-6000", 1792, 467.8}, Printed{"rtx-6000-ada", 960, 364.2}, Printed{"rtx-a6000", 768, 154.8},
      Printed{"l40s", 864, 362.05}, Printed{"a100-pcie-40", 1555, 312}, Printed{"a100-pcie-80", 1935, 312},
      Printed{"a100-sxm-80", 2039, 312}, Printed{"h100-pcie-80", 2039, 756}, Printed{"h100-sxm-80", 3350, 989},
      Printed{"h200-sxm-141", 4800, 989}, Printed{"h200-nvl-141", 4800, 835.5}, Printed{"dgx-spark", 273, 125},
      Printed{"rtx-spark-laptop", 300, 125}, Printed{"strix-halo-128", 256, 59.4}, Printed{"m1-max-32c-64", 400, 10.4},
      Printed{"mac-studio-m2-ultra-76c-192", 800, 27.2}, Printed{"mac-studio-m3-ultra-60c-96", 819, 21.3},
      Printed{"m4-10c-32", 120, 4.6}, Printed{"mac-studio-m4-max-40c-128", 546, 18.4},
      Printed{"macbook-pro-14-m5-max", 614, 70}, Printed{"mac-studio-m5-ultra-96", 1200, 112});
  CAPTURE(printed.id);
  const auto b = box(printed.id).value;
  CHECK(b.memory.bandwidth == printed.bandwidth * 1e9);
  CHECK(b.compute.peak_of(hardware::Dtype::bf16) == printed.bf16 * 1e12);
}

TEST_CASE("each box that a published figure names has a sheet", "[scenarios][sheets]") {
  const char* asked =
      GENERATE("a100-pcie-40", "a100-pcie-80", "a100-sxm-80", "dgx-spark", "h100-pcie-80", "h100-sxm-80",
               "h200-nvl-141", "h200-sxm-141", "l40s", "m1-max-32c-64", "m2-max-30c-64", "m2-max-38c-32", "m3-16",
               "m3-max-40c-128", "m3-max-40c-64", "m4-10c-32", "m4-max-40c-128", "m4-pro", "m5-max-40c-128",
               "m5-max-40c-64", "mac-mini-m4-pro-64", "mac-studio-m1-ultra-48c-64", "mac-studio-m1-ultra-64c-128",
               "mac-studio-m2-ultra-76c-192", "mac-studio-m3-ultra-60c-256", "mac-studio-m3-ultra-60c-96",
               "mac-studio-m3-ultra-80c-256", "mac-studio-m3-ultra-80c-512", "mac-studio-m4-max-40c-128",
               "mac-studio-m4-ultra-128", "mac-studio-m4-ultra-192", "mac-studio-m5-max-128", "mac-studio-m5-ultra-256",
               "mac-studio-m5-ultra-512", "mac-studio-m5-ultra-96", "macbook-pro-14-m5-max", "macbook-pro-16-m5-max",
               "macbook-pro-16-m5-pro", "rtx-3090", "rtx-4090", "rtx-5090", "rtx-6000-ada", "rtx-a6000", "rtx-pro-6000",
               "rtx-spark-desktop", "rtx-spark-laptop", "strix-halo-128", "strix-halo-z13");
  CAPTURE(asked);
  CHECK_FALSE(box(asked).value.id.empty());
}

TEST_CASE("no two boxes share a name", "[scenarios][sheets]") {
  std::set<std::string> names;
  for (const auto& id : ids(SheetKind::box)) CHECK(names.insert(id).second);
  for (const auto& id : ids(SheetKind::box)) {
    for (const auto& alias : box(id).head.aliases) {
      CAPTURE(id, alias.value);
      CHECK(names.insert(alias.value).second);
    }
  }
  for (const char* alias : {"spark", "m3-ultra-512", "m4-max", "m5-max", "strix-halo", "3090", "4090", "5090", "h100"})
    CHECK(names.count(alias) == 1);
}

TEST_CASE("only what was never announced is hypothetical", "[scenarios][sheets]") {
  for (const auto& id : ids(SheetKind::box)) {
    CAPTURE(id);
    CHECK(box(id).head.hypothetical == (id.find("m4-ultra") != std::string::npos));
  }
}

TEST_CASE("a box can work for hours in its room, but for the laptops whose chassis is too small",
          "[scenarios][sheets]") {
  // Decode at the whole bandwidth is the lightest steady work there is. The chip must stay under its limit with it (a
  // tablet with a desktop's chip does not), and its die below the trip (not in the 14-inch chassis, known for 42 W).
  for (const auto& id : ids(SheetKind::box)) {
    const auto b = box(id).value;
    double resistance = 0;
    for (const auto& stage : b.thermal.stages) resistance += stage.resistance;
    const double decode =
        b.power.idle + b.power.leakage_at(70) + b.power.active + b.memory.bandwidth * b.power.per_byte;
    const double chip = std::min(decode, b.power.limit);
    const double at_the_end = (1 - b.thermal.rest_to_die) * b.power.rest_busy * b.thermal.stages.back().resistance;
    const double steady = 22 + resistance * (chip + b.thermal.rest_to_die * b.power.rest_busy) + at_the_end;
    CAPTURE(id, decode, b.power.limit, steady);
    CHECK((decode < b.power.limit) == (id != "strix-halo-z13"));
    CHECK(b.power.idle + b.power.leakage_at(35) < 0.25 * b.power.limit);
    const bool is_small = id == "macbook-pro-14-m5-max" || id == "m1-max-32c-64";
    CHECK((steady > b.governor.trip) == is_small);
  }
}

TEST_CASE("the 14-inch M5 Max cools by what was measured: 54 W after minutes, 42 W for good", "[scenarios][sheets]") {
  const auto b = box("macbook-pro-14-m5-max").value;
  REQUIRE(b.thermal.stages.size() == 3);
  const double fast = b.thermal.stages[0].resistance + b.thermal.stages[1].resistance;
  CHECK_THAT((b.governor.trip - 22) / fast, WithinRel(55.0, 0.03));
  const double chassis = b.thermal.stages[2].resistance;  // which the rest of the machine warms too
  CHECK_THAT((b.governor.trip - 22 - b.power.rest_busy * chassis) / (fast + chassis), WithinRel(42.0, 0.01));
  CHECK(b.power.limit == 96);
  CHECK(b.thermal.stages[0].resistance * b.thermal.stages[0].heat_capacity < 2);  // the peak is gone within 2 s
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
  const auto wall = [](const hardware::Power& p, double chip, double rest) { return p.wall(chip + rest); };
  const double idle = spark.idle + spark.leakage_at(35);
  CHECK_THAT(idle, WithinRel(4.0, 0.05));  // nvidia-smi at 35 degC
  CHECK(wall(spark, idle, spark.rest_idle) > 22);
  CHECK(wall(spark, idle, spark.rest_idle) < 25);
  // Answers of a dense model of 8B in BF16 at 13 tokens/s each, to so many at once.
  const auto decode_of = [&spark](double people) {
    const double rows = std::max(people, spark.energy_rows.at("bf16").at(people));
    const double flops = rows * 2 * 8e9 * 13;
    return spark.idle + spark.leakage_at(67) + spark.active + 220e9 * spark.per_byte +
           flops * spark.per_flop[static_cast<std::size_t>(hardware::Dtype::bf16)];
  };
  CHECK_THAT(decode_of(1), WithinRel(48.0, 0.05));
  const double decode = decode_of(5);
  CHECK_THAT(decode, WithinRel(40.0, 0.05));
  CHECK_THAT(decode_of(20), WithinRel(51.0, 0.06));
  CHECK_THAT(wall(spark, decode, spark.rest_busy), WithinRel(95.0, 0.12));  // its heat asks for more than this meter
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
  const auto settles = [&b](double chip) {
    hardware::ThermalNetwork network(b.thermal, b.fan, 1, 25);
    for (int round = 0; round < 100; ++round) {
      network.set_fan(b.fan->level_of(b.fan->speed.at(network.die())));
      for (int minute = 0; minute < 60; ++minute) network.advance(1, {chip + b.power.rest_busy, 0, 0}, 25);
    }
    return network.die();
  };
  CHECK(std::abs(settles(41) - (47.2 + 0.467 * 41)) < 2.5);              // the fit's standard deviation
  CHECK((settles(90) - settles(45)) / 45 == Approx(0.33).epsilon(0.1));  // over all tests, up to 90 W
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
  CHECK(spark.tuning.kernel_dispatch > h100.tuning.kernel_dispatch);
}
