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

namespace {

/// Weights that share scales in GGUF (ggml/src/ggml-common.h): a row has whole blocks of them.
int64_t block_of(const models::Quant& quant) {
  if (quant.unpack == "k" || (quant.unpack == "i" && quant.id != "iq4_nl")) return 256;
  return quant.unpack == "i" || quant.unpack == "legacy" || quant.unpack == "mxfp4" ? 32 : 1;
}

bool is_measured(const models::Architecture& model, const models::Quant& quant) {
  const auto files = quant.files.find(model.id);
  if (files == quant.files.end()) return false;
  const auto& bits = files->second.gguf.bits;
  return std::any_of(bits.begin(), bits.end(), [](double b) { return b > 0; });
}

}  // namespace

bool has_files(const models::Architecture& model, const models::Quant& quant) {
  const int64_t block = block_of(quant);
  const auto fits = [&](const models::Layer& layer) {
    return !layer.experts || (layer.experts->ffn % block == 0 && layer.experts->latent % block == 0);
  };
  return is_measured(model, quant) ||
         (model.hidden % block == 0 && std::all_of(model.layers.begin(), model.layers.end(), fits));
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
    if (why_not(other, box).empty() && has_files(other.model, other.quant))
      sized.emplace_back(models::weight_bytes(other.model, weight_format(other)), other.quant);
  }
  std::stable_sort(sized.begin(), sized.end(), [](const auto& a, const auto& b) { return a.first > b.first; });
  std::vector<models::Quant> out;
  for (auto& [bytes, quant] : sized) out.push_back(std::move(quant));
  return out;
}

}  // namespace tokwatt::cli
