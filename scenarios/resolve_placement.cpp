// Where deployments run: on which boxes, by how many replicas of how many devices, joined by which links.
#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "scenarios/resolve.hpp"
#include "sim/cluster/memory.hpp"
#include "sim/serving/kv_capacity.hpp"

namespace tokwatt::scenarios {
namespace {

using sim::Routing;

Routing routing(const std::string& word) {
  if (word == "round-robin") return Routing::round_robin;
  return word == "prefix-aware" ? Routing::prefix_aware : Routing::least_loaded;
}

sim::Scheduling scheduling(const std::string& word) {
  if (word == "priority") return sim::Scheduling::priority;
  return word == "shortest-first" ? sim::Scheduling::shortest_first : sim::Scheduling::fcfs;
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

/// What one box says of engines would hold for one replica and not for the others.
void check_engines_of_boxes(const std::string& path, const std::vector<int>& systems, Resolution& r) {
  if (systems.size() < 2) return;
  for (const int s : systems) {
    const auto& system = r.written.systems[static_cast<std::size_t>(s)];
    const Node* engines = system.value.tree.find("engines");
    if (!engines) continue;
    r.diagnostics.error(engines->place,
                        fmt::format("systems.{}.engines: {} runs on several boxes by equal replicas; expected it under "
                                    "engines: of the scenario, for all of them",
                                    path_segment(system.name), path));
  }
}

/// What makes replicas and devices go together: "tensor_parallel: 2, replicas: 2 or systems.pc.count: 1".
std::string ways_to_fill(const sim::Deployment& d, int64_t devices, const Resolution& r) {
  const int64_t asked = d.tensor_parallel * d.replicas;
  std::vector<std::string> ways;
  if (devices % d.replicas == 0) ways.push_back(fmt::format("tensor_parallel: {}", devices / d.replicas));
  if (devices % d.tensor_parallel == 0) ways.push_back(fmt::format("replicas: {}", devices / d.tensor_parallel));
  ways.push_back(
      d.systems.size() == 1
          ? fmt::format("systems.{}.count: {}",
                        path_segment(r.loaded.input.systems[static_cast<std::size_t>(d.systems.front())].name), asked)
          : fmt::format("systems with {} device{} in runs_on", asked, asked == 1 ? "" : "s"));
  return one_of(ways);
}

}  // namespace

void resolve_placement(const WrittenDeployment& w, const std::string& path, sim::Deployment& d, Resolution& r) {
  d.systems = systems_of(w, path, r);
  if (d.systems.size() < w.runs_on.size() || d.systems.empty()) return;
  check_equal_boxes(w, path, d.systems, r);
  check_engines_of_boxes(path, d.systems, r);
  d.tensor_parallel = w.tensor_parallel;
  d.replicas = w.replicas;
  d.share = std::llround(w.share * 1000);
  d.routing = routing(w.routing.value);
  d.scheduling = scheduling(w.scheduling.value);
  int64_t devices = 0;
  for (const int system : d.systems) devices += r.loaded.input.systems[static_cast<std::size_t>(system)].count;
  if (d.tensor_parallel * d.replicas == devices) return;
  r.diagnostics.error(w.runs_on.front().place,
                      fmt::format("{}.runs_on has {} device{}, but tensor_parallel {} x replicas {} = {}; expected {}",
                                  path, devices, devices == 1 ? "" : "s", d.tensor_parallel, d.replicas,
                                  d.tensor_parallel * d.replicas, ways_to_fill(d, devices, r)));
}

void resolve_memory(Resolution& r) {
  if (!r.diagnostics.ok() || !r.infeasible.empty()) return;  // some deployments are not whole
  try {
    sim::divide_memory(r.loaded.input);
  } catch (const sim::DoesNotFit& error) {
    r.infeasible.push_back(error.what());
  }
}

std::optional<hardware::Link> resolve_link(const Text& name, const std::string& key, Resolution& r) {
  const auto sheet = open_sheet(SheetKind::link, name, key, r.folder, r.diagnostics);
  if (!sheet) return std::nullopt;
  const auto read = read_link(*sheet, r.diagnostics);
  carry(r, "links/" + sheet->id, read);
  return read.value;
}

void resolve_cables(Resolution& r) {
  std::vector<std::string> names;
  for (const auto& system : r.loaded.input.systems) names.push_back(system.name);
  for (std::size_t i = 0; i < r.written.links.size(); ++i) {
    const auto& written = r.written.links[i];
    const std::string path = fmt::format("links.{}", i);
    if (written.between.size() != 2) {
      if (!written.between.empty())
        r.diagnostics.error(written.between.front().place,
                            fmt::format("{}.between has {} systems; expected two", path, written.between.size()));
      continue;
    }
    const int a = index_of(written.between[0], path + ".between", names, "system", r.diagnostics);
    const int b = index_of(written.between[1], path + ".between", names, "system", r.diagnostics);
    if (a == b && a >= 0)
      r.diagnostics.error(
          written.between[1].place,
          fmt::format("{}.between names {} twice; between the devices of a box is systems.{}.link", path,
                      names[static_cast<std::size_t>(a)], path_segment(names[static_cast<std::size_t>(a)])));
    const auto joins_them = [&](const sim::Cable& c) { return std::minmax(c.a, c.b) == std::minmax(a, b); };
    auto& cables = r.loaded.input.cables;
    if (a >= 0 && b >= 0 && a != b && std::any_of(cables.begin(), cables.end(), joins_them))
      r.diagnostics.error(written.place,
                          fmt::format("{} joins {} and {} once more; expected one link between two boxes", path,
                                      path_segment(written.between[0].value), path_segment(written.between[1].value)));
    if (!written.type.given()) continue;
    const auto link = resolve_link(written.type, path + ".type", r);
    if (link && a >= 0 && b >= 0) cables.push_back({a, b, *link});
  }
}

namespace {

/// What of a box decides how long an operator takes: devices of one replica have it in common.
bool as_fast(const hardware::Box& a, const hardware::Box& b) {
  return a.compute.peak == b.compute.peak && a.compute.vector == b.compute.vector &&
         a.memory.bandwidth == b.memory.bandwidth && a.memory.usable() == b.memory.usable() &&
         a.clock.min == b.clock.min && a.clock.max == b.clock.max && a.clock.step == b.clock.step &&
         a.clock.of_peak == b.clock.of_peak && a.clock.voltage_min == b.clock.voltage_min &&
         a.clock.voltage_max == b.clock.voltage_max && a.clock.voltage_floor_clock == b.clock.voltage_floor_clock &&
         a.power.per_byte == b.power.per_byte && a.power.per_flop == b.power.per_flop &&
         a.power.energy_rows == b.power.energy_rows;
}

/// Boxes that hold devices of one replica together, each pair once; a box with itself where it holds two of them.
std::vector<std::pair<int, int>> pairs_of_boxes(const sim::Deployment& d, const std::vector<sim::System>& systems) {
  std::vector<int> devices;
  for (const int s : d.systems)
    devices.insert(devices.end(), static_cast<std::size_t>(systems[static_cast<std::size_t>(s)].count), s);
  std::vector<std::pair<int, int>> pairs;
  const auto group = static_cast<std::size_t>(d.tensor_parallel);
  for (std::size_t first = 0; first + group <= devices.size(); first += group) {
    for (std::size_t i = first; i < first + group; ++i) {
      for (std::size_t j = i + 1; j < first + group; ++j) {
        const std::pair<int, int> pair = std::minmax(devices[i], devices[j]);
        if (std::find(pairs.begin(), pairs.end(), pair) == pairs.end()) pairs.push_back(pair);
      }
    }
  }
  return pairs;
}

void check_joined(const WrittenDeployment& w, const std::string& path, const sim::Deployment& d, Resolution& r) {
  const auto& input = r.loaded.input;
  for (const auto& [a, b] : pairs_of_boxes(d, input.systems)) {
    const auto& first = input.systems[static_cast<std::size_t>(a)];
    const auto& second = input.systems[static_cast<std::size_t>(b)];
    const auto joins_them = [&, a = a, b = b](const sim::Cable& c) {
      return std::minmax(c.a, c.b) == std::minmax(a, b);
    };
    const bool joined =
        a == b ? first.link.has_value() : std::any_of(input.cables.begin(), input.cables.end(), joins_them);
    if (!joined) {
      r.diagnostics.error(
          w.runs_on.front().place,
          a == b ? fmt::format("{}.tensor_parallel needs systems.{}.link, such as nvlink4 (tokwatt list links)", path,
                               path_segment(first.name))
                 : fmt::format("{}.tensor_parallel needs a link between {} and {}: links: [{{between: [{}, {}], type: "
                               "cx7-200g}}]",
                               path, path_segment(first.name), path_segment(second.name), first.name, second.name));
    } else if (!as_fast(first.box, second.box)) {
      r.diagnostics.error(
          w.runs_on.front().place,
          fmt::format("{}.tensor_parallel: {} and {} differ in compute, memory, clock or energy; devices that "
                      "share a model are equal",
                      path, path_segment(first.name), path_segment(second.name)));
    }
  }
}

/// A number of heads that does not divide by the devices; 0: all do.
int64_t odd_heads(const models::Architecture& model, int64_t devices) {
  for (const auto& layer : model.layers) {
    for (const int64_t heads :
         {layer.grouped ? layer.grouped->heads : 0, layer.latent ? layer.latent->heads : 0,
          layer.compressed ? layer.compressed->heads : 0, layer.linear ? layer.linear->value_heads : 0}) {
      if (heads % devices != 0) return heads;
    }
  }
  return 0;
}

}  // namespace

void check_tensor_parallel(const WrittenDeployment& w, const std::string& path, const sim::Deployment& d,
                           Resolution& r) {
  if (d.tensor_parallel == 1) return;
  if (!d.engine.tensor_parallel) {
    r.infeasible.push_back(
        fmt::format("{}.tensor_parallel: {} does not split a model's layers over devices", path, d.engine.id));
    return;
  }
  const auto check_heads = [&](const models::Architecture& model) {
    const int64_t heads = odd_heads(model, d.tensor_parallel);
    if (heads == 0) return;
    r.infeasible.push_back(fmt::format("{}.tensor_parallel: {} heads of {} cannot be shared by {} devices", path, heads,
                                       model.id, d.tensor_parallel));
  };
  check_heads(d.model);
  if (d.speculation && !d.speculation->is_head) check_heads(d.speculation->draft);
  check_joined(w, path, d, r);
}

}  // namespace tokwatt::scenarios
