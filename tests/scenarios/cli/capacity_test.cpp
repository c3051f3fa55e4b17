// The largest load that keeps objectives.
#include <fstream>
#include <nlohmann/json.hpp>

#include "scenarios/cli/capacity_search.hpp"
#include "scenarios/cli/layout.hpp"
#include "scenarios/intervals.hpp"
#include "tests/catch.hpp"
#include "tests/scenarios/cli/scratch.hpp"

namespace tokwatt::cli {

using Json = nlohmann::ordered_json;

namespace {

const std::string kPoisson =
    "seed: 1\nduration: 30 min\nsystems: {box: {sheet: dgx-spark}}\n"
    "deployments: {chat: {model: gpt-oss-20b, quant: mxfp4, engine: vllm, runs_on: box}}\n"
    "workload: [{name: all, to: chat, arrivals: {process: poisson, rate: 0.2/s}, prompt: 800, output: 200}]\n";

}  // namespace

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

TEST_CASE("people who wait longer than they are served are too many, where no latency is asked for",
          "[cli][capacity]") {
  const auto said = tokwatt({"capacity", input("short.yaml"), "--slo", "temperature_c.max<1000 degC", "-o", "json"});
  REQUIRE(said.code == kDone);
  const auto json = Json::parse(said.out);
  const auto in_queue = [&](int users) {
    const auto run = tokwatt({"run", input("short.yaml"), "--set", "workload.0.users=" + std::to_string(users),
                              "--summary", "json", "--quiet"});
    const auto summary = Json::parse(run.out);
    return summary.at("queue_s").at("mean").get<double>() / summary.at("e2e_s").at("mean").get<double>();
  };
  CHECK(in_queue(json.at("within").get<int>()) <= 0.5);
  CHECK(in_queue(json.at("beyond").get<int>()) > 0.5);
  CHECK(json.at("tried").back().at("broken") == Json({"requests wait longer than they are served"}));
}

TEST_CASE("people who wait to the end for their first answer are too many, whatever the objective", "[cli][capacity]") {
  const auto said = tokwatt({"capacity", input("short.yaml"), "--slo", "queue_s.p95<10 h", "-o", "json"});
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

}  // namespace tokwatt::cli
