#include "scenarios/scenario.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <filesystem>

#include "scenarios/read/merge.hpp"
#include "scenarios/resolve.hpp"

namespace tokwatt::scenarios {
namespace {

constexpr double kMostSamples = 20e6;  // of the series: beyond it the file is larger than anybody wants

/// "2026-11-23 09:00", seconds optional.
bool is_date_and_time(const std::string& text) {
  unsigned month = 0, day = 0, hour = 0, minute = 0, second = 0;
  int year = 0, used = 0;
  const bool digits_only = text.find_first_not_of("0123456789-: ") == std::string::npos;
  if (!digits_only || text.size() < 16 || text[4] != '-' || text[7] != '-' || text[10] != ' ' || text[13] != ':')
    return false;
  if (std::sscanf(text.c_str(), "%4d-%2u-%2u %2u:%2u%n", &year, &month, &day, &hour, &minute, &used) != 5 || used != 16)
    return false;
  if (text.size() > 16) {
    if (text.size() != 19 || std::sscanf(text.c_str() + 16, ":%2u%n", &second, &used) != 1 || used != 3) return false;
  }
  const std::chrono::year_month_day date{std::chrono::year{year}, std::chrono::month{month}, std::chrono::day{day}};
  return date.ok() && hour < 24 && minute < 60 && second < 60;
}

void resolve_time(Resolution& r) {
  const Written& w = r.written;
  if (w.start.given() && !is_date_and_time(w.start.value)) {
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

void resolve_prices(Resolution& r) {
  const WrittenPrices& p = r.written.prices;
  r.loaded.input.prices.electricity = p.electricity;
  r.loaded.input.prices.horizon = p.horizon.value_or(kDefaultHorizon);
  auto& systems = r.loaded.input.systems;
  if ((p.hardware || p.resale) && systems.size() > 1) {
    r.diagnostics.error(
        p.place, "prices.hardware and prices.resale are of one system; with more, give systems.NAME.price to each");
  }
  for (auto& system : systems) {
    if (p.hardware) system.box.price.purchase = *p.hardware;
    if (p.resale) system.box.price.resale_fraction = *p.resale;
  }
}

std::optional<sim::Room> room_of(const WrittenEnvironment& written) {
  if (!written.room) return std::nullopt;
  const auto& w = *written.room;
  sim::Room room{w.heat_capacity, w.conductance, w.start_temperature, {}};
  if (w.cooling) room.cooling = sim::Cooling{w.cooling->target, w.cooling->cop, w.cooling->max_power};
  return room;
}

/// Everything that is wrong is reported at once, before anything is said to be infeasible.
Loaded resolve(const Node& root, const std::string& text, const std::string& folder,
               const std::vector<std::string>& sets, Diagnostics& diagnostics) {
  Written written;
  Reader({diagnostics, false, "", {}, nullptr, {}}).read(root, written);
  const bool is_mapping = root.kind == Node::Kind::mapping;
  if (is_mapping && !root.find("duration") && !root.find("until")) {
    diagnostics.error(written.place, "duration is missing; expected a duration such as \"8 h\", or until: drained");
  }
  Loaded loaded;
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
  resolve_timeline(r);
  if (!diagnostics.ok()) throw InputError(diagnostics);
  if (!r.infeasible.empty()) throw Infeasible(fmt::format("{}", fmt::join(r.infeasible, "\n")));
  auto& assumed = loaded.assumed;
  std::sort(assumed.begin(), assumed.end());
  assumed.erase(std::unique(assumed.begin(), assumed.end()), assumed.end());
  return loaded;
}

Loaded load_source(const std::shared_ptr<const Source>& source, const std::string& folder,
                   const std::vector<std::string>& sets, Diagnostics& diagnostics) {
  Node root = parse(source, diagnostics);
  for (const auto& option : sets) apply_set(root, option, diagnostics);
  // A text that is no YAML has no keys to complain about.
  if (!diagnostics.ok() && root.kind != Node::Kind::mapping) throw InputError(diagnostics);
  return resolve(root, source->text, folder, sets, diagnostics);
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
  return resolve(root, root.place.source->text, folder, {}, diagnostics);
}

}  // namespace tokwatt::scenarios
