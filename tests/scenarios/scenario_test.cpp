// What a right scenario becomes.
#include "scenarios/scenario.hpp"

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <map>

#include "tests/catch.hpp"
#include "tests/scenarios/traces/trace_file.hpp"
#include "tests/scenarios/wrong.hpp"

using namespace tokwatt;
using namespace tokwatt::scenarios;
using Catch::Matchers::Contains;
using Catch::Matchers::StartsWith;

namespace {

Loaded loaded(const std::string& text, const std::vector<std::string>& sets = {}) {
  return load_text("desk.yaml", text, "", sets);
}

// What a source hands out before anything has left.
std::vector<sim::Arrival> messages(sim::RequestSource& source) {
  std::vector<sim::Arrival> out;
  while (const auto arrival = source.next(sim::kNever)) out.push_back(*arrival);
  return out;
}

constexpr sim::Picoseconds kHour = 3'600'000'000'000'000;

}  // namespace

TEST_CASE("a scenario becomes the input of a simulation, in SI", "[scenarios]") {
  const Loaded l = loaded(kGood);
  const auto& in = l.input;
  CHECK(in.title == "Twelve people");
  CHECK(in.seed == 1);
  CHECK(in.duration == kHour);
  REQUIRE(in.systems.size() == 1);
  CHECK(in.systems[0].name == "desk");
  CHECK(in.systems[0].box.id == "dgx-spark");
  CHECK(in.systems[0].box.memory.bandwidth == 273e9);
  REQUIRE(in.deployments.size() == 1);
  CHECK(in.deployments[0].model.layers.size() == 36);
  CHECK(in.deployments[0].kv.id == "f16");
  CHECK(in.deployments[0].engine.limits.max_num_seqs > 0);
  REQUIRE(in.streams.size() == 1);
  CHECK(in.streams[0].source->closed());
  const auto first = messages(*in.streams[0].source);
  REQUIRE(first.size() == 12);
  const sim::StreamKey key = sim::stream_key(1, "people");
  for (std::size_t user = 0; user < first.size(); ++user) {
    CHECK(first[user].at ==
          sim::picoseconds(sim::draw({sim::Exponential{30}, {}, {}}, key, sim::Purpose::think, user)));
    CHECK(first[user].prompt == 800);
    CHECK(first[user].output == sim::draw_tokens({sim::Lognormal{250, 2000}, {}, {}}, key, sim::Purpose::output, user));
  }
}

TEST_CASE("optional keys have the defaults of the design", "[scenarios]") {
  const auto in = loaded(with("seed: 1\n", "")).input;
  CHECK(in.seed == 0);
  CHECK(in.ambient == 22);
  CHECK(in.record_every == 1'000'000'000'000);
  CHECK(in.record_requests);
  CHECK_FALSE(in.prices.electricity);
  CHECK(in.prices.horizon > 0);
  CHECK(in.systems[0].box.price.purchase > 0);
  CHECK_FALSE(in.systems[0].start_temperature);
  CHECK(loaded(with("kv: f16, ", "")).input.deployments[0].kv.id == "bf16");  // vLLM's own
}

TEST_CASE("any field of a sheet can be overridden inline, and the box's tuning overrides the engine's", "[scenarios]") {
  const auto plain = loaded(kGood).input;
  const auto in = loaded(with("{sheet: dgx-spark}",
                              "{sheet: spark, start_temperature: 50 degC, power: {limit: 80 W}, "
                              "engines: {vllm: {tuning: {memory_efficiency: 0.5}}}}") +
                         "engines: {vllm: {tuning: {rows_half: 77}}}\nmodels: {gpt-oss-120b: {max_context: 4096}}\n")
                      .input;
  CHECK(in.systems[0].box.power.limit == 80);
  CHECK(in.systems[0].box.power.idle == plain.systems[0].box.power.idle);
  CHECK(in.systems[0].start_temperature == 50.0);
  CHECK(in.deployments[0].engine.tuning.memory_efficiency == 0.5);
  CHECK(in.deployments[0].engine.tuning.rows_half == Approx(77));
  CHECK(in.deployments[0].engine.tuning.compute_efficiency == plain.deployments[0].engine.tuning.compute_efficiency);
  CHECK(in.deployments[0].model.max_context == 4096);
}

TEST_CASE("prices and limits stand where the simulation looks for them", "[scenarios]") {
  const auto in = loaded(with("runs_on: desk",
                              "runs_on: desk, limits: {max_num_seqs: 8, max_model_len: 4096, kv_blocks: 100, "
                              "reserve_full_isl: false}") +
                         "prices: {electricity: 0.36 USD/kWh, horizon: 24 months, hardware: 1000 USD, resale: 0.25}\n")
                      .input;
  CHECK(in.deployments[0].engine.limits.max_num_seqs == 8);
  CHECK(in.deployments[0].max_model_len == 4096);
  CHECK(in.deployments[0].kv_blocks == 100);
  CHECK_FALSE(in.deployments[0].engine.reserve_full_isl);
  CHECK(loaded(kGood).input.deployments[0].engine.reserve_full_isl);
  CHECK(*in.prices.electricity == Approx(1e-7));
  CHECK(in.systems[0].box.price.purchase == 1000);
  CHECK(in.systems[0].box.price.resale_fraction == 0.25);
}

TEST_CASE("a card costs what the machine around it costs too, but for who has one or says the price of all",
          "[scenarios]") {
  const auto price = [](std::vector<std::string> sets) {
    sets.push_back("systems.desk.sheet=rtx-5090");
    return loaded(with("gpt-oss-120b", "gpt-oss-20b"), sets).input.systems[0].box.price;
  };
  CHECK(price({}).host > 0);
  CHECK(price({}).paid() == price({}).purchase + price({}).host);
  CHECK(price({"systems.desk.price.host=0 USD"}).paid() == price({}).purchase);
  CHECK(price({"prices.hardware=4000 USD"}).paid() == 4000);
  CHECK(price({"prices.hardware=4000 USD"}).resale_per_year == price({}).resale_per_year);
  CHECK(price({}).resale_per_year > 0);
  const std::string two = "systems.desk.count=2", both = "deployments.assistant.replicas=2";
  CHECK(price({two, both}).host == price({}).host / 2);
  CHECK(price({two, both, "systems.desk.cards_per_host=1"}).host == price({}).host);
  CHECK(loaded(kGood).input.systems[0].box.price.host == 0);
}

TEST_CASE("llama-server's slots share a context unless their number is given", "[scenarios]") {
  const auto unified = [](const std::string& limits) {
    return loaded(with("kv: f16, engine: vllm, runs_on: desk", "engine: llama.cpp-cuda, runs_on: desk" + limits))
        .input.deployments[0]
        .engine.kv_unified;
  };
  CHECK(unified(""));
  CHECK(unified(", limits: {max_model_len: 65536}"));
  CHECK_FALSE(unified(", limits: {max_num_seqs: 4}"));
  CHECK(unified(", limits: {max_num_seqs: 8, kv_unified: true}"));
  CHECK_FALSE(unified(", limits: {kv_unified: false}"));
  // Who waits for no answer for ever may still have to ask again.
  CHECK_NOTHROW(loaded(with("kv: f16, engine: vllm, runs_on: desk", "engine: llama.cpp-cuda, runs_on: desk"),
                       {"workload.0.retries=2"}));
}

TEST_CASE("limits of one engine alone are taken by it", "[scenarios]") {
  const auto limits = [](const std::string& engine, const std::string& box, const std::string& limit) {
    return loaded(with("kv: f16, engine: vllm, runs_on: desk",
                       "engine: " + engine + ", runs_on: desk, limits: {" + limit + "}"),
                  {"systems.desk.sheet=" + box})
        .input.deployments[0]
        .engine.limits;
  };
  CHECK(limits("llama.cpp-cuda", "spark", "micro_batch: 1024").micro_batch == 1024);
  const auto few = loaded(with("runs_on: desk", "runs_on: desk, limits: {max_num_batched_tokens: 64}")).input;
  CHECK(few.deployments[0].engine.limits.max_num_seqs == 64);  // as vLLM does it
  const auto small = limits("llama.cpp-cuda", "spark", "max_num_batched_tokens: 256");
  CHECK(limits("mlx", "m3-ultra-512", "prompt_concurrency: 2").prompt_concurrency == 2);
  CHECK(small.micro_batch == 256);  // llama.cpp, too, computes no more at once than a batch has
}

TEST_CASE("arrivals, stages and objectives are read", "[scenarios]") {
  const auto in = loaded(with("users: 12, think: {exponential: 30 s}",
                              "arrivals: {process: gamma, cv: 2, stages: [{rate: 2/s, for: 10 min}, {rate: 0/s, for: 1 "
                              "h}]}, slo: {ttft: 2 s}"))
                      .input;
  CHECK_FALSE(in.streams[0].source->closed());
  CHECK(in.streams[0].objective->ttft == 2.0);
  CHECK_FALSE(in.streams[0].objective->tpot);
}

TEST_CASE("sessions begin on a clock or with their users, and go on in closed loop", "[scenarios]") {
  const auto first = [](const std::string& sessions) {
    const auto in = loaded(with("users: 12, think: {exponential: 30 s}", "sessions: {" + sessions + "}")).input;
    CHECK(in.streams[0].source->closed());
    return messages(*in.streams[0].source);
  };
  CHECK(first("users: 7, turns: 3, think: 30 s").size() == 7);
  const auto arriving = first("stages: [{rate: 600/min, for: 100 s}], turns: 3, think: 30 s");
  CHECK(std::ssize(arriving) == Approx(1000).margin(5 * 32));
  CHECK(arriving.front().prompt == 800);
}

TEST_CASE("nobody thinks for less than no time", "[scenarios]") {
  const auto in = loaded(with("{exponential: 30 s}", "{normal: {mean: 1 s, sd: 30 s}}")).input;
  for (const auto& message : messages(*in.streams[0].source)) CHECK(message.at >= 0);
}

TEST_CASE("a trace of sessions is replayed in closed loop", "[scenarios]") {
  const std::string trace = std::string(TOKWATT_SOURCE_DIR) + "/tests/data/traces/weka_agentic_0504.json.gz";
  const auto in =
      loaded(with("users: 12, think: {exponential: 30 s}, prompt: 800, output: {lognormal: {median: 250, p99: 2000}}",
                  "trace: " + trace))
          .input;
  REQUIRE(in.streams[0].source->closed());
  CHECK(messages(*in.streams[0].source).size() == 1);
}

TEST_CASE("the option --set changes values before they are checked, and says where it was wrong", "[scenarios][set]") {
  const auto in = loaded(kGood, {"workload.0.users=24", "environment.ambient=35 degC", "systems.desk.power.limit=90 W",
                                 "models.\"gpt-oss-120b\".max_context=8192", "workload.0.prompt={uniform: [10, 20]}"})
                      .input;
  const auto first = messages(*in.streams[0].source);
  CHECK(first.size() == 24);
  CHECK(std::all_of(first.begin(), first.end(), [](const auto& m) { return m.prompt >= 10 && m.prompt <= 20; }));
  CHECK(in.ambient == 35);
  CHECK(in.systems[0].box.power.limit == 90);
  CHECK(in.deployments[0].model.max_context == 8192);
  CHECK(errors_of(kGood, {"workload.0.users=many"}) ==
        "--set workload.0.users=many:1:18: error: workload.0.users is \"many\", which starts with no number; expected "
        "a whole number "
        "from 1 to 1000000\n"
        "    1 | workload.0.users=many\n"
        "      |                  ^~~~\n");
  CHECK_THAT(errors_of(kGood, {"workload.3.users=1"}),
             StartsWith("--set workload.3.users=1:1:10: error: workload is a list of 1; expected an index from 0 to 0 "
                        "in place of \"3\"\n"));
  CHECK_THAT(errors_of(kGood, {"systems.dsk.power.limit=90 W"}),
             Contains("systems.dsk.sheet is missing; expected a text; did you mean \"desk\"?"));
  CHECK_THAT(errors_of(kGood, {"systems.shelf.power.limit=90 W"}), Contains("; the text has desk\n"));
  CHECK_THAT(errors_of(kGood, {"users"}), Contains("error: expected key=value"));
  CHECK_THAT(errors_of(kGood, {"=3"}), Contains("error: expected key=value"));
  CHECK_THAT(errors_of(kGood, {"a..b=3"}),
             Contains("--set a..b=3:1:3: error: \"a..b\" is not a path: a part is empty"));
  CHECK_THAT(errors_of(kGood, {"a.\"b=3"}), Contains("error: expected key=value"));
  CHECK_THAT(errors_of(kGood, {"\"a\"b.c=3"}), Contains("a dot is missing after a quoted part"));
  CHECK_THAT(errors_of(kGood, {"title.x=3"}),
             Contains("title is \"Twelve people\", not a mapping; nothing can be set inside it"));
  CHECK_THAT(errors_of(kGood, {"duration=[1"}), StartsWith("--set duration=[1:1:10: error: this list is not closed"));
  CHECK_THAT(errors_of(kGood, {"duration="}), Contains("duration is empty"));
  CHECK_THAT(errors_of(kGood, {"enviroment.ambient=3 degC"}),
             Contains("unknown key \"enviroment\"; did you mean \"environment\"?"));
}

TEST_CASE("the timeline changes values, and what a change covered comes back", "[scenarios][timeline]") {
  const auto in =
      loaded(kGood +
             "prices: {electricity: 0.36 USD/kWh}\n"
             "timeline:\n"
             "  - {at: 20 min, set: {environment.ambient: 30 degC}}\n"
             "  - {at: 10 min, for: 20 min, set: {environment.ambient: 26 degC, prices.electricity: 0.72 USD/kWh}}\n"
             "  - {at: 5 min, for: 50 min, set: {systems.desk.power.limit: 60 W}}\n")
          .input;
  struct Seen {
    sim::Change::Kind kind;
    int64_t minute;
    double value;
  };
  using K = sim::Change::Kind;
  const Seen expected[] = {{K::power_limit, 5, 60}, {K::ambient, 10, 26},       {K::electricity, 10, 2e-7},
                           {K::ambient, 20, 30},    {K::electricity, 30, 1e-7}, {K::power_limit, 55, 100}};
  REQUIRE(in.changes.size() == std::size(expected));
  for (std::size_t i = 0; i < in.changes.size(); ++i) {
    CAPTURE(i, in.changes[i].text);
    CHECK(in.changes[i].kind == expected[i].kind);
    CHECK(in.changes[i].at == expected[i].minute * 60'000'000'000'000);
    CHECK(in.changes[i].value == Approx(expected[i].value));
  }
  CHECK(in.changes[0].system == 0);
  CHECK(in.changes[1].text == "environment.ambient = 26 degC");
}

TEST_CASE("of overlapping changes the later one rules until it ends", "[scenarios][timeline]") {
  const auto in = loaded(kGood +
                         "timeline:\n"
                         "  - {at: 10 min, for: 30 min, set: {environment.ambient: 26 degC}}\n"
                         "  - {at: 20 min, for: 10 min, set: {environment.ambient: 30 degC}}\n")
                      .input;
  std::vector<double> values;
  for (const auto& change : in.changes) values.push_back(change.value);
  CHECK(values == std::vector<double>{26, 30, 26, 22});
}

TEST_CASE("what cannot change while it runs is told from what does not exist", "[scenarios][timeline]") {
  const auto said = [](const std::string& set) {
    return errors_of(kGood + "timeline: [{at: 1 min, set: {" + set + "}}]\n");
  };
  CHECK_THAT(said("deployments.assistant.quant: bf16"),
             Contains("deployments.assistant.quant cannot change while running"));
  CHECK_THAT(said("systems.desk.memory.capacity: 3 GB"),
             Contains("systems.desk.memory.capacity cannot change while running"));
  CHECK_THAT(said("workload.0.users: 3"), Contains("workload.0.users cannot change while running"));
  CHECK_THAT(said("systems.desk.clock.max: 9 GHz"),
             Contains("systems.desk.clock.max is \"9 GHz\", off the box's clocks; expected 210 to 2505 MHz"));
  CHECK_THAT(said("prices.hardware: 1 USD"), Contains("a change of prices.hardware while it runs is not built yet"));
  CHECK_THAT(said("environment.ambiet: 30 degC"),
             Contains("unknown key \"environment.ambiet\"; did you mean \"environment.ambient\"?"));
  CHECK_THAT(said("systems.desc.power.limit: 30 W"), Contains("no system has this name; did you mean \"desk\"?"));
  CHECK_THAT(said("systems.desk.power.limit: 1 W"), Contains("not above the chip's idle power"));
  CHECK_THAT(said("environment.ambient: 30"),
             Contains("environment.ambient is \"30\", a bare number; expected a temperature"));
  CHECK_THAT(said("prices.electricity: 1 USD/kWh"), Contains("prices.electricity has no value to start from"));
  CHECK_THAT(errors_of(kGood + "timeline: [{at: 1 min}]\n"), Contains("has one of set and fault"));
}

TEST_CASE("the timeline changes clocks and bandwidth, and makes boxes die", "[scenarios][timeline]") {
  const auto in =
      loaded(kGood +
             "timeline:\n"
             "  - {at: 1 min, set: {systems.desk.clock.max: 1 GHz, systems.desk.memory.bandwidth: 200 GB/s}}\n"
             "  - {at: 2 min, for: 90 s, fault: shutdown, system: desk}\n")
          .input;
  REQUIRE(in.changes.size() == 3);
  CHECK(in.changes[0].value == 1e9);
  CHECK(in.changes[1].value == 200e9);
  CHECK(in.changes[2].kind == sim::Change::Kind::shutdown);
  CHECK(in.changes[2].value == 90);
  CHECK(in.deployments[0].reload_time > in.deployments[0].engine.startup);
  const auto wrong = [](const std::string& change) {
    return errors_of(kGood + "timeline: [{at: 1 min, " + change + "}]\n");
  };
  CHECK_THAT(wrong("fault: shutdown"), Contains("its system is missing"));
  CHECK_THAT(wrong("fault: shutdown, system: desc"), Contains("did you mean \"desk\"?"));
  CHECK_THAT(wrong("fault: shutdown, system: desk, set: {environment.ambient: 30 degC}"),
             Contains("has one of set and fault"));
  const std::string misspelt = wrong("fault: shutdwn, system: desk");
  CHECK_THAT(misspelt, Contains("did you mean \"shutdown\"?"));
  CHECK_THAT(misspelt, !Contains("one of set and fault") && !Contains("goes with"));
  CHECK_THAT(wrong("set: {systems.desk.memory.bandwidth: 300000 GB/s}"),
             Contains("more than 1000 times off the sheet's 273 GB/s"));
  CHECK_THAT(wrong("system: desk, set: {environment.ambient: 30 degC}"), Contains("system goes with fault"));
}

TEST_CASE("a change may have a date, counted from the start", "[scenarios][timeline]") {
  const std::string start = "start: \"2026-11-23 22:30\"\n";
  const std::string change = "timeline: [{at: 2026-11-24 00:00:30, set: {environment.ambient: 30 degC}}]\n";
  const auto in = loaded(kGood + start + change).input;
  REQUIRE(in.changes.size() == 1);
  CHECK(in.changes[0].at == 5'430 * 1'000'000'000'000);
  CHECK_THAT(errors_of(kGood + change), Contains("a date in the timeline needs start"));
  const auto said = [&](const std::string& at) {
    return errors_of(kGood + start + "timeline: [{at: " + at + ", set: {environment.ambient: 30 degC}}]\n");
  };
  CHECK_THAT(said("2026-11-23 22:00"), Contains("before the start, \"2026-11-23 22:30\"; expected a date in the run"));
  CHECK_THAT(said("2027-11-23 22:00"), Contains("more than 106 days after the start"));
  CHECK_THAT(said("2026-11-23 25:00"), Contains("expected a date and time such as \"2026-11-23 14:00\""));
  CHECK_THAT(said("2026-11-23"), Contains("expected a date and time such as \"2026-11-23 14:00\""));
  CHECK_THAT(said("noon"), Contains("expected a duration"));
}

TEST_CASE("a change that comes after the end is said to", "[scenarios][timeline]") {
  const std::string late = "timeline: [{at: 3 h, set: {environment.ambient: 30 degC}}]\n";
  const auto notes = loaded(kGood + late).notes;
  REQUIRE(notes.size() == 1);
  CHECK(notes[0] == "timeline.0 is at 10800 s, when the run of 3600 s is over");
}

TEST_CASE("the timeline changes links", "[scenarios][timeline]") {
  const auto said = [](const std::string& text, const std::string& set) {
    return errors_of(text + "timeline: [{at: 1 min, for: 1 min, set: {" + set + "}}]\n");
  };
  CHECK_THAT(said(kGood, "links.0.type: tb5"), Contains("links.0.type: there are no links"));
  CHECK_THAT(said(kGood, "systems.desk.link: cx7-200g"), Contains("systems.desk.link has no value to start from"));
  CHECK_THAT(said(kGood, "systems.desk.lnk: tb5"), Contains("did you mean \"systems.desk.link\"?"));
  const auto in = scenarios::load(TOKWATT_SOURCE_DIR "/scenarios/two-sparks.yaml",
                                  {"timeline=[{at: 1 min, for: 2 min, set: {links.0.type: 10gbe}}]"})
                      .input;
  REQUIRE(in.changes.size() == 2);
  CHECK(in.changes[0].kind == sim::Change::Kind::link);
  CHECK(in.changes[0].cable == 0);
  CHECK(in.changes[0].link.bandwidth < in.cables[0].link.bandwidth / 10);
  CHECK(in.changes[0].text == "links.0.type = 10gbe");
  CHECK(in.changes[1].link == in.cables[0].link);
  const auto within = loaded(with("{sheet: dgx-spark}", "{sheet: dgx-spark, count: 2, link: cx7-200g}") +
                                 "timeline: [{at: 1 min, set: {systems.desk.link: tb5}}]\n",
                             {"deployments.assistant.tensor_parallel=2"})
                          .input;
  REQUIRE(within.changes.size() == 1);
  CHECK(within.changes[0].cable == -1);
  CHECK(within.changes[0].system == 0);
  CHECK_FALSE(within.changes[0].link == *within.systems[0].link);
}

TEST_CASE("the results carry the texts by name, and what rests on assumption", "[scenarios]") {
  const Loaded l = loaded(with("{sheet: dgx-spark}", "{sheet: dgx-spark, power: {psu_efficiency: 0.95}}"));
  std::vector<std::string> names;
  for (const auto& text : l.texts) names.push_back(text.name);
  CHECK(names ==
        std::vector<std::string>{"scenario", "systems/desk", "models/gpt-oss-120b", "quants/mxfp4", "engines/vllm"});
  const auto& a = l.assumed;
  CHECK(std::is_sorted(a.begin(), a.end()));
  const auto has = [&](const char* entry) { return std::find(a.begin(), a.end(), entry) != a.end(); };
  CHECK(has("dgx-spark: governor.tick"));
  CHECK_FALSE(has("dgx-spark: engines.vllm.tuning"));  // measured there
  CHECK(has("vllm: kernels.step"));
  CHECK_FALSE(has("dgx-spark: power.psu_efficiency"));  // the user's own figure is not our assumption
  CHECK_FALSE(has("dgx-spark: memory.bandwidth"));
}

TEST_CASE("an engine that nobody has measured on a box rests on its relatives, and says so", "[scenarios]") {
  const Loaded l = loaded(with("{sheet: dgx-spark}", "{sheet: l40s}"));
  CHECK(std::find(l.assumed.begin(), l.assumed.end(), "l40s: engines.vllm.tuning") != l.assumed.end());
}

TEST_CASE("priorities of a trace that nobody goes by are told", "[scenarios]") {
  const tests::TraceFile file("arrival_s,prompt_tokens,output_tokens,priority\n0,5,5,-2\n");
  const auto notes = [&](const std::vector<std::string>& sets) {
    const auto at = kGood.find("workload:");
    const std::string text =
        kGood.substr(0, at) + "workload:\n  - {name: calls, to: assistant, trace: " + file.path() + "}\n";
    return loaded(text, sets).notes;
  };
  REQUIRE(notes({}).size() == 1);
  CHECK_THAT(notes({}).front(), Contains("its priorities count only with deployments.assistant.scheduling: priority"));
  CHECK(notes({"deployments.assistant.scheduling=priority"}).empty());
}

TEST_CASE("rows of a trace that are moved into order are told, and only those", "[scenarios][traces]") {
  const auto notes = [](const std::string& file) {
    const auto text =
        with("users: 12, think: {exponential: 30 s}, prompt: 800, output: {lognormal: {median: 250, p99: 2000}}",
             "trace: " + file);
    return load_text("s.yaml", text, TOKWATT_SOURCE_DIR "/tests/data/traces", {}).notes;
  };
  REQUIRE(notes("two_sorted_runs.csv").size() == 1);
  CHECK_THAT(notes("two_sorted_runs.csv").front(), Contains("rows were moved"));
  CHECK(notes("azure_zoned.csv").empty());
  const auto drawn = notes("servegen_chunk0_trace_head72.csv.gz, lengths: servegen_chunk0_dataset_head2.json.gz");
  REQUIRE(drawn.size() == 1);
  CHECK_THAT(drawn.front(), Contains("72 windows, 19 of them empty; the requests are drawn"));
}

TEST_CASE("a user's own sheet is found beside the scenario, and its mistakes are its own", "[scenarios][sheets]") {
  namespace fs = std::filesystem;
  const fs::path folder = fs::temp_directory_path() / "tokwatt-own-sheet-test";
  fs::create_directories(folder);
  std::ifstream shipped(fs::path(TOKWATT_SOURCE_DIR) / "hardware/sheets/dgx-spark.yaml");
  const std::string sheet((std::istreambuf_iterator<char>(shipped)), {});
  const auto write = [&](const std::string& text) { std::ofstream(folder / "mine.yaml") << text; };
  const auto load_it = [&] { return load_text("s.yaml", with("dgx-spark", "./mine.yaml"), folder.string(), {}); };
  write(sheet);
  CHECK(load_it().input.systems[0].box.memory.bandwidth == 273e9);
  auto spoilt = sheet;
  const auto at = spoilt.find("source: nv_infra");
  write(spoilt.replace(at, 16, "source: nv_infa"));
  try {
    load_it();
    FAIL("an unknown source was accepted");
  } catch (const InputError& e) {
    CHECK_THAT(e.what(),
               Contains("mine.yaml:") &&
                   Contains("source \"nv_infa\" is not among this sheet's sources; did you mean \"nv_infra\"?"));
  }
  fs::remove_all(folder);
}

TEST_CASE(
    "when steps are put together and tokens told is the engine's way, on the box whose version does it otherwise its "
    "own",
    "[scenarios][sheets]") {
  const auto engine = [](const std::string& name, const std::string& box, const std::vector<std::string>& sets = {}) {
    auto all = sets;
    all.push_back("systems.desk.sheet=" + box);
    return loaded(with("engine: vllm", "engine: " + name), all).input.deployments[0].engine;
  };
  CHECK(engine("vllm", "dgx-spark").async_scheduling);
  CHECK(engine("vllm", "dgx-spark").tells_late);
  CHECK(engine("vllm", "h100-sxm-80").async_scheduling);
  CHECK_FALSE(engine("vllm", "h100-sxm-80").tells_late);  // measured under 0.15.1
  CHECK(engine("sglang", "dgx-spark").async_scheduling);
  CHECK_FALSE(engine("sglang", "dgx-spark").tells_late);
  CHECK_FALSE(engine("llama.cpp-cuda", "dgx-spark").async_scheduling);
  CHECK_FALSE(engine("vllm", "dgx-spark", {"systems.desk.engines.vllm.tells_late=false"}).tells_late);
  CHECK(engine("vllm", "h100-sxm-80", {"systems.desk.engines.vllm.tells_late=true"}).tells_late);
}

TEST_CASE("prefix caching is the engine's default, or what the deployment says", "[scenarios][prefix]") {
  const auto cached = [](const std::string& what, const std::string& by) {
    return loaded(with(what, by)).input.deployments[0].prefix_cache;
  };
  CHECK(cached("kv: f16", "kv: bf16"));  // vllm
  CHECK(cached("engine: vllm", "engine: sglang"));
  CHECK(cached("engine: vllm", "engine: llama.cpp-cuda"));
  CHECK_FALSE(cached("engine: vllm", "engine: llama.cpp-cuda, prefix_cache: false"));
  CHECK_FALSE(cached("engine: vllm", "engine: vllm, prefix_cache: false"));
}

TEST_CASE("that no prompt of a model with recurrent layers is found again is said", "[scenarios][prefix]") {
  const auto said = [](const std::string& model, const std::string& more) {
    const auto text = with("model: gpt-oss-120b, quant: mxfp4, kv: f16", "model: " + model + more);
    const auto assumed = scenarios::load_text("desk.yaml", text, "", {}).assumed;
    return std::count_if(assumed.begin(), assumed.end(), [](const std::string& a) {
      return a.starts_with("scenario: deployments.assistant.prefix_cache: nothing of a prompt is found again");
    });
  };
  CHECK(said("qwen3.6-35b-a3b", ", quant: fp8") == 1);
  CHECK(said("qwen3.6-35b-a3b", ", quant: fp8, prefix_cache: false") == 0);
  CHECK(said("gpt-oss-120b", ", quant: mxfp4") == 0);
}

TEST_CASE("a prefix stands in front of each prompt, one of several", "[scenarios][prefix]") {
  const auto in = loaded(with("users: 12", "prefix: {tokens: 1000, groups: 3}, users: 12")).input;
  std::map<uint64_t, int> groups;
  for (const auto& m : messages(*in.streams[0].source)) {
    CHECK(m.prompt == 1800);
    REQUIRE(m.content->parts.size() == 1);
    CHECK(m.content->parts[0].tokens == 1000);
    ++groups[m.content->parts[0].id];
  }
  CHECK(groups.size() == 3);
}

TEST_CASE("what it takes to unpack a KV cache with scales is assumed to be nothing, and said", "[scenarios]") {
  const auto assumed = [](const std::string& kv) {
    const auto text = with("quant: mxfp4, kv: f16, engine: vllm", "quant: mxfp4, engine: llama.cpp-cuda, kv: " + kv);
    return scenarios::load_text("desk.yaml", text, "", {}).assumed;
  };
  const std::string unpacking = "scenario: deployments.assistant.kv: q8_0 costs nothing to unpack";
  const auto with_scales = assumed("q8_0"), without = assumed("f16");
  CHECK(std::count(with_scales.begin(), with_scales.end(), unpacking) == 1);
  CHECK(with_scales.size() == without.size() + 1);
}
