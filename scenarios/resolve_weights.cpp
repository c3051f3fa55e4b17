// The weights that a deployment serves, or that draft for it: a model, and the format they are stored in.
#include <fmt/format.h>

#include <algorithm>

#include "scenarios/resolve.hpp"

namespace tokwatt::scenarios {
namespace {

void note(std::vector<std::string>& used, const std::string& asked, const std::string& id) {
  used.push_back(asked);
  if (id != asked) used.push_back(id);
}

}  // namespace

Weights open_weights(const Text& model, const Text& quant, const Place& place, const std::string& path, Resolution& r) {
  const auto open = [&](SheetKind kind, const Text& asked, const char* key) {
    return asked.given() ? open_sheet(kind, asked, path + key, r.folder, r.diagnostics) : std::nullopt;
  };
  Weights out{model, quant, open(SheetKind::model, model, ".model"), std::nullopt};
  if (out.model)
    out.quant_asked =
        quant_meant(*out.model, quant, quant.given() ? quant.place : place, path + ".quant", r.diagnostics);
  out.quant = open(SheetKind::quant, out.quant_asked, ".quant");
  return out;
}

void read_weights(const Weights& w, const std::string& path, models::Architecture& model, models::Quant& quant,
                  UsedSheets& used, Resolution& r) {
  if (w.model) {
    note(used.models, w.model_asked.value, w.model->id);
    const auto read = read_model(*w.model, user_overrides(r.written.models, "models", w.model_asked.value, w.model->id),
                                 r.diagnostics);
    model = read.value;
    carry(r, "models/" + w.model->id, read);
  }
  if (w.quant) {
    note(used.quants, w.quant_asked.value, w.quant->id);
    const auto read = read_quant(*w.quant, user_overrides(r.written.quants, "quants", w.quant_asked.value, w.quant->id),
                                 r.diagnostics);
    quant = read.value;
    carry(r, "quants/" + w.quant->id, read);
  }
  if (w.model) quant = as_stored(models::quant_of_model(quant, model.id), *w.model);
  if (w.model && w.quant) check_stored(*w.model, *w.quant, w.quant_asked.place, path + ".quant", r.diagnostics);
}

}  // namespace tokwatt::scenarios
