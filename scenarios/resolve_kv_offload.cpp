// Where a deployment keeps copies of KV blocks beside the device's memory.
#include <fmt/format.h>

#include "scenarios/resolve.hpp"

namespace tokwatt::scenarios {

void resolve_kv_offload(const WrittenDeployment& w, const std::string& path, sim::Deployment& d, Resolution& r) {
  if (!w.kv_offload) return;
  const auto& written = *w.kv_offload;
  const auto error = [&](const Place& place, const std::string& what) {
    r.diagnostics.error(place, path + ".kv_offload" + what);
  };
  if (d.engine.policy != models::Policy::vllm) {
    r.infeasible.push_back(
        fmt::format("{}.kv_offload: {} keeps its KV cache in slots, not in blocks", path, d.engine.id));
    return;
  }
  if (!d.prefix_cache)
    error(written.place, " finds blocks by the text that they hold; expected prefix_cache: true beside it");
  if (written.host == 0 && written.disk == 0) error(written.place, " is empty; expected host: 64 GB, for example");
  const auto& system = r.loaded.input.systems[static_cast<std::size_t>(d.systems.front())];
  sim::KvTiers tiers;
  tiers.host = written.host;
  tiers.disk = written.disk;
  tiers.disk_bandwidth = system.box.storage.read;
  if (written.disk > 0 && tiers.disk_bandwidth == 0)
    error(written.place, fmt::format(".disk: the sheet of {} does not say how fast its disk is; expected "
                                     "systems.{}.storage: {{read: 7 GB/s}}, for example",
                                     system.box.id, path_segment(system.name)));
  const Text name = written.link.given() ? written.link : Text{system.box.host_link, written.place};
  if (!name.value.empty()) {  // what is on disk passes over it too
    const auto link = resolve_link(name, path + ".kv_offload.link", r);
    if (!link) return;
    tiers.link = *link;
  } else if (written.host > 0) {
    error(written.place, fmt::format(".host: the sheet of {} has no host_link: where one memory serves both there is "
                                     "nothing to gain; expected disk, or link: pcie5-x16, for example",
                                     system.box.id));
    return;
  }
  d.kv_offload = tiers;
}

}  // namespace tokwatt::scenarios
