// tokwatt sensitivity: what one per cent of each number that a scenario rests on does to its answers.
#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <nlohmann/json.hpp>
#include <ostream>

#include "scenarios/cli/find_effects.hpp"
#include "scenarios/cli/layout.hpp"
#include "scenarios/utf8.hpp"

namespace tokwatt::cli {
namespace {

constexpr std::size_t kLongestName = 42;
constexpr std::size_t kShown = 20;

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

/// Temperatures have no zero that a percentage could be of: they change by kelvins.
std::string change_in_words(double fraction, const scenarios::Metric& metric, const std::string& sign) {
  if (!std::isfinite(fraction)) return "-";
  if (std::abs(fraction) < 5e-6) return "0";
  const bool is_kelvin = metric.units == "degC";
  const double value = is_kelvin ? fraction / kOfKelvin : fraction * 100;
  const char* unit = is_kelvin ? "K" : "%";
  return sign.empty() ? fmt::format("{:+.2f} {}", value, unit) : fmt::format("{}{:.2f} {}", sign, value, unit);
}

std::string name_in_table(const Effect& effect) {
  std::string name = effect.name;
  if (const auto tuning = name.find(": tuning."); tuning != std::string::npos) name.erase(tuning + 2, 7);
  if (effect.change != kPercent) name += " " + effect.change;
  return scenarios::shortened(name, kLongestName);
}

std::string table_of(const Effects& effects, std::size_t shown) {
  const auto& metrics = effects.metrics;
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
    for (std::size_t m = 0; m < metrics.size(); ++m) row.push_back(change_in_words(changes[m], metrics[m], sign));
    table.row(row);
  };
  for (std::size_t i = 0; i < shown; ++i) add(name_in_table(effects.list[i]), effects.list[i].changes, "");
  add("chance", effects.chance, "±");
  return wrapped(legend) + "\n\n" + table.text();
}

}  // namespace

int sensitivity(const Arguments& arguments, const Terminal& terminal) {
  Options options = sensitivity_options();
  if (!options.read(arguments, terminal)) return kDone;
  const bool as_json = options.choice("output", {"table", "json"}) == "json";
  const auto question = question_of(options);
  const auto effects = find_effects(question, options.get("metrics", kUsualMetrics));
  if (as_json) {
    terminal.out << json_of(effects).dump(2) << "\n";
    return kDone;
  }
  const auto all = effects.list.size();
  const std::size_t shown = options.has("all") ? all : std::min(kShown, all);
  const auto* title = question.tree.find("title");
  if (title) terminal.out << terminal.heading(wrapped(title->scalar)) << "\n";
  terminal.out << table_of(effects, shown) << "\n"
               << wrapped(fmt::format("{} numbers were changed, {} shown; {} cannot be changed alone (whole numbers, "
                                      "clocks on a grid, stages of a list).",
                                      all, shown, effects.left_out))
               << "\n";
  return kDone;
}

}  // namespace tokwatt::cli
