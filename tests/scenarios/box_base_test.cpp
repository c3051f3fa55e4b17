// `base:` in a box's own sheet, and what a sheet may say of a calibrated tuning.
#include <filesystem>
#include <fstream>

#include "scenarios/cli/shelf.hpp"
#include "scenarios/scenario.hpp"
#include "scenarios/sheets/sheets.hpp"
#include "tests/catch.hpp"
#include "tests/scenarios/cli/scratch.hpp"

using namespace tokwatt;
using namespace tokwatt::scenarios;
using Catch::Matchers::Contains;
using Catch::Matchers::WithinRel;

namespace {

const char* const kMine = R"(id: my-box
base: spark
sources: {mine: my own runs}
memory:
  bandwidth: {value: 250 GB/s, source: mine, confidence: measured}
)";

/// Sheets of one test, in a folder of their own.
struct Sheets {
  cli::Scratch scratch;
  std::string write(const std::string& name, const std::string& text) const {
    const auto path = (scratch.path() / name).string();
    std::ofstream(path) << text;
    return path;
  }
};

/// Everything that is wrong with a box and what it says of engines.
std::string errors_of(const std::string& path) {
  try {
    cli::Shelf shelf;
    shelf.open(SheetKind::box, path, "--system");
    shelf.check();
    shelf.engine("llama.cpp-cuda", path);
  } catch (const InputError& error) {
    return error.what();
  }
  return "";
}

models::Engine engine_on(const std::string& box) {
  cli::Shelf shelf;
  return shelf.engine("llama.cpp-cuda", box).value;
}

}  // namespace

TEST_CASE("a box is its base but for what its own sheet says", "[scenarios][sheets][base]") {
  const Sheets sheets;
  const auto path = sheets.write("my-box.yaml", kMine);
  cli::Shelf shelf;
  const auto& mine = shelf.box(path);
  const auto& base = shelf.box("dgx-spark").value;
  CHECK(mine.value.id == "my-box");
  CHECK(mine.head.aliases.empty());
  CHECK_THAT(mine.value.memory.bandwidth, WithinRel(250e9, 1e-12));
  CHECK(mine.value.memory.capacity == base.memory.capacity);
  CHECK(mine.value.architecture == base.architecture);
  // Each number says whose it is, and what the program knows of the base holds here too.
  for (const auto& number : mine.numbers)
    CHECK(number.sheet == (number.path == "memory.bandwidth" ? "my-box" : "dgx-spark"));
  CHECK(models::linked(engine_on(path).tuning) == models::linked(engine_on("dgx-spark").tuning));
}

TEST_CASE("a base may be a path, relative to its sheet, and have a base itself", "[scenarios][sheets][base]") {
  const Sheets sheets;
  sheets.write("first.yaml", kMine);
  const auto second =
      sheets.write("second.yaml",
                   "id: second\nbase: first.yaml\npower: {limit: 80 W, source: m, confidence: measured}\n"
                   "sources: {m: mine}\n");
  cli::Shelf shelf;
  const auto& box = shelf.box(second);
  CHECK_THAT(box.value.memory.bandwidth, WithinRel(250e9, 1e-12));
  CHECK(box.value.power.limit == 80);
  REQUIRE(box.bases.size() == 2);
  CHECK(box.bases[0].sheet == "my-box");
  CHECK(box.bases[1].sheet == "dgx-spark");
  CHECK(models::linked(engine_on(second).tuning) == models::linked(engine_on("dgx-spark").tuning));
}

TEST_CASE("mistakes in a base are told where they are", "[scenarios][sheets][base]") {
  const Sheets sheets;
  CHECK_THAT(errors_of(sheets.write("a.yaml", "id: a\nbase: sparkk\n")),
             Contains("a.yaml:2:7: error: base is \"sparkk\"; no box has this name; did you mean \"spark\"?"));
  CHECK_THAT(errors_of(sheets.write("b.yaml", "id: b\nbase: [spark]\n")),
             Contains("b.yaml:2:7: error: base is no name"));
  CHECK_THAT(errors_of(sheets.write("c.yaml", "id: c\nbase: c.yaml\n")), Contains("a box cannot be its own base"));
  sheets.write("wrong.yaml", "id: wrong\nbase: spark\nmemory: {bandwidth: 273 GB}\n");
  CHECK_THAT(errors_of(sheets.write("d.yaml", "id: d\nbase: wrong.yaml\n")),
             Contains("wrong.yaml:3:21: error: memory.bandwidth is \"273 GB\""));
  cli::Shelf shelf({"base=spark"});
  CHECK_THROWS_WITH(shelf.box("dgx-spark"), Contains("base stands in a box's own file"));
}

TEST_CASE("a scenario runs on such a box, and its results carry the base's sheet", "[scenarios][sheets][base]") {
  const Sheets sheets;
  sheets.write("my-box.yaml", kMine);
  const auto loaded = load_text("desk.yaml", R"(duration: 1 h
systems: {desk: {sheet: my-box.yaml}}
deployments:
  assistant: {model: gpt-oss-120b, quant: mxfp4, engine: vllm, runs_on: desk}
workload:
  - {name: people, to: assistant, users: 1, think: 30 s, prompt: 800, output: 100}
)",
                                sheets.scratch.path().string(), {});
  CHECK_THAT(loaded.input.systems[0].box.memory.bandwidth, WithinRel(250e9, 1e-12));
  std::vector<std::string> names;
  for (const auto& text : loaded.texts) names.push_back(text.name);
  CHECK_THAT(names, Catch::Matchers::VectorContains(std::string("systems/desk")));
  CHECK_THAT(names, Catch::Matchers::VectorContains(std::string("systems/desk@dgx-spark")));
}

TEST_CASE("a sheet's tuning takes the place of what weights and models add", "[scenarios][sheets][tuning]") {
  const Sheets sheets;
  const std::string text = std::string(kMine) + R"(engines:
  llama.cpp-cuda:
    tuning:
      source: mine
      confidence: measured
      memory_efficiency: 0.5
      draws: {memory_efficiency: "1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16"}
      by_unpack:
        k: {added: {memory_efficiency: "0.25"}, draws: {memory_efficiency: "1 1 1 1 1 1 1 1 1 1 1 1 1 1 1 1"}}
      by_family:
        mine: {added: {memory_efficiency: "-0.5"}}
)";
  auto engine = engine_on(sheets.write("tuned.yaml", text));
  const auto known = engine_on("dgx-spark").calibration;
  models::tune(engine, "k", "mine");
  const auto linked = models::linked(engine.tuning);
  CHECK_THAT(linked[0], WithinRel(-0.25, 1e-9));                                   // log-odds of 0.5 is 0
  CHECK_THAT(models::linked(engine.draws[2])[0], WithinRel(-0.25 + 3 + 1, 1e-9));  // its draw, and that of k
  CHECK_THAT(linked[3], WithinRel(known.base.value[3] + known.by_unpack.at("k").value[3], 1e-9));  // not said: as known
  const auto wrong = [&](const std::string& piece, const std::string& by) {
    std::string spoilt = text;
    spoilt.replace(spoilt.find(piece), piece.size(), by);
    return errors_of(sheets.write("wrong.yaml", spoilt));
  };
  CHECK_THAT(wrong("        k:", "        q4:"),
             Contains("tuning.by_unpack has \"q4\"; expected bf16, f16, legacy, k"));
  CHECK_THAT(wrong("\"0.25\"", "\"much\""), Contains("tuning.by_unpack.k.added.memory_efficiency holds \"much\""));
  CHECK_THAT(wrong("\"1 1 1", "\"1 1"),
             Contains("tuning.by_unpack.k.draws.memory_efficiency has 15 numbers; expected 16"));
  CHECK_THAT(wrong("mine: {added: {memory_eff", "mine: {added: {memory_ef"),
             Contains("there is no such parameter; did you mean \"memory_efficiency\"?"));
}
