// Where deployments run: on which boxes, by how many replicas.
#include <fmt/format.h>

#include <algorithm>

#include "scenarios/resolve.hpp"

namespace tokwatt::scenarios {
namespace {

using sim::Routing;

Routing routing(const std::string& word) {
  if (word == "round-robin") return Routing::round_robin;
  return word == "prefix-aware" ? Routing::prefix_aware : Routing::least_loaded;
}

/// The boxes that runs_on names; those that are wrong are reported and left out.
std::vector<int> systems_of(const WrittenDeployment& w, const std::string& path, Resolution& r) {
  std::vector<std::string> names;
  for (const auto& system : r.loaded.input.systems) names.push_back(system.name);
  std::vector<int> out;
  for (const Text& name : w.runs_on) {
    const int system = index_of(name, path + ".runs_on", names, "system", r.diagnostics);
    if (system < 0) continue;
    if (std::find(out.begin(), out.end(), system) != out.end()) {
      r.diagnostics.error(name.place, fmt::format("{}.runs_on names {} twice", path, path_segment(name.value)));
      continue;
    }
    out.push_back(system);
  }
  return out;
}

/// The engine's limits and what it gets out of a box come from the box's sheet, so that one deployment has one.
void check_equal_boxes(const WrittenDeployment& w, const std::string& path, const std::vector<int>& systems,
                       Resolution& r) {
  for (const int system : systems) {
    const auto& first = r.loaded.input.systems[static_cast<std::size_t>(systems.front())];
    const auto& other = r.loaded.input.systems[static_cast<std::size_t>(system)];
    if (other.box.id == first.box.id) continue;
    r.diagnostics.error(
        w.runs_on.front().place,
        fmt::format("{}.runs_on: {} is a {} and {} is a {}; expected boxes of one sheet (a deployment "
                    "of its own for each kind of box)",
                    path, path_segment(first.name), first.box.id, path_segment(other.name), other.box.id));
    return;
  }
}

}  // namespace

void resolve_placement(const WrittenDeployment& w, const std::string& path, sim::Deployment& d, Resolution& r) {
  d.systems = systems_of(w, path, r);
  if (d.systems.size() < w.runs_on.size() || d.systems.empty()) return;
  check_equal_boxes(w, path, d.systems, r);
  d.replicas = w.replicas;
  d.routing = routing(w.routing.value);
  int64_t devices = 0;
  for (const int system : d.systems) devices += r.loaded.input.systems[static_cast<std::size_t>(system)].count;
  if (d.replicas == devices) return;
  r.diagnostics.error(w.runs_on.front().place,
                      fmt::format("{}.replicas is {}, but it runs on {} device{}; expected replicas: {}", path,
                                  d.replicas, devices, devices == 1 ? "" : "s", devices));
}

}  // namespace tokwatt::scenarios
