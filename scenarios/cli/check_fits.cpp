#include "scenarios/cli/check_fits.hpp"

#include <fmt/format.h>

#include "scenarios/cli/other_quants.hpp"
#include "scenarios/read/reader.hpp"
#include "sim/serving/kv_capacity.hpp"

namespace tokwatt::cli {
namespace {

const hardware::Box& box_of(const scenarios::Loaded& loaded, const sim::Deployment& deployment) {
  return loaded.input.systems[static_cast<std::size_t>(deployment.systems.front())].box;
}

bool fits(const sim::Deployment& deployment, const hardware::Box& box) {
  try {
    sim::kv_capacity(deployment, box);
    return true;
  } catch (const sim::DoesNotFit&) {
    return false;
  }
}

/// Whether the scenario can be written so: it may say things of the first quant that the other has no use for.
bool loads(const std::string& path, std::vector<std::string> sets, const std::string& set) {
  sets.push_back(set);
  try {
    scenarios::load(path, sets);
    return true;
  } catch (const scenarios::InputError&) {
    return false;
  } catch (const scenarios::Infeasible&) {
    return false;
  }
}

std::string advice(const sim::Deployment& deployment, const hardware::Box& box, const std::string& path,
                   const std::vector<std::string>& sets) {
  sim::Deployment other = deployment;
  for (const auto& quant : other_quants(deployment, box)) {
    other.quant = quant;
    const std::string set = fmt::format("deployments.{}.quant={}", scenarios::path_segment(deployment.name), quant.id);
    if (fits(other, box) && loads(path, sets, set)) return fmt::format("--set {} would fit", set);
  }
  return fmt::format("no quant that {} runs there would fit", deployment.engine.id);
}

}  // namespace

void check_fits(const scenarios::Loaded& loaded, const std::string& path, const std::vector<std::string>& sets) {
  for (const auto& deployment : loaded.input.deployments) {
    if (deployment.hosted) continue;
    const auto& box = box_of(loaded, deployment);
    try {
      sim::kv_capacity(deployment, box);
    } catch (const sim::DoesNotFit& error) {
      throw sim::DoesNotFit(fmt::format("{}\n{}", error.what(), advice(deployment, box, path, sets)));
    }
  }
}

}  // namespace tokwatt::cli
