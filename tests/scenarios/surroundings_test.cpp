// Modes, fans, curves, rooms and faults as they are written.
#include <algorithm>
#include <cmath>
#include <fstream>

#include "scenarios/cli/shelf.hpp"
#include "tests/catch.hpp"
#include "tests/scenarios/cli/scratch.hpp"
#include "tests/scenarios/wrong.hpp"

using namespace tokwatt;
using namespace tokwatt::scenarios;
using Catch::Matchers::Contains;

namespace {

const std::string kHalo = R"(duration: 1 h
systems: {desk: {sheet: strix-halo-128}}
deployments:
  assistant: {model: qwen3-30b-a3b, quant: q4_k_m, engine: llama.cpp-vulkan, runs_on: desk}
workload:
  - {name: people, to: assistant, users: 2, think: 30 s, prompt: 800, output: 250}
)";

const std::string kFan =
    "fan: {speed: [[40 degC, 0.2], [80 degC, 1]], conductance: [[0, 0 W/K], [1, 12 W/K]], noise: [[0, 20 dBA], "
    "[1, 40 dBA]]}";

std::string halo(const std::string& system) {
  std::string text = kHalo;
  const std::string piece = "{sheet: strix-halo-128}";
  return text.replace(text.find(piece), piece.size(), system);
}

Loaded loaded(const std::string& text) { return load_text("desk.yaml", text, "", {}); }

hardware::Box box_of(const std::string& text) { return loaded(text).input.systems.at(0).box; }

std::vector<sim::Change> changes_of(const std::string& more) {
  return loaded(with("{sheet: dgx-spark}", "{sheet: dgx-spark, " + kFan + "}") + more).input.changes;
}

/// Of a box of one's own.
std::string said_of_sheet(const std::string& more) {
  const cli::Scratch scratch;
  const auto path = (scratch.path() / "mine.yaml").string();
  std::ofstream(path) << "id: mine\nbase: spark\n" << more;
  return errors_of(with("{sheet: dgx-spark}", "{sheet: " + path + "}"));
}

}  // namespace

TEST_CASE("a mode lies over the sheet, and what the scenario says over the mode", "[scenarios][modes]") {
  CHECK(box_of(kHalo).power.limit == 120);
  CHECK(box_of(halo("{sheet: strix-halo-128, mode: quiet}")).power.limit == 55);
  CHECK(box_of(halo("{sheet: strix-halo-128, mode: quiet, power: {limit: 60 W}}")).power.limit == 60);
  const auto said = errors_of(halo("{sheet: strix-halo-128, mode: quite}"));
  CHECK_THAT(said, Contains("systems.desk.mode is \"quite\"; did you mean \"quiet\"?"));
  CHECK_THAT(errors_of(halo("{sheet: strix-halo-128, mode: loud}")),
             Contains("systems.desk.mode is \"loud\"; expected performance, balanced or quiet"));
  CHECK_THAT(errors_of(halo("{sheet: m3-16, mode: quiet}")), Contains("m3-16 has no modes"));
  CHECK_THAT(errors_of(halo("{sheet: strix-halo-128, modes: {quiet: {power: {limit: 5 W}}}}")),
             Contains("modes stand in a box's own file"));
}

TEST_CASE("numbers of modes are the sheet's, with their sources, and of a run only those it has",
          "[scenarios][modes]") {
  cli::Shelf shelf;
  const auto& numbers = shelf.box("strix-halo-128").numbers;
  const auto quiet = std::find_if(numbers.begin(), numbers.end(),
                                  [](const SheetNumber& n) { return n.path == "modes.quiet.power.limit"; });
  REQUIRE(quiet != numbers.end());
  CHECK(quiet->value == 55);
  CHECK(quiet->sources == std::vector<std::string>{"strix_power"});
  const auto assumed = loaded(with("dgx-spark", "rtx-5090, mode: pl-400")).assumed;
  CHECK(std::find(assumed.begin(), assumed.end(), "rtx-5090: power.limit") != assumed.end());
  for (const auto& number : assumed) CHECK(number.find("modes.") == std::string::npos);
}

TEST_CASE("each mode must make a good box, whether it is taken or not", "[scenarios][modes]") {
  CHECK(said_of_sheet("modes: {calm: {power: {limit: 60 W}}}\n").empty());
  CHECK_THAT(said_of_sheet("modes: {calm: {powr: {limit: 60 W}}}\n"),
             Contains("unknown key \"powr\"; did you mean \"power\"?"));
  CHECK_THAT(said_of_sheet("modes: {calm: {power: {limit: 60}}}\n"), Contains("power.limit is \"60\", a bare number"));
  CHECK_THAT(said_of_sheet("modes: {calm: {power: {limit: 1 W}}}\n"),
             Contains("power.limit is 1 W; expected more than power.idle"));
  CHECK_THAT(said_of_sheet("modes: {calm: quiet}\n"),
             Contains("modes.calm is no mapping; expected fields of the sheet"));
  CHECK_THAT(said_of_sheet("modes: {calm: {source: me, power: {limit: 60 W}}}\n"),
             Contains("modes.calm.source is beside no number"));
  CHECK_THAT(said_of_sheet("modes: {calm: {engines: {vllm: {limits: {max_num_seqs: 3}}}}}\n"),
             Contains("modes.calm.engines cannot change with the mode"));
}

TEST_CASE("a box does not switch itself off before it slows down", "[scenarios][sheets]") {
  CHECK_THAT(said_of_sheet("governor: {trip: 80 degC, shutdown: 70 degC}\n"),
             Contains("governor.shutdown is 70 degC; expected more than governor.trip, 80 degC"));
  CHECK(said_of_sheet("governor: {trip: 80 degC, shutdown: 90 degC}\n").empty());
}

TEST_CASE("the efficiency of a power supply is a number or a curve", "[scenarios][curves]") {
  CHECK(box_of(kGood).power.psu_efficiency == 0.9);
  CHECK_FALSE(box_of(kGood).power.psu_curve.given());
  const auto of = [](const std::string& efficiency) {
    return with("{sheet: dgx-spark}", "{sheet: dgx-spark, power: {psu_efficiency: " + efficiency + "}}");
  };
  const auto power = box_of(of("[[20 W, 0.8], [100 W, 0.9]]")).power;
  CHECK(power.wall(60) == Approx(60 / 0.85));
  CHECK_THAT(errors_of(of("[[20 W, 1.8]]")),
             Contains("power.psu_efficiency is \"1.8\"; expected a number of more than 0"));
  CHECK_THAT(errors_of(of("[[20, 0.8]]")), Contains("is \"20\", a bare number; expected a power"));
  CHECK_THAT(errors_of(of("[20 W, 0.8]")), Contains("is not of two numbers"));
  CHECK_THAT(errors_of(of("[[40 W, 0.8], [20 W, 0.9]]")), Contains("does not come behind the point before"));
  CHECK_THAT(errors_of(of("[]")), Contains("power.psu_efficiency is empty"));
  CHECK_THAT(errors_of(of("good")), Contains("power.psu_efficiency is \"good\""));
}

TEST_CASE("a fan is a section of the box", "[scenarios][fan]") {
  const auto fan = [](const std::string& more) { return halo("{sheet: strix-halo-128, fan: {" + more + "}}"); };
  const auto box = box_of(halo("{sheet: strix-halo-128, " + kFan + "}"));
  REQUIRE(box.fan);
  CHECK(box.fan->conductance.at(0.5) == 6);
  CHECK(box.fan->noise.at(1) == 40);
  CHECK(box.fan->levels == 10);
  CHECK_FALSE(box_of(kHalo).fan);
  CHECK_THAT(errors_of(fan("speed: [[40 degC, 2]], conductance: [[0, 0 W/K]]")),
             Contains("systems.desk.fan.speed is \"2\"; expected a number from 0 to 1"));
  CHECK_THAT(errors_of(fan("speed: [[40 degC, 1]]")), Contains("fan.conductance is missing"));
  CHECK_THAT(errors_of(fan("stage: chasis, speed: [[40 degC, 1]], conductance: [[0, 0 W/K]]")),
             Contains("fan.stage is \"chasis\"; expected die, heatsink or chassis; did you mean \"chassis\"?"));
  CHECK_THAT(errors_of(fan("speed: [[40 degC, 1]], conductance: [[0, 0 W/K]], noise: [[0, 20 dB]]")),
             Contains("expected a sound level such as \"35 dBA\""));
}

TEST_CASE("rows that take the energy of a tile go by quants that there are", "[scenarios][power]") {
  const auto rows = [](const std::string& quant) {
    return with("{sheet: dgx-spark}", "{sheet: dgx-spark, power: {energy_rows: {" + quant + ": {rows: [[1, 9]]}}}}");
  };
  CHECK(box_of(rows("mxfp4")).power.energy_rows.at("mxfp4").at(1) == 9);
  CHECK(box_of(rows("mxfp4")).power.energy_rows.count("bf16") == 1);  // the sheet's own stay
  CHECK_THAT(errors_of(rows("mxpf4")),
             Contains("desk.yaml:5:") && Contains("no quant has this id") && Contains("did you mean \"mxfp4\"?"));
}

TEST_CASE("a box that serves nobody does not keep its clocks up", "[scenarios][power]") {
  const auto boxes =
      loaded(with("desk: {sheet: dgx-spark}", "desk: {sheet: dgx-spark}\n  spare: {sheet: dgx-spark}")).input.systems;
  REQUIRE(boxes.size() == 2);
  CHECK(boxes[0].box.power.ready == 8.7);
  CHECK(boxes[1].box.power.ready == 0);
}

TEST_CASE("a room stands around the boxes", "[scenarios][room]") {
  const auto in = loaded(kGood +
                         "environment: {ambient: 30 degC, room: {heat_capacity: 400 kJ/K, conductance: 30 "
                         "W/K, cooling: {target: 26 degC, cop: 3, max_power: 300 W}}}\n")
                      .input;
  REQUIRE(in.room);
  CHECK(in.ambient == 30);
  CHECK(in.room->heat_capacity == 4e5);
  CHECK(in.room->conductance == 30);
  CHECK_FALSE(in.room->start_temperature);
  REQUIRE(in.room->cooling);
  CHECK(in.room->cooling->max_power == 300);
  CHECK_FALSE(loaded(kGood).input.room);
  CHECK_THAT(errors_of(kGood + "environment: {room: {conductance: 3 W/K}}\n"),
             Contains("environment.room.heat_capacity is missing"));
  CHECK_THAT(errors_of(kGood + "environment: {room: {heat_capacity: 1 kJ/K, conductance: 0 W/K}}\n"),
             Contains("environment.room.conductance is \"0 W/K\""));
}

TEST_CASE("faults and forced fans begin and end", "[scenarios][timeline]") {
  using K = sim::Change::Kind;
  const auto changes = changes_of(
      "timeline:\n"
      "  - {at: 1 min, for: 2 min, fault: fan, system: desk}\n"
      "  - {at: 2 min, fault: power-cap, limit: 30 W, system: desk}\n"
      "  - {at: 4 min, for: 1 min, set: {systems.desk.fan.speed: 0.5, systems.desk.power.supply: 80 W}}\n"
      "  - {at: 9 min, ramp: 5 min, set: {environment.ambient: 30 degC}}\n");
  REQUIRE(changes.size() == 8);
  CHECK(changes[0].kind == K::fan_stop);
  CHECK(changes[0].text == "the fan stops");
  CHECK(changes[1].kind == K::power_cap);
  CHECK(changes[1].value == 30);
  CHECK(changes[2].value == 0);
  CHECK(changes[2].text == "the fault is over");
  for (const auto& change : changes) {
    if (change.kind == K::fan_speed) CHECK((change.value == 0.5 || std::isnan(change.value)));
    if (change.kind == K::supply) CHECK((change.value == 80 || std::isinf(change.value)));
  }
  CHECK(changes[7].ramp == 300'000'000'000'000);
  CHECK(changes[7].text == "environment.ambient = 30 degC within 300 s");
}

TEST_CASE("a ramp that was covered is where it would have been, and ends when it would have", "[scenarios][timeline]") {
  const auto changes = changes_of(
      "timeline:\n"
      "  - {at: 1 h, ramp: 8 h, set: {environment.ambient: 40 degC}}\n"
      "  - {at: 2 h, for: 1 h, set: {environment.ambient: 21 degC}}\n");
  REQUIRE(changes.size() == 4);
  constexpr sim::Picoseconds hour = 3'600'000'000'000'000;
  CHECK(changes[0].ramp == 8 * hour);
  CHECK(changes[1].ramp == 0);
  CHECK(changes[2].at == 3 * hour);
  CHECK(changes[2].value == Approx(22 + (40.0 - 22) / 4));
  CHECK(changes[2].ramp == 0);
  CHECK(changes[3].at == 3 * hour);
  CHECK(changes[3].value == 40);
  CHECK(changes[3].ramp == 6 * hour);
  CHECK(changes[3].text == "environment.ambient = 40 degC within 21600 s");
}

TEST_CASE("a second cap on power does not heal the first", "[scenarios][timeline]") {
  const auto changes = changes_of(
      "timeline:\n"
      "  - {at: 10 min, fault: power-cap, limit: 30 W, system: desk}\n"
      "  - {at: 20 min, for: 10 min, fault: power-cap, limit: 60 W, system: desk}\n"
      "  - {at: 25 min, for: 10 min, fault: power-cap, limit: 20 W, system: desk}\n");
  std::vector<double> values;
  for (const auto& change : changes) values.push_back(change.value);
  CHECK(values == std::vector<double>{30, 20, 30});
}

TEST_CASE("wrong faults and ramps are answered", "[scenarios][timeline][errors]") {
  const auto wrong = [](const std::string& change) {
    return errors_of(kGood + "timeline: [{at: 1 min, " + change + "}]\n");
  };
  CHECK_THAT(wrong("fault: power-cap, system: desk"), Contains("power-cap: its limit is missing"));
  CHECK_THAT(wrong("fault: power-cap, limit: 1 W, system: desk"), Contains("not above the chip's idle power"));
  CHECK_THAT(wrong("fault: shutdown, limit: 30 W, system: desk"),
             Contains("limit goes with power-cap, not with shutdown"));
  CHECK_THAT(wrong("limit: 30 W, set: {environment.ambient: 30 degC}"), Contains("limit goes with fault: power-cap"));
  CHECK_THAT(wrong("ramp: 1 h, set: {systems.desk.power.limit: 60 W}"),
             Contains("ramp goes with environment.ambient alone"));
  CHECK_THAT(wrong("ramp: 1 h, fault: shutdown, system: desk"), Contains("ramp goes with environment.ambient alone"));
  const std::string on_halo = kHalo + "timeline: [{at: 1 min, ";
  CHECK_THAT(errors_of(on_halo + "set: {systems.desk.fan.speed: 1}}]\n"), Contains("the sheet of the box has no fan"));
  CHECK_THAT(errors_of(on_halo + "fault: fan, system: desk}]\n"), Contains("fan: the sheet of the box has no fan"));
  CHECK_THAT(wrong("set: {systems.desk.power.supply: 0 W}"), Contains("out of range"));
}

TEST_CASE("faults at a rate come from the seed, as often as they should", "[scenarios][timeline]") {
  const auto of = [](const std::string& faults, int seed) {
    auto text = with("{sheet: dgx-spark}", "{sheet: dgx-spark, faults: [" + faults + "]}");
    text.replace(text.find("1 h"), 3, "100 d");
    text.replace(text.find("seed: 1"), 7, "seed: " + std::to_string(seed));
    return loaded(text).input.changes;
  };
  const std::string kind = "{kind: shutdown, mean_time_between: 10 h, for: 1 min}";
  const auto one = of(kind, 1), again = of(kind, 1), other = of(kind, 2);
  // 240 are expected; the standard deviation of a Poisson count is its root.
  CHECK(std::abs(static_cast<double>(one.size()) - 240) < 4 * std::sqrt(240));
  REQUIRE(one.size() == again.size());
  for (std::size_t i = 0; i < one.size(); ++i) CHECK(one[i].at == again[i].at);
  CHECK(other.front().at != one.front().at);
  CHECK(of(kind + ", " + kind, 1).size() > one.size() + 100);  // each its own
  CHECK(one.front().value == 60);
  CHECK_THAT(
      errors_of(with("{sheet: dgx-spark}", "{sheet: dgx-spark, faults: [{kind: power-cap, mean_time_between: 1 h}]}")),
      Contains("its limit is missing"));
}
