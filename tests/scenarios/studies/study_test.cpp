#include "scenarios/studies/study.hpp"

#include <algorithm>
#include <cmath>
#include <filesystem>
#include <fstream>
#include <nlohmann/json.hpp>
#include <set>

#include "scenarios/intervals.hpp"
#include "scenarios/plan/planning.hpp"
#include "scenarios/studies/draws.hpp"
#include "scenarios/studies/journal.hpp"
#include "scenarios/studies/run_study.hpp"
#include "sim/simulation.hpp"
#include "tests/catch.hpp"
#include "tests/scenarios/cli/scratch.hpp"
#include "tests/scenarios/wrong.hpp"

namespace tokwatt::scenarios {
namespace {

namespace fs = std::filesystem;

/// A study beside the small scenario of the tests, in a folder of its own.
class Files {
 public:
  Files() { write("desk.yaml", kGood); }
  std::string write(const std::string& name, const std::string& text) const {
    const auto path = folder_.path() / name;
    std::ofstream(path) << text;
    return path.string();
  }
  Study load(const std::string& text) const { return load_study(write("study.yaml", text)); }
  /// Without the folder's name.
  std::string errors_of(const std::string& text) const {
    try {
      load(text);
    } catch (const InputError& error) {
      std::string what = error.what();
      const std::string folder = folder_.path().string() + "/";
      for (auto at = what.find(folder); at != std::string::npos; at = what.find(folder)) what.erase(at, folder.size());
      return what;
    }
    return "";
  }
  std::string path(const std::string& name) const { return (folder_.path() / name).string(); }

 private:
  cli::Scratch folder_;
};

std::vector<std::string> values_of(const Axis& axis) {
  std::vector<std::string> out;
  for (const auto& value : axis.values) out.push_back(value.name);
  return out;
}

const std::string kHead = "base: desk.yaml\nset: {duration: 1 min}\n";
using Names = std::vector<std::string>;

}  // namespace

TEST_CASE("an axis is a list, a range, a logarithmic range or variants", "[scenarios][study]") {
  const Files files;
  const auto axis = [&](const std::string& text) {
    return files.load(kHead + "axes: {a: {" + text + "}}\n").dimensions.at(0).axes.at(0);
  };
  CHECK(values_of(axis("key: workload.0.users, values: [1, 2, 8]")) == Names{"1", "2", "8"});
  const auto warm = axis("key: environment.ambient, from: 16 degC, to: 40 degC, points: 5");
  CHECK(values_of(warm) == Names{"16 degC", "22 degC", "28 degC", "34 degC", "40 degC"});
  CHECK(warm.is_numeric);
  CHECK(warm.unit == "degC");
  CHECK(warm.values[1].number == 22);
  CHECK(values_of(axis("key: workload.0.users, from: 1, to: 10, step: 4")) == Names{"1", "5", "9"});
  // Whole numbers, and none of them twice.
  CHECK(values_of(axis("key: workload.0.users, from: 1, to: 8, points: 7, spacing: logarithmic")) ==
        Names{"1", "2", "3", "4", "6", "8"});
  const auto named = axis("variants: {small: {set: {deployments.assistant.limits.max_num_seqs: 4}}, base: {}}");
  CHECK(values_of(named) == Names{"small", "base"});
  CHECK_FALSE(named.is_numeric);
  CHECK(named.values[0].settings.size() == 1);
  CHECK(named.values[1].settings.empty());
}

TEST_CASE("points are a grid, in which paired axes and samples are one dimension", "[scenarios][study]") {
  const Files files;
  const auto study = files.load(kHead + R"(axes:
  users: {key: workload.0.users, values: [1, 2]}
  ambient: {key: environment.ambient, values: [20 degC, 30 degC, 35 degC]}
  box: {key: systems.desk.sheet, values: [dgx-spark, rtx-spark-desktop, strix-halo-128]}
  price: {key: prices.electricity, from: 0.1 USD/kWh, to: 0.3 USD/kWh}
  draw: {key: calibration.draw, from: 0, to: 16}
paired: {place: [ambient, box]}
sample: {axes: [price, draw], points: 8, seed: 3}
)");
  REQUIRE(study.dimensions.size() == 3);
  CHECK(study.points() == 2 * 3 * 8);
  CHECK(study.dimensions[1].name == "place");
  CHECK(study.dimensions[2].name == "sample");
  CHECK(indices_of(study, 47) == std::vector<std::size_t>{1, 2, 7});
  CHECK(indices_of(study, 8) == std::vector<std::size_t>{0, 1, 0});
  const auto& price = study.dimensions[2].axes[0];
  // One of a Latin hypercube's values lies in each eighth of the range.
  std::set<int> strata;
  for (const auto& value : price.values) {
    CHECK(value.number >= 0.1);
    CHECK(value.number < 0.3);
    strata.insert(static_cast<int>((value.number - 0.1) / 0.2 * 8));
  }
  CHECK(strata.size() == 8);
}

TEST_CASE("a point is the scenario with the point's values in it", "[scenarios][study]") {
  const Files files;
  const auto study = files.load(kHead + R"(axes:
  users: {key: workload.0.users, values: [3, 5]}
  price: {key: prices.electricity, values: [0.1 USD/kWh, 0.36 USD/kWh]}
)");
  const auto loaded = load_point(study, {1, 1});
  CHECK_THAT(*loaded.input.prices.electricity, Catch::WithinRel(1e-7, 1e-12));
  CHECK(loaded.input.duration == 60'000'000'000'000);
  const auto answer = answer_of([&] { return load_point(study, {1, 1}); });
  const auto same = answer_of([&] {
    return load(files.path("desk.yaml"), {"duration=1 min", "workload.0.users=5", "prices.electricity=0.36 USD/kWh"});
  });
  REQUIRE(answer.status == Status::ok);
  CHECK(answer.summary == same.summary);
}

TEST_CASE("a draw of the calibration changes how fast a box is", "[scenarios][study]") {
  const Files files;
  const auto study = files.load(kHead +
                                "axes: {draw: {key: calibration.draw, from: 0, to: 16, step: 1}}\n"
                                "metrics: [tpot_s.p50]\n");
  std::set<double> speeds;
  for (std::size_t draw = 0; draw < 17; ++draw)
    speeds.insert(value_of(study.metrics[0], answer_of([&] { return load_point(study, {draw}); }).summary));
  CHECK(speeds.size() == 17);
  const auto plain = answer_of([&] { return load(files.path("desk.yaml"), {"duration=1 min"}); });
  CHECK(speeds.count(value_of(study.metrics[0], plain.summary)) == 1);
}

TEST_CASE("draws of a study spread as far as the interval of a run", "[scenarios][study]") {
  const Files files;
  const auto study = files.load(kHead +
                                "axes: {draw: {key: calibration.draw, from: 0, to: 16, step: 1}}\n"
                                "metrics: [tpot_s.p50, ttft_s.mean, power_w.wall.mean, energy_j.wall]\n");
  const auto load = [&] { return scenarios::load(files.path("desk.yaml"), {"duration=1 min"}); };
  const auto plain = answer_of(load).summary;
  const auto bars = interval90(plain, load, kDraws);
  std::vector<PointRecord> drawn;
  for (std::size_t draw = 0; draw <= 16; ++draw) drawn.push_back(record_at(study, draw));
  for (std::size_t m = 0; m < study.metrics.size(); ++m) {
    CAPTURE(study.metrics[m].name);
    CHECK(drawn[0].values[m] == value_of(study.metrics[m], plain));
    std::vector<double> values;
    for (std::size_t draw = 1; draw <= 16; ++draw) values.push_back(drawn[draw].values[m]);
    const auto [low, high] = interval_about(drawn[0].values[m], values);
    CHECK(low < high);
    CHECK(bars.at(study.metrics[m].name) == nlohmann::ordered_json({low, high}));
  }
}

TEST_CASE("a study reaches the plan by name: twenty prices, months and growth", "[scenarios][study][plan]") {
  const Files files;
  files.write("planned.yaml", kGood +
                                  "prices: {electricity: 0.15 USD/kWh, hardware: 4000 USD}\n"
                                  "plan: {months: 12, days_per_month: 20, against: [gpt-5.6-luna, rent-h100]}\n");
  const std::string head = "base: planned.yaml\nset: {duration: 10 min}\n";
  const auto study = files.load(head + R"(axes:
  price: {key: prices.hardware, from: 1000 USD, to: 20000 USD, points: 20}
  growth: {key: plan.growth, values: [0 %/month, 5 %/month]}
metrics: [plan.cost_usd.value, plan.usd_per_month, plan.against.rent-h100.payback_month.value,
          plan.against.gpt-5.6-luna.break_even_month.value]
constraints: ["plan.usd_per_month < 100 USD/month", "plan.against.rent-h100.payback_month.value <= 12"]
)");
  CHECK(study.metrics[0].units == "USD");
  CHECK(study.metrics[2].units == "month");
  for (const std::size_t point : {std::size_t{0}, std::size_t{1}, std::size_t{39}}) {
    auto loaded = load_point(study, indices_of(study, point));
    auto results = sim::simulate(std::move(loaded.input));
    add_plan(*loaded.planning, results);
    const auto& plan = results.summary["plan"];
    const auto record = record_at(study, point);
    REQUIRE(record.status == Status::ok);
    CHECK(record.values[0] == plan["cost_usd"]["value"].get<double>());
    CHECK(record.values[1] == plan["usd_per_month"].get<double>());
    CHECK(std::isnan(record.values[2]) == plan["against"]["rent-h100"]["payback_month"]["value"].is_null());
    CHECK(record.values[1] * 12 == Approx(record.values[0]));
  }
  CHECK(std::isnan(record_at(study, 39).values[2]));  // 20,000 USD are not back within a year
  CHECK_FALSE(record_at(study, 39).feasible);
  const auto every = files.load(head + "axes: {months: {key: plan.months, values: [12, 24]}}\n");
  const auto has = [&](const char* name) {
    return std::any_of(every.metrics.begin(), every.metrics.end(), [&](const Metric& m) { return m.name == name; });
  };
  CHECK(has("plan.cost_usd.value"));
  CHECK(has("plan.full_from_month"));
  CHECK_THAT(files.errors_of(head + "axes: {a: {key: plan.months, values: [12]}}\nmetrics: [plan.cost_usd.valu]\n"),
             Catch::Contains("did you mean \"plan.cost_usd.value\"?"));
}

TEST_CASE("later days of a plan have the draw of its first", "[scenarios][study][plan]") {
  const Files files;
  files.write("planned.yaml", kGood + "prices: {electricity: 0.15 USD/kWh}\nplan: {months: 3, growth: 20 %/month}\n");
  const auto study = files.load(
      "base: planned.yaml\nset: {duration: 5 min}\naxes: {draw: {key: calibration.draw, values: [0, 3]}}\n"
      "metrics: [plan.cost_usd.value]\n");
  const auto drawn = load_point(study, {1});
  auto later = drawn.planning->at_load(1.5, 0);
  auto by_hand = load(files.path("planned.yaml"), {"duration=5 min", "workload.0.users=18", "record.requests=false"});
  take_doubt(by_hand, 2, kDraws);
  CHECK(sim::simulate(std::move(later.input)).summary == sim::simulate(std::move(by_hand.input)).summary);
}

TEST_CASE("mistakes of a study are reported at their place, all at once", "[scenarios][study]") {
  const Files files;
  const auto said = files.errors_of(R"(base: desk.yaml
axes:
  users: {key: workload.0.users, values: [1], from: 2}
  warm: {key: environment.ambient, from: 20 degC, to: 300 K, points: 3}
  some: {from: 1, to: 2, points: 2}
  down: {key: workload.0.users, from: 5, to: 2, points: 2}
  more: {key: workload.0.users, from: 5, to: 8}
paired: {both: [users, warn]}
)");
  CHECK_THAT(said, Catch::Contains("study.yaml:3:10: error: axes.users has values of several kinds; expected one of"));
  CHECK_THAT(said, Catch::Contains("study.yaml:4:55: error: axes.warm.to is \"300 K\", in another unit than from"));
  CHECK_THAT(said, Catch::Contains("axes.some.key is missing; expected a key of the scenario"));
  CHECK_THAT(said, Catch::Contains("axes.down.to is \"2\"; expected more than from (\"5\")"));
  CHECK_THAT(said, Catch::Contains("axes.more has neither points nor step; expected points or step"));
  CHECK_THAT(said, Catch::Contains("study.yaml:8:24: error: paired.both names \"warn\"; there is no such axis; did you "
                                   "mean \"warm\"?"));
}

TEST_CASE("keys of the scenario that stand without set are told so", "[scenarios][study]") {
  const Files files;
  const auto said = files.errors_of(kHead + "axes: {box: {variants: {mac: {systems.desk.sheet: m4-max}, base: {}}}}\n");
  CHECK_THAT(said,
             Catch::Contains("unknown key \"systems.desk.sheet\"; keys of the scenario stand under set: {set: {KEY: "
                             "value}}"));
}

TEST_CASE("a key has one axis, and nothing else sets it", "[scenarios][study]") {
  const Files files;
  const auto said = files.errors_of(R"(base: desk.yaml
axes:
  few: {key: workload.0.users, values: [1, 2]}
  many: {key: workload.0.users, values: [50]}
  box: {variants: {a: {set: {environment.ambient: 20 degC}}, b: {set: {workload.0.users: 3}}}}
set: {workload.0.users: 7, duration: 1 min}
)");
  CHECK_THAT(said, Catch::Contains("axes.many sets workload.0.users, as axes.few does; expected one axis for a key"));
  CHECK_THAT(said, Catch::Contains("axes.box sets workload.0.users, as axes.few does"));
  CHECK_THAT(said, Catch::Contains("workload.0.users is what the axis few varies"));
}

TEST_CASE("a scenario in place of a study is told so, and nothing else", "[scenarios][study]") {
  const Files files;
  CHECK_THAT(files.errors_of("title: no study\nduration: 1 h\nworkload: []\n"),
             Catch::StartsWith("study.yaml:1:1: error: its workload makes it a scenario, which tokwatt run runs") &&
                 !Catch::Contains("unknown key"));
}

TEST_CASE("what the scenario cannot take is reported in the study, before anything runs", "[scenarios][study]") {
  const Files files;
  const auto said = files.errors_of(kHead + R"(axes:
  users: {key: workload.0.users, values: [1, none, 3]}
  box: {key: systems.desk.shet, values: [dgx-spark]}
)");
  CHECK_THAT(said, Catch::Contains("study.yaml:4:46: error: workload.0.users is \"none\""));
  CHECK_THAT(said, Catch::Contains("unknown key \"shet\"; did you mean \"sheet\"?"));
  const auto names = files.errors_of(kHead +
                                     "axes: {users: {key: workload.0.users, values: [1]}}\n"
                                     "metrics: [ttft_s.p96]\n"
                                     "constraints: [ttft_s.p95 < 2, tpot_s.p95 is small]\n");
  CHECK_THAT(names,
             Catch::Contains("study.yaml:4:11: error: \"ttft_s.p96\" is no number of the summary; did you mean"));
  CHECK_THAT(names, Catch::Contains("the bound of ttft_s.p95 is \"2\", a bare number; expected a duration"));
  CHECK_THAT(names, Catch::Contains("\"tpot_s.p95 is small\" is no condition"));
  CHECK_THAT(files.errors_of("base: nobody.yaml\naxes: {a: {key: seed, values: [1]}}\n"),
             Catch::Contains("study.yaml:1:7: error: cannot read"));
  CHECK_THAT(files.errors_of(kHead + "axes: {draw: {key: calibration.draw, values: [17]}}\n"),
             Catch::Contains("calibration.draw is \"17\"; expected 0 (the calibration itself) to 16"));
}

TEST_CASE("a study that is larger than anybody wants is refused at once", "[scenarios][study]") {
  const Files files;
  const std::string many = "{key: seed, from: 1, to: 2000000, points: 1000000}";
  CHECK_THAT(files.errors_of(kHead + "axes: {a: " + many + ", b: {key: workload.0.users, values: [1, 2]}}\n"),
             Catch::Contains("the axes span 2000000 points; expected at most 1000000"));
  CHECK_THAT(files.errors_of(kHead + "axes: {a: {key: seed, values: [1, 2, 1]}}\n"),
             Catch::Contains("study.yaml:3:38: error: axes.a.values has \"1\" twice"));
  std::string names = "metrics: [";
  for (int i = 0; i < 1001; ++i) names += "x, ";
  CHECK_THAT(files.errors_of(kHead + "axes: {a: {key: seed, values: [1]}}\n" + names + "x]\n"),
             Catch::Contains("the list has 1002 entries; expected at most 1000"));
}

TEST_CASE("conditions hold or not, and not for a number that is not there", "[scenarios][study]") {
  const nlohmann::ordered_json summary = {{"ttft_s", {{"p95", 1.5}, {"p50", nullptr}}}, {"goodput_per_s", 2.5}};
  Diagnostics diagnostics;
  const auto is = [&](const char* text) {
    const auto condition = parse_condition({text, {}}, summary, diagnostics);
    REQUIRE(condition);
    return holds(*condition, summary);
  };
  CHECK(is("ttft_s.p95 < 2 s"));
  CHECK(is("ttft_p95<1.6s"));
  CHECK(is("ttft_s.p95 <= 1500 ms"));
  CHECK_FALSE(is("ttft_s.p95 < 1500 ms"));
  CHECK(is("goodput_per_s >= 2.5/s"));
  CHECK_FALSE(is("goodput_per_s > 2.5/s"));
  CHECK_FALSE(is("ttft_s.p50 < 10 s"));
  CHECK_FALSE(is("ttft_s.p50 > 0 s"));
  CHECK(diagnostics.ok());
}

TEST_CASE("a journal gives back what it was given, and takes a torn line back", "[scenarios][study]") {
  const Files files;
  const auto study = files.load(kHead +
                                "axes: {users: {key: workload.0.users, values: [1, 2, 3, 4]}}\n"
                                "metrics: [ttft_s.p95, goodput_per_s]\n");
  const std::string path = files.path("out.h5.journal");
  {
    Journal journal(path, study);
    journal.add({2, Status::ok, "", true, {0.1 + 0.2, std::nan("")}});
    journal.add({0, Status::does_not_fit, "too large\nby far", false, {std::nan(""), std::nan("")}});
    CHECK_THROWS_WITH(Journal(path, study), Catch::Contains("another tokwatt works on this study"));
  }
  std::ofstream(path, std::ios::app) << R"({"point":3,"status":"ok","feas)";
  {
    const Journal journal(path, study);
    CHECK_FALSE(journal.records()[1]);
    CHECK_FALSE(journal.records()[3]);
    REQUIRE(journal.records()[2]);
    CHECK(journal.records()[2]->values[0] == 0.1 + 0.2);
    CHECK(std::isnan(journal.records()[2]->values[1]));
    CHECK(journal.records()[2]->feasible);
    REQUIRE(journal.records()[0]);
    CHECK(journal.records()[0]->status == Status::does_not_fit);
    CHECK(journal.records()[0]->reason == "too large\nby far");
  }
  const auto other = files.load(kHead +
                                "axes: {users: {key: workload.0.users, values: [1, 2, 3, 5]}}\n"
                                "metrics: [ttft_s.p95, goodput_per_s]\n");
  CHECK_THROWS_WITH(Journal(path, other), Catch::Contains("it is of another study"));
  for (const char* damage : {"{\"point\":9,\"status\":\"ok\",\"feasible\":true,\"values\":[1,2]}\n",
                             "{\"point\":1,\"status\":\"ok\",\"feasible\":true,\"values\":[1]}\n",
                             "{\"point\":2,\"status\":\"does not fit\",\"reason\":\"twice\"}\n", "[[[[\n", "\n",
                             "{\"point\":-1,\"status\":\"ok\"}\n"}) {
    const std::string copy = files.path("damaged.journal");
    fs::copy_file(path, copy, fs::copy_options::overwrite_existing);
    std::ofstream(copy, std::ios::app) << damage;
    CHECK_THROWS_WITH(Journal(copy, study), Catch::Contains("its line 4 is damaged"));
  }
  CHECK_THROWS_WITH(Journal(files.path("desk.yaml"), study), Catch::Contains("it is no journal of a study"));
}

TEST_CASE("a study's answers do not depend on threads, nor on where it was interrupted", "[scenarios][study]") {
  const Files files;
  const auto study = files.load(kHead + R"(axes:
  users: {key: workload.0.users, values: [1, 4, 9]}
  box: {key: systems.desk.sheet, values: [dgx-spark, rtx-4090]}
constraints: [tpot_s.p95 < 60 ms]
)");
  const auto columns = [&](int threads, const std::string& path) {
    Journal journal(path, study);
    run_points(study, points_to_do(journal.records()), threads,
               [&](PointRecord record) { journal.add(std::move(record)); });
    std::vector<std::string> out;
    for (const auto& v : dataset_of(study, journal.records()).variables.variables) {
      std::visit(
          [&]<class T>(const std::vector<T>& values) {
            std::string bytes = v.name;
            if constexpr (std::is_same_v<T, std::string>) {
              for (const auto& value : values) bytes += "|" + value;
            } else {
              bytes.append(reinterpret_cast<const char*>(values.data()), values.size() * sizeof(T));
            }
            out.push_back(bytes);
          },
          v.values);
    }
    return out;
  };
  const auto alone = columns(1, files.path("1.journal"));
  CHECK(columns(4, files.path("4.journal")) == alone);
  // Interrupted after three points: the others are done, those are not done again.
  std::ifstream whole(files.path("1.journal"));
  std::string start;
  std::string line;
  for (int i = 0; i < 4 && std::getline(whole, line); ++i) start += line + "\n";
  files.write("cut.journal", start + R"({"point":)");
  CHECK(columns(2, files.path("cut.journal")) == alone);
  std::ifstream resumed(files.path("cut.journal"));
  CHECK(std::count(std::istreambuf_iterator<char>(resumed), {}, '\n') == 7);
}

TEST_CASE("a point that does not fit is kept as such", "[scenarios][study]") {
  const Files files;
  const auto study =
      files.load(kHead + "axes: {box: {key: systems.desk.sheet, values: [dgx-spark, rtx-4090, m3-ultra-512]}}\n");
  const auto status = [&](std::size_t i) { return answer_of([&] { return load_point(study, {i}); }).status; };
  CHECK(status(0) == Status::ok);
  CHECK(status(1) == Status::does_not_fit);
  CHECK(status(2) == Status::cannot_be_done);
}

}  // namespace tokwatt::scenarios
