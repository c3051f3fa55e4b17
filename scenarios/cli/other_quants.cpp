#include "scenarios/cli/other_quants.hpp"

#include <algorithm>

#include "models/graph.hpp"
#include "scenarios/sheets/sheets.hpp"

namespace tokwatt::cli {

using scenarios::SheetKind;

const models::WeightFormat& weight_format(const sim::Deployment& deployment) {
  const bool is_gguf = deployment.engine.container == models::Container::gguf;
  return is_gguf ? deployment.quant.gguf : deployment.quant.safetensors;
}

std::string why_not(const sim::Deployment& deployment, const hardware::Box& box) {
  const std::string reason = scenarios::why_not(box, deployment.engine, deployment.quant);
  return reason.empty() ? scenarios::why_not(deployment.model, deployment.quant) : reason;
}

std::vector<models::Quant> other_quants(const sim::Deployment& deployment, const hardware::Box& box) {
  std::vector<std::pair<double, models::Quant>> sized;
  sim::Deployment other = deployment;
  scenarios::Diagnostics diagnostics;
  for (const auto& id : scenarios::ids(SheetKind::quant)) {
    if (id == deployment.quant.id) continue;
    const auto raw = scenarios::open_sheet(SheetKind::quant, {id, {}}, "quant", "", diagnostics);
    other.quant = models::quant_of_model(scenarios::read_quant(*raw, {}, diagnostics).value, other.model.id);
    if (!diagnostics.ok()) throw scenarios::InputError(diagnostics);
    if (why_not(other, box).empty())
      sized.emplace_back(models::weight_bytes(other.model, weight_format(other)), other.quant);
  }
  std::stable_sort(sized.begin(), sized.end(), [](const auto& a, const auto& b) { return a.first > b.first; });
  std::vector<models::Quant> out;
  for (auto& [bytes, quant] : sized) out.push_back(std::move(quant));
  return out;
}

}  // namespace tokwatt::cli
