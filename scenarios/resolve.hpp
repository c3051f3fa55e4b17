#pragma once
// The steps from a written scenario to the input of a simulation, one function each. They report what is wrong and go
// on.
#include <fmt/format.h>

#include <algorithm>
#include <optional>
#include <string>
#include <vector>

#include "money/plan.hpp"
#include "money/tariff.hpp"
#include "scenarios/grammar.hpp"
#include "scenarios/scenario.hpp"
#include "scenarios/sheets/sheets.hpp"

namespace tokwatt::scenarios {

/// What the steps share.
struct Resolution {
  const Written& written;
  std::string folder;  ///< relative paths start here
  Diagnostics& diagnostics;
  Loaded& loaded;
  std::vector<std::string> infeasible;          ///< good input that cannot be done, with the reasons
  std::vector<RawSheet> boxes;                  ///< of loaded.input.systems, with the user's overrides laid over them
  std::optional<money::Tariff> tariff{};        ///< in USD
  std::vector<money::PriceStep> electricity{};  ///< of the tariff, from the start on
  money::Estimate rent{};                       ///< of all devices that are rented [USD/s]
};

void resolve_systems(Resolution& r);
/// Needs the systems.
void resolve_deployments(Resolution& r);
/// Needs the deployments: the memory of boxes that hold several.
void resolve_memory(Resolution& r);
/// Needs the systems.
void resolve_cables(Resolution& r);
/// The link that a name means; reported where there is none.
std::optional<hardware::Link> resolve_link(const Text& name, const std::string& key, Resolution& r);
/// One deployment's boxes and replicas, as far as they are good.
void resolve_placement(const WrittenDeployment& w, const std::string& path, sim::Deployment& d, Resolution& r);
/// One that is hosted elsewhere.
void resolve_hosted(const WrittenDeployment& w, const std::string& path, sim::Deployment& d, Resolution& r);
/// Where it keeps copies of KV blocks. Needs the placement and the limits.
void resolve_kv_offload(const WrittenDeployment& w, const std::string& path, sim::Deployment& d, Resolution& r);
/// How long its model takes to load, where the start is cold.
void resolve_cold_start(const WrittenDeployment& w, const std::string& path, sim::Deployment& d, Resolution& r);
/// How long it takes after a shutdown, and what becomes of its requests then.
void resolve_reload(const WrittenDeployment& w, sim::Deployment& d, Resolution& r);
/// Whether its engine and model can be split over devices, and the devices are joined. Needs the placement.
void check_tensor_parallel(const WrittenDeployment& w, const std::string& path, const sim::Deployment& d,
                           Resolution& r);
/// Needs the deployments. Opens traces, which checks them to their last line.
void resolve_workload(Resolution& r);
/// Needs the systems: what hardware and electricity cost, rented boxes among it.
void resolve_prices(Resolution& r);
/// Needs the prices.
void resolve_tariff(Resolution& r);
/// The months that the scenario is a day of. Needs the prices.
void resolve_plan(Resolution& r);
/// Needs the systems and the prices.
void resolve_timeline(Resolution& r);

/// Which sheets the deployments used, by every name they go by.
struct UsedSheets {
  std::vector<std::string> models, quants, engines;
  std::vector<RawSheet> engine_sheets;
  std::vector<std::vector<std::string>> engines_on;  ///< by system: ids of those that its deployments use
};

/// A model and the format of its weights, as asked for and as found.
struct Weights {
  Text model_asked, quant_asked;
  std::optional<RawSheet> model, quant;
};
/// `path` is what messages call their mapping, which stands at `place`.
Weights open_weights(const Text& model, const Text& quant, const Place& place, const std::string& path, Resolution& r);
/// Reads what was found, the user's overrides laid over it.
void read_weights(const Weights& weights, const std::string& path, models::Architecture& model, models::Quant& quant,
                  UsedSheets& used, Resolution& r);
/// What drafts for a deployment that is known otherwise.
void resolve_speculation(const WrittenDeployment& w, const std::string& path, sim::Deployment& d, UsedSheets& used,
                         Resolution& r);

/// The overrides that a root section (`models:`, `quants:`, `engines:`) has for a sheet, by the name that the
/// deployment uses or by the sheet's id.
template <class Entry>
Overrides user_overrides(const std::vector<Named<Entry>>& section, const char* key, const std::string& asked,
                         const std::string& id) {
  for (const auto& entry : section) {
    if (entry.name == asked || entry.name == id)
      return {entry.value.tree, fmt::format("{}.{}.", key, path_segment(entry.name)), {}};
  }
  return {{}, fmt::format("{}.{}.", key, path_segment(asked)), {}};
}

/// Whether this run rests on a number of a sheet that is assumed.
bool is_assumed(const Resolution& r, const SheetNumber& number);

/// Keeps a sheet's text for the results file and which of its numbers rest on assumption.
template <class T>
void carry(Resolution& r, const std::string& name, const Sheet<T>& sheet) {
  const auto same = [&](const sim::CarriedText& text) { return text.name == name; };
  const bool is_new = std::none_of(r.loaded.texts.begin(), r.loaded.texts.end(), same);
  if (is_new) r.loaded.texts.push_back({name, sheet.source->text});
  for (const auto& base : sheet.bases) {
    if (is_new) r.loaded.texts.push_back({name + "@" + base.sheet, base.source->text});
  }
  const std::string id = name.substr(name.find('/') + 1);
  if (sheet.head.hypothetical) r.loaded.assumed.push_back(fmt::format("{}: hypothetical", id));
  for (const auto& number : sheet.numbers) {
    if (!is_assumed(r, number)) continue;
    r.loaded.assumed.push_back(number.sheet.empty() ? fmt::format("scenario: {}", number.path)
                                                    : fmt::format("{}: {}", number.sheet, number.path));
  }
}

/// Index of a name in a list of named things, or -1 (reported).
int index_of(const Text& name, const std::string& key, const std::vector<std::string>& names, const char* what,
             Diagnostics& diagnostics);

}  // namespace tokwatt::scenarios
