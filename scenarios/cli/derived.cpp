#include "scenarios/cli/derived.hpp"

#include <fmt/format.h>

#include <nlohmann/json.hpp>

#include "models/graph.hpp"
#include "scenarios/cli/layout.hpp"
#include "scenarios/sheets/sheets.hpp"

namespace tokwatt::cli {
namespace {

using Json = nlohmann::ordered_json;

bool exists(const models::WeightFormat& format) { return format.bits[0] > 0; }

Json weights(const models::Architecture& model) {
  Json out = Json::object();
  scenarios::Diagnostics diagnostics;
  for (const auto& id : scenarios::ids(scenarios::SheetKind::quant)) {
    const auto raw = scenarios::open_sheet(scenarios::SheetKind::quant, {id, {}}, "quant", "", diagnostics);
    const auto quant = models::quant_of_model(scenarios::read_quant(*raw, {}, diagnostics).value, model.id);
    if (!diagnostics.ok()) throw scenarios::InputError(diagnostics);
    if (!scenarios::why_not(model, quant).empty()) continue;
    for (const auto& [container, format] :
         {std::pair{"gguf", &quant.gguf}, std::pair{"safetensors", &quant.safetensors}}) {
      if (exists(*format)) out[id][container] = models::weight_bytes(model, *format);
    }
  }
  return out;
}

}  // namespace

nlohmann::ordered_json derived_json(const models::Architecture& model) {
  Json out = {{"parameters", models::parameters(model)}, {"active_parameters", models::active_parameters(model)}};
  for (const auto& format : models::kv_formats()) {
    const auto kv = models::kv_bytes(model, format.element_bytes);
    out["kv_bytes"][format.id] = {
        {"per_token", kv.per_token}, {"window_fixed", kv.window_fixed}, {"state_fixed", kv.state_fixed}};
  }
  out["weight_bytes"] = weights(model);
  return out;
}

std::string derived_table(const models::Architecture& model) {
  const Json derived = derived_json(model);
  Columns table("ll", 2);
  const auto billions = [](const Json& count) { return three_digits(count.get<double>() / 1e9) + "e9"; };
  table.row({"parameters", billions(derived["parameters"])});
  table.row({"active parameters", billions(derived["active_parameters"]) + " per token"});
  for (const auto& [format, kv] : derived["kv_bytes"].items()) {
    const double fixed = kv["window_fixed"].get<double>();
    std::string text = fmt::format("{} B per token", grouped(static_cast<int64_t>(kv["per_token"].get<double>())));
    const double states = kv["state_fixed"].get<double>();
    if (fixed > 0) text += fmt::format(" + {} per sequence once its windows are full", bytes(fixed));
    if (states > 0) text += fmt::format(" + {} of states per sequence", bytes(states));
    table.row({"KV cache, " + format, text});
  }
  for (const auto& [quant, containers] : derived["weight_bytes"].items()) {
    for (const auto& [container, size] : containers.items())
      table.row({fmt::format("weights, {} {}", quant, container), bytes(size.get<double>())});
  }
  return table.text();
}

}  // namespace tokwatt::cli
