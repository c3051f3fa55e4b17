#pragma once
// What comes with the program: sheets of each kind and ready-made scenarios, by the names they go by.
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "scenarios/sheets/sheets.hpp"

namespace tokwatt::cli {

struct Entry {
  std::string id;  ///< of a scenario, its path in the project
  std::vector<std::string> aliases;
  std::string title;
  bool hypothetical = false;
  std::string_view text;
};

inline constexpr scenarios::SheetKind kSheetKinds[] = {scenarios::SheetKind::box,   scenarios::SheetKind::model,
                                                       scenarios::SheetKind::quant, scenarios::SheetKind::engine,
                                                       scenarios::SheetKind::link,  scenarios::SheetKind::tariff,
                                                       scenarios::SheetKind::api,   scenarios::SheetKind::rental};

std::vector<Entry> sheets(scenarios::SheetKind kind);
std::vector<Entry> ready_made_scenarios();
std::vector<Entry> ready_made_studies();

/// What a tree seems to be, by the keys that only one kind of file has; nothing: none of them.
enum class FileKind { scenario, study, box, model, quant, engine, link, tariff, api, rental };
std::optional<FileKind> kind_of(const scenarios::Node& root);
const char* noun(FileKind kind);
scenarios::SheetKind sheet_kind(FileKind kind);

/// Title and numbers of one sheet, whatever its kind.
struct AnySheet {
  scenarios::SheetKind kind = scenarios::SheetKind::box;
  scenarios::Head head;
  std::vector<scenarios::SheetNumber> numbers;  ///< of a box, those of its `engines:` too
  std::shared_ptr<const scenarios::Source> source;
  std::optional<models::Architecture> model;
  std::vector<std::string> rules;  ///< of a tariff, or of an API with a history, in words
};
AnySheet read_any(scenarios::SheetKind kind, const scenarios::RawSheet& raw, scenarios::Diagnostics& diagnostics);

}  // namespace tokwatt::cli
