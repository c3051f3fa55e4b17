#include "scenarios/gguf.hpp"

#include <fmt/format.h>

#include <sys/stat.h>

#include <cstring>
#include <filesystem>
#include <fstream>
#include <random>
#include <sstream>

#include "models/graph.hpp"
#include "scenarios/gguf_model.hpp"
#include "scenarios/scenario.hpp"
#include "scenarios/sheets/sheets.hpp"
#include "tests/catch.hpp"
#include "tests/scenarios/cli/scratch.hpp"

namespace tokwatt::scenarios {
namespace {

namespace fs = std::filesystem;

const std::string kFolder = TOKWATT_SOURCE_DIR "/tests/data/gguf/";

std::string bytes_of(const std::string& name) {
  std::ostringstream out;
  out << std::ifstream(kFolder + name, std::ios::binary).rdbuf();
  return std::move(out).str();
}

std::optional<GgufHeader> parsed(const std::string& bytes, Diagnostics& diagnostics) {
  std::istringstream file(bytes);
  return read_gguf(file, static_cast<int64_t>(bytes.size()), "some.gguf", diagnostics);
}

/// The one error that these bytes have.
std::string error_of(const std::string& bytes) {
  Diagnostics diagnostics;
  auto header = parsed(bytes, diagnostics);
  if (header) gguf_model(*header, "some", diagnostics);
  REQUIRE(diagnostics.errors().size() == 1);
  return diagnostics.render();
}

RawSheet opened(const std::string& name) {
  Diagnostics diagnostics;
  const auto sheet = open_sheet(SheetKind::model, {kFolder + name, {}}, "model", "", diagnostics);
  INFO(diagnostics.render());
  REQUIRE(sheet.has_value());
  REQUIRE(sheet->gguf != nullptr);
  return *sheet;
}

template <class T>
std::string raw(T value) {
  std::string out(sizeof(T), '\0');
  std::memcpy(out.data(), &value, sizeof(T));
  return out;
}
std::string text(const std::string& value) { return raw<uint64_t>(value.size()) + value; }
std::string start(uint64_t tensors, uint64_t keys, uint32_t version = 3) {
  return "GGUF" + raw(version) + raw(tensors) + raw(keys);
}
std::string tensor(const std::string& name, const std::vector<uint64_t>& shape, uint32_t type) {
  std::string out = text(name) + raw(static_cast<uint32_t>(shape.size()));
  for (const auto size : shape) out += raw(size);
  return out + raw(type) + raw<uint64_t>(0);
}

}  // namespace

TEST_CASE("a GGUF header gives the dimensions that the model's sheet has", "[scenarios][gguf]") {
  const auto [file, sheet_id, quant_id] = GENERATE(
      table<std::string, std::string, std::string>({{"llama-3.1-8b-q4_k_m.gguf", "llama-3.1-8b", "q4_k_m"},
                                                    {"gpt-oss-20b-mxfp4-00001-of-00002.gguf", "gpt-oss-20b", "mxfp4"},
                                                    {"gemma-3-1b-bf16.gguf", "gemma-3-1b", "bf16"},
                                                    {"qwen3.5-35b-a3b-q8_0.gguf", "qwen3.5-35b-a3b", "q8_0"},
                                                    {"deepseek-v3-q4_k_s.gguf", "deepseek-v3", "q4_k_s"}}));
  INFO(file);
  const RawSheet raw = opened(file);
  const auto& model = raw.gguf->architecture;
  Diagnostics diagnostics;
  const auto sheet =
      read_model(*open_sheet(SheetKind::model, {sheet_id, {}}, "model", "", diagnostics), {}, diagnostics);
  REQUIRE(diagnostics.ok());
  CHECK(model.family == sheet.value.family);
  CHECK(model.layers.size() == sheet.value.layers.size());
  CHECK(model.hidden == sheet.value.hidden);
  CHECK(model.vocab == sheet.value.vocab);
  CHECK(model.tied_embeddings == sheet.value.tied_embeddings);
  CHECK(models::parameters(model) == models::parameters(sheet.value));
  CHECK(models::active_parameters(model) == models::active_parameters(sheet.value));
  const auto kv = models::kv_bytes(model, 2), expected = models::kv_bytes(sheet.value, 2);
  CHECK(kv.per_token == expected.per_token);
  CHECK(kv.window_fixed == expected.window_fixed);
  CHECK(kv.state_fixed == expected.state_fixed);
  CHECK(raw.gguf->quant == quant_id);
}

TEST_CASE("the weights of a GGUF take the bytes that its tensors take", "[scenarios][gguf]") {
  for (const auto* name : {"llama-3.1-8b-q4_k_m.gguf", "gpt-oss-20b-mxfp4-00002-of-00002.gguf", "gemma-3-1b-bf16.gguf",
                           "qwen3.5-35b-a3b-q8_0.gguf", "deepseek-v3-q4_k_s.gguf"}) {
    INFO(name);
    Diagnostics diagnostics;
    const auto header = open_gguf(kFolder + name, {}, diagnostics);
    REQUIRE(header.has_value());
    const auto model = gguf_model(*header, "some", diagnostics);
    REQUIRE(model.has_value());
    double sum = 0;
    const std::string behind = fmt::format("blk.{}.", model->architecture.layers.size());  // multi-token prediction
    for (const auto& t : header->tensors) sum += t.name.rfind(behind, 0) == 0 ? 0 : t.bytes();
    CHECK(models::weight_bytes(model->architecture, model->format) == Approx(sum).epsilon(1e-12));
  }
  // Published: 4.58 GiB and 11.27 GiB (llama-bench tables).
  const auto gib = [](const std::string& name) {
    const RawSheet raw = opened(name);
    return models::weight_bytes(raw.gguf->architecture, raw.gguf->format) / (1 << 30);
  };
  CHECK(gib("llama-3.1-8b-q4_k_m.gguf") == Approx(4.58).margin(0.005));
  CHECK(gib("gpt-oss-20b-mxfp4-00001-of-00002.gguf") == Approx(11.27).margin(0.005));
}

TEST_CASE("version 2 is read as version 3 is", "[scenarios][gguf]") {
  std::string bytes = bytes_of("gemma-3-1b-bf16.gguf");
  bytes[4] = 2;
  Diagnostics diagnostics;
  const auto header = parsed(bytes, diagnostics);
  REQUIRE(header.has_value());
  CHECK(gguf_model(*header, "some", diagnostics)->architecture.layers.size() == 26);
}

TEST_CASE("a GGUF that is wrong is refused, with the byte", "[scenarios][gguf]") {
  const uint32_t kText = 8, kArray = 9, kU64 = 10;
  const auto huge = uint64_t{1} << 63;
  CHECK_THAT(error_of(""), Catch::Contains("some.gguf: error: this is no GGUF file") && Catch::Contains("at byte 0"));
  CHECK_THAT(error_of("GGML" + std::string(40, 'x')), Catch::Contains("does not start with the letters GGUF"));
  CHECK_THAT(error_of(start(0, 0, 1)), Catch::Contains("version 1; expected 2 or 3 at byte 4"));
  CHECK_THAT(error_of(start(0, 0, 0x03000000)), Catch::Contains("big-endian"));
  CHECK_THAT(error_of(start(huge, 0)),
             Catch::Contains("9223372036854775808 tensors; expected at most 100000 at byte 8"));
  CHECK_THAT(error_of(start(0, huge)), Catch::Contains("keys; expected at most"));
  CHECK_THAT(error_of(start(0, 1) + raw(huge)), Catch::Contains("a key of 9223372036854775808 bytes"));
  CHECK_THAT(error_of(start(0, 1) + text("k") + raw(kText) + raw(huge)),
             Catch::Contains("the file has 0 more at byte"));
  CHECK_THAT(error_of(start(0, 1) + text("k") + raw(kArray) + raw(kU64) + raw(huge)), Catch::Contains("an array of"));
  CHECK_THAT(error_of(start(0, 1) + text("k") + raw(kArray) + raw(kText) + raw(huge)), Catch::Contains("an array of"));
  CHECK_THAT(
      error_of(start(0, 1) + text("k") + raw(kArray) + raw(kU64) + raw<uint64_t>(2) + raw<uint64_t>(1) + raw(huge)),
      Catch::Contains("an array holds a number of 2^63 or more at byte 57"));
  CHECK_THAT(error_of(start(0, 1) + text("k") + raw(kArray) + raw(kArray)), Catch::Contains("an array of arrays"));
  CHECK_THAT(error_of(start(0, 1) + text("k") + raw<uint32_t>(13)), Catch::Contains("value type 13"));
  const std::string flag = text("k") + raw<uint32_t>(7) + "\1";
  CHECK_THAT(error_of(start(0, 2) + flag + flag), Catch::Contains("key \"k\" is given twice"));
  CHECK_THAT(error_of(start(1, 0) + tensor("t", {}, 0)), Catch::Contains("0 dimensions"));
  CHECK_THAT(error_of(start(1, 0) + tensor("t", {1, 1, 1, 1, 1}, 0)), Catch::Contains("5 dimensions"));
  CHECK_THAT(error_of(start(1, 0) + tensor("t", {0}, 0)), Catch::Contains("a tensor's dimension is 0"));
  CHECK_THAT(error_of(start(1, 0) + tensor("t", {huge, huge}, 0)), Catch::Contains("a tensor's dimension is"));
  CHECK_THAT(error_of(start(1, 0) + tensor("t", {32}, 4)), Catch::Contains("tensor type 4, which is not known"));
  CHECK_THAT(error_of(start(1, 0) + tensor("t", {100}, 12)), Catch::Contains("whose blocks hold 256"));
  CHECK_THAT(error_of(start(2, 0) + tensor("t", {1}, 0) + tensor("t", {1}, 0)), Catch::Contains("is there twice"));
}

TEST_CASE("a part of a split file under another name is no smaller model", "[scenarios][gguf]") {
  const std::string bytes = bytes_of("gpt-oss-20b-mxfp4-00001-of-00002.gguf");
  Diagnostics diagnostics;
  const auto header = parsed(bytes, diagnostics);
  REQUIRE(header.has_value());
  CHECK_FALSE(gguf_model(*header, "some", diagnostics).has_value());
  CHECK_THAT(diagnostics.render(), Catch::Contains("of its 24 blocks; expected a whole file"));
}

TEST_CASE("a GGUF of an architecture that is not known says which are", "[scenarios][gguf]") {
  const auto of = [](const std::string& name) {
    return error_of(start(0, 1) + text("general.architecture") + raw<uint32_t>(8) + text(name));
  };
  CHECK_THAT(of("rwkv7"), Catch::Contains("general.architecture is \"rwkv7\", which is not known") &&
                              Catch::Contains("llama, llama4") && Catch::Contains("qwen35moe"));
  CHECK_THAT(of("qwen3mow"), Catch::Contains("did you mean \"qwen3moe\"?"));
  CHECK_THAT(of("llama"), Catch::Contains("no llama.block_count"));
  CHECK_THAT(error_of(start(0, 0)), Catch::Contains("no general.architecture"));
}

TEST_CASE("shapes that contradict the metadata are refused", "[scenarios][gguf]") {
  std::string bytes = bytes_of("gemma-3-1b-bf16.gguf");
  const std::string key = "gemma3.attention.head_count";
  const auto at = bytes.find(key) + key.size() + 4;
  bytes[at] = 5;
  CHECK_THAT(error_of(bytes), Catch::Contains("blk.0: the queries have 1024 outputs; expected 5 heads x 256"));
}

TEST_CASE("metadata of a far larger model than the tensors are of is refused", "[scenarios][gguf]") {
  std::string bytes = bytes_of("qwen3.5-35b-a3b-q8_0.gguf");
  const std::string key = "qwen35moe.ssm.state_size";
  const auto at = bytes.find(key) + key.size() + 4;
  bytes.replace(at, 4, raw<uint32_t>(4'000'000));
  CHECK_THAT(error_of(bytes), Catch::Contains("its tensors have 3.") && Catch::Contains("expected at least 0.5 bits"));
}

TEST_CASE("a number for each block is a number for each block", "[scenarios][gguf]") {
  std::string bytes = bytes_of("gemma-3-1b-bf16.gguf");
  const std::string key = "gemma3.attention.head_count_kv";
  const auto at = bytes.find(key) + key.size();
  const auto list = [&](uint64_t count) {
    std::string out = bytes, items = raw<uint32_t>(9) + raw<uint32_t>(4) + raw(count);
    for (uint64_t i = 0; i < count; ++i) items += raw<uint32_t>(1);
    return out.replace(at, 8, items);
  };
  Diagnostics diagnostics;
  const auto header = parsed(list(26), diagnostics);
  REQUIRE(header.has_value());
  CHECK(gguf_model(*header, "some", diagnostics).has_value());
  for (const uint64_t count : {25, 27, 5000}) {
    CHECK_THAT(error_of(list(count)), Catch::Contains("gemma3.attention.head_count_kv has") &&
                                          Catch::Contains("expected one for each of 26 blocks"));
  }
}

TEST_CASE("a GGUF cut off anywhere is refused", "[scenarios][gguf]") {
  const std::string whole = bytes_of("llama-3.1-8b-q4_k_m.gguf");
  for (std::size_t size = 0; size < whole.size(); size += 13) {
    Diagnostics diagnostics;
    REQUIRE_FALSE(parsed(whole.substr(0, size), diagnostics).has_value());
    REQUIRE(diagnostics.errors().size() == 1);
  }
  Diagnostics diagnostics;
  CHECK(parsed(whole + "whatever weights there are", diagnostics).has_value());
}

TEST_CASE("no bytes bring the reader of GGUF down", "[scenarios][gguf]") {
  std::mt19937 random(20261121);
  const auto below = [&](std::size_t end) { return random() % end; };
  for (const auto* name : {"gemma-3-1b-bf16.gguf", "qwen3.5-35b-a3b-q8_0.gguf"}) {
    const std::string whole = bytes_of(name);
    for (int i = 0; i < 1500; ++i) {
      std::string bytes = whole;
      // The metadata comes first, and is where most can go wrong.
      const std::size_t end = i % 2 == 0 ? 2000 : bytes.size();
      for (std::size_t changes = 1 + below(4); changes > 0; --changes) {
        const std::size_t at = below(end);
        if (below(2) == 0) bytes[at] = static_cast<char>(below(256));
        if (below(3) == 0 && at + 8 <= bytes.size()) bytes.replace(at, 8, raw(uint64_t{1} << below(64)));
      }
      Diagnostics diagnostics;
      const auto header = parsed(bytes, diagnostics);
      const auto model = header ? gguf_model(*header, "some", diagnostics) : std::nullopt;
      REQUIRE(model.has_value() == diagnostics.ok());
      if (model) REQUIRE(models::parameters(model->architecture) > 0);
    }
  }
}

TEST_CASE("all parts of a split GGUF are needed", "[scenarios][gguf]") {
  const cli::Scratch scratch;
  const auto part = scratch.path() / "gpt-oss-20b-mxfp4-00001-of-00002.gguf";
  fs::copy_file(kFolder + "gpt-oss-20b-mxfp4-00001-of-00002.gguf", part);
  Diagnostics diagnostics;
  CHECK_FALSE(open_gguf(part.string(), {}, diagnostics).has_value());
  CHECK_THAT(diagnostics.render(),
             Catch::Contains("-00002-of-00002.gguf: error: cannot read") && Catch::Contains("No such file"));
}

TEST_CASE("a tensor is in one part of a split GGUF", "[scenarios][gguf]") {
  const cli::Scratch scratch;
  const auto first = kFolder + "gpt-oss-20b-mxfp4-00001-of-00002.gguf";
  fs::copy_file(first, scratch.path() / "m-00001-of-00002.gguf");
  fs::copy_file(first, scratch.path() / "m-00002-of-00002.gguf");
  Diagnostics diagnostics;
  CHECK_FALSE(open_gguf((scratch.path() / "m-00001-of-00002.gguf").string(), {}, diagnostics).has_value());
  REQUIRE(diagnostics.errors().size() == 1);
  CHECK_THAT(diagnostics.render(), Catch::Contains("m-00002-of-00002.gguf: error: tensor \"") &&
                                       Catch::Contains("is in an earlier part too"));
}

TEST_CASE("a pipe is not waited for, and a device not read for ever", "[scenarios][gguf][cli]") {
  const cli::Scratch scratch;
  for (const char* name : {"m.gguf", "m.yaml", "config.json"}) {
    const auto pipe = (scratch.path() / name).string();
    REQUIRE(mkfifo(pipe.c_str(), 0600) == 0);
    const auto said = cli::tokwatt({"show", pipe});
    CHECK(said.code == cli::kBadInput);
    CHECK_THAT(said.err, Catch::Contains("it is a device or a pipe; expected a regular file"));
  }
  CHECK(cli::tokwatt({"show", "/dev/zero"}).code == cli::kBadInput);
}

TEST_CASE("the commands take a GGUF file, whose quant need not be said", "[scenarios][gguf][cli]") {
  const std::string file = kFolder + "llama-3.1-8b-q4_k_m.gguf";
  const cli::Arguments subject = {"--system", "spark", "--model", file};
  const auto with = [&](cli::Arguments arguments, const cli::Arguments& more) {
    arguments.insert(arguments.end(), subject.begin(), subject.end());
    arguments.insert(arguments.end(), more.begin(), more.end());
    return cli::tokwatt(arguments);
  };
  const auto bench = with({"bench"}, {"--engine", "llama.cpp"});
  CHECK(bench.code == cli::kDone);
  CHECK_THAT(bench.out, Catch::Contains("| Llama 3.1 8B Instruct Q4_K_M   |   4.58 GiB |     8.03 B |"));
  CHECK(with({"bench"}, {"--engine", "llama.cpp", "--quant", "q4_k_m"}).out == bench.out);
  const auto wrong = with({"bench"}, {"--engine", "llama.cpp", "--quant", "q8_0"});
  CHECK(wrong.code == cli::kBadInput);
  CHECK_THAT(wrong.err, Catch::Contains("--quant is q8_0, but " + file + " is stored in q4_k_m"));
  CHECK(with({"bench"}, {"--engine", "vllm"}).code == cli::kInfeasible);  // which reads no GGUF

  const auto fit = with({"fit"}, {});
  CHECK(fit.code == cli::kDone);
  CHECK_THAT(fit.out, Catch::Contains("4.9 GB  weights"));
  const auto boxes = cli::tokwatt({"fit", "--model", file, "-o", "csv"});
  CHECK_THAT(boxes.out, Catch::Contains("\"dgx-spark\",\"llama-3.1-8b-q4_k_m\",\"q4_k_m\""));

  const auto shown = cli::tokwatt({"show", file});
  CHECK(shown.code == cli::kDone);
  CHECK_THAT(shown.out, Catch::Contains("8.03e9"));
  CHECK_THAT(cli::tokwatt({"validate", file}).out, Catch::Contains("(model)"));
}

TEST_CASE("a scenario may name a GGUF file, beside itself, and leave out the quant", "[scenarios][gguf]") {
  const auto scenario = [](const std::string& quant) {
    return "systems: {desk: {sheet: dgx-spark}}\n"
           "deployments: {chat: {model: gemma-3-1b-bf16.gguf, " +
           quant +
           "engine: llama.cpp-cuda, runs_on: desk}}\n"
           "workload: [{name: w, to: chat, arrivals: {process: poisson, rate: 1/s}, prompt: 100, output: 10}]\n"
           "duration: 10 s\n";
  };
  const auto loaded = load_text("s.yaml", scenario(""), kFolder, {});
  const auto& deployment = loaded.input.deployments.front();
  CHECK(deployment.quant.id == "bf16");
  CHECK(models::weight_bytes(deployment.model, deployment.quant.gguf) == Approx(1'999'987'200));
  CHECK_THROWS_WITH(load_text("s.yaml", scenario("quant: q8_0, "), kFolder, {}),
                    Catch::Contains("deployments.chat.quant is q8_0, but ") && Catch::Contains("is stored in bf16"));
  std::string sheet = scenario("");
  sheet.replace(sheet.find("gemma-3-1b-bf16.gguf"), 20, "gemma-3-1b");
  CHECK_THROWS_WITH(load_text("s.yaml", sheet, kFolder, {}),
                    Catch::Contains("deployments.chat.quant is missing; expected the format of the weights"));
}

}  // namespace tokwatt::scenarios
