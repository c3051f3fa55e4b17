// The commands that ask something of a scenario: compare, capacity, sensitivity, explain.
#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <fstream>
#include <map>
#include <nlohmann/json.hpp>

#include "scenarios/cli/capacity_search.hpp"
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

namespace {

/// A scenario in a file of its own.
std::string written(const Scratch& scratch, const std::string& text) {
  const auto path = (scratch.path() / "scenario.yaml").string();
  std::ofstream(path) << text;
  return path;
}

const std::string kPoisson =
    "seed: 1\nduration: 30 min\nsystems: {box: {sheet: dgx-spark}}\n"
    "deployments: {chat: {model: gpt-oss-20b, quant: mxfp4, engine: vllm, runs_on: box}}\n"
    "workload: [{name: all, to: chat, arrivals: {process: poisson, rate: 0.2/s}, prompt: 800, output: 200}]\n";

}  // namespace

TEST_CASE("columns name how many devices a scenario has, and what joins them", "[cli][compare]") {
  const Scratch scratch;
  const auto path = written(scratch,
                            "duration: 2 min\nsystems: {pc: {sheet: rtx-3090, count: 2, link: pcie4-x16}}\n"
                            "deployments: {chat: {model: gpt-oss-20b, quant: mxfp4, engine: vllm, runs_on: pc, "
                            "tensor_parallel: 2}}\n"
                            "workload: [{name: all, to: chat, users: 4, think: 10 s, prompt: 800, output: 200}]\n");
  const auto said = tokwatt({"compare", path, "--system", "rtx-5090,spark"});
  REQUIRE(said.code == kDone);
  CHECK_THAT(said.out, Catch::Contains("A  2 x rtx-5090, link pcie4-x16, vllm\n") &&
                           Catch::Contains("B  2 x spark, link pcie4-x16, vllm\n"));
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
  CHECK_THAT(said.out, Catch::Contains("A  m4-max, llama.cpp-metal\n"));
  CHECK_THAT(said.out, Catch::Contains("B  spark, llama.cpp-cuda\n"));
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

TEST_CASE("the largest load is found from anywhere, asking for few", "[cli][capacity]") {
  const double limit = GENERATE(1, 2, 33, 34, 999, 1e6);
  const double start = GENERATE(1, 12, 1000);
  int asked = 0;
  const auto found = largest_load({start, 1, 1e6, true}, [&](double load) {
    ++asked;
    return load <= limit;
  });
  CAPTURE(limit, start);
  REQUIRE(found.within);
  CHECK(*found.within == limit);
  CHECK(found.beyond.has_value() == (limit < 1e6));
  if (found.beyond) CHECK(*found.beyond == limit + 1);
  CHECK(asked <= 45);
}

TEST_CASE("a load that is no whole number is found to one per cent", "[cli][capacity]") {
  const double limit = GENERATE(0.0123, 0.5, 77.7);
  const auto found = largest_load({2, 1e-9, 1e9, false}, [&](double load) { return load <= limit; });
  REQUIRE(found.within);
  REQUIRE(found.beyond);
  CHECK(*found.within <= limit);
  CHECK(*found.beyond > limit);
  CHECK(*found.beyond <= *found.within * 1.0101);
  CHECK_FALSE(largest_load({5, 1, 100, true}, [](double) { return false; }).within);
}

TEST_CASE("capacity's answer keeps the objectives, and one more user does not", "[cli][capacity]") {
  const auto said = tokwatt({"capacity", input("short.yaml"), "--slo", "tpot_p95<70ms", "-o", "json"});
  REQUIRE(said.code == kDone);
  const auto json = Json::parse(said.out);
  const int within = json.at("within").get<int>();
  CHECK(json.at("beyond") == within + 1);
  const auto tpot = [&](int users) {
    const auto run = tokwatt({"run", input("short.yaml"), "--set", "workload.0.users=" + std::to_string(users),
                              "--summary", "json", "--quiet"});
    return Json::parse(run.out).at("tpot_s").at("p95").get<double>();
  };
  CHECK(tpot(within) < 0.070);
  CHECK(tpot(within + 1) >= 0.070);
  const auto table = tokwatt({"capacity", input("short.yaml"), "--slo", "tpot_p95<70ms"});
  CHECK(longest_line(table.out) <= kScreen);
  CHECK_THAT(table.out, Catch::Contains("Within the objectives: " + std::to_string(within) + " users; beyond: "));
}

TEST_CASE("no load is so small that a token of it is cheap", "[cli][capacity]") {
  const Scratch scratch;
  const auto path = (scratch.path() / "rented.yaml").string();
  for (const char* box : {"{sheet: h100-sxm-80, rental: 2.95 USD/h}}\nprices: {horizon: 36 months}",
                          "{sheet: h100-sxm-80, price: {purchase: 30000 USD}}}\nprices: {electricity: 0.1 USD/kWh}"}) {
    std::ofstream(path) << "seed: 3\nduration: 1 h\nsystems: {box: " << box << "\n"
                        << "deployments: {chat: {model: llama-3.1-8b, quant: fp8, engine: vllm, runs_on: box}}\n"
                        << "workload: [{name: all, to: chat, arrivals: {process: poisson, rate: 0.25/s}, prompt: 800, "
                           "output: 200}]\n";
    const auto more = tokwatt({"capacity", path, "--slo", "usd_per_mtok_output<4", "-o", "json"});
    CAPTURE(box, more.out, more.err);
    REQUIRE(more.code == kDone);
    CHECK(Json::parse(more.out).at("within").get<double>() > 0.5);
  }
}

TEST_CASE("people who wait to the end for their first answer are too many, whatever the objective", "[cli][capacity]") {
  const auto said = tokwatt({"capacity", input("short.yaml"), "--slo", "temperature_c.max<1000 degC", "-o", "json"});
  REQUIRE(said.code == kDone);
  const auto json = Json::parse(said.out);
  const auto requests = [&](int users) {
    const auto run = tokwatt({"run", input("short.yaml"), "--set", "workload.0.users=" + std::to_string(users),
                              "--summary", "json", "--quiet"});
    const auto summary = Json::parse(run.out);
    return summary.at("requests").at("unfinished").get<double>() / summary.at("requests").at("submitted").get<double>();
  };
  CHECK(requests(json.at("within").get<int>()) <= 0.5);
  CHECK(requests(json.at("beyond").get<int>()) > 0.5);
  CHECK(json.at("tried").back().at("broken") == Json({"requests pile up"}));
}

TEST_CASE("capacity's interval holds what the draws bear", "[cli][capacity]") {
  const auto said = tokwatt({"capacity", input("short.yaml"), "--slo", "tpot_p95<70ms", "--interval", "--set",
                             "duration=2 min", "-o", "json"});
  REQUIRE(said.code == kDone);
  const auto range = Json::parse(said.out).at("interval90").at("within").get<std::vector<double>>();
  CHECK(range[0] == std::floor(range[0]));
  CHECK(range[0] < range[1]);
  const auto table =
      tokwatt({"capacity", input("short.yaml"), "--slo", "tpot_p95<70ms", "--interval", "--set", "duration=2 min"});
  CHECK_THAT(table.out, Catch::Contains("90 %: ") && Catch::Contains(" users, over 16 draws"));
  CHECK(longest_line(table.out) <= kScreen);
}

TEST_CASE("capacity says what is wrong with objectives", "[cli][capacity]") {
  const auto said = tokwatt({"capacity", input("short.yaml"), "--slo", "ttft_p95<2s,tpot_p96<1s,e2e_p95<9"});
  CHECK(said.code == kBadInput);
  CHECK_THAT(said.err, Catch::Contains("--slo:1:13: error: \"tpot_p96\" is no number of the summary"));
  CHECK_THAT(said.err, Catch::Contains("the bound of e2e_s.p95 is \"9\", a bare number"));
  CHECK(tokwatt({"capacity", input("short.yaml"), "--slo", "tpot_p95<1us"}).code == kInfeasible);
  CHECK(tokwatt({"capacity", input("short.yaml")}).code == kUsage);
}

TEST_CASE("capacity finds objectives that more load makes easier", "[cli][capacity]") {
  const auto said =
      tokwatt({"capacity", input("short.yaml"), "--slo", "usd_per_mtok_output<0.9 USD/Mtok,tpot_p95<200ms", "-o",
               "json", "--set", "workload.0.users=1", "--set", "duration=5 min"});
  REQUIRE(said.code == kDone);
  const auto json = Json::parse(said.out);
  const auto& first = json.at("tried").front();
  CHECK(first.at("load") == 1);
  CHECK(first.at("broken") == Json({"usd_per_mtok_output"}));
  CHECK(json.at("within").get<int>() > 1);
  const auto table = tokwatt({"capacity", input("short.yaml"), "--slo", "usd_per_mtok_output<0.9,tpot_p95<200ms",
                              "--set", "workload.0.users=1", "--set", "duration=5 min"});
  CHECK_THAT(table.out, Catch::Contains("they are not kept either (usd_per_mtok_output)"));
}

TEST_CASE("where no load is within, the least that has an answer says by how much", "[cli][capacity]") {
  const Scratch scratch;
  const auto path = written(scratch, kPoisson);
  for (const char* slo : {"tpot_p95<10ms", "ttft_p95<1ms"}) {
    const auto said = tokwatt({"capacity", path, "--slo", slo});
    CAPTURE(said.out);
    CHECK(said.code == kInfeasible);
    CHECK_THAT(said.out, Catch::Contains("Not even ") && Catch::Contains(std::string("(asked: ") + slo + ")") &&
                             !Catch::Contains("the others"));
    const auto json = Json::parse(tokwatt({"capacity", path, "--slo", slo, "-o", "json"}).out);
    const double beyond = json.at("beyond").get<double>();
    CHECK(beyond < 0.001);
    for (const auto& tried : json.at("tried")) {
      const bool answers = tried.at("summary").at("requests").at("completed") > 0;
      CHECK(answers == (tried.at("load").get<double>() >= beyond));
    }
  }
}

TEST_CASE("a rate so low that nothing is answered is raised until it is", "[cli][capacity]") {
  const Scratch scratch;
  const auto within = [&](const char* rate) {
    const auto said = tokwatt({"capacity", written(scratch, kPoisson), "--slo", "ttft_p95<1s", "-o", "json", "--set",
                               std::string("workload.0.arrivals.rate=") + rate});
    REQUIRE(said.code == kDone);
    return Json::parse(said.out).at("within").get<double>();
  };
  CHECK(within("1e-7/s") == Approx(within("0.2/s")).epsilon(0.03));
}

TEST_CASE("capacity says at once which price is missing", "[cli][capacity]") {
  const Scratch scratch;
  const auto said = tokwatt({"capacity", written(scratch, kPoisson), "--slo", "usd_per_mtok_output<1 USD/Mtok"});
  CHECK(said.code == kInfeasible);
  CHECK(said.out.empty());
  CHECK_THAT(said.err,
             Catch::Contains("usd_per_mtok_output has no value in this scenario; expected a price of electricity, such "
                             "as prices: {electricity: 0.15 USD/kWh}"));
}

TEST_CASE("the speed of a trace that comes at once is nothing to search", "[cli][capacity]") {
  const Scratch scratch;
  const auto said = [&](const std::string& rows) {
    std::ofstream(scratch.path() / "batch.csv") << "arrival_s,prompt_tokens,output_tokens\n" << rows;
    auto text = kPoisson;
    const std::string source = "arrivals: {process: poisson, rate: 0.2/s}, prompt: 800, output: 200";
    text.replace(text.find(source), source.size(), "trace: batch.csv");
    return tokwatt({"capacity", written(scratch, text), "--slo", "ttft_p95<2s"});
  };
  const auto at_once = said("0,800,20\n0,700,20\n0,900,20\n");
  CHECK(at_once.code == kInfeasible);
  CHECK_THAT(at_once.err, Catch::Contains("its speed changes nothing; expected"));
  CHECK(said("0,800,20\n5,700,20\n9,900,20\n").code == kDone);
}

TEST_CASE("capacity says that a scenario without objectives has no goodput", "[cli][capacity]") {
  const auto said =
      tokwatt({"capacity", input("short.yaml"), "--slo", "goodput_per_s>0.1/s", "--set", "duration=2 min"});
  CHECK(said.code == kInfeasible);
  CHECK_THAT(said.err,
             Catch::Contains("goodput_per_s has no value in this scenario; expected a stream with an objective"));
}

TEST_CASE("goodput rises with load, and falls: the largest load that has it is found from both sides",
          "[cli][capacity]") {
  const auto within = [](const char* users) {
    const auto said = tokwatt({"capacity", input("short.yaml"), "--slo", "goodput_per_s>0.1/s", "-o", "json", "--set",
                               "workload.0.slo={tpot: 60 ms}", "--set", "duration=3 min", "--set",
                               std::string("workload.0.users=") + users});
    REQUIRE(said.code == kDone);
    return Json::parse(said.out).at("within").get<int>();
  };
  CHECK(within("1") >= 8);
  CHECK(within("1") == within("40"));
}

TEST_CASE("capacity says so where nothing keeps all objectives", "[cli][capacity]") {
  const auto said = tokwatt(
      {"capacity", input("short.yaml"), "--slo", "usd_per_mtok_output<0.01,tpot_p95<200ms", "--set", "duration=2 min"});
  CHECK(said.code == kInfeasible);
  CHECK_THAT(said.out, Catch::Contains("keeps the others, and then usd_per_mtok_output is ") &&
                           Catch::Contains("(asked: usd_per_mtok_output<0.01)"));
  const auto never = tokwatt({"capacity", input("short.yaml"), "--slo", "tpot_p95<1us", "--set", "duration=2 min"});
  CHECK_THAT(never.out, Catch::Contains("Not even 1 user within the objectives"));
}

TEST_CASE("requests that a client holds back pile up too", "[cli][capacity]") {
  const Scratch scratch;
  const auto path = (scratch.path() / "held.yaml").string();
  std::ofstream(path) << "duration: 2 min\nsystems: {desk: {sheet: spark}}\n"
                         "deployments: {a: {model: gpt-oss-120b, quant: mxfp4, engine: vllm, runs_on: desk}}\n"
                         "workload:\n  - {name: calls, to: a, arrivals: {process: constant, rate: 1/s}, prompt: 500, "
                         "output: 100, max_in_flight: 2}\n";
  const auto run = Json::parse(tokwatt({"run", path, "--summary", "json", "--quiet", "--interval", "off"}).out);
  CHECK(run.at("requests_held_back").get<int>() + run.at("requests").at("submitted").get<int>() ==
        119);  // that at 120 s is behind the end
  const auto json = Json::parse(tokwatt({"capacity", path, "--slo", "ttft_p95<1h", "-o", "json"}).out);
  CHECK(json.at("within").get<double>() < 1);
  CHECK(json.at("tried").back().at("broken") == Json({"requests pile up"}));
}

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
