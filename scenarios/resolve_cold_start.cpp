// How long a deployment takes until it can serve, where its server starts with the run.
#include <fmt/format.h>

#include <algorithm>

#include "scenarios/resolve.hpp"
#include "sim/serving/kv_capacity.hpp"

namespace tokwatt::scenarios {

namespace {

/// Seconds that a box reads for deployments that are loaded before this one: they share what they are read from.
double read_before(int system, double sim::Deployment::*loaded_in, Resolution& r) {
  double last = 0;  // which waited for those before it
  for (const auto& d : r.loaded.input.deployments) {
    const bool here = std::find(d.systems.begin(), d.systems.end(), system) != d.systems.end();
    if (here && d.*loaded_in > 0) last = std::max(last, d.*loaded_in - d.engine.startup);
  }
  return last;
}

}  // namespace

// After a shutdown nothing is in the page cache. Where the sheet does not say how fast the disk is, the server's own
// start is all that is known.
void resolve_reload(const WrittenDeployment& w, sim::Deployment& d, Resolution& r) {
  d.on_failure = w.on_failure.value == "retry" ? sim::OnFailure::retry : sim::OnFailure::fail;
  d.reload_time = d.engine.startup;
  for (const int s : d.systems) {
    const auto& system = r.loaded.input.systems[static_cast<std::size_t>(s)];
    if (system.box.storage.read == 0) continue;
    const double bytes = sim::memory_plan(d, system.box.memory).weights * static_cast<double>(system.count);
    const double before = read_before(s, &sim::Deployment::reload_time, r);
    d.reload_time = std::max(d.reload_time, d.engine.startup + before + bytes / system.box.storage.read);
  }
}

// Each box reads what its own devices hold, and its devices share the disk: one deployment is read after another.
void resolve_cold_start(const WrittenDeployment& w, const std::string& path, sim::Deployment& d, Resolution& r) {
  if (!w.cold_start.given()) return;
  const bool from_disk = w.cold_start.value == "storage";
  for (const int s : d.systems) {
    const auto& system = r.loaded.input.systems[static_cast<std::size_t>(s)];
    const double rate = from_disk ? system.box.storage.read : system.box.storage.page_cache;
    if (rate == 0) {
      const char* key = from_disk ? "read" : "page_cache";
      r.diagnostics.error(w.cold_start.place,
                          fmt::format("{}.cold_start: the sheet of {} does not say how fast that is; expected "
                                      "systems.{}.storage: {{{}: 7 GB/s}}, for example",
                                      path, system.box.id, path_segment(system.name), key));
      return;
    }
    const double bytes = sim::memory_plan(d, system.box.memory).weights * static_cast<double>(system.count);
    d.load_time =
        std::max(d.load_time, d.engine.startup + read_before(s, &sim::Deployment::load_time, r) + bytes / rate);
  }
}

}  // namespace tokwatt::scenarios
