#include "scenarios/scenario.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <filesystem>

#include "scenarios/dates.hpp"
#include "scenarios/plan/planning.hpp"
#include "scenarios/read/merge.hpp"
#include "scenarios/resolve.hpp"

namespace tokwatt::scenarios {
namespace {

constexpr double kMostSamples = 20e6;  // of the series: beyond it the file is larger than anybody wants

void resolve_time(Resolution& r) {
  const Written& w = r.written;
  if (w.start.given() && !date_and_time(w.start.value)) {
    r.diagnostics.error(w.start.place, fmt::format("start is {}; expected a date and time such as \"2026-11-23 09:00\"",
                                                   in_quotes(w.start.value)));
  }
  if (w.duration && w.until.given())
    r.diagnostics.error(w.until.place, "until stands beside duration; expected one of them");
  if (w.duration) r.loaded.input.duration = sim::picoseconds(*w.duration);
  r.loaded.input.record_every = sim::picoseconds(w.record.every);
  r.loaded.input.record_requests = w.record.requests;
  if (w.duration && *w.duration / w.record.every > kMostSamples) {
    r.diagnostics.error(w.record.place,
                        fmt::format("record.every makes {:.0f} samples; expected at most {:.0f}, so at least {:.3g} s",
                                    *w.duration / w.record.every, kMostSamples, *w.duration / kMostSamples));
  }
}

std::optional<sim::Room> room_of(const WrittenEnvironment& written) {
  if (!written.room) return std::nullopt;
  const auto& w = *written.room;
  sim::Room room{w.heat_capacity, w.conductance, w.start_temperature, {}};
  if (w.cooling) room.cooling = sim::Cooling{w.cooling->target, w.cooling->cop, w.cooling->max_power};
  return room;
}

/// Everything that is wrong is reported at once, before anything is said to be infeasible. With a load, it is a day of
/// another scenario's plan.
Loaded resolve(const Node& root, const std::string& text, const std::string& folder,
               const std::vector<std::string>& sets, Diagnostics& diagnostics, std::optional<double> load = {},
               double threshold = 0) {
  Written written;
  Reader({diagnostics, false, "", {}, nullptr, {}}).read(root, written);
  const bool is_mapping = root.kind == Node::Kind::mapping;
  if (is_mapping && !root.find("duration") && !root.find("until")) {
    diagnostics.error(written.place, "duration is missing; expected a duration such as \"8 h\", or until: drained");
  }
  if (const Node* tariff = root.find("tariff");
      tariff && tariff->kind == Node::Kind::sequence && tariff->items.empty()) {
    diagnostics.error(tariff->place, "tariff is empty; expected rules such as [{price: 0.15 USD/kWh}]");
  }
  Loaded loaded;
  if (load) multiply_load(written, *load, threshold);
  loaded.start = written.start.value;
  loaded.input.title = written.title;
  loaded.input.seed = static_cast<uint64_t>(written.seed);
  loaded.input.ambient = written.environment.ambient;
  loaded.input.room = room_of(written.environment);
  loaded.texts.push_back({"scenario", text});
  if (!sets.empty()) loaded.texts.push_back({"set", fmt::format("{}\n", fmt::join(sets, "\n"))});
  Resolution r{written, folder, diagnostics, loaded, {}, {}};
  resolve_time(r);
  resolve_systems(r);
  resolve_cables(r);
  resolve_deployments(r);
  resolve_memory(r);
  resolve_workload(r);
  resolve_prices(r);
  resolve_tariff(r);
  resolve_timeline(r);
  if (!load) resolve_plan(r);
  if (!diagnostics.ok()) throw InputError(diagnostics);
  if (!r.infeasible.empty()) throw Infeasible(fmt::format("{}", fmt::join(r.infeasible, "\n")));
  auto& assumed = loaded.assumed;
  std::sort(assumed.begin(), assumed.end());
  assumed.erase(std::unique(assumed.begin(), assumed.end()), assumed.end());
  if (loaded.planning) {
    auto planning = std::make_shared<Planning>(*loaded.planning);
    planning->at_load = [=](double times, double of_users) {
      Diagnostics of_the_day;
      return resolve(root, text, folder, sets, of_the_day, times, of_users);
    };
    loaded.planning = std::move(planning);
  }
  return loaded;
}

Loaded resolve_scenario(const Node& root, const std::string& text, const std::string& folder,
                        const std::vector<std::string>& sets, Diagnostics& diagnostics) {
  if (root.find("axes") && !root.find("workload")) {
    diagnostics.error(root.place, "axes make it a study, which tokwatt study runs; expected a scenario");
    throw InputError(diagnostics);
  }
  // A text that is no YAML has no keys to complain about.
  if (!diagnostics.ok() && root.kind != Node::Kind::mapping) throw InputError(diagnostics);
  return resolve(root, text, folder, sets, diagnostics);
}

Loaded load_source(const std::shared_ptr<const Source>& source, const std::string& folder,
                   const std::vector<std::string>& sets, Diagnostics& diagnostics) {
  Node root = parse(source, diagnostics);
  for (const auto& option : sets) apply_set(root, option, diagnostics);
  return resolve_scenario(root, source->text, folder, sets, diagnostics);
}

}  // namespace

Loaded load(const std::string& path, const std::vector<std::string>& sets) {
  Diagnostics diagnostics;
  const auto source = read_source(path, {}, diagnostics);
  if (!diagnostics.ok()) throw InputError(diagnostics);
  return load_source(source, std::filesystem::path(path).parent_path().string(), sets, diagnostics);
}

Loaded load_text(const std::string& name, const std::string& text, const std::string& folder,
                 const std::vector<std::string>& sets) {
  Diagnostics diagnostics;
  return load_source(std::make_shared<Source>(Source{name, text}), folder, sets, diagnostics);
}

Loaded load_tree(const Node& root, const std::string& folder, Diagnostics& diagnostics) {
  return resolve_scenario(root, root.place.source->text, folder, {}, diagnostics);
}

}  // namespace tokwatt::scenarios
