// Models that bring their quant along: GGUF files.
#include <fmt/format.h>

#include "scenarios/gguf_model.hpp"
#include "scenarios/sheets/sheets.hpp"

namespace tokwatt::scenarios {

Text quant_meant(const RawSheet& model, const Text& asked, const Place& place, const std::string& key,
                 Diagnostics& diagnostics) {
  if (!asked.value.empty()) return asked;
  if (model.gguf) return {model.gguf->quant, place};
  diagnostics.error(place, fmt::format("{} is missing; expected the format of the weights", key));
  return {};
}

void check_stored(const RawSheet& model, const RawSheet& quant, const Place& place, const std::string& key,
                  Diagnostics& diagnostics) {
  if (!model.gguf || model.gguf->quant == quant.id) return;
  diagnostics.error(place, fmt::format("{} is {}, but {} is stored in {}; expected that, or nothing", key, quant.id,
                                       model.source->name, model.gguf->quant));
}

models::Quant as_stored(const models::Quant& quant, const RawSheet& model) {
  if (!model.gguf) return quant;
  models::Quant out = quant;
  out.gguf = model.gguf->format;
  out.safetensors = {};
  out.files.clear();
  out.experts_only = false;  // it is stored so, whatever of it is
  return out;
}

}  // namespace tokwatt::scenarios
