// What answers hang on: sensitivity and explain.
#include <fmt/format.h>

#include <algorithm>
#include <fstream>
#include <map>
#include <nlohmann/json.hpp>

#include "scenarios/cli/layout.hpp"
#include "scenarios/intervals.hpp"
#include "tests/catch.hpp"
#include "tests/scenarios/cli/scratch.hpp"

namespace tokwatt::cli {

using Json = nlohmann::ordered_json;

TEST_CASE("temperatures change by kelvins, and with those that the timeline sets", "[cli][sensitivity]") {
  const Scratch scratch;
  const auto path = (scratch.path() / "warm.yaml").string();
  const auto with = [&](double at_first, double later) {
    auto text = bytes_of(input("short.yaml"));
    text += fmt::format(
        "environment: {{ambient: {} degC}}\ntimeline:\n  - {{at: 1 min, set: {{environment.ambient: {} degC}}}}\n",
        at_first, later);
    std::ofstream(path) << text;
    const auto run = tokwatt({"run", path, "--summary", "json", "--quiet", "--interval", "off"});
    return Json::parse(run.out).at("temperature_c").at("max").get<double>();
  };
  const double warmer = with(23, 36), as_it_is = with(22, 35);
  const auto said =
      Json::parse(tokwatt({"sensitivity", path, "--metrics", "temperature_c.max", "--all", "-o", "json"}).out);
  CHECK(said.at("units").at("temperature_c.max") == "K");
  double found = 0;
  for (const auto& number : said.at("numbers")) {
    if (number.at("name") == "environment.ambient") found = number.at("effect").at("temperature_c.max").get<double>();
  }
  CHECK(found == Approx(warmer - as_it_is).epsilon(1e-9));
  CHECK(found > 0.5);
}

TEST_CASE("sensitivity is what a run with the number changed says", "[cli][sensitivity]") {
  const auto said =
      tokwatt({"sensitivity", input("short.yaml"), "-o", "json", "--metrics", "tpot_s.mean,cost_usd.hardware"});
  REQUIRE(said.code == kDone);
  const auto numbers = Json::parse(said.out).at("numbers");
  REQUIRE(numbers.size() > 20);
  const auto effect = [&](const std::string& name) {
    const auto found =
        std::find_if(numbers.begin(), numbers.end(), [&](const Json& n) { return n.at("name") == name; });
    REQUIRE(found != numbers.end());
    return found->at("effect");
  };
  const auto mean = [&](const Arguments& more) {
    Arguments arguments = {"run", input("short.yaml"), "--summary", "json", "--quiet"};
    arguments.insert(arguments.end(), more.begin(), more.end());
    return Json::parse(tokwatt(arguments).out).at("tpot_s").at("mean").get<double>();
  };
  const double faster = mean({"--set", "systems.desk.memory.bandwidth=275.73 GB/s"}) / mean({}) - 1;
  CHECK_THAT(effect("desk: memory.bandwidth").at("tpot_s.mean").get<double>(), Catch::WithinRel(faster, 1e-9));
  CHECK(faster < -0.001);
  CHECK_THAT(effect("desk: price.purchase").at("cost_usd.hardware").get<double>(), Catch::WithinRel(0.01, 1e-6));
  CHECK(effect("vllm: tuning.memory_efficiency_experts").at("tpot_s.mean").get<double>() < 0);
  const auto table = tokwatt({"sensitivity", input("short.yaml")});
  CHECK(longest_line(table.out) <= kScreen);
  CHECK_THAT(table.out, Catch::Contains("\nchance "));
}

TEST_CASE("rents and links are varied where there are any", "[cli][sensitivity]") {
  const Scratch scratch;
  const auto path = (scratch.path() / "rented.yaml").string();
  std::ofstream(path)
      << "duration: 10 min\n"
         "systems: {cloud: {sheet: rtx-4090, count: 2, link: pcie4-x16, rental: 2 USD/h}}\n"
         "deployments: {chat: {model: llama-3.1-8b, quant: fp8, engine: vllm, runs_on: cloud, tensor_parallel: 2}}\n"
         "workload: [{name: people, to: chat, users: 4, think: {exponential: 10 s}, prompt: 4000, output: 250}]\n"
         "plan: {months: 3}\n";
  const auto said = tokwatt(
      {"sensitivity", path, "-o", "json", "--all", "--metrics", "cost_usd.total,ttft_s.mean,plan.cost_usd.value"});
  REQUIRE(said.code == kDone);
  std::map<std::string, Json> effects;
  const auto answer = Json::parse(said.out);
  for (const auto& number : answer.at("numbers")) effects[number.at("name")] = number.at("effect");
  CHECK_THAT(effects.at("rental").at("cost_usd.total").get<double>(), Catch::WithinRel(0.01, 1e-6));
  CHECK_THAT(effects.at("rental").at("plan.cost_usd.value").get<double>(), Catch::WithinRel(0.01, 1e-6));
  CHECK(effects.at("cloud: link").at("ttft_s.mean").get<double>() < -1e-4);
  CHECK(effects.count("prices.electricity") == 0);  // part of the rent
}

TEST_CASE("of a hosted model its prices are varied, and they make up its cost", "[cli][sensitivity]") {
  const Scratch scratch;
  const auto path = (scratch.path() / "hosted.yaml").string();
  std::ofstream(path)
      << "duration: 10 min\n"
         "deployments: {a: {api: {sheet: hosted-gpt-oss-120b}}, b: {api: {sheet: hosted-gpt-oss-120b}}}\n"
         "workload:\n"
         "  - {name: one, to: a, users: 2, think: 5 s, prompt: 500, output: 100}\n"
         "  - {name: two, to: b, users: 2, think: 5 s, prompt: 500, output: 100}\n";
  const auto said = tokwatt({"sensitivity", path, "--metrics", "cost_usd.api", "-o", "json"});
  REQUIRE(said.code == kDone);
  double all = 0;
  const auto numbers = Json::parse(said.out).at("numbers");
  for (const auto& number : numbers) all += number.at("effect").at("cost_usd.api").get<double>();
  CHECK(numbers.size() == 2);
  CHECK(all == Approx(0.01).epsilon(1e-6));
}

TEST_CASE("a tariff is varied in each of its hours", "[cli][sensitivity]") {
  const auto path = project("scenarios/electricity-by-the-hour.yaml");
  const auto run = Json::parse(tokwatt({"run", path, "--summary", "json", "--quiet", "--interval", "off"}).out);
  const auto said = tokwatt({"sensitivity", path, "--metrics", "cost_usd.electricity", "--all", "-o", "json"});
  REQUIRE(said.code == kDone);
  const double cents = run.at("energy_j").at("wall").get<double>() / 3.6e6 * 0.01;
  double found = 0;
  const auto numbers = Json::parse(said.out).at("numbers");
  for (const auto& number : numbers) {
    if (number.at("name") == "tariff") found = number.at("effect").at("cost_usd.electricity").get<double>();
  }
  CHECK(found == Approx(cents / run.at("cost_usd").at("electricity").get<double>()).epsilon(1e-6));
}

TEST_CASE("explain's portions add up to the run's", "[cli][explain]") {
  const Scratch folder;
  const auto file = (folder.path() / "out.h5").string();
  const auto run = tokwatt({"run", input("short.yaml"), "-o", file, "--summary", "json", "--quiet"});
  REQUIRE(run.code == kDone);
  const auto summary = Json::parse(run.out);
  const auto said = tokwatt({"explain", file, "-o", "json"});
  REQUIRE(said.code == kDone);
  const auto part = Json::parse(said.out).at("assistant");
  const auto sum = [](const Json& portions) {
    double total = 0;
    for (const auto& portion : portions) total += portion.get<double>();
    return total;
  };
  CHECK_THAT(sum(part.at("request_by")), Catch::WithinRel(summary.at("e2e_s").at("mean").get<double>(), 1e-9));
  CHECK_THAT(sum(part.at("energy_by")), Catch::WithinRel(summary.at("energy_j").at("wall").get<double>(), 1e-9));
  CHECK_THAT(sum(part.at("box_by")), Catch::WithinRel(600.0, 1e-6));
  CHECK(part.at("request_by").at("interference").get<double>() > 0);
  const auto table = tokwatt({"explain", file});
  CHECK(longest_line(table.out) <= kScreen);
  // Without segments it says what it cannot tell.
  REQUIRE(tokwatt({"run", input("short.yaml"), "-o", file, "--set", "record.requests=false", "--quiet"}).code == kDone);
  CHECK_THAT(tokwatt({"explain", file}).out, Catch::Contains("Not told: what others' prompts cost"));
}

TEST_CASE("explain takes apart the requests that were completed, not those that were cut off", "[cli][explain]") {
  const Scratch folder;
  const auto file = (folder.path() / "run.h5").string();
  // So many that most wait: those who are answered waited least.
  const auto run = tokwatt({"run", input("short.yaml"), "-o", file, "--set", "workload.0.users=300", "--set",
                            "deployments.assistant.limits={max_num_seqs: 8}", "--summary", "json", "--quiet"});
  REQUIRE(run.code == kDone);
  const auto summary = Json::parse(run.out);
  REQUIRE(summary.at("requests").at("unfinished").get<int64_t>() > 100);
  const double whole = summary.at("e2e_s").at("mean").get<double>();
  const auto part = Json::parse(tokwatt({"explain", file, "-o", "json"}).out).at("assistant");
  double sum = 0;
  for (const auto& portion : part.at("request_by")) sum += portion.get<double>();
  CHECK_THAT(sum, Catch::WithinRel(whole, 1e-9));
  CHECK(part.at("request_by").at("queue").get<double>() < summary.at("queue_s").at("mean").get<double>());
  CHECK(part.at("request_by").at("decode").get<double>() > 1);
  REQUIRE(tokwatt({"run", input("short.yaml"), "-o", file, "--set", "record.requests=false", "--quiet"}).code == kDone);
  CHECK_THAT(tokwatt({"explain", file}).out, Catch::Contains("of all that came so far"));
}

TEST_CASE("explain refuses what is no results file of a run", "[cli][explain]") {
  const Scratch folder;
  for (const auto& path : {input("short.yaml"), std::string("/dev/null"), folder.path().string()}) {
    const auto said = tokwatt({"explain", path});
    CHECK(said.code == kBadInput);
    CHECK_THAT(said.err, Catch::Contains(path + ": error: "));
  }
  CHECK_THAT(tokwatt({"explain", input("short.yaml")}).err,
             Catch::Contains("expected a file that tokwatt run -o has written"));
}

}  // namespace tokwatt::cli
