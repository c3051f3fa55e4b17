#include "scenarios/cli/shelf.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "scenarios/gguf_model.hpp"
#include "scenarios/read/merge.hpp"

namespace tokwatt::cli {

using scenarios::Node;
using scenarios::SheetKind;

namespace {

/// Takes the mapping under `key` out of a tree; a null node if there is none.
Node taken_out(Node& tree, const std::string& key) {
  const auto is_it = [&](const auto& entry) { return entry.first.scalar == key; };
  const auto found = std::find_if(tree.entries.begin(), tree.entries.end(), is_it);
  if (found == tree.entries.end()) return {};
  Node out = std::move(found->second);
  tree.entries.erase(found);
  return out;
}

bool is_shipped(const scenarios::RawSheet& box) {
  return box.source->text == scenarios::sheet_text(SheetKind::box, box.id);
}

}  // namespace

Shelf::Shelf(const std::vector<std::string>& sets) {
  Node tree;
  for (const auto& option : sets) scenarios::apply_set(tree, option, diagnostics_);
  for (const auto kind : {SheetKind::model, SheetKind::quant, SheetKind::engine}) {
    const std::string key = scenarios::noun(kind);
    Node own = taken_out(tree, key);
    if (own.kind != Node::Kind::null && own.kind != Node::Kind::mapping)
      diagnostics_.error(own.place, fmt::format("{0} is not a mapping; expected a key of it: {0}.KEY=value", key));
    over_[kind] = {std::move(own), key + ".", {}};
  }
  if (tree.entries.empty()) tree = {};
  over_[SheetKind::box] = {std::move(tree), "", {}};
}

void Shelf::open(SheetKind kind, const std::string& name, const char* option) {
  if (raw_.count({kind, name}) > 0) return;
  auto sheet = scenarios::open_sheet(kind, {name, {}}, option, "", diagnostics_);
  if (sheet) raw_.emplace(Name{kind, name}, std::move(*sheet));
}

void Shelf::check() const {
  if (!diagnostics_.ok()) throw scenarios::InputError(diagnostics_);
}

const scenarios::RawSheet& Shelf::raw(SheetKind kind, const std::string& name) {
  open(kind, name, scenarios::noun(kind));
  check();
  return raw_.at({kind, name});
}

const scenarios::BoxRead& Shelf::box(const std::string& name) {
  const auto found = boxes_.find(name);
  if (found != boxes_.end()) return found->second;
  auto read = scenarios::read_box(raw(SheetKind::box, name), over(SheetKind::box), diagnostics_);
  check();
  // What the user says of engines on this box is read with each engine.
  const Node& own = over(SheetKind::box).tree;
  auto& sheet = raw_.at({SheetKind::box, name});
  if (own.kind == Node::Kind::mapping) sheet.root = scenarios::merge(sheet.root, own);
  return boxes_.emplace(name, std::move(read)).first->second;
}

const scenarios::ModelRead& Shelf::model(const std::string& name) {
  const auto found = models_.find(name);
  if (found != models_.end()) return found->second;
  auto read = scenarios::read_model(raw(SheetKind::model, name), over(SheetKind::model), diagnostics_);
  check();
  return models_.emplace(name, std::move(read)).first->second;
}

const scenarios::QuantRead& Shelf::quant(const std::string& name) {
  const auto found = quants_.find(name);
  if (found != quants_.end()) return found->second;
  auto read = scenarios::read_quant(raw(SheetKind::quant, name), over(SheetKind::quant), diagnostics_);
  check();
  return quants_.emplace(name, std::move(read)).first->second;
}

models::Quant Shelf::quant_of(const std::string& model, const std::string& name) {
  const auto& file = raw(SheetKind::model, model);
  const std::string meant = scenarios::quant_meant(file, {name, {}}, {}, "--quant", diagnostics_).value;
  check();
  scenarios::check_stored(file, raw(SheetKind::quant, meant), {}, "--quant", diagnostics_);
  check();
  return scenarios::as_stored(models::quant_of_model(quant(meant).value, file.id), file);
}

std::string Shelf::own_quant(const std::string& model) {
  const auto& file = raw(SheetKind::model, model);
  return file.gguf ? file.gguf->quant : std::string();
}

const scenarios::EngineRead& Shelf::engine(const std::string& name, const std::string& box) {
  const auto found = engines_.find({name, box});
  if (found != engines_.end()) return found->second;
  this->box(box);
  const auto& sheet = raw(SheetKind::engine, name);
  const auto& on = raw(SheetKind::box, box);
  auto read = scenarios::read_engine(sheet, on, over(SheetKind::engine), diagnostics_);
  // The tests have checked what comes with the program; the rest may name engines that there are not.
  const bool is_users = over(SheetKind::box).tree.kind != Node::Kind::null || !is_shipped(on);
  if (is_users) scenarios::check_engines(on, "", {sheet}, {sheet.id}, diagnostics_);
  check();
  return engines_.emplace(std::pair{name, box}, std::move(read)).first->second;
}

}  // namespace tokwatt::cli
