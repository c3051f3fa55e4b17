// tokwatt sensitivity: what one per cent of each number that a scenario rests on does to its answers.
#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <ostream>

#include "scenarios/cli/layout.hpp"
#include "scenarios/cli/question.hpp"
#include "scenarios/read/merge.hpp"
#include "scenarios/read/reader.hpp"
#include "scenarios/sheets/sheets.hpp"
#include "scenarios/studies/answers.hpp"
#include "scenarios/studies/condition.hpp"
#include "scenarios/units.hpp"

namespace tokwatt::cli {
namespace {

using Json = nlohmann::ordered_json;
using scenarios::Answer;
using scenarios::Loaded;
using scenarios::Node;
using scenarios::path_segment;
using scenarios::SheetKind;
using scenarios::Status;

constexpr double kMore = 1.01;
constexpr std::size_t kShown = 20;
constexpr std::size_t kMostMetrics = 4;  // beside each other

Options sensitivity_options() {
  Options options(
      {"tokwatt sensitivity scenarios/twelve-people-on-a-spark.yaml",
       "tokwatt sensitivity SCENARIO [--metrics A,B,C] [--set key=value]... [--all] [-o table|json]",
       "Makes each number of the boxes' and engines' sheets one per cent larger, one at a time, then a power "
       "limit by a watt, the air by a degree, electricity by a cent, and says by how much each answer "
       "changes, the largest first. Models and quants are facts, and left as they are.",
       "a scenario file"});
  options
      .value("metrics",
             "up to four numbers of the summary (default ttft_s.p95, tpot_s.p95, j_per_tok_output, "
             "usd_per_mtok_output)")
      .values("set", "change a key of the scenario, as tokwatt run has it")
      .flag("all", "every number; without it the twenty that do most")
      .value("output,o", "table (default) or json");
  return options;
}

/// One change, and the scenario with it.
struct Knob {
  std::string name;    ///< "desk: memory.bandwidth"
  std::string change;  ///< "+1 %"
  std::function<Loaded()> load;
};

class Knobs {
 public:
  explicit Knobs(const Question& question) : question_(question), plain_(question.load()) {}

  std::vector<Knob> all() {
    for (const auto& system : named("systems")) add_box(system);
    for (std::size_t d = 0; d < plain_.input.deployments.size(); ++d) add_tuning(d);
    for (const auto& system : plain_.input.systems) add_watt(system);
    add_set("environment.ambient", "+1 K", fmt::format("environment.ambient={} degC", plain_.input.ambient + 1));
    if (plain_.input.prices.electricity) {
      const double per_kwh = *plain_.input.prices.electricity * 3.6e6 + 0.01;
      add_set("prices.electricity", "+0.01 USD/kWh", fmt::format("prices.electricity={} USD/kWh", per_kwh));
    }
    return std::move(out_);
  }

 private:
  struct NamedNode {
    std::string name;
    const Node* node;
  };
  std::vector<NamedNode> named(const char* section) const {
    std::vector<NamedNode> out;
    if (const auto* found = question_.tree.find(section)) {
      for (const auto& [name, node] : found->entries) out.push_back({name.scalar, &node});
    }
    return out;
  }

  void add_set(std::string name, std::string change, std::string set) {
    out_.push_back(
        {std::move(name), std::move(change), [&q = question_, set = std::move(set)] { return q.load({set}); }});
  }

  /// What the scenario itself says in the place of a sheet's number, or what the sheet says.
  std::string text_of(const std::string& key, const std::string& in_sheet) const {
    scenarios::Diagnostics none;
    const Node* node = &question_.tree;
    for (const auto& segment : scenarios::split_path(key, {}, none)) {
      node = node->find(segment.name);
      if (!node) return in_sheet;
    }
    const Node* value = node->find("value");
    return value ? value->scalar : node->scalar;
  }

  void add_number(const std::string& name, const std::string& key, const std::string& in_sheet) {
    if (std::find(keys_.begin(), keys_.end(), key) != keys_.end()) return;
    const auto number = scenarios::parse_with_unit(text_of(key, in_sheet));
    if (!number || number->number == 0) return;
    keys_.push_back(key);
    const std::string unit = number->unit.empty() ? "" : " " + number->unit;
    add_set(name, "+1 %", fmt::format("{}={:.12g}{}", key, number->number * kMore, unit));
  }

  void add_box(const NamedNode& system) {
    const Node* asked = system.node->find("sheet");
    scenarios::Diagnostics diagnostics;  // the scenario was loaded: its sheets are good
    const auto sheet =
        open_sheet(SheetKind::box, {asked->scalar, asked->place}, "sheet", question_.folder, diagnostics);
    if (!sheet) return;
    const std::string prefix = fmt::format("systems.{}.", path_segment(system.name));
    for (const auto& number : read_box(*sheet, {}, diagnostics).numbers)
      add_number(fmt::format("{}: {}", system.name, number.path), prefix + number.path, number.text);
    for (const auto& deployment : named("deployments")) add_engine(*deployment.node, *sheet);
  }

  void add_engine(const Node& deployment, const scenarios::RawSheet& box) {
    const Node* asked = deployment.find("engine");
    scenarios::Diagnostics diagnostics;
    const auto sheet =
        open_sheet(SheetKind::engine, {asked->scalar, asked->place}, "engine", question_.folder, diagnostics);
    if (!sheet) return;
    const std::string prefix = fmt::format("engines.{}.", path_segment(sheet->id));
    for (const auto& number : read_engine(*sheet, box, {}, diagnostics).numbers) {
      const bool is_of_box = number.path.rfind(prefix, 0) == 0;
      const std::string path = is_of_box ? number.path.substr(prefix.size()) : number.path;
      if (path != "tuning") add_number(fmt::format("{}: {}", sheet->id, path), prefix + path, number.text);
    }
  }

  /// What the calibration says stands in no sheet.
  void add_tuning(std::size_t deployment) {
    const auto& engine = plain_.input.deployments[deployment].engine;
    for (const auto& parameter : models::kTuning) {
      const double value = engine.tuning.*parameter.value;
      const std::string name = fmt::format("{}: tuning.{}", engine.id, parameter.key);
      const auto same = [&](const Knob& knob) { return knob.name == name; };
      if (!(value > 0) || !std::isfinite(value) || std::any_of(out_.begin(), out_.end(), same)) continue;
      out_.push_back({name, "+1 %", [&q = question_, &parameter, id = engine.id] {
                        auto loaded = q.load();
                        for (auto& d : loaded.input.deployments) {
                          double& changed = d.engine.tuning.*parameter.value;
                          if (d.engine.id != id) continue;
                          changed *= kMore;
                          if (parameter.link == models::Link::log_odds) changed = std::min(changed, 1.0);
                        }
                        return loaded;
                      }});
    }
  }

  void add_watt(const sim::System& system) {
    const auto& limit = system.box.power.limit;
    if (!std::isfinite(limit) || limit <= 0) return;
    add_set(fmt::format("{}: power.limit", system.name), "+1 W",
            fmt::format("systems.{}.power.limit={} W", path_segment(system.name), limit + 1));
  }

  const Question& question_;
  Loaded plain_;
  std::vector<std::string> keys_;
  std::vector<Knob> out_;
};

struct Effect {
  const Knob* knob;
  std::vector<double> changes;  ///< of each metric, as a fraction; NaN where there is none
  double largest = 0;
};

Effect effect_of(const Knob& knob, const Answer& answer, const Answer& plain,
                 const std::vector<scenarios::Metric>& metrics) {
  Effect effect{&knob, {}, 0};
  for (const auto& metric : metrics) {
    const double before = value_of(metric, plain.summary), after = value_of(metric, answer.summary);
    effect.changes.push_back(before != 0 ? after / before - 1 : std::nan(""));
    if (std::isfinite(effect.changes.back()))
      effect.largest = std::max(effect.largest, std::abs(effect.changes.back()));
  }
  return effect;
}

std::vector<scenarios::Metric> metrics_meant(const Options& options, const Json& summary) {
  scenarios::Diagnostics diagnostics;
  const std::string asked = options.get("metrics", "ttft_s.p95,tpot_s.p95,j_per_tok_output,usd_per_mtok_output");
  const auto source = std::make_shared<scenarios::Source>(scenarios::Source{"--metrics", asked});
  std::vector<scenarios::Metric> out;
  for (const auto& name : comma_separated(asked, "metrics")) {
    const scenarios::Place place{source, 1, width(asked.substr(0, asked.find(name))) + 1, width(name)};
    auto metric = metric_named({name, place}, summary, diagnostics);
    if (metric) out.push_back(std::move(*metric));
  }
  if (!diagnostics.ok()) throw scenarios::InputError(diagnostics);
  if (out.size() > kMostMetrics) throw UsageError(fmt::format("--metrics has more than {}", kMostMetrics));
  return out;
}

std::string percent_change(double fraction) {
  if (!std::isfinite(fraction)) return "-";
  return std::abs(fraction) < 5e-6 ? "0" : fmt::format("{:+.2f} %", fraction * 100);
}

std::string table_of(const std::vector<Effect>& effects, const Effect& chance,
                     const std::vector<scenarios::Metric>& metrics, std::size_t shown) {
  Columns table("ll" + std::string(metrics.size(), 'r'));
  std::vector<std::string> head = {"", ""};
  std::string legend;
  for (std::size_t m = 0; m < metrics.size(); ++m) {
    head.push_back(fmt::format("({})", m + 1));
    legend += fmt::format("{}({}) {}", m == 0 ? "" : ", ", m + 1, metrics[m].name);
  }
  table.row(head);
  const auto add = [&](const std::string& name, const std::string& change, const Effect& effect) {
    std::vector<std::string> row = {name, change};
    for (const double fraction : effect.changes) row.push_back(percent_change(fraction));
    table.row(row);
  };
  for (std::size_t i = 0; i < shown; ++i) add(effects[i].knob->name, effects[i].knob->change, effects[i]);
  add("chance: another seed", "", chance);
  return wrapped(legend) + "\n\n" + table.text();
}

Json json_of(const std::vector<Effect>& effects, const Effect& chance, const std::vector<scenarios::Metric>& metrics) {
  const auto changes = [&](const Effect& effect) {
    Json out = Json::object();
    for (std::size_t m = 0; m < metrics.size(); ++m)
      out[metrics[m].name] = std::isfinite(effect.changes[m]) ? Json(effect.changes[m]) : Json(nullptr);
    return out;
  };
  Json out = {{"chance", changes(chance)}, {"numbers", Json::array()}};
  for (const auto& effect : effects)
    out["numbers"].push_back(
        {{"name", effect.knob->name}, {"change", effect.knob->change}, {"effect", changes(effect)}});
  return out;
}

}  // namespace

int sensitivity(const Arguments& arguments, const Terminal& terminal) {
  Options options = sensitivity_options();
  if (!options.read(arguments, terminal)) return kDone;
  const bool as_json = options.choice("output", {"table", "json"}) == "json";
  const auto question = question_of(options);
  auto knobs = Knobs(question).all();
  const auto seed = question.load().input.seed;
  knobs.push_back({"", "", [&] { return question.load(); }});
  knobs.push_back({"seed", "+1", [&, set = fmt::format("seed={}", seed + 1)] { return question.load({set}); }});
  std::vector<std::function<Loaded()>> scenarios;
  for (const auto& knob : knobs) scenarios.push_back(knob.load);
  const auto answers = scenarios::answers_of(scenarios);
  const Answer& plain = answers[answers.size() - 2];
  if (plain.status != Status::ok) throw scenarios::Infeasible(plain.reason);
  const auto metrics = metrics_meant(options, plain.summary);
  const Effect chance = effect_of(knobs.back(), answers.back(), plain, metrics);
  std::vector<Effect> effects;
  for (std::size_t i = 0; i + 2 < knobs.size(); ++i) {
    if (answers[i].status == Status::ok) effects.push_back(effect_of(knobs[i], answers[i], plain, metrics));
  }
  std::stable_sort(effects.begin(), effects.end(),
                   [](const Effect& a, const Effect& b) { return a.largest > b.largest; });
  if (as_json) {
    terminal.out << json_of(effects, chance, metrics).dump(2) << "\n";
    return kDone;
  }
  const std::size_t shown = options.has("all") ? effects.size() : std::min(kShown, effects.size());
  const auto* title = question.tree.find("title");
  if (title) terminal.out << terminal.heading(wrapped(title->scalar)) << "\n";
  terminal.out << table_of(effects, chance, metrics, shown) << "\n"
               << wrapped(fmt::format("{} numbers were changed, {} shown; {} cannot be changed alone (whole numbers, "
                                      "clocks on a grid, stages of a list).",
                                      effects.size(), shown, knobs.size() - 2 - effects.size()))
               << "\n";
  return kDone;
}

}  // namespace tokwatt::cli
