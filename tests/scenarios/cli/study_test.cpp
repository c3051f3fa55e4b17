#include <algorithm>
#include <fstream>
#include <nlohmann/json.hpp>

#include "scenarios/cli/layout.hpp"
#include "tests/catch.hpp"
#include "tests/scenarios/cli/scratch.hpp"

namespace tokwatt::cli {
namespace {

namespace fs = std::filesystem;

std::string small_study(const Scratch& folder) {
  const auto path = folder.path() / "small.yaml";
  std::ofstream(path) << "title: Few people\nbase: " << input("short.yaml")
                      << "\naxes: {users: {key: workload.0.users, values: [1, 2, 3]}, "
                         "ambient: {key: environment.ambient, from: 20 degC, to: 30 degC, points: 2}}\n"
                         "metrics: [ttft_s.p95, temperature_c.max]\nconstraints: [ttft_s.p95 < 10 s]\n";
  return path.string();
}

}  // namespace

TEST_CASE("a study writes one file and takes its journal away", "[cli][study]") {
  const Scratch folder;
  const auto out = folder.path() / "new folder" / "out.h5";
  const auto said = tokwatt({"study", small_study(folder), "-o", out.string()});
  CHECK(said.err.find("error") == std::string::npos);
  REQUIRE(said.code == kDone);
  CHECK(longest_line(said.out) <= kScreen);
  CHECK_THAT(said.out, Catch::Contains("6 points: 6 ok"));
  CHECK_THAT(said.out, Catch::Contains("feasible: 6 of them, with ambient from 20 degC to 30 degC, users from 1 to 3"));
  CHECK(bytes_of(out).substr(0, 4) == "\x89HDF");
  CHECK_FALSE(fs::exists(out.string() + ".journal"));
  const auto again = folder.path() / "again.h5";
  REQUIRE(tokwatt({"study", small_study(folder), "-o", again.string(), "--threads", "1", "--quiet"}).code == kDone);
  CHECK(bytes_of(again) == bytes_of(out));
}

TEST_CASE("a study of a plan is told in 80 columns, and says what never pays", "[cli][study][plan]") {
  const Scratch folder;
  const auto path = folder.path() / "prices.yaml";
  std::ofstream(path) << "base: " << input("short.yaml")
                      << "\nset: {plan: {months: 24, days_per_month: 21, against: [hosted-gpt-oss-120b, gpt-5]}}\n"
                         "axes: {price: {key: prices.hardware, from: 100 USD, to: 20000 USD, points: 20}}\n"
                         "metrics: [plan.cost_usd.value, plan.usd_per_month, plan.against.gpt-5.payback_month.value,"
                         " plan.against.hosted-gpt-oss-120b.break_even_month.value]\n";
  const auto said = tokwatt({"study", path.string(), "-o", (folder.path() / "out.h5").string()});
  INFO(said.err);
  REQUIRE(said.code == kDone);
  CHECK(longest_line(said.out) <= kScreen);
  CHECK_THAT(said.out, Catch::Contains("(3) plan.against.gpt-5.payback_month.value") && Catch::Contains("never") &&
                           Catch::Contains("USD/month"));
  CHECK_THAT(said.out, Catch::Contains("20 points: 20 ok"));
}

TEST_CASE("a study takes changes of its scenario, and they are a part of it", "[cli][study]") {
  const Scratch folder;
  const auto out = (folder.path() / "out.h5").string();
  const Arguments hot = {"study", small_study(folder), "-o", out, "--set", "seed=9"};
  const auto said = tokwatt(hot);
  REQUIRE(said.code == kDone);
  const auto twice = tokwatt({"study", small_study(folder), "-o", out, "--set", "workload.0.users=9"});
  CHECK(twice.code == kBadInput);
  CHECK_THAT(twice.err, Catch::Contains("workload.0.users is what the axis users varies"));
  const auto plain = (folder.path() / "plain.h5").string();
  REQUIRE(tokwatt({"study", small_study(folder), "-o", plain, "--quiet"}).code == kDone);
  CHECK(bytes_of(out) != bytes_of(plain));  // it carries what was set
  const auto longer = (folder.path() / "longer.h5").string();
  REQUIRE(tokwatt({"study", small_study(folder), "-o", longer, "--set", "duration=20 min", "--quiet"}).code == kDone);
  const auto wrong = tokwatt({"study", small_study(folder), "-o", longer, "--set", "durations=20 min", "--set", "x"});
  CHECK(wrong.code == kBadInput);
  CHECK_THAT(wrong.err, Catch::Contains("did you mean \"duration\"?") && Catch::Contains("--set x:1:1: error"));
}

TEST_CASE("a study does not go on with the journal of another", "[cli][study]") {
  const Scratch folder;
  const auto out = folder.path() / "out.h5";
  std::ofstream(out.string() + ".journal") << "{\"tokwatt_study\":\"0\",\"points\":6}\n";
  const auto said = tokwatt({"study", small_study(folder), "-o", out.string()});
  CHECK(said.code == kBadInput);
  CHECK_THAT(said.err, Catch::Contains("out.h5.journal cannot be used: it is of another study"));
  CHECK_FALSE(fs::exists(out));
  CHECK(bytes_of(out.string() + ".journal") == "{\"tokwatt_study\":\"0\",\"points\":6}\n");
}

TEST_CASE("every ready-made study is valid", "[cli][study]") {
  int studies = 0;
  for (const auto& file : fs::directory_iterator(project("scenarios/studies"))) {
    if (file.path().extension() != ".yaml") continue;
    const auto said = tokwatt({"validate", file.path().string()});
    CHECK(said.err.empty());
    CHECK_THAT(said.out, Catch::EndsWith("(study)\n"));
    ++studies;
  }
  CHECK(studies >= 2);
}

}  // namespace tokwatt::cli
