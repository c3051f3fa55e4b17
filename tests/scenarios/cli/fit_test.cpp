#include <algorithm>
#include <fstream>
#include <nlohmann/json.hpp>
#include <set>

#include "scenarios/cli/natural_engine.hpp"
#include "scenarios/sheets/sheets.hpp"

#include "tests/catch.hpp"
#include "tests/scenarios/cli/scratch.hpp"

namespace tokwatt::cli {
namespace {

using Json = nlohmann::ordered_json;

Json fits_of(Arguments more) {
  more.insert(more.begin(), "fit");
  more.insert(more.end(), {"-o", "json"});
  const auto said = tokwatt(more);
  INFO(said.err);
  REQUIRE(said.code == kDone);
  return Json::parse(said.out);
}

const Json* row_with(const Json& rows, const char* key, const std::string& value) {
  for (const auto& row : rows) {
    if (row[key] == value) return &row;
  }
  return nullptr;
}

double number(const Json& row, const char* key) { return row[key].get<double>(); }

}  // namespace

TEST_CASE("fit --system lists models, each with what its users need and what is left", "[cli][fit]") {
  const auto rows = fits_of({"--system", "spark", "--context", "16384", "--users", "3"});
  REQUIRE(rows.size() >= 3);
  for (const auto& row : rows) {
    INFO(row.dump());
    CHECK(row["system"] == "dgx-spark");
    CHECK(row["fits"] == true);
    const double left = number(row, "usable_bytes") - number(row, "weight_bytes") - number(row, "workspace_bytes") -
                        3 * number(row, "kv_bytes_per_user");
    CHECK(number(row, "left_bytes") == Approx(left).margin(1));
    CHECK(left >= 0);
    CHECK(number(row, "longest_context") >= 16384);
    CHECK(number(row, "most_users") >= 3);
    CHECK(number(row, "decode_tok_s") > 0);
    CHECK(number(row, "decode_tok_s_low") <= number(row, "decode_tok_s"));
  }
  CHECK(std::is_sorted(rows.begin(), rows.end(),
                       [](const Json& a, const Json& b) { return a["parameters"] > b["parameters"]; }));
}

TEST_CASE("few bits a weight are said, and can be left out", "[cli][fit]") {
  const auto plain = tokwatt({"fit", "--system", "spark"}),
             enough = tokwatt({"fit", "--system", "spark", "--min-bits", "4"});
  CHECK_THAT(plain.out, Catch::Contains("Fewer than 3.5 bits a weight: ") && Catch::Contains("--min-bits 4"));
  CHECK_THAT(enough.out, !Catch::Contains("Fewer than") && Catch::Contains("Do not fit in 4 bits or more: "));
  const auto all = fits_of({"--system", "spark"}), some = fits_of({"--system", "spark", "--min-bits", "4"});
  const auto has_enough = [](const Json& row) { return number(row, "bits_per_weight") >= 4; };
  CHECK(std::all_of(some.begin(), some.end(), has_enough));
  CHECK(std::count_if(all.begin(), all.end(), has_enough) == std::ssize(some));
  CHECK(some.size() < all.size());
  const auto* mxfp4 = row_with(all, "model", "gpt-oss-120b");
  CHECK(number(*mxfp4, "bits_per_weight") == Approx(4.33).epsilon(0.01));
  CHECK(tokwatt({"fit", "--system", "spark", "--min-bits", "few"}).code == kUsage);
}

TEST_CASE("the longest context and the most users are the last that fit", "[cli][fit]") {
  // bf16 of the larger model leaves little room on 80 GB.
  const Arguments subject = {"--system", "h100", "--model", "qwen3-30b-a3b", "--quant", "bf16", "--engine", "vllm"};
  const auto with = [&](const char* option, int64_t count) {
    Arguments arguments = subject;
    arguments.insert(arguments.begin(), "fit");
    arguments.insert(arguments.end(), {option, std::to_string(count), "-o", "json"});
    return tokwatt(arguments);
  };
  const auto one = Json::parse(with("--users", 1).out).front();
  const auto most = one["most_users"].get<int64_t>();
  REQUIRE(most > 1);
  CHECK(with("--users", most).code == kDone);
  CHECK(with("--users", most + 1).code == kInfeasible);
  const auto shared = Json::parse(with("--users", most).out).front();
  const auto longest = shared["longest_context"].get<int64_t>();
  CHECK(longest >= 8192);
  CHECK(longest < 8192 * (most + 1) / most + 1);
  const auto refused = with("--users", most + 1);
  CHECK(Json::parse(refused.out).front()["fits"] == false);
  CHECK(Json::parse(refused.out).front()["decode_tok_s"].is_null());
  CHECK_THAT(refused.err, Catch::Contains("does not fit: weights 61.1 GB + workspace"));
}

TEST_CASE("chunks of attention that are over count where the engine keeps them", "[cli][fit]") {
  const auto row = fits_of({"--system", "h200-sxm-141", "--model", "llama-4-scout", "--quant", "fp8", "--engine",
                            "vllm", "--context", "65536"})
                       .front();
  constexpr double kPerToken = 48 * 2 * 8 * 128 * 2;  // layers, keys and values, heads, their width, bytes of bf16
  CHECK(number(row, "kv_bytes_per_user") == kPerToken * 65536);
}

TEST_CASE("whatever is left out, the same row comes out", "[cli][fit]") {
  const auto whole = fits_of({"--system", "spark", "--model", "gpt-oss-120b", "--quant", "mxfp4"}).front();
  const auto models = fits_of({"--system", "spark"}), boxes = fits_of({"--model", "gpt-oss-120b"}),
             quants = fits_of({"--system", "spark", "--model", "gpt-oss-120b"});
  const Json* found[] = {row_with(models, "model", "gpt-oss-120b"), row_with(boxes, "system", "dgx-spark"),
                         row_with(quants, "quant", "mxfp4")};
  for (const Json* row : found) {
    REQUIRE(row != nullptr);
    CHECK(*row == whole);
  }
}

TEST_CASE("a model that is published in a small format is not blown up to fill the box", "[cli][fit]") {
  const auto rows = fits_of({"--model", "gpt-oss-120b", "--system", "m3-ultra"});
  REQUIRE(row_with(rows, "quant", "bf16") != nullptr);  // it would fit
  const auto best = fits_of({"--system", "m3-ultra"});
  CHECK((*row_with(best, "model", "gpt-oss-120b"))["quant"] == "mxfp4");
}

TEST_CASE("fit offers no quant whose blocks do not divide the model's rows", "[cli][fit]") {
  const auto rows = fits_of({"--system", "m3-ultra", "--model", "gpt-oss-120b"});  // rows of 2,880
  for (const char* id : {"q8_0", "mxfp4", "q4_0", "iq4_nl"}) CHECK(row_with(rows, "quant", id) != nullptr);
  for (const char* id : {"iq2_xxs", "q4_k_m", "q6_k", "iq4_xs"}) CHECK(row_with(rows, "quant", id) == nullptr);
  const auto table = tokwatt({"fit", "--system", "m3-ultra", "--model", "gpt-oss-120b"});
  CHECK_THAT(table.out, Catch::Contains("Not offered") && Catch::Contains("iq2_xxs"));
  CHECK(row_with(fits_of({"--system", "m3-ultra", "--model", "llama-3.1-8b"}), "quant", "iq2_xxs") != nullptr);
  // 704 wide experts, and one quant whose file was measured
  const auto gemma = fits_of({"--system", "m3-ultra", "--model", "gemma-4-26b-a4b"});
  CHECK(row_with(gemma, "quant", "q4_k_xl") != nullptr);
  CHECK(row_with(gemma, "quant", "q4_k_m") == nullptr);

  const auto named = tokwatt({"fit", "--system", "m3-ultra", "--model", "gpt-oss-120b", "--quant", "q4_k_m"});
  CHECK(named.code == kDone);
  const auto advice = tokwatt({"fit", "--system", "h100", "--model", "gpt-oss-120b", "--quant", "bf16", "--users",
                               "400", "--engine", "llama.cpp"});
  CHECK(advice.code == kInfeasible);
  CHECK_THAT(advice.err, !Catch::Contains("--quant iq") && !Catch::Contains("--quant q2_k"));
}

TEST_CASE("exo is proposed where nothing else runs the model", "[cli][fit]") {
  for (const char* system : {"spark", "m3-ultra"}) {
    const auto rows = fits_of({"--system", system, "--model", "llama-3.1-8b"});
    CHECK(row_with(rows, "engine", "exo") == nullptr);
  }
  CHECK(row_with(fits_of({"--system", "m3-ultra", "--model", "llama-3.1-8b", "--engine", "exo"}), "quant",
                 "mlx-4bit") != nullptr);
  CHECK(fits_of({"--system", "spark", "--model", "llama-3.1-8b", "--quant", "mlx-4bit"}).front()["engine"] == "exo");
}

TEST_CASE("engines go by their names in any case, and a near name is told", "[cli][fit]") {
  const auto fit = [](const char* engine) {
    return tokwatt({"fit", "--system", "spark", "--model", "llama-3.1-8b", "--quant", "q8_0", "--engine", engine});
  };
  CHECK(fit("Llama.cpp").out == fit("llama.cpp").out);
  CHECK(fit("llama.cpp").code == kDone);
  CHECK_THAT(fit("llamacpp").err, Catch::Contains("did you mean \"llama.cpp\"?"));
  CHECK_THAT(fit("triton-server").err, Catch::Contains("expected") && Catch::Contains("llama.cpp, llama.cpp-cpu"));
}

TEST_CASE("a context that a model does not take is named in the table", "[cli][fit]") {
  const auto said =
      tokwatt({"fit", "--system", "spark", "--model", "llama-3.1-8b", "--quant", "bf16", "--context", "200000"});
  CHECK(said.code == kInfeasible);
  CHECK_THAT(said.out, Catch::Contains("llama-3.1-8b takes at most 131,072 tokens of context."));
}

TEST_CASE("a key that a config.json has twice is told", "[cli][fit]") {
  const Scratch scratch;
  const auto path = (scratch.path() / "config.json").string();
  auto text = bytes_of(TOKWATT_SOURCE_DIR "/tests/data/configs/llama-3.1-8b.json");
  text.replace(text.find('{'), 1, "{\n\"hidden_size\": 2048,");
  std::ofstream(path) << text;
  const auto said = tokwatt({"fit", "--system", "spark", "--model", path});
  CHECK(said.code == kBadInput);
  CHECK_THAT(said.err, Catch::Contains("\"hidden_size\" is given twice; first in line 2"));
}

TEST_CASE("a config.json in place of a box is one error", "[cli][fit]") {
  const std::string file = TOKWATT_SOURCE_DIR "/tests/data/configs/llama-3.1-8b.json";
  const auto said = tokwatt({"fit", "--system", file});
  CHECK(said.code == kBadInput);
  CHECK_THAT(said.err, Catch::Contains("is the config.json of a model; expected a box sheet"));
  CHECK(said.err.find("error: ") == said.err.rfind("error: "));
}

TEST_CASE("fit predicts what bench does", "[cli][fit]") {
  const auto fit = fits_of({"--system", "spark", "--model", "llama-3.1-8b", "--quant", "q8_0"}).front();
  const auto said = tokwatt({"bench", "--system", "spark", "--model", "llama-3.1-8b", "--quant", "q8_0", "--engine",
                             fit["engine"].get<std::string>(), "-p", "0", "-n", "1", "-d", "8191", "-o", "json"});
  CHECK(Json::parse(said.out).front()["avg_ts"] == fit["decode_tok_s"]);
}

TEST_CASE("hypothetical boxes are listed when they are asked for", "[cli][fit]") {
  const auto rows = fits_of({"--model", "llama-3.1-8b"}), all = fits_of({"--model", "llama-3.1-8b", "--all"});
  CHECK(row_with(rows, "system", "mac-studio-m4-ultra-192") == nullptr);
  CHECK(row_with(all, "system", "mac-studio-m4-ultra-192") != nullptr);
  CHECK(fits_of({"--model", "llama-3.1-8b", "--system", "mac-studio-m4-ultra-192"}).size() > 1);
}

TEST_CASE("a list may be empty; a single case that does not fit is exit 4", "[cli][fit]") {
  const auto none = tokwatt({"fit", "--system", "spark", "--users", "100000"});
  CHECK(none.code == kDone);
  CHECK_THAT(none.out, Catch::StartsWith("Nothing fits.\n") && Catch::Contains("gpt-oss-120b"));
  const auto one = tokwatt({"fit", "--system", "spark", "--model", "gpt-oss-120b", "--quant", "bf16"});
  CHECK(one.code == kInfeasible);
  CHECK_THAT(one.out, Catch::Contains("missing"));
  CHECK_THAT(one.err, Catch::Contains("would fit"));
  const auto wrong =
      tokwatt({"fit", "--system", "m3-ultra", "--model", "llama-3.1-8b", "--quant", "q8_0", "--engine", "vllm"});
  CHECK(wrong.code == kInfeasible);
  CHECK_THAT(wrong.err, Catch::Contains("cannot be done: vllm runs on cuda"));
  const auto no_engine = tokwatt({"fit", "--system", "m3-ultra", "--model", "llama-3.1-8b", "--quant", "mxfp4"});
  CHECK(no_engine.code == kInfeasible);
  CHECK_THAT(no_engine.err, Catch::Contains("no engine runs"));
  const auto long_context =
      tokwatt({"fit", "--system", "spark", "--model", "llama-3.1-8b", "--quant", "q8_0", "--context", "200000"});
  CHECK(long_context.code == kInfeasible);
  CHECK_THAT(long_context.err, Catch::Contains("takes at most 131072 tokens"));
}

TEST_CASE("fit needs a model or a system, and says which names are wrong", "[cli][fit]") {
  CHECK(tokwatt({"fit"}).code == kUsage);
  CHECK(tokwatt({"fit", "--quant", "mxfp4"}).code == kUsage);
  CHECK(tokwatt({"fit", "--system", "spark", "--users", "0"}).code == kUsage);
  CHECK(tokwatt({"fit", "--system", "spark", "--context", "1,2"}).code == kUsage);
  const auto said = tokwatt({"fit", "--system", "sparc", "--model", "gpt-os-120b"});
  CHECK(said.code == kBadInput);
  CHECK_THAT(said.err, Catch::Contains("--system is \"sparc\"") && Catch::Contains("--model is \"gpt-os-120b\""));
}

TEST_CASE("fit's tables fit a screen", "[cli][fit]") {
  for (const auto& box : {"spark", "m3-ultra", "h100"})
    CHECK(longest_line(tokwatt({"fit", "--system", box}).out) <= 80);
  for (const auto& model : {"gpt-oss-120b", "llama-3.1-8b"})
    CHECK(longest_line(tokwatt({"fit", "--model", model}).out) <= 80);
  CHECK(longest_line(tokwatt({"fit", "--system", "spark", "--model", "llama-3.1-8b"}).out) <= 80);
}

TEST_CASE("fit -o csv has json's fields", "[cli][fit]") {
  const auto csv = tokwatt({"fit", "--system", "spark", "-o", "csv"}).out;
  std::string names;
  const Json rows = fits_of({"--system", "spark"});
  for (const auto& [key, value] : rows.front().items()) names += (names.empty() ? "" : ",") + key;
  CHECK_THAT(csv, Catch::StartsWith(names + "\n\"dgx-spark\","));
}

TEST_CASE("fit --budget leaves out boxes that cost more and names them, and those of no known price", "[cli][fit]") {
  const Arguments asked = {"--model", "qwen3-32b"};
  Arguments within = asked;
  within.insert(within.end(), {"--budget", "5000"});
  Json expected = Json::array();
  size_t dearer = 0;
  for (const auto& row : fits_of(asked)) {
    if (row["price_usd"].is_number() && number(row, "price_usd") <= 5000) expected.push_back(row);
    dearer += row["price_usd"].is_number() && number(row, "price_usd") > 5000;
  }
  REQUIRE(expected.size() > 3);
  REQUIRE(dearer > 3);
  CHECK(fits_of(within) == expected);

  within.insert(within.begin(), "fit");
  const auto table = tokwatt(within).out;
  CHECK_THAT(table, Catch::Contains("Cost more than 5,000 USD: ") && Catch::Contains("Price not known: "));
  const auto boxes = table.substr(0, table.find("Cost more"));
  CHECK_THAT(boxes, Catch::Contains("dgx-spark ") && !Catch::Contains("h100-sxm-80 "));
}

TEST_CASE("fit --budget is a number of dollars, and of no use to one box", "[cli][fit]") {
  for (const auto& wrong : {"5k", "-1", "", "nan"}) {
    INFO(wrong);
    CHECK(tokwatt({"fit", "--model", "qwen3-32b", "--budget", wrong}).code == kUsage);
  }
  CHECK(tokwatt({"fit", "--system", "spark", "--budget", "5000"}).code == kUsage);
}

TEST_CASE("every engine that comes with the program has its place in the order", "[cli][fit]") {
  hardware::Box box;
  box.backends = {"cuda", "metal", "vulkan", "rocm", "cpu"};
  const auto order = natural_engines(box);
  const auto shipped = scenarios::ids(scenarios::SheetKind::engine);
  CHECK(std::set<std::string>(order.begin(), order.end()) == std::set<std::string>(shipped.begin(), shipped.end()));
  CHECK(order.size() == shipped.size());
}

TEST_CASE("llama.cpp alone is the engine of the box's own backend", "[cli][bench]") {
  const auto bench = [](const char* engine) {
    return tokwatt({"bench", "--system", "spark", "--model", "llama-3.1-8b", "--quant", "q8_0", "--engine", engine});
  };
  CHECK(bench("llama.cpp").out == bench("llama.cpp-cuda").out);
  CHECK(bench("llama.cpp").code == kDone);
}

}  // namespace tokwatt::cli
