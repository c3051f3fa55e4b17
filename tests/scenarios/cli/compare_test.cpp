// Boxes side by side.
#include <fstream>
#include <nlohmann/json.hpp>
#include <sstream>

#include "scenarios/cli/compare_table.hpp"
#include "scenarios/cli/layout.hpp"
#include "scenarios/intervals.hpp"
#include "scenarios/studies/draws.hpp"
#include "tests/catch.hpp"
#include "tests/scenarios/cli/scratch.hpp"

namespace tokwatt::cli {

using Json = nlohmann::ordered_json;

TEST_CASE("boxes side by side say what a run on each says", "[cli][compare]") {
  const auto said = tokwatt({"compare", input("short.yaml"), "--system", "spark,m3-ultra-512,rtx-4090"});
  REQUIRE(said.code == kDone);
  CHECK(longest_line(said.out) <= kScreen);
  CHECK_THAT(said.out, Catch::Contains("B  m3-ultra-512, llama.cpp-metal"));  // vLLM does not run there
  CHECK_THAT(said.out, Catch::Contains("C  does not fit: "));
  const auto json = tokwatt({"compare", input("short.yaml"), "--system", "spark,rtx-pro-6000", "-o", "json"});
  REQUIRE(json.code == kDone);
  const auto boxes = Json::parse(json.out);
  const auto run = tokwatt({"run", input("short.yaml"), "--set", "systems.desk.sheet=rtx-pro-6000", "--summary", "json",
                            "--quiet", "--interval", "off"});
  CHECK(boxes.at(1).at("summary") == Json::parse(run.out));
}

TEST_CASE("beside an API's bill stands a box's price for whole days", "[cli][compare]") {
  const Arguments plain = {
      "compare", input("short.yaml"), "--system", "spark,m3-ultra-512", "--set", "prices={electricity: 0.3 USD/kWh}"};
  Arguments with_api = plain;
  with_api.insert(with_api.end(), {"--api", "gpt-5-mini"});
  CHECK_THAT(tokwatt(plain).out, !Catch::Contains("once a day"));
  const auto said = tokwatt(with_api);
  CHECK(longest_line(said.out) <= kScreen);
  CHECK_THAT(said.out, Catch::Contains("cost, once a day") && Catch::Contains("a box that does nothing else"));
  with_api.insert(with_api.end(), {"-o", "json"});
  for (const auto& box : Json::parse(tokwatt(with_api).out)) {
    const auto& summary = box.at("summary");
    const auto cost = [&](const char* part) { return summary.at("cost_usd").at(part).get<double>(); };
    const double day = cost("hardware") * 86'400 / summary.at("duration_s").get<double>();
    CHECK_THAT(cost("whole_days"), Catch::Matchers::WithinRel(cost("electricity") + day, 1e-6));
  }
}

TEST_CASE("columns name how many devices a scenario has, and what joins them", "[cli][compare]") {
  const Scratch scratch;
  const auto path = written(scratch,
                            "duration: 2 min\nsystems: {pc: {sheet: rtx-3090, count: 2, link: pcie4-x16}}\n"
                            "deployments: {chat: {model: gpt-oss-20b, quant: mxfp4, engine: vllm, runs_on: pc, "
                            "tensor_parallel: 2}}\n"
                            "workload: [{name: all, to: chat, users: 4, think: 10 s, prompt: 800, output: 200}]\n");
  const auto said = tokwatt({"compare", path, "--system", "rtx-5090,spark"});
  REQUIRE(said.code == kDone);
  CHECK_THAT(said.out, Catch::Contains("A  2 x rtx-5090, link pcie4-x16, vllm, 256 at a time\n") &&
                           Catch::Contains("B  2 x spark, link pcie4-x16, vllm, 256 at a time\n"));
  const auto json = Json::parse(tokwatt({"compare", path, "--system", "rtx-5090,spark", "-o", "json"}).out);
  CHECK(json.at(0).at("system") == "2 x rtx-5090");
  CHECK(json.at(1).at("system") == "2 x spark");
}

TEST_CASE("requests that a box loses have rows, and only those", "[cli][compare]") {
  const Scratch scratch;
  const auto path =
      written(scratch,
              "duration: 5 min\nsystems: {pc: {sheet: spark}}\n"
              "deployments: {chat: {model: llama-3.1-8b, quant: q4_k_m, engine: llama.cpp-cuda, runs_on: pc, "
              "limits: {max_model_len: 4096}}}\n"
              "workload: [{name: all, to: chat, users: 8, think: 1 s, prompt: {uniform: [100, 5000]}, "
              "output: 50}]\n");
  const auto said = tokwatt({"compare", path, "--system", "spark,rtx-4090"});
  REQUIRE(said.code == kDone);
  const auto json = Json::parse(tokwatt({"compare", path, "--system", "spark,rtx-4090", "-o", "json"}).out);
  const auto rejected = [&](int box) {
    return std::to_string(json.at(box).at("summary").at("requests").at("rejected").get<int>()) + "  ";
  };
  CHECK_THAT(said.out, Catch::Contains(rejected(0)) && Catch::Contains(rejected(1)));
  CHECK_THAT(said.out, Catch::Contains("\nrequests rejected ") && !Catch::Contains("\nrequests timed out ") &&
                           Catch::Contains("a box that loses many looks the faster for it"));
  CHECK(longest_line(said.out) <= kScreen);
  const auto none = tokwatt({"compare", input("short.yaml"), "--system", "spark,rtx-pro-6000"});
  CHECK_THAT(none.out, !Catch::Contains("requests rejected") && !Catch::Contains("looks the faster"));
  const auto many = tokwatt({"compare", path, "--system", "spark,rtx-4090", "--set", "workload.0.users=400", "--set",
                             "workload.0.prompt=2000"});
  CHECK_THAT(many.out, Catch::Contains("\nrequests unfinished "));
}

TEST_CASE("a row is in one unit, and tables end where the screen does", "[cli][compare]") {
  const auto said =
      tokwatt({"compare", input("short.yaml"), "--system", "spark,rtx-pro-6000,h100-sxm-80,strix-halo,m3-ultra-512",
               "--set", "prices={electricity: 1.5 USD/kWh, horizon: 1 months}"});
  REQUIRE(said.code == kDone);
  CHECK(longest_line(said.out) <= kScreen);
  std::istringstream lines(said.out);
  for (std::string line; std::getline(lines, line);) {
    CAPTURE(line);
    CHECK_FALSE((Catch::Contains(" s ").match(line) && Catch::Contains(" ms ").match(line)));
    CHECK_FALSE((Catch::Contains(" kJ ").match(line) && Catch::Contains(" kWh ").match(line)));
  }
}

TEST_CASE("what is hosted elsewhere, or runs on another box, has no engine in the place of one", "[cli][compare]") {
  const Scratch scratch;
  const auto path = written(scratch,
                            "duration: 2 min\nsystems: {mac: {sheet: m4-max}, pc: {sheet: rtx-4090}}\n"
                            "deployments:\n"
                            "  a: {model: llama-3.1-8b, quant: q4_k_m, engine: llama.cpp-metal, runs_on: mac}\n"
                            "  b: {model: llama-3.1-8b, quant: fp8, engine: vllm, runs_on: pc}\n"
                            "  c: {api: {sheet: hosted-gpt-oss-120b}}\n"
                            "workload:\n"
                            "  - {name: one, to: a, users: 2, think: 5 s, prompt: 500, output: 100}\n"
                            "  - {name: two, to: b, users: 2, think: 5 s, prompt: 500, output: 100}\n"
                            "  - {name: three, to: c, users: 2, think: 5 s, prompt: 500, output: 100}\n");
  const auto said = tokwatt({"compare", path, "--system", "m4-max,spark", "--of", "mac"});
  INFO(said.err);
  REQUIRE(said.code == kDone);
  CHECK_THAT(said.out, Catch::Contains("A  m4-max, llama.cpp-metal, 4 at a time\n"));
  CHECK_THAT(said.out, Catch::Contains("B  spark, llama.cpp-cuda, 4 at a time\n"));
}

TEST_CASE("misspelt boxes are reported together", "[cli][compare]") {
  const auto said = tokwatt({"compare", input("short.yaml"), "--system", "sparc,m3-ultra-51"});
  CHECK(said.code == kBadInput);
  CHECK(said.out.empty());
  CHECK_THAT(said.err, Catch::Contains("did you mean \"spark\"?"));
  CHECK_THAT(said.err, Catch::Contains("\"m3-ultra-51\""));
}

TEST_CASE("a difference is a percentage, or so many times", "[cli][compare]") {
  CHECK(difference(1, 2) == "-50 %");
  CHECK(difference(1.01, 1) == "+1.0 %");
  CHECK(difference(30, 2) == "x 15.0");
  CHECK(difference(1, 0).empty());
  CHECK(difference(std::nan(""), 1).empty());
}

TEST_CASE("the difference of a box to itself is nothing, whatever is drawn", "[cli][compare]") {
  const auto said = tokwatt({"compare", input("short.yaml"), "--system", "spark,dgx-spark,m3-ultra-512", "--interval",
                             "--set", "duration=2 min", "-o", "json"});
  REQUIRE(said.code == kDone);
  const auto boxes = Json::parse(said.out);
  CHECK_FALSE(boxes.at(0).contains("difference90"));
  for (const auto& [metric, range] : boxes.at(1).at("difference90").items()) {
    CAPTURE(metric);
    CHECK(range == Json({0.0, 0.0}));
  }
  const auto own = [&](int box) { return boxes.at(box).at("interval90").at("tpot_s.p50").get<std::vector<double>>(); };
  const auto together = boxes.at(2).at("difference90").at("tpot_s.p50").get<std::vector<double>>();
  CHECK(together[0] < together[1]);
  // Wider than this it could only be if the boxes were drawn apart.
  CHECK(together[0] >= own(2)[0] / own(0)[1] - 1);
  CHECK(together[1] <= own(2)[1] / own(0)[0] - 1);
  const auto table = tokwatt({"compare", input("short.yaml"), "--system", "spark,m3-ultra-512,rtx-pro-6000",
                              "--interval", "--set", "duration=2 min"});
  CHECK(longest_line(table.out) <= kScreen);
  CHECK_THAT(table.out, Catch::Contains("16 draws") && Catch::Contains(" % to "));
}

TEST_CASE("a copy of a box is drawn as the box is", "[cli][compare]") {
  const Scratch scratch;
  const auto copy = (scratch.path() / "copy.yaml").string();
  std::ofstream(copy) << "id: mine\nbase: dgx-spark\n";
  const auto said = tokwatt({"compare", input("short.yaml"), "--system", "spark," + copy, "--interval", "--set",
                             "duration=2 min", "-o", "json"});
  REQUIRE(said.code == kDone);
  const auto boxes = Json::parse(said.out);
  CHECK(boxes.at(1).at("difference90").contains("energy_j.wall"));
  for (const auto& [metric, range] : boxes.at(1).at("difference90").items()) {
    CAPTURE(metric);
    CHECK(range == Json({0.0, 0.0}));
  }
}

TEST_CASE("a box's path starts where the command is given, and unknown costs say why", "[cli][compare]") {
  const Scratch scratch;
  std::ofstream(scratch.path() / "mine.yaml") << "id: mine\nbase: dgx-spark\n";
  const auto scenario = (scratch.path() / "deep/desk.yaml").string();
  std::filesystem::create_directories(scratch.path() / "deep");
  auto text = bytes_of(input("short.yaml"));
  text.erase(text.find("prices:"));
  std::ofstream(scenario) << text;
  const auto mine = std::filesystem::relative(scratch.path() / "mine.yaml").string();
  const auto said = tokwatt({"compare", scenario, "--system", "spark," + mine, "--set", "duration=1 min"});
  REQUIRE(said.code == kDone);
  CHECK_THAT(said.out, Catch::Contains("Costs are unknown (-): prices.electricity is not given."));
  const auto priced = tokwatt({"compare", input("short.yaml"), "--system", "spark", "--set", "duration=1 min"});
  CHECK_THAT(priced.out, !Catch::Contains("Costs are unknown"));
}

TEST_CASE("a box whose price nobody says is compared without the plan", "[cli][compare][plan]") {
  const auto compare = [](const std::string& boxes, std::vector<std::string> more) {
    std::vector<std::string> command = {
        "compare", input("short.yaml"), "--system", boxes, "--set", "plan={months: 12, days_per_month: 21}",
        "--set",   "duration=1 min"};
    command.insert(command.end(), more.begin(), more.end());
    return tokwatt(command);
  };
  const auto boxes = Json::parse(compare("spark,rtx-spark,strix-halo", {"-o", "json"}).out);
  CHECK(boxes.at(1).at("without_plan") == true);
  CHECK(boxes.at(1).at("summary").at("requests").at("completed") > 0);
  for (const auto b : {0, 2}) {
    CHECK_FALSE(boxes.at(b).contains("without_plan"));
    CHECK(boxes.at(b).at("summary").at("plan").at("cost_usd").at("value") > 0);
  }
  CHECK_THAT(compare("spark,rtx-spark", {}).out, Catch::Contains("B has no plan: nobody says what it costs."));
  CHECK_THAT(compare("rtx-spark,spark,rtx-spark-laptop", {}).out,
             Catch::Contains("A, C have no plan: nobody says what they cost."));
  // A price that the scenario gives is a price.
  const std::vector<std::string> own = {"--set", "systems.desk.sheet=rtx-spark", "--set", "prices.hardware=3000 USD"};
  CHECK_THAT(compare("rtx-spark,spark", own).out, !Catch::Contains("no plan"));
}

TEST_CASE("what a scenario says of its own box is not said of others", "[cli][compare]") {
  const auto compare = [](std::vector<std::string> more) {
    std::vector<std::string> command = {"compare",  input("short.yaml"),
                                        "--system", "strix-halo,m3-ultra-512",
                                        "--set",    "systems.desk={sheet: strix-halo, mode: quiet}",
                                        "--set",    "deployments.assistant.engine=llama.cpp-vulkan"};
    command.insert(command.end(), more.begin(), more.end());
    return tokwatt(command);
  };
  const auto boxes = [&](const std::string& set) { return Json::parse(compare({"--set", set, "-o", "json"}).out); };
  const auto hardware = [](const Json& box) { return box.at("summary").at("cost_usd").at("hardware").get<double>(); };
  const auto by_sheet = boxes("prices.horizon=24 months"), stated = boxes("prices.hardware=1000 USD");
  CHECK_FALSE(stated.at(0).contains("left_out"));
  CHECK(hardware(stated.at(0)) < 0.7 * hardware(by_sheet.at(0)));
  CHECK(stated.at(1).at("left_out") == Json({"systems.desk.mode", "prices.hardware"}));
  CHECK(stated.at(1).at("engine") == "llama.cpp-metal");
  CHECK(hardware(stated.at(1)) == hardware(by_sheet.at(1)));
  const auto table = compare({"--set", "prices.hardware=1000 USD"});
  CHECK(longest_line(table.out) <= kScreen);
  CHECK_THAT(table.out, Catch::Contains("The scenario says systems.desk.mode, prices.hardware of its own box;"));
  CHECK_THAT(table.out, Catch::Contains("left out for B."));
  const auto rented = tokwatt({"compare", input("short.yaml"), "--system", "spark,rtx-pro-6000", "--set",
                               "systems.desk.rental=1 USD/h", "--set", "prices={}", "-o", "json"});
  const auto at_a_rent = Json::parse(rented.out);
  CHECK(at_a_rent.at(1).at("left_out") == Json(std::vector<std::string>{"systems.desk.rental"}));
  CHECK(hardware(at_a_rent.at(0)) >= 600 / 3600.0);  // the rent of ten minutes at least
  CHECK(hardware(at_a_rent.at(1)) < 0.5 * hardware(at_a_rent.at(0)));
  CHECK(at_a_rent.at(1).at("summary").at("cost_usd").at("electricity").is_null());
  const auto wrong =
      tokwatt({"compare", input("short.yaml"), "--system", "rtx-4090", "--set", "systems.desk.mode=quite"});
  CHECK(wrong.code == kBadInput);
  CHECK_THAT(wrong.err, Catch::Contains("quite"));
}

TEST_CASE("a box's own interval holds what a run's draws say", "[cli][compare]") {
  const auto path = input("short.yaml");
  const auto load = [&] { return scenarios::load(path, {"duration=2 min"}); };
  std::vector<double> values;
  for (int64_t draw = 0; draw < scenarios::kDraws; ++draw) {
    const auto answer = scenarios::answer_of(scenarios::with_draw_of_box(load, draw));
    values.push_back(answer.summary.at("tpot_s").at("p50").get<double>());
  }
  const auto said =
      tokwatt({"compare", path, "--system", "spark", "--interval", "--set", "duration=2 min", "-o", "json"});
  const auto box = Json::parse(said.out).at(0);
  const auto range = box.at("interval90").at("tpot_s.p50").get<std::vector<double>>();
  const auto [low, high] = scenarios::interval_about(box.at("summary").at("tpot_s").at("p50").get<double>(), values);
  CHECK(range[0] == Approx(low));
  CHECK(range[1] == Approx(high));
}

TEST_CASE("what the model leaves unexplained is drawn for each box", "[cli][compare]") {
  const auto power = [&](const char* box, auto with) {
    const auto load = [&] { return scenarios::load(input("short.yaml"), {std::string("systems.desk.sheet=") + box}); };
    return with(load, 3)().input.systems.front().box.power.idle / load().input.systems.front().box.power.idle;
  };
  CHECK(power("dgx-spark", scenarios::with_draw_of_box) == power("spark", scenarios::with_draw_of_box));
  // All that a box draws goes together, what it draws while a server waits too.
  const auto spark = [](bool drawn) {
    const auto load = [] { return scenarios::load(input("short.yaml"), {}); };
    return (drawn ? scenarios::with_draw_of_box(load, 3)() : load()).input.systems.front().box.power;
  };
  CHECK(spark(false).ready > 0);
  CHECK(spark(true).ready / spark(false).ready == Approx(spark(true).idle / spark(false).idle));
  CHECK(power("dgx-spark", scenarios::with_draw_of_box) != power("rtx-pro-6000", scenarios::with_draw_of_box));
}

}  // namespace tokwatt::cli
