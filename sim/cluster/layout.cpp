#include "sim/cluster/layout.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <boost/graph/adjacency_list.hpp>
#include <limits>
#include <stdexcept>

namespace tokwatt::sim {

namespace {

using Devices = std::vector<std::size_t>;
/// The devices of the layout, by index, and what joins them.
using Topology =
    boost::adjacency_list<boost::vecS, boost::vecS, boost::undirectedS, boost::no_property, hardware::Link>;

void join(const Devices& some, const Devices& others, const hardware::Link& link, Topology& topology) {
  for (const std::size_t a : some) {
    for (const std::size_t b : others) {
      if (a == b) continue;
      boost::remove_edge(a, b, topology);
      boost::add_edge(a, b, link, topology);
    }
  }
}

void join_cable(const Cable& cable, const hardware::Link& link, const std::vector<Devices>& devices_of,
                Topology& topology) {
  join(devices_of[static_cast<std::size_t>(cable.a)], devices_of[static_cast<std::size_t>(cable.b)], link, topology);
}

void add_links(const Input& input, const std::vector<Devices>& devices_of, Topology& topology) {
  for (std::size_t s = 0; s < input.systems.size(); ++s) {
    if (input.systems[s].link) join(devices_of[s], devices_of[s], *input.systems[s].link, topology);
  }
  for (const Cable& cable : input.cables) join_cable(cable, cable.link, devices_of, topology);
}

/// A collective waits for its slowest pair. Devices that are not joined are the reader's to refuse.
hardware::Link slowest_link(const Topology& topology, const Devices& devices) {
  hardware::Link slowest{std::numeric_limits<double>::infinity(), 0};
  for (const std::size_t a : devices) {
    for (const std::size_t b : devices) {
      if (a >= b) continue;
      const auto [edge, joined] = boost::edge(a, b, topology);
      if (!joined) throw std::invalid_argument("devices of a replica that no link joins");
      slowest.bandwidth = std::min(slowest.bandwidth, topology[edge].bandwidth);
      slowest.latency = std::max(slowest.latency, topology[edge].latency);
    }
  }
  return slowest;
}

void note_links(const Topology& topology, std::vector<ReplicaPlace>& replicas) {
  for (ReplicaPlace& place : replicas) {
    const hardware::Link link = slowest_link(topology, place.devices);
    const auto known = std::find(place.links.begin(), place.links.end(), link);
    place.link_after.push_back(static_cast<int32_t>(known - place.links.begin()));
    if (known == place.links.end()) place.links.push_back(link);
  }
}

/// As the run starts, then what the timeline does to links, one after the other.
void note_links_of_run(const Input& input, const std::vector<Devices>& devices_of, Layout& out) {
  Topology topology(out.devices.size());
  add_links(input, devices_of, topology);
  note_links(topology, out.replicas);
  for (const Change& change : input.changes) {
    if (change.kind != Change::Kind::link) continue;
    if (change.cable >= 0) {
      join_cable(input.cables[static_cast<std::size_t>(change.cable)], change.link, devices_of, topology);
    } else {
      const auto& within = devices_of[static_cast<std::size_t>(change.system)];
      join(within, within, change.link, topology);
    }
    note_links(topology, out.replicas);
  }
}

}  // namespace

Layout layout(const Input& input) {
  Layout out;
  std::vector<Devices> devices_of(input.systems.size());
  for (std::size_t s = 0; s < input.systems.size(); ++s) {
    for (std::size_t number = 0; number < static_cast<std::size_t>(input.systems[s].count); ++number) {
      devices_of[s].push_back(out.devices.size());
      out.devices.push_back({s, number, {}});
    }
  }
  out.replicas_of.resize(input.deployments.size());
  for (std::size_t d = 0; d < input.deployments.size(); ++d) {
    const auto& deployment = input.deployments[d];
    std::vector<std::size_t> devices;
    for (const int system : deployment.systems) {
      const auto& more = devices_of[static_cast<std::size_t>(system)];
      devices.insert(devices.end(), more.begin(), more.end());
    }
    const auto group = static_cast<std::ptrdiff_t>(deployment.tensor_parallel);
    for (auto first = devices.begin(); devices.end() - first >= group; first += group) {
      const std::vector<std::size_t> mine(first, first + group);
      for (const std::size_t device : mine) out.devices[device].replicas.push_back(out.replicas.size());
      out.replicas_of[d].push_back(out.replicas.size());
      out.replicas.push_back({d, mine, {}, {}});
    }
  }
  note_links_of_run(input, devices_of, out);
  return out;
}

std::string device_name(const Input& input, const hardware::DeviceNode& device) {
  const auto& system = input.systems[device.system];
  return system.count == 1 ? system.name : fmt::format("{}/{}", system.name, device.number);
}

}  // namespace tokwatt::sim
