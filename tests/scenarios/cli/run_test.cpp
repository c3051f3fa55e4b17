#include <fmt/format.h>

#include <algorithm>
#include <fstream>
#include <nlohmann/json.hpp>

#include "scenarios/cli/layout.hpp"
#include "scenarios/cli/summary_table.hpp"
#include "tests/catch.hpp"
#include "tests/scenarios/cli/scratch.hpp"

namespace tokwatt::cli {

namespace fs = std::filesystem;
using Json = nlohmann::ordered_json;

int longest_line(const std::string& text) {
  int longest = 0;
  std::istringstream lines(text);
  for (std::string line; std::getline(lines, line);) longest = std::max(longest, width(line));
  return longest;
}

namespace {

std::vector<std::string> names_in(const fs::path& folder) {
  std::vector<std::string> names;
  for (const auto& entry : fs::directory_iterator(folder)) names.push_back(entry.path().filename().string());
  return names;
}

}  // namespace

TEST_CASE("a run says what was simulated, how it went and what limited it, in 80 columns", "[cli][run]") {
  const auto said = tokwatt({"run", input("short.yaml")});
  REQUIRE(said.code == kDone);
  CHECK(longest_line(said.out) <= kScreen);
  CHECK(said.out.substr(0, said.out.find('\n')) == "Four people, ten minutes");
  for (const char* piece : {"assistant: gpt-oss-120b, mxfp4 weights", "first token (TTFT)", "each gap (ITL)", "USD",
                            "degC", "Limited by ", "on assumption", "10 min simulated"})
    CHECK_THAT(said.out, Catch::Contains(piece));
  CHECK_THAT(said.err, Catch::Contains("simulated in "));
  CHECK(said.out.find('\033') == std::string::npos);
}

TEST_CASE("every ready-made scenario's table fits 80 columns", "[cli][run]") {
  for (const auto& file : fs::directory_iterator(project("scenarios"))) {
    if (file.path().extension() != ".yaml") continue;
    CAPTURE(file.path().string());
    const auto said = tokwatt({"run", file.path().string(), "--quiet"});
    CHECK(said.code == kDone);
    CHECK(said.err.empty());
    CHECK(longest_line(said.out) <= kScreen);
  }
}

TEST_CASE("an overloaded run says that its queue kept growing", "[cli][run]") {
  const std::string trace = project("scenarios/azure-conversation-on-a-spark.yaml");
  const auto at_half_pace = tokwatt({"run", trace, "--set", "workload.0.speed=0.5", "--set", "duration=1 h"});
  REQUIRE(at_half_pace.code == kDone);
  CHECK_THAT(at_half_pace.out, Catch::Contains("The queue of assistant kept growing"));
  const auto bearable = tokwatt({"run", trace, "--set", "duration=1 h"});
  REQUIRE(bearable.code == kDone);
  CHECK_THAT(bearable.out, !Catch::Contains("kept growing"));
}

TEST_CASE("several boxes stand side by side, with their own power, heat, clock, cost and limit", "[cli][run]") {
  const auto said = tokwatt({"run", input("two-boxes.yaml")});
  REQUIRE(said.code == kDone);
  CHECK(longest_line(said.out) <= kScreen);
  for (const char* no : {"\npower ", "\nheat ", "\nclock "}) CHECK_THAT(said.out, !Catch::Contains(no));
  const auto summary = Json::parse(tokwatt({"run", input("two-boxes.yaml"), "--summary", "json"}).out);
  std::istringstream lines(said.out);
  std::string line;
  while (std::getline(lines, line) && line.find("wall W") == std::string::npos) {
  }
  for (const auto& [name, part] : summary.at("deployments").items()) {
    REQUIRE(std::getline(lines, line));
    CAPTURE(line);
    CHECK_THAT(line, Catch::StartsWith(name.substr(0, 6)));
    CHECK_THAT(line, Catch::Contains(three_digits(part.at("power_w").at("wall").at("mean").get<double>())));
    CHECK_THAT(line, Catch::Contains(three_digits(part.at("clock_hz").at("mean").get<double>() / 1e6)));
    CHECK_THAT(line, Catch::Contains(three_digits(part.at("cost_usd").at("total").get<double>())));
    CHECK_THAT(line, Catch::EndsWith("  bandwidth"));
    CHECK_THAT(said.out, Catch::Contains("\n" + name + ": Limited by "));
  }
}

TEST_CASE("the share that met the objective is of the requests that have one", "[cli][run]") {
  const auto summary = Json::parse(tokwatt({"run", input("two-boxes.yaml"), "--summary", "json"}).out);
  const auto& people = summary.at("workload").at("people");
  const auto answered = people.at("requests").at("completed").get<int64_t>();
  CHECK(answered < summary.at("requests").at("completed").get<int64_t>());
  const double met = people.at("goodput_per_s").get<double>() * people.at("duration_s").get<double>();
  const auto said = tokwatt({"run", input("two-boxes.yaml")});
  CHECK_THAT(said.out,
             Catch::Contains(fmt::format("objective   {} of the {} answered requests with an objective met it",
                                         percent(met / static_cast<double>(answered)), grouped(answered))));
  CHECK_THAT(tokwatt({"run", input("short.yaml")}).out, !Catch::Contains("objective"));
}

TEST_CASE("rejected requests come with the reason, also where nothing else happened", "[cli][run]") {
  const auto some = tokwatt({"run", input("short.yaml"), "--set", "deployments.assistant.limits.max_model_len=1100"});
  REQUIRE(some.code == kDone);
  CHECK_THAT(some.out, Catch::Contains(" rejected: longer than"));
  CHECK_THAT(some.out, Catch::Contains("Limited by "));
  const auto all = tokwatt({"run", input("short.yaml"), "--set", "deployments.assistant.limits.max_model_len=700"});
  REQUIRE(all.code == kDone);
  CHECK_THAT(all.out, Catch::Contains("\nNothing ran: every request was rejected, longer than"));
  CHECK_THAT(all.out, !Catch::Contains("Limited by "));
  CHECK(longest_line(all.out) <= kScreen);
}

TEST_CASE("run: --summary json is one object with the assumed inputs, equal in both steppings", "[cli][run]") {
  const auto macro = tokwatt({"run", input("short.yaml"), "--summary", "json", "--interval", "off"});
  const auto token =
      tokwatt({"run", input("short.yaml"), "--summary=json", "--stepping", "token", "--interval", "off"});
  REQUIRE(macro.code == kDone);
  CHECK(macro.out == token.out);
  const auto summary = Json::parse(macro.out);
  CHECK(summary.at("requests").at("submitted") > 0);
  CHECK(summary.at("assumed").size() > 0);
  CHECK(summary.find("interval90") == summary.end());
  const auto& limits = summary.at("limited_by");
  double sum = 0;
  for (const auto& share : limits) sum += share.get<double>();
  CHECK(sum == Approx(1).epsilon(1e-6));
}

TEST_CASE("run: -o makes the folder it needs and nothing but the file", "[cli][run]") {
  const Scratch scratch;
  const fs::path file = scratch.path() / "results/deep/out.h5";
  const auto said = tokwatt({"run", input("short.yaml"), "-o", file.string()});
  REQUIRE(said.code == kDone);
  CHECK(names_in(file.parent_path()) == std::vector<std::string>{"out.h5"});
  CHECK_THAT(said.err, Catch::Contains("out.h5"));

  SECTION("and - is standard output, with the summary elsewhere") {
    const auto piped = tokwatt({"run", input("short.yaml"), "-o", "-"});
    REQUIRE(piped.code == kDone);
    CHECK(piped.out == bytes_of(file));
    CHECK_THAT(piped.err, Catch::Contains("Limited by "));
  }
  SECTION("and both steppings write the same bytes") {
    const fs::path other = scratch.path() / "token.h5";
    REQUIRE(tokwatt({"run", input("short.yaml"), "--stepping", "token", "-o", other.string()}).code == kDone);
    CHECK(bytes_of(other) == bytes_of(file));
  }
}

TEST_CASE("a run that fails leaves neither a file nor a folder behind, and an old file as it was", "[cli][run]") {
  const Scratch scratch;
  const auto [name, code] = GENERATE(table<std::string, int>({{"misspelt.yaml", kBadInput},
                                                              {"too-big.yaml", kInfeasible},
                                                              {"wrong-engine.yaml", kInfeasible},
                                                              {"nowhere.yaml", kBadInput}}));
  const auto said = tokwatt({"run", input(name), "-o", (scratch.path() / "new/out.h5").string()});
  CHECK(said.code == code);
  CHECK(said.out.empty());
  CHECK(names_in(scratch.path()).empty());
  const fs::path old = scratch.path() / "old.h5";
  const std::string precious = "\x89HDF, precious";
  std::ofstream(old) << precious;
  CHECK(tokwatt({"run", input(name), "-o", old.string()}).code == code);
  CHECK(bytes_of(old) == precious);
}

TEST_CASE("run: a file that cannot be written is the user's mistake, found before the run", "[cli][run]") {
  const auto said = tokwatt({"run", input("short.yaml"), "-o", "/proc/x.h5"});
  CHECK((said.code == kBadInput || said.code == kUsage));  // usage where a plain user has no right to write there
  CHECK(said.out.empty());
  CHECK_THAT(said.err, Catch::StartsWith("error: cannot write /proc/x.h5: "));
}

TEST_CASE("run: what is no results file is not written over", "[cli][run]") {
  const Scratch scratch;
  const auto scenario = (scratch.path() / "mine.yaml").string();
  fs::copy_file(input("short.yaml"), scenario);
  const auto said = tokwatt({"run", scenario, "-o", scenario});
  CHECK(said.code == kUsage);
  CHECK_THAT(said.err, Catch::Contains("it is there already and holds no results; expected another name"));
  CHECK(fs::file_size(scenario) == fs::file_size(input("short.yaml")));
  const auto results = (scratch.path() / "mine.h5").string();
  REQUIRE(tokwatt({"run", scenario, "-o", results, "--quiet"}).code == kDone);
  CHECK(tokwatt({"run", scenario, "-o", results, "--quiet"}).code == kDone);
}

TEST_CASE("a box that is paid for costs nothing more", "[cli][run]") {
  const auto cost = [](const std::string& price) {
    const auto said =
        tokwatt({"run", input("short.yaml"), "--set", "prices.hardware=" + price, "--summary", "json", "--quiet"});
    return nlohmann::ordered_json::parse(said.out).at("cost_usd");
  };
  CHECK(cost("0 USD").at("hardware") == 0.0);
  CHECK(cost("0 USD").at("total") == cost("0 USD").at("electricity"));
  CHECK(cost("1000 USD").at("hardware").get<double>() > 0);
}

TEST_CASE("power above its limit is said", "[cli][run]") {
  const Arguments low = {"run", input("short.yaml"), "--set", "systems.desk.power.limit=20 W", "--quiet"};
  Arguments in_json = low;
  in_json.insert(in_json.end(), {"--summary", "json"});
  const double seconds = Json::parse(tokwatt(in_json).out).at("over_limit_s").get<double>();
  CHECK(seconds > 30);
  CHECK_THAT(tokwatt(low).out, Catch::Contains(fmt::format("limit for {:.1f} s in all", seconds)));
  CHECK_THAT(tokwatt({"run", input("short.yaml"), "--quiet"}).out, !Catch::Contains("limit for"));
}

TEST_CASE("run: --set reaches the scenario", "[cli][run]") {
  const auto cool = tokwatt({"run", input("short.yaml"), "--summary", "json"});
  const auto hot = tokwatt({"run", input("short.yaml"), "--summary", "json", "--set", "environment.ambient=35 degC"});
  REQUIRE(hot.code == kDone);
  const auto mean = [](const Said& said) { return Json::parse(said.out)["temperature_c"]["mean"].get<double>(); };
  CHECK(mean(hot) > mean(cool) + 5);
}

TEST_CASE("the sentence on limits names the largest share", "[cli][run]") {
  CHECK(
      limit_sentence({{"bandwidth", 0.61}, {"compute", 0.12}, {"dispatch", 0.09}, {"link", 0.0}, {"idle", 0.18}}) ==
      "Limited by memory bandwidth: 61 % of the time went into reading weights and KV cache (idle 18 %, compute 12 %, "
      "dispatch 9 %).");
  CHECK(limit_sentence({{"bandwidth", 0.15}, {"compute", 0.05}, {"idle", 0.8}}) ==
        "Limited by demand: 80 % of the time there was nothing to do. While it worked, most of the time (75 % of it) "
        "went "
        "into reading weights and KV cache (compute 25 %).");
  CHECK(limit_sentence({{"idle", 1.0}, {"compute", 0.0}}) == "Limited by demand: there was nothing to do.");
  CHECK(limit_sentence({{"idle", nullptr}}) == "Nothing ran.");
}

}  // namespace tokwatt::cli
