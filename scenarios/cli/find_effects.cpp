#include "scenarios/cli/find_effects.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <nlohmann/json.hpp>
#include <span>
#include <utility>

#include "scenarios/cli/layout.hpp"
#include "scenarios/plan/planning.hpp"
#include "scenarios/read/merge.hpp"
#include "scenarios/read/reader.hpp"
#include "scenarios/sheets/sheets.hpp"
#include "scenarios/studies/answers.hpp"
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
constexpr std::size_t kNudges = 8;       // that tell chance from effect
constexpr double kNudge = 5e-5;          // the smallest; large enough that other requests meet in the same steps
constexpr std::size_t kMostMetrics = 4;  // beside each other

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
    for (std::size_t d = 0; d < plain_.input.deployments.size(); ++d) {
      if (plain_.input.deployments[d].hosted) {
        add_prices(*plain_.input.deployments[d].hosted);
      } else {
        add_tuning(d);
      }
    }
    for (const auto& system : plain_.input.systems) add_watt(system);
    if (!plain_.input.systems.empty()) add_kelvin();
    add_links();
    const auto& systems = plain_.input.systems;
    const auto is_rented = [](const sim::System& system) { return system.is_rented; };
    if (plain_.input.prices.electricity && !std::all_of(systems.begin(), systems.end(), is_rented)) add_cent();
    if (std::any_of(systems.begin(), systems.end(), is_rented)) add_rent();
    for (const char* key :
         {"prices.hardware", "prices.resale", "prices.horizon", "plan.growth", "plan.electricity_growth",
          "plan.hardware_growth", "plan.days_per_month", "plan.cooling", "plan.power_between"})
      add_number(key, key, "");
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
        {std::move(name), std::move(change), [&q = question_, set = std::move(set)] { return q.with({set}).load(); }});
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
    if (!asked) return;  // hosted elsewhere
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

  /// A change of what was read, on every day that is simulated.
  void add_change(std::string name, std::string change, std::function<void(sim::Input&)> apply) {
    out_.push_back({std::move(name), std::move(change), [&q = question_, apply = std::move(apply)] {
                      auto loaded = q.load();
                      change_every_day(loaded, [&](Loaded& day) { apply(day.input); });
                      return loaded;
                    }});
  }

  bool has(const std::string& name) const {
    return std::any_of(out_.begin(), out_.end(), [&](const Knob& knob) { return knob.name == name; });
  }

  bool has_tariff() const {
    const Node* prices = question_.tree.find("prices");
    return question_.tree.find("tariff") || (prices && prices->find("tariff"));
  }
  /// At the start and wherever the timeline says another one.
  void add_kelvin() {
    add_change("environment.ambient", "+1 K", [](sim::Input& input) {
      input.ambient += 1;
      for (auto& change : input.changes) {
        if (change.kind == sim::Change::Kind::ambient) change.value += 1;
      }
    });
  }
  /// The same of every price that a tariff or the timeline has.
  void add_cent() {
    add_change(has_tariff() ? "tariff" : "prices.electricity", "+0.01 USD/kWh", [](sim::Input& input) {
      constexpr double kCent = 0.01 / 3.6e6;  // [USD/J]
      if (input.prices.electricity) *input.prices.electricity += kCent;
      for (auto& change : input.changes) {
        if (change.kind == sim::Change::Kind::electricity) change.value += kCent;
      }
    });
  }

  /// What all rented boxes cost by the hour.
  void add_rent() {
    out_.push_back({"rental", kPercent, [&q = question_] {
                      auto loaded = q.load();
                      change_every_day(loaded, [](Loaded& day) {
                        for (auto& system : day.input.systems) {
                          if (system.is_rented) system.box.price.purchase *= kMore;
                        }
                      });
                      if (!loaded.planning) return loaded;
                      auto planning = std::make_shared<scenarios::Planning>(*loaded.planning);
                      auto& rent = planning->plan.rent;
                      rent = {rent.value * kMore, rent.low * kMore, rent.high * kMore};
                      loaded.planning = std::move(planning);
                      return loaded;
                    }});
  }

  /// Bandwidths of links: within boxes, between them, and to the memory where KV blocks are kept.
  void add_links() {
    const auto& input = plain_.input;
    for (std::size_t s = 0; s < input.systems.size(); ++s) {
      if (!input.systems[s].link) continue;
      add_change(fmt::format("{}: link", input.systems[s].name), kPercent, [s](sim::Input& changed) {
        changed.systems[s].link->bandwidth *= kMore;
        for (auto& change : changed.changes) {
          const bool is_its = change.kind == sim::Change::Kind::link && change.cable < 0;
          if (is_its && change.system == static_cast<int>(s)) change.link.bandwidth *= kMore;
        }
      });
    }
    for (std::size_t c = 0; c < input.cables.size(); ++c) {
      add_change(fmt::format("links.{}", c), kPercent, [c](sim::Input& changed) {
        changed.cables[c].link.bandwidth *= kMore;
        for (auto& change : changed.changes) {
          if (change.kind == sim::Change::Kind::link && change.cable == static_cast<int>(c))
            change.link.bandwidth *= kMore;
        }
      });
    }
    for (std::size_t d = 0; d < input.deployments.size(); ++d) {
      const auto& tiers = input.deployments[d].kv_offload;
      if (!tiers || tiers->link.bandwidth == 0) continue;
      add_change(fmt::format("{}: kv_offload.link", input.deployments[d].name), kPercent,
                 [d](sim::Input& changed) { changed.deployments[d].kv_offload->link.bandwidth *= kMore; });
    }
  }

  /// What a provider asks, of all that go to it.
  void add_prices(const sim::Hosted& hosted) {
    using Price = sim::Hosted::Price;
    const auto add = [&](const char* what, void (*more)(Price&)) {
      const std::string name = fmt::format("{}: {}", hosted.id, what);
      if (has(name)) return;
      add_change(name, kPercent, [id = hosted.id, more](sim::Input& input) {
        for (auto& d : input.deployments) {
          if (d.hosted && d.hosted->id == id) more(d.hosted->price);
        }
      });
    };
    add("price of prompts", [](Price& price) { price.prompt *= kMore; });
    add("price of output", [](Price& price) { price.output *= kMore; });
    if (hosted.price.cached) add("price of cached prompts", [](Price& price) { *price.cached *= kMore; });
  }

  /// What the calibration says stands in no sheet.
  void add_tuning(std::size_t deployment) {
    const auto& engine = plain_.input.deployments[deployment].engine;
    for (const auto& parameter : models::kTuning) {
      const double value = engine.tuning.*parameter.value;
      const std::string name = fmt::format("{}: tuning.{}", engine.id, parameter.key);
      if (!(value > 0) || !std::isfinite(value) || has(name)) continue;
      add_change(name, kPercent, [&parameter, id = engine.id](sim::Input& input) {
        for (auto& d : input.deployments) {
          double& changed = d.engine.tuning.*parameter.value;
          if (d.engine.id != id) continue;
          changed *= kMore;
          if (parameter.link == models::Link::log_odds) changed = std::min(changed, 1.0);
        }
      });
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

Changes changes_of(const Answer& answer, const Answer& plain, const std::vector<scenarios::Metric>& metrics) {
  Changes out;
  for (const auto& metric : metrics) {
    const double before = value_of(metric, plain.summary), after = value_of(metric, answer.summary);
    if (metric.units == "degC") {
      out.push_back((after - before) * kOfKelvin);
    } else {
      out.push_back(before != 0 ? after / before - 1 : std::nan(""));
    }
  }
  return out;
}

/// Changes that chance does not bring to any of some hundred numbers: four times the root mean square of what it
/// brought to a few runs (Student's t of eight exceeds that once in 250 times).
Changes chance_of(std::span<const Answer> others, const Answer& plain, const std::vector<scenarios::Metric>& metrics) {
  constexpr double kBeyond = 4;
  Changes out(metrics.size(), 0), count(metrics.size(), 0);
  for (const auto& other : others) {
    const auto changes = changes_of(other, plain, metrics);
    for (std::size_t m = 0; m < out.size(); ++m) {
      if (!std::isfinite(changes[m])) continue;
      out[m] += changes[m] * changes[m];
      count[m] += 1;
    }
  }
  for (std::size_t m = 0; m < out.size(); ++m) out[m] = kBeyond * std::sqrt(out[m] / std::max(count[m], 1.0));
  return out;
}

Effect effect_of(const Knob& knob, Changes changes, const Changes& chance) {
  Effect effect{knob.name, knob.change, std::move(changes), 0, 0};
  for (std::size_t m = 0; m < chance.size(); ++m) {
    const double size = std::fmax(std::abs(effect.changes[m]), 0);
    effect.largest = std::max(effect.largest, size);
    if (size > chance[m]) effect.beyond_chance = std::max(effect.beyond_chance, size);
  }
  return effect;
}

std::vector<scenarios::Metric> metrics_meant(const std::string& asked, const Json& summary) {
  scenarios::Diagnostics diagnostics;
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

/// The scenario as it is, then with memory faster by less than a twentieth of a per cent: what that changes is mostly
/// chance, since other requests meet in the same steps.
std::vector<std::function<Loaded()>> plain_and_nudged(const Question& question) {
  std::vector<std::function<Loaded()>> out = {[&question] { return question.load(); }};
  for (std::size_t i = 1; i <= kNudges; ++i) {
    out.push_back([&question, more = 1 + kNudge * static_cast<double>(i)] {
      auto loaded = question.load();
      change_every_day(loaded, [more](Loaded& day) {
        for (auto& deployment : day.input.deployments) {
          deployment.engine.tuning.memory_efficiency *= more;
          deployment.engine.tuning.memory_efficiency_experts *= more;
        }
      });
      return loaded;
    });
  }
  return out;
}

}  // namespace

Effects find_effects(const Question& question, const std::string& asked) {
  const auto knobs = Knobs(question).all();
  auto scenarios = plain_and_nudged(question);
  for (const auto& knob : knobs) scenarios.push_back(knob.load);
  const auto names = comma_separated(asked, "metrics");
  const bool of_plan =
      std::any_of(names.begin(), names.end(), [](const std::string& name) { return name.starts_with("plan."); });
  const auto answers =
      scenarios::answers_of(scenarios, of_plan ? scenarios::PlanIs::wanted : scenarios::PlanIs::left_out);
  const Answer& plain = answers.front();
  if (plain.status != Status::ok) throw scenarios::Infeasible(plain.reason);
  Effects out;
  out.metrics = metrics_meant(asked, plain.summary);
  out.chance = chance_of(std::span(answers).subspan(1, kNudges), plain, out.metrics);
  for (std::size_t i = 0; i < knobs.size(); ++i) {
    const Answer& answer = answers[i + 1 + kNudges];
    if (answer.status == Status::ok)
      out.list.push_back(effect_of(knobs[i], changes_of(answer, plain, out.metrics), out.chance));
  }
  out.left_out = knobs.size() - out.list.size();
  std::stable_sort(out.list.begin(), out.list.end(), [](const Effect& a, const Effect& b) {
    return std::pair(a.beyond_chance, a.largest) > std::pair(b.beyond_chance, b.largest);
  });
  return out;
}

Json json_of(const Effects& effects) {
  const auto by_metric = [&](const Changes& changes) {
    Json out = Json::object();
    for (std::size_t m = 0; m < effects.metrics.size(); ++m)
      out[effects.metrics[m].name] = std::isfinite(changes[m])
                                         ? Json(changes[m] / (effects.metrics[m].units == "degC" ? kOfKelvin : 1))
                                         : Json(nullptr);
    return out;
  };
  Json units = Json::object();
  for (const auto& metric : effects.metrics) units[metric.name] = metric.units == "degC" ? "K" : "1";
  Json out = {{"units", std::move(units)}, {"chance", by_metric(effects.chance)}, {"numbers", Json::array()}};
  for (const auto& effect : effects.list)
    out["numbers"].push_back({{"name", effect.name}, {"change", effect.change}, {"effect", by_metric(effect.changes)}});
  return out;
}

}  // namespace tokwatt::cli
