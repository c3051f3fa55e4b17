#pragma once
// The sheets that a command asks for, by name, each opened and read once.
#include <map>
#include <string>
#include <utility>
#include <vector>

#include "scenarios/sheets/sheets.hpp"

namespace tokwatt::cli {

class Shelf {
 public:
  /// `sets` are key=value of the box's sheet, or engine.key=value, model.key=value, quant.key=value of the others; they
  /// are laid over every sheet of their kind.
  explicit Shelf(const std::vector<std::string>& sets = {});

  /// Notes what cannot be found; messages call the name `option`. check() throws if there was such.
  void open(scenarios::SheetKind kind, const std::string& name, const char* option);
  void check() const;

  // Of what was opened, or comes with the program. Each throws InputError for what is wrong in a sheet.
  const scenarios::BoxRead& box(const std::string& name);
  const scenarios::ModelRead& model(const std::string& name);
  const scenarios::QuantRead& quant(const std::string& name);
  /// The quant as the model's published files have it, or as its own file (GGUF) does: there the name may be empty.
  models::Quant quant_of(const std::string& model, const std::string& quant);
  /// The one quant of a model that is a file of its own; empty: it comes in any.
  std::string own_quant(const std::string& model);
  /// The engine as it runs on a box.
  const scenarios::EngineRead& engine(const std::string& name, const std::string& box);

  /// The id of a sheet that was opened.
  const std::string& id(scenarios::SheetKind kind, const std::string& name) { return raw(kind, name).id; }

 private:
  using Name = std::pair<scenarios::SheetKind, std::string>;
  const scenarios::RawSheet& raw(scenarios::SheetKind kind, const std::string& name);
  const scenarios::Overrides& over(scenarios::SheetKind kind) { return over_[kind]; }

  scenarios::Diagnostics diagnostics_;
  std::map<scenarios::SheetKind, scenarios::Overrides> over_;
  std::map<Name, scenarios::RawSheet> raw_;
  std::map<std::string, scenarios::BoxRead> boxes_;
  std::map<std::string, scenarios::ModelRead> models_;
  std::map<std::string, scenarios::QuantRead> quants_;
  std::map<std::pair<std::string, std::string>, scenarios::EngineRead> engines_;  // by name and box
};

}  // namespace tokwatt::cli
