#include <nlohmann/json.hpp>

#include "scenarios/cli/catalog.hpp"
#include "scenarios/cli/layout.hpp"
#include "tests/catch.hpp"
#include "tests/scenarios/cli/scratch.hpp"

namespace tokwatt::cli {

using Json = nlohmann::ordered_json;

TEST_CASE("every sheet is shown in 80 columns, by its id and by each alias, and as it is written", "[cli][show]") {
  int shown = 0;
  for (const auto kind : kSheetKinds) {
    for (const auto& entry : sheets(kind)) {
      CAPTURE(entry.id);
      const auto said = tokwatt({"show", entry.id});
      CHECK(said.code == kDone);
      CHECK(longest_line(said.out) <= kScreen);
      CHECK(tokwatt({"show", entry.id, "-o", "yaml"}).out == entry.text);
      for (const auto& alias : entry.aliases) CHECK(tokwatt({"show", alias}).out == said.out);
      ++shown;
    }
  }
  CHECK(shown >= 14);
}

TEST_CASE("what cannot be bought is listed only when asked for, and marked", "[cli][list]") {
  const auto some = tokwatt({"list", "systems"}).out, all = tokwatt({"list", "systems", "--all"}).out;
  CHECK(some.find("hypothetical") == std::string::npos);
  for (const char* id : {"mac-studio-m4-ultra-128", "mac-studio-m4-ultra-192"}) {
    CHECK(some.find(id) == std::string::npos);
    CHECK(all.find(id) != std::string::npos);
  }
  CHECK(all.find("(hypothetical)") != std::string::npos);
  for (const char* announced : {"rtx-spark-desktop", "mac-studio-m5-ultra-512"})
    CHECK(some.find(announced) != std::string::npos);
}

TEST_CASE("lists and help fit 80 columns", "[cli][list]") {
  for (const char* what : {"systems", "models", "quants", "engines", "scenarios"}) {
    const auto said = tokwatt({"list", what, "--all"});
    CHECK(said.code == kDone);
    CHECK_FALSE(said.out.empty());
    CHECK(longest_line(said.out) <= kScreen);
  }
  for (const char* command : {"run", "bench", "list", "show", "validate", "schema"}) {
    const auto said = tokwatt({command, "--help"});
    CHECK(said.code == kDone);
    CHECK(said.out.substr(0, 8) == "Example:");
    CHECK(longest_line(said.out) <= kScreen);
  }
  CHECK(longest_line(tokwatt({"--help"}).out) <= kScreen);
}

TEST_CASE("show -o json has value, unit, confidence and sources of every number", "[cli][show]") {
  const auto box = Json::parse(tokwatt({"show", "spark", "-o", "json"}).out);
  CHECK(box["kind"] == "box");
  CHECK(box["id"] == "dgx-spark");
  bool has_bandwidth = false, has_engine = false;
  for (const auto& number : box["numbers"]) {
    const auto path = number["path"].get<std::string>();
    CHECK_FALSE(number["confidence"].get<std::string>().empty());
    CHECK_FALSE(number["sources"].empty());
    for (const auto& source : number["sources"]) CHECK(box["sources"].contains(source.get<std::string>()));
    has_engine = has_engine || path == "engines.vllm.limits.max_num_seqs";
    if (path != "memory.bandwidth") continue;
    has_bandwidth = true;
    CHECK(number["text"] == "273 GB/s");
    CHECK(number["value"] == 273e9);
    CHECK(number["unit"] == "B/s");
  }
  CHECK(has_bandwidth);
  CHECK(has_engine);
}

TEST_CASE("what an engine does is shown with its source, and what a box's version of it does otherwise",
          "[cli][show]") {
  const auto said = [](const std::string& sheet, const std::string& path) {
    const auto shown = Json::parse(tokwatt({"show", sheet, "-o", "json"}).out);
    for (const auto& n : shown["numbers"]) {
      if (n["path"] == path) return std::pair{n["text"].get<std::string>(), n["sources"].size()};
    }
    return std::pair{std::string("nothing"), std::size_t{0}};
  };
  CHECK(said("vllm", "tells_late") == std::pair{std::string("true"), std::size_t{2}});
  CHECK(said("vllm", "async_scheduling").first == "true");
  CHECK(said("h100-sxm-80", "engines.vllm.tells_late") == std::pair{std::string("false"), std::size_t{1}});
  CHECK(said("rtx-3090", "engines.\"llama.cpp-cuda\".flash_attention").first == "false");
  CHECK(said("dgx-spark", "engines.vllm.tells_late").first == "nothing");
}

TEST_CASE("a model shows what follows from its dimensions", "[cli][show]") {
  const auto derived = Json::parse(tokwatt({"show", "llama-3.1-8b", "-o", "json"}).out)["derived"];
  CHECK(derived["parameters"].get<double>() == Approx(8.03e9).epsilon(0.001));
  CHECK(derived["kv_bytes"]["bf16"]["per_token"] == 131072);
  CHECK(derived["weight_bytes"]["bf16"]["safetensors"].get<double>() == Approx(16.06e9).epsilon(0.001));
  CHECK_FALSE(derived["weight_bytes"]["q4_k_m"].contains("safetensors"));
  CHECK_FALSE(derived["weight_bytes"].contains("mxfp4"));  // it has no experts
  CHECK_THAT(tokwatt({"show", "llama-3.1-8b"}).out, !Catch::Contains("mxfp4"));
  CHECK_THAT(tokwatt({"show", "gpt-oss-120b"}).out, Catch::Contains("weights, mxfp4 gguf"));
}

TEST_CASE("an API with a history is shown with the days from which it asks each price", "[cli][show]") {
  const auto said = tokwatt({"show", "gpt-5.6-terra"}).out;
  const auto prices = tokwatt({"show", "gpt-5.6-terra", "-o", "yaml"}).out;
  const auto from = prices.find("from: ");
  REQUIRE(from != std::string::npos);
  const std::string day = prices.substr(prices.find("20", from), 10);
  CHECK_THAT(said,
             Catch::Contains("prices.0: from the beginning\n") && Catch::Contains("prices.1: from " + day + " on"));
  CHECK_THAT(tokwatt({"show", "gpt-5-mini"}).out, !Catch::Contains("from the beginning"));
}

TEST_CASE("schema prints a JSON schema of scenarios", "[cli][schema]") {
  const auto schema = Json::parse(tokwatt({"schema"}).out);
  CHECK_THAT(schema["$schema"].get<std::string>(), Catch::Contains("draft-07"));
  CHECK(schema["properties"].contains("systems"));
}

}  // namespace tokwatt::cli
