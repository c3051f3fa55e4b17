#include "scenarios/cli/subject.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "scenarios/cli/natural_engine.hpp"
#include "scenarios/sheets/sheets.hpp"

namespace tokwatt::cli {

using scenarios::SheetKind;

models::KvFormat kv_format(const std::string& asked, const models::Engine& engine) {
  const std::string& id = asked.empty() ? engine.default_kv : asked;
  std::vector<std::string> known, has;
  for (const auto& format : models::kv_formats()) {
    known.push_back(format.id);
    if (format.id == id && engine.kv.count(id) > 0) return format;
  }
  for (const auto& [format, yes] : engine.kv) has.push_back(format);
  if (std::find(known.begin(), known.end(), id) != known.end()) {
    throw scenarios::Infeasible(
        fmt::format("{} has no KV cache in {}; it has {}", engine.id, id, scenarios::one_of(has)));
  }
  scenarios::Diagnostics diagnostics;
  diagnostics.error({}, fmt::format("--kv is {}; expected {}", scenarios::in_quotes(id), scenarios::one_of(known)));
  throw scenarios::InputError(diagnostics);
}

Subject assembled(const hardware::Box& box, const models::Architecture& model, const models::Quant& quant,
                  const models::Engine& engine, const std::string& kv) {
  Subject out;
  out.box = box;
  auto& d = out.deployment;
  d.name = fmt::format("{} on {}", model.id, box.id);
  d.model = model;
  d.quant = quant;
  d.engine = engine;
  models::tune(d.engine, d.quant.unpack, d.model.family);
  const std::string reason = why_not(d, box);
  if (!reason.empty()) throw scenarios::Infeasible(reason);
  d.kv = kv_format(kv, engine);
  return out;
}

Subject subject_of(const SubjectNames& names, Shelf& shelf) {
  shelf.open(SheetKind::box, names.system, "--system");
  shelf.open(SheetKind::model, names.model, "--model");
  if (!names.quant.empty()) shelf.open(SheetKind::quant, names.quant, "--quant");
  if (!depends_on_box(names.engine)) shelf.open(SheetKind::engine, names.engine, "--engine");
  shelf.check();
  const hardware::Box& box = shelf.box(names.system).value;
  const std::string engine = engine_meant(box, names.engine);
  shelf.open(SheetKind::engine, engine, "--engine");
  shelf.check();
  return assembled(box, shelf.model(names.model).value, shelf.quant_of(names.model, names.quant),
                   shelf.engine(engine, names.system).value, names.kv);
}

std::string next_quant(const Subject& subject, const std::function<bool(const Subject&)>& fits) {
  Subject other = subject;
  for (const auto& quant : other_quants(subject.deployment, subject.box)) {
    other.deployment.quant = quant;
    if (fits(other)) return quant.id;
  }
  return {};
}

std::string advice_of(const std::string& next, const std::string& engine, bool is_file) {
  if (next.empty()) return fmt::format("no quant that {} runs here would fit", engine);
  return is_file ? fmt::format("a file in {} would fit", next) : fmt::format("--quant {} would fit", next);
}

}  // namespace tokwatt::cli
