#include "scenarios/cli/bench_subject.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "models/graph.hpp"
#include "scenarios/read/merge.hpp"
#include "scenarios/sheets/sheets.hpp"

namespace tokwatt::cli {

using scenarios::SheetKind;

namespace {

std::optional<scenarios::RawSheet> open(SheetKind kind, const std::string& name, const char* option,
                                        scenarios::Diagnostics& diagnostics) {
  return scenarios::open_sheet(kind, {name, {}}, option, "", diagnostics);
}

/// The engine's own KV format, or the one that was asked for.
models::KvFormat kv_format(const std::string& asked, const models::Engine& engine,
                           scenarios::Diagnostics& diagnostics) {
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
  diagnostics.error({}, fmt::format("--kv is {}; expected {}", scenarios::in_quotes(id), scenarios::one_of(known)));
  throw scenarios::InputError(diagnostics);
}

}  // namespace

const models::WeightFormat& Subject::weights() const {
  return deployment.engine.container == models::Container::gguf ? deployment.quant.gguf : deployment.quant.safetensors;
}

Subject subject_of(const SubjectNames& names) {
  scenarios::Diagnostics diagnostics;
  auto box = open(SheetKind::box, names.system, "--system", diagnostics);
  const auto model = open(SheetKind::model, names.model, "--model", diagnostics);
  const auto quant = open(SheetKind::quant, names.quant, "--quant", diagnostics);
  const auto engine = open(SheetKind::engine, names.engine, "--engine", diagnostics);
  scenarios::Overrides over;
  for (const auto& option : names.sets) scenarios::apply_set(over.tree, option, diagnostics);
  if (!diagnostics.ok()) throw scenarios::InputError(diagnostics);

  Subject out;
  out.box = scenarios::read_box(*box, over, diagnostics).value;
  if (over.tree.kind == scenarios::Node::Kind::mapping) box->root = scenarios::merge(box->root, over.tree);
  auto& d = out.deployment;
  d.name = fmt::format("{} on {}", model->id, box->id);
  d.model = scenarios::read_model(*model, {}, diagnostics).value;
  d.quant = scenarios::read_quant(*quant, {}, diagnostics).value;
  d.engine = scenarios::read_engine(*engine, *box, {}, diagnostics).value;
  scenarios::check_engines(*box, "", {*engine}, engine->id, diagnostics);
  if (!diagnostics.ok()) throw scenarios::InputError(diagnostics);
  std::string reason = scenarios::why_not(out.box, d.engine, d.quant);
  if (reason.empty()) reason = scenarios::why_not(d.model, d.quant);
  if (!reason.empty()) throw scenarios::Infeasible(reason);
  d.kv = kv_format(names.kv, d.engine, diagnostics);
  return out;
}

std::string next_quant(const SubjectNames& names, const std::function<bool(const Subject&)>& fits) {
  std::vector<std::pair<double, std::string>> fitting;  // bytes, id
  for (const auto& id : scenarios::ids(SheetKind::quant)) {
    if (id == names.quant) continue;
    SubjectNames other = names;
    other.quant = id;
    try {
      const Subject subject = subject_of(other);
      if (fits(subject)) fitting.emplace_back(models::weight_bytes(subject.deployment.model, subject.weights()), id);
    } catch (const scenarios::Infeasible&) {
      // what the engine does not run is no alternative
    }
  }
  return fitting.empty() ? std::string() : std::max_element(fitting.begin(), fitting.end())->second;
}

}  // namespace tokwatt::cli
