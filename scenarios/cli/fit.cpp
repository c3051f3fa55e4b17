#include "scenarios/cli/fit.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "scenarios/read/reader.hpp"
#include "scenarios/sheets/sheets.hpp"
#include "sim/serving/kv_capacity.hpp"

namespace tokwatt::cli {
namespace {

const hardware::Box& box_of(const scenarios::Loaded& loaded, const sim::Deployment& deployment) {
  return loaded.input.systems[static_cast<std::size_t>(deployment.system)].box;
}

/// Bytes of the weights of deployment `index` with another quant; nothing if that does not run or fit either.
std::optional<double> weights_with(const std::string& path, std::vector<std::string> sets, std::size_t index,
                                   const std::string& set) {
  sets.push_back(set);
  try {
    const auto loaded = scenarios::load(path, sets);
    const auto& deployment = loaded.input.deployments.at(index);
    sim::kv_capacity(deployment, box_of(loaded, deployment));
    return sim::memory_plan(deployment, box_of(loaded, deployment).memory).weights;
  } catch (const scenarios::InputError&) {  // overrides of the first quant that the other does not have
    return std::nullopt;
  } catch (const scenarios::Infeasible&) {
    return std::nullopt;
  } catch (const sim::DoesNotFit&) {
    return std::nullopt;
  }
}

std::string advice(const scenarios::Loaded& loaded, std::size_t index, const std::string& path,
                   const std::vector<std::string>& sets) {
  const auto& deployment = loaded.input.deployments[index];
  std::vector<std::pair<double, std::string>> fitting;
  for (const auto& quant : scenarios::ids(scenarios::SheetKind::quant)) {
    const std::string set = fmt::format("deployments.{}.quant={}", scenarios::path_segment(deployment.name), quant);
    const auto weights = quant == deployment.quant.id ? std::nullopt : weights_with(path, sets, index, set);
    if (weights) fitting.emplace_back(*weights, set);
  }
  if (fitting.empty()) return fmt::format("no quant that {} runs there would fit", deployment.engine.id);
  return fmt::format("--set {} would fit", std::max_element(fitting.begin(), fitting.end())->second);
}

}  // namespace

void check_fits(const scenarios::Loaded& loaded, const std::string& path, const std::vector<std::string>& sets) {
  for (std::size_t i = 0; i < loaded.input.deployments.size(); ++i) {
    const auto& deployment = loaded.input.deployments[i];
    try {
      sim::kv_capacity(deployment, box_of(loaded, deployment));
    } catch (const sim::DoesNotFit& error) {
      throw sim::DoesNotFit(fmt::format("{}\n{}", error.what(), advice(loaded, i, path, sets)));
    }
  }
}

}  // namespace tokwatt::cli
