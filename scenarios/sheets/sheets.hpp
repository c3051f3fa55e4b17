#pragma once
// Finds sheets (the ones compiled in, by id or alias; or a file of the user's, by path), lays overrides over them,
// reads them.
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "scenarios/diagnostics.hpp"
#include "scenarios/read/reader.hpp"
#include "scenarios/sheets/sheet_fields.hpp"

namespace tokwatt::scenarios {

struct GgufModel;

enum class SheetKind { box, model, quant, engine, link, tariff, api, rental };
/// "box", "model", ... "rental".
const char* noun(SheetKind kind);

/// Ids of the sheets that come with the program, sorted.
std::vector<std::string> ids(SheetKind kind);
/// Text of such a sheet by its id; empty if there is none.
std::string_view sheet_text(SheetKind kind, const std::string& id);

/// Ids and aliases are one name in any case: people write Q4_K_M for q4_k_m.
bool same_name(const std::string& a, const std::string& b);
/// What --engine calls llama.cpp on whichever backend a box has.
inline constexpr const char* kLlamaCpp = "llama.cpp";
/// The id of such a sheet by its id or an alias, in any case.
std::optional<std::string> shipped_id(SheetKind kind, const std::string& name);

/// A sheet as a tree, not yet checked.
struct RawSheet {
  std::string id;
  std::shared_ptr<const Source> source;
  Node root;
  bool is_config = false;                   ///< a Hugging Face config.json
  std::shared_ptr<const GgufModel> gguf{};  ///< of a GGUF file, which is no tree; else null
  std::vector<Origin> bases{};              ///< boxes that it was laid over (`base:`), the nearest first
};

/// A sheet as one of the texts that take part in a tree.
Origin origin_of(const RawSheet& sheet, std::string prefix);

/// Lays a box's sheet over the one that its `base:` names (an id, an alias, or a path relative to `folder`), and that
/// one over its own. A box of a file that open_sheet() did not open.
void lay_over_base(RawSheet& box, const std::string& folder, Diagnostics& diagnostics);

/// The quant that a deployment of a model has: the one that was asked for, or else the one that the model's own file
/// (GGUF) is stored in. Reports at `place`, as `key`, that there is neither.
Text quant_meant(const RawSheet& model, const Text& asked, const Place& place, const std::string& key,
                 Diagnostics& diagnostics);
/// Reports a quant that the model's own file is not stored in.
void check_stored(const RawSheet& model, const RawSheet& quant, const Place& place, const std::string& key,
                  Diagnostics& diagnostics);
/// A quant as the model's own file has it, to the byte; as it is where the model is no such file.
models::Quant as_stored(const models::Quant& quant, const RawSheet& model);

/// What an option names: paths on the command line start at the current folder, those in a scenario at its own. Names
/// of sheets, and paths to nothing, stay as they are.
std::string path_from_here(const std::string& name);
/// The sheet that a user means by an id, an alias, or a path (relative to `folder`). Reports what cannot be found.
/// `key` is what messages call the place, "systems.desk.sheet".
std::optional<RawSheet> open_sheet(SheetKind kind, const Text& asked, const std::string& key, const std::string& folder,
                                   Diagnostics& diagnostics);

/// A box in one of its modes, which must be there. `key` is what messages call the place, "systems.desk.mode".
RawSheet in_mode(RawSheet box, const Text& mode, const std::string& key, Diagnostics& diagnostics);

/// What was laid over a sheet.
struct Overrides {
  Node tree;                           ///< a mapping; a null node is none
  std::string prefix;                  ///< what messages put before its paths, "systems.desk."
  std::vector<std::string> more_keys;  ///< keys beside the sheet's that may be meant by a misspelt one
};

/// A sheet that was read, with where each of its numbers comes from.
template <class T>
struct Sheet {
  T value;
  Head head;
  std::vector<SheetNumber> numbers;
  std::shared_ptr<const Source> source;
  std::vector<Origin> bases{};  ///< of a box that is laid over another
};
using BoxRead = Sheet<hardware::Box>;
using ModelRead = Sheet<models::Architecture>;
using QuantRead = Sheet<models::Quant>;
using EngineRead = Sheet<models::Engine>;
using LinkRead = Sheet<hardware::Link>;

// Each reports every mistake, of fields and of what they mean together; the value is to be used only if there was none.
BoxRead read_box(const RawSheet& sheet, const Overrides& over, Diagnostics& diagnostics);
ModelRead read_model(const RawSheet& sheet, const Overrides& over, Diagnostics& diagnostics);
QuantRead read_quant(const RawSheet& sheet, const Overrides& over, Diagnostics& diagnostics);
LinkRead read_link(const RawSheet& sheet, Diagnostics& diagnostics);
/// The engine as it runs on a box: its own sheet, over it what the box's sheet says of it, over that the user's
/// overrides.
EngineRead read_engine(const RawSheet& sheet, const RawSheet& box, const Overrides& over, Diagnostics& diagnostics);

/// Checks that every key under a box's `engines:` is the id of an engine (one that comes with the program, or one of
/// `own`), and what it says by that engine's fields. `prefix` is what messages put before the path ("systems.desk.");
/// the engines `read_elsewhere` are left out.
void check_engines(const RawSheet& box, const std::string& prefix, const std::vector<RawSheet>& own,
                   const std::vector<std::string>& read_elsewhere, Diagnostics& diagnostics);
/// Checks that every key under a box's `power.energy_rows:` is the id of a quant (one that comes with the program, or
/// one of `own`).
void check_energy_rows(const RawSheet& box, const std::string& prefix, const std::vector<std::string>& own,
                       Diagnostics& diagnostics);

/// Why a model does not come in a quant; empty when it does.
std::string why_not(const models::Architecture& model, const models::Quant& quant);
/// Why an engine cannot run a quant on a box; empty when it can.
std::string why_not(const hardware::Box& box, const models::Engine& engine, const models::Quant& quant);
/// What the engine would use of what a box offers (cuda, metal, ...); empty if it runs on nothing of that.
std::string backend_of(const hardware::Box& box, const models::Engine& engine);

}  // namespace tokwatt::scenarios
