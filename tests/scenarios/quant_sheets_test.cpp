// Quants and engines that come with the program: the names people measure by, and files as large as the published ones.
#include <fmt/format.h>

#include <algorithm>
#include <set>

#include "models/graph.hpp"
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

template <class Read>
auto clean(Read read) {
  Diagnostics diagnostics;
  auto result = read(diagnostics).value;
  INFO(diagnostics.render());
  REQUIRE(diagnostics.ok());
  return result;
}

hardware::Box box(const std::string& id) {
  return clean([&](Diagnostics& d) { return read_box(open(SheetKind::box, id), {}, d); });
}
models::Architecture model(const std::string& id) {
  return clean([&](Diagnostics& d) { return read_model(open(SheetKind::model, id), {}, d); });
}
models::Quant quant(const std::string& id) {
  return clean([&](Diagnostics& d) { return read_quant(open(SheetKind::quant, id), {}, d); });
}
models::Engine engine(const std::string& id, const std::string& on_box) {
  return clean(
      [&](Diagnostics& d) { return read_engine(open(SheetKind::engine, id), open(SheetKind::box, on_box), {}, d); });
}

enum class In { gguf, safetensors };

double file_bytes(const std::string& model_id, const std::string& quant_id, In container) {
  const auto m = model(model_id);
  const auto q = models::quant_of_model(quant(quant_id), m.id);
  return models::weight_bytes(m, container == In::gguf ? q.gguf : q.safetensors);
}

struct File {
  const char *model, *quant;
  double bytes;
  In in = In::gguf;
};

void check_sizes(const std::vector<File>& files) {
  for (const auto& file : files) {
    CAPTURE(file.model, file.quant, file.bytes / kGiB);
    CHECK_THAT(file_bytes(file.model, file.quant, file.in), WithinRel(file.bytes, 0.02));
  }
}

}  // namespace

TEST_CASE("every quant and engine that measurements name is there", "[scenarios][sheets]") {
  for (const char* id :
       {"autoround-int4", "awq-int4", "bf16",    "f16",       "fp8",     "gptq-int4", "int8-w8a8", "iq1_s",
        "iq2_m",          "iq2_xs",   "iq3_s",   "iq3_xs",    "iq3_xxs", "iq4_nl",    "iq4_xs",    "mlx-4bit",
        "mlx-6bit",       "mlx-8bit", "mxfp4",   "nvfp4",     "q2_k",    "q2_k_s",    "q3_k_m",    "q3_k_s",
        "q3_k_xl",        "q4_0",     "q4_k_m",  "q4_k_s",    "q4_k_xl", "q5_k_s",    "q5_k_xl",   "q6_k",
        "q6_k_xl",        "q8_0",     "q8_k_xl", "w4a16-int4"}) {
    CAPTURE(id);
    CHECK(open(SheetKind::quant, id).id == id);
  }
  for (const char* id : {"exo", "llama.cpp-cuda", "llama.cpp-metal", "llama.cpp-rocm", "llama.cpp-vulkan", "mlx",
                         "ollama", "sglang", "tensorrt-llm", "vllm"}) {
    CAPTURE(id);
    CHECK(open(SheetKind::engine, id).id == id);
  }
}

TEST_CASE("quants go by the names that people write", "[scenarios][sheets]") {
  CHECK(open(SheetKind::quant, "Q4_K_M").id == "q4_k_m");
  CHECK(open(SheetKind::quant, "UD-Q4_K_XL").id == "q4_k_xl");
  CHECK(open(SheetKind::quant, "IQ2_XXS").id == "iq2_xxs");
  CHECK(open(SheetKind::quant, "NVFP4").id == "nvfp4");
  CHECK(open(SheetKind::quant, "AWQ").id == "awq-int4");
  for (const auto& id : ids(SheetKind::quant)) {  // a GGUF type in capitals, as files are named
    if (quant(id).gguf.bits[0] <= 0) continue;
    std::string capitals = id;
    std::transform(capitals.begin(), capitals.end(), capitals.begin(), [](unsigned char c) { return std::toupper(c); });
    CAPTURE(id);
    CHECK(open(SheetKind::quant, capitals).id == id);
  }
}

TEST_CASE("no two sheets of a kind go by one name", "[scenarios][sheets]") {
  for (const auto kind : {SheetKind::quant, SheetKind::engine}) {
    std::set<std::string> names;
    for (const auto& id : ids(kind)) {
      CAPTURE(id);
      CHECK(names.insert(id).second);
      const RawSheet sheet = open(kind, id);
      const Node* aliases = sheet.root.find("aliases");
      for (std::size_t i = 0; aliases && i < aliases->items.size(); ++i) {
        CAPTURE(aliases->items[i].scalar);
        CHECK(names.insert(aliases->items[i].scalar).second);
      }
    }
  }
}

TEST_CASE("llama-quantize's files of Llama 3.1 8B", "[scenarios][sheets]") {
  // llama.cpp: tools/quantize/README.md.
  check_sizes({{"llama-3.1-8b", "iq1_s", 1.87 * kGiB},   {"llama-3.1-8b", "iq1_m", 2.01 * kGiB},
               {"llama-3.1-8b", "iq2_xxs", 2.23 * kGiB}, {"llama-3.1-8b", "iq2_xs", 2.42 * kGiB},
               {"llama-3.1-8b", "iq2_s", 2.56 * kGiB},   {"llama-3.1-8b", "iq2_m", 2.74 * kGiB},
               {"llama-3.1-8b", "iq3_xxs", 3.04 * kGiB}, {"llama-3.1-8b", "iq3_xs", 3.27 * kGiB},
               {"llama-3.1-8b", "iq3_s", 3.42 * kGiB},   {"llama-3.1-8b", "iq3_m", 3.52 * kGiB},
               {"llama-3.1-8b", "iq4_xs", 4.17 * kGiB},  {"llama-3.1-8b", "iq4_nl", 4.38 * kGiB},
               {"llama-3.1-8b", "q2_k_s", 2.78 * kGiB},  {"llama-3.1-8b", "q2_k", 2.95 * kGiB},
               {"llama-3.1-8b", "q3_k_s", 3.41 * kGiB},  {"llama-3.1-8b", "q3_k_m", 4.02 * kGB},
               {"llama-3.1-8b", "q3_k_l", 4.02 * kGiB},  {"llama-3.1-8b", "q4_0", 4.66 * kGB},
               {"llama-3.1-8b", "q4_k_s", 4.36 * kGiB},  {"llama-3.1-8b", "q4_k_m", 4.58 * kGiB},
               {"llama-3.1-8b", "q5_k_s", 5.21 * kGiB},  {"llama-3.1-8b", "q5_k_m", 5.33 * kGiB},
               {"llama-3.1-8b", "q6_k", 6.14 * kGiB},    {"llama-3.1-8b", "q8_0", 7.95 * kGiB},
               {"llama-3.1-8b", "f16", 14.96 * kGiB},    {"llama-3.1-8b", "bf16", 16.06 * kGB, In::safetensors}});
}

TEST_CASE("a table that is embedding and head is stored as heads are", "[scenarios][sheets]") {
  auto tied = model("llama-3.1-8b");
  const double untied = models::weight_bytes(tied, quant("q4_k_m").gguf);
  tied.tied_embeddings = true;
  const double table = 128256.0 * 4096;
  CHECK_THAT(models::weight_bytes(tied, quant("q4_k_m").gguf), WithinRel(untied - table * 4.5 / 8, 1e-9));
}

TEST_CASE("what the files of one model store otherwise counts for that model alone", "[scenarios][sheets]") {
  const auto q = quant("nvfp4");
  REQUIRE(q.files.count("llama-3.1-8b") == 1);
  using enum models::WeightClass;
  const auto own = models::quant_of_model(q, "llama-3.1-8b").safetensors;
  CHECK(own.bits_of(attention_qk) == 4.5);
  CHECK(own.bits_of(head) == 16);  // not named: as the rest of the sheet says
  CHECK(models::quant_of_model(q, "gemma-4-31b").safetensors.bits_of(attention_qk) == 16);
}

TEST_CASE("an engine computes a quant in the best units that the box has", "[scenarios][sheets]") {
  const auto h100 = box("h100-sxm-80"), spark = box("dgx-spark");
  const auto vllm = engine("vllm", h100.id), trt = engine("tensorrt-llm", h100.id);
  // vLLM has kernels that unpack NVFP4 to BF16; TensorRT-LLM has none.
  CHECK(why_not(h100, vllm, quant("nvfp4")).empty());
  CHECK(why_not(h100, trt, quant("nvfp4")) == "tensorrt-llm computes nvfp4 in fp4; h100-sxm-80 has no fp4 units");
  CHECK(why_not(spark, trt, quant("nvfp4")).empty());
  CHECK(why_not(h100, vllm, quant("q4_k_m")).rfind("vllm does not run q4_k_m; it runs ", 0) == 0);
  const auto mac = box("mac-studio-m3-ultra-80c-512");
  CHECK(why_not(mac, vllm, quant("bf16")) == "vllm runs on cuda; mac-studio-m3-ultra-80c-512 offers metal");
  CHECK(backend_of(mac, engine("ollama", mac.id)) == "metal");
  CHECK(backend_of(spark, engine("ollama", spark.id)) == "cuda");
}

TEST_CASE("an engine's quants exist, in files that it reads", "[scenarios][sheets]") {
  for (const auto& id : ids(SheetKind::engine)) {
    const auto e = engine(id, "dgx-spark");
    CHECK_FALSE(e.family.empty());
    CHECK_FALSE(e.backends.empty());
    for (const auto& [name, dtypes] : e.compute_in) {
      CAPTURE(id, name);
      const auto q = quant(name);
      CHECK((e.container == models::Container::gguf ? q.gguf : q.safetensors).bits[0] > 0);
    }
  }
  for (const auto& id : ids(SheetKind::quant)) {  // and each quant has an engine
    const auto engines = ids(SheetKind::engine);
    CAPTURE(id);
    CHECK(std::any_of(engines.begin(), engines.end(),
                      [&](const auto& e) { return engine(e, "dgx-spark").compute_in.count(id) > 0; }));
  }
}

TEST_CASE("engines that share kernels are of one family", "[scenarios][sheets]") {
  for (const char* id : {"llama.cpp-cuda", "llama.cpp-metal", "llama.cpp-vulkan", "llama.cpp-rocm", "ollama"})
    CHECK(engine(id, "dgx-spark").family == "llama.cpp");
  CHECK(engine("sglang", "dgx-spark").family == engine("vllm", "dgx-spark").family);
  CHECK(engine("exo", "dgx-spark").family == engine("mlx", "dgx-spark").family);
}
