#include "bindings/calibration_names.hpp"

#include <pybind11/stl.h>

#include <string>
#include <vector>

#include "scenarios/cli/natural_engine.hpp"
#include "scenarios/cli/shelf.hpp"
#include "scenarios/diagnostics.hpp"

namespace py = pybind11;

namespace tokwatt::bindings {

namespace {

using scenarios::SheetKind;

py::dict uncertain(const models::Uncertain& from) {
  py::dict out;
  out["value"] = from.value;
  out["draws"] = from.draws;
  return out;
}

py::dict uncertain(const std::map<std::string, models::Uncertain>& from) {
  py::dict out;
  for (const auto& [name, one] : from) out[name.c_str()] = uncertain(one);
  return out;
}

/// What is believed of an engine on a box, before measurements of one's own.
py::dict believed(const std::string& system, const std::string& engine) {
  cli::Shelf shelf;
  shelf.open(SheetKind::box, system, "--system");
  if (!cli::depends_on_box(engine)) shelf.open(SheetKind::engine, engine, "--engine");
  shelf.check();
  const auto& box = shelf.box(system);
  const std::string meant = cli::engine_meant(box.value, engine);
  shelf.open(SheetKind::engine, meant, "--engine");
  shelf.check();
  const auto& read = shelf.engine(meant, system).value;
  const auto& fit = read.calibration;
  py::dict out;
  out["box"] = box.value.id;
  out["box_title"] = box.value.title;
  out["base_ids"] = [&] {
    std::vector<std::string> ids;
    for (const auto& base : box.bases) ids.push_back(base.sheet);
    if (ids.empty() && !box.value.base.empty()) ids.push_back(box.value.base);
    return ids;
  }();
  out["engine"] = read.id;
  out["engine_family"] = read.family;
  out["engine_title"] = read.title;
  out["fixed"] = fit.fixed;
  out["flash_attention"] = read.flash_attention;
  out["base"] = uncertain(fit.base);
  out["by_unpack"] = uncertain(fit.by_unpack);
  out["by_family"] = uncertain(fit.by_family);
  out["spread_prefill"] = fit.spread_prefill;
  out["spread_decode"] = fit.spread_decode;
  return out;
}

py::dict about_model(const models::Architecture& model, const std::vector<std::string>& aliases) {
  py::dict out;
  out["id"] = model.id;
  out["title"] = model.title;
  out["aliases"] = aliases;
  out["family"] = model.family;
  out["native_quant"] = model.native_quant;
  out["parameters"] = models::parameters(model);
  return out;
}

std::vector<std::string> texts(const std::vector<scenarios::Text>& from) {
  std::vector<std::string> out;
  for (const auto& text : from) out.push_back(text.value);
  return out;
}

py::list known_models() {
  py::list out;
  cli::Shelf shelf;
  for (const auto& id : scenarios::ids(SheetKind::model)) {
    const auto& sheet = shelf.model(id);
    out.append(about_model(sheet.value, texts(sheet.head.aliases)));
  }
  return out;
}

py::list known_quants() {
  py::list out;
  cli::Shelf shelf;
  for (const auto& id : scenarios::ids(SheetKind::quant)) {
    const auto& sheet = shelf.quant(id);
    out.append(py::make_tuple(id, texts(sheet.head.aliases)));
  }
  return out;
}

/// Throws InputError with all names that are none.
void check_names(const std::vector<std::string>& models, const std::vector<std::string>& quants) {
  cli::Shelf shelf;
  for (const auto& name : models) shelf.open(SheetKind::model, name, "--model");
  for (const auto& name : quants) shelf.open(SheetKind::quant, name, "--quant");
  shelf.check();
  for (const auto& name : models) shelf.model(name);
  for (const auto& name : quants) shelf.quant(name);
}

}  // namespace

void add_calibration_names(py::module_& m) {
  m.def("believed", &believed, py::arg("system"), py::arg("engine"),
        "What is believed of an engine on a box: points and draws, linked.");
  m.def("known_models", &known_models, "Models that come with the program: id, title, aliases, family, parameters.");
  m.def("known_quants", &known_quants, "Quants that come with the program: (id, aliases).");
  m.def(
      "own_quant", [](const std::string& model) { return cli::Shelf().own_quant(model); }, py::arg("model"),
      "The one quant of a model that is a file of its own; else empty.");
  m.def("check_names", &check_names, py::arg("models"), py::arg("quants"),
        "Raises InputError for names of models and quants that are none.");
  m.def("did_you_mean", &scenarios::did_you_mean, py::arg("word"), py::arg("names"),
        "The nearest name as the end of a message, or nothing.");
}

}  // namespace tokwatt::bindings
