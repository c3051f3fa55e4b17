// tokwatt sensitivity: what one per cent of each number that a scenario rests on does to its answers.
#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <ostream>
#include <span>
#include <utility>

#include "scenarios/cli/layout.hpp"
#include "scenarios/cli/question.hpp"
#include "scenarios/read/merge.hpp"
#include "scenarios/read/reader.hpp"
#include "scenarios/sheets/sheets.hpp"
#include "scenarios/studies/answers.hpp"
#include "scenarios/studies/condition.hpp"
#include "scenarios/units.hpp"
#include "scenarios/utf8.hpp"

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
constexpr const char* kPercent = "+1 %";
constexpr std::size_t kNudges = 8;  // that tell chance from effect
constexpr double kNudge = 5e-5;     // the smallest; large enough that other requests meet in the same steps
constexpr std::size_t kLongestName = 42;
constexpr std::size_t kShown = 20;
constexpr std::size_t kMostMetrics = 4;  // beside each other

Options sensitivity_options() {
  Options options(
      {"tokwatt sensitivity scenarios/twelve-people-on-a-spark.yaml",
       "tokwatt sensitivity SCENARIO [--metrics A,B,C] [--set key=value]... [--all] [-o table|json]",
       "Makes each number of the boxes' and engines' sheets one per cent larger, one at a time, then a power "
       "limit by a watt, the air by a degree, electricity by a cent, and says by how much each answer "
       "changes: first what is beyond chance, the largest change before the others. Models and quants are "
       "facts, and left as they are.",
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
  std::string change;  ///< kPercent, or "+1 W"
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
    add_set(name, kPercent, fmt::format("{}={:.12g}{}", key, number->number * kMore, unit));
  }

  void add_box(const NamedNode& system) {
    const Node* asked = system.node->find("sheet");
    scenarios::Diagnostics diagnostics;  // the scenario was loaded: its sheets are good
    auto sheet = open_sheet(SheetKind::box, {asked->scalar, asked->place}, "sheet", question_.folder, diagnostics);
    if (!sheet) return;
    if (const Node* mode = system.node->find("mode"))
      sheet = in_mode(std::move(*sheet), {mode->scalar, mode->place}, "mode", diagnostics);
    const std::string prefix = fmt::format("systems.{}.", path_segment(system.name));
    for (const auto& number : read_box(*sheet, {}, diagnostics).numbers) {
      if (number.path.starts_with("modes.")) continue;  // those of the mode it runs in stand in their places
      add_number(fmt::format("{}: {}", system.name, number.path), prefix + number.path, number.text);
    }
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
      out_.push_back({name, kPercent, [&q = question_, &parameter, id = engine.id] {
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

/// By how much each metric changes, as a fraction; NaN where there is none.
using Changes = std::vector<double>;

Changes changes_of(const Answer& answer, const Answer& plain, const std::vector<scenarios::Metric>& metrics) {
  Changes out;
  for (const auto& metric : metrics) {
    const double before = value_of(metric, plain.summary), after = value_of(metric, answer.summary);
    out.push_back(before != 0 ? after / before - 1 : std::nan(""));
  }
  return out;
}

/// The largest changes that chance brings.
Changes chance_of(std::span<const Answer> others, const Answer& plain, const std::vector<scenarios::Metric>& metrics) {
  Changes out(metrics.size(), 0);
  for (const auto& other : others) {
    const auto changes = changes_of(other, plain, metrics);
    for (std::size_t m = 0; m < out.size(); ++m) out[m] = std::fmax(out[m], std::abs(changes[m]));
  }
  return out;
}

struct Effect {
  const Knob* knob;
  Changes changes;
  double beyond_chance = 0, largest = 0;
};

Effect effect_of(const Knob& knob, Changes changes, const Changes& chance) {
  Effect effect{&knob, std::move(changes), 0, 0};
  for (std::size_t m = 0; m < chance.size(); ++m) {
    const double size = std::fmax(std::abs(effect.changes[m]), 0);
    effect.largest = std::max(effect.largest, size);
    if (size > chance[m]) effect.beyond_chance = std::max(effect.beyond_chance, size);
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

std::string percent_change(double fraction, const std::string& sign) {
  if (!std::isfinite(fraction)) return "-";
  if (std::abs(fraction) < 5e-6) return "0";
  return sign.empty() ? fmt::format("{:+.2f} %", fraction * 100) : fmt::format("{}{:.2f} %", sign, fraction * 100);
}

std::string name_in_table(const Knob& knob) {
  std::string name = knob.name;
  if (const auto tuning = name.find(": tuning."); tuning != std::string::npos) name.erase(tuning + 2, 7);
  if (knob.change != kPercent) name += " " + knob.change;
  return scenarios::shortened(name, kLongestName);
}

std::string table_of(const std::vector<Effect>& effects, const Changes& chance,
                     const std::vector<scenarios::Metric>& metrics, std::size_t shown) {
  Columns table("l" + std::string(metrics.size(), 'r'));
  std::vector<std::string> head = {"+1 % of"};
  std::string legend;
  for (std::size_t m = 0; m < metrics.size(); ++m) {
    head.push_back(fmt::format("({})", m + 1));
    legend += fmt::format("{}({}) {}", m == 0 ? "" : ", ", m + 1, metrics[m].name);
  }
  table.row(head);
  const auto add = [&](const std::string& name, const Changes& changes, const char* sign) {
    std::vector<std::string> row = {name};
    for (const double fraction : changes) row.push_back(percent_change(fraction, sign));
    table.row(row);
  };
  for (std::size_t i = 0; i < shown; ++i) add(name_in_table(*effects[i].knob), effects[i].changes, "");
  add("chance", chance, "±");
  return wrapped(legend) + "\n\n" + table.text();
}

Json json_of(const std::vector<Effect>& effects, const Changes& chance, const std::vector<scenarios::Metric>& metrics) {
  const auto by_metric = [&](const Changes& changes) {
    Json out = Json::object();
    for (std::size_t m = 0; m < metrics.size(); ++m)
      out[metrics[m].name] = std::isfinite(changes[m]) ? Json(changes[m]) : Json(nullptr);
    return out;
  };
  Json out = {{"chance", by_metric(chance)}, {"numbers", Json::array()}};
  for (const auto& effect : effects) {
    out["numbers"].push_back(
        {{"name", effect.knob->name}, {"change", effect.knob->change}, {"effect", by_metric(effect.changes)}});
  }
  return out;
}

/// The scenario as it is, then with memory faster by less than a twentieth of a per cent: what that changes is mostly
/// chance, since other requests meet in the same steps.
std::vector<std::function<Loaded()>> plain_and_nudged(const Question& question) {
  std::vector<std::function<Loaded()>> out = {[&question] { return question.load(); }};
  for (std::size_t i = 1; i <= kNudges; ++i) {
    out.push_back([&question, more = 1 + kNudge * static_cast<double>(i)] {
      auto loaded = question.load();
      for (auto& deployment : loaded.input.deployments) {
        deployment.engine.tuning.memory_efficiency *= more;
        deployment.engine.tuning.memory_efficiency_experts *= more;
      }
      return loaded;
    });
  }
  return out;
}

}  // namespace

int sensitivity(const Arguments& arguments, const Terminal& terminal) {
  Options options = sensitivity_options();
  if (!options.read(arguments, terminal)) return kDone;
  const bool as_json = options.choice("output", {"table", "json"}) == "json";
  const auto question = question_of(options);
  const auto knobs = Knobs(question).all();
  auto scenarios = plain_and_nudged(question);
  for (const auto& knob : knobs) scenarios.push_back(knob.load);
  const auto answers = scenarios::answers_of(scenarios);
  const Answer& plain = answers.front();
  if (plain.status != Status::ok) throw scenarios::Infeasible(plain.reason);
  const auto metrics = metrics_meant(options, plain.summary);
  const auto chance = chance_of(std::span(answers).subspan(1, kNudges), plain, metrics);
  std::vector<Effect> effects;
  for (std::size_t i = 0; i < knobs.size(); ++i) {
    const Answer& answer = answers[i + 1 + kNudges];
    if (answer.status == Status::ok) effects.push_back(effect_of(knobs[i], changes_of(answer, plain, metrics), chance));
  }
  std::stable_sort(effects.begin(), effects.end(), [](const Effect& a, const Effect& b) {
    return std::pair(a.beyond_chance, a.largest) > std::pair(b.beyond_chance, b.largest);
  });
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
                                      effects.size(), shown, knobs.size() - effects.size()))
               << "\n";
  return kDone;
}

}  // namespace tokwatt::cli
