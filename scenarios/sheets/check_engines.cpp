// What a box says of engines and quants, including those that no deployment uses: a misspelt one would be silently
// without effect.
#include <fmt/format.h>

#include <algorithm>

#include "scenarios/sheets/sheets.hpp"

namespace tokwatt::scenarios {
namespace {

/// "; did you mean ...?", or how to write an id with a dot that --set took for two keys (llama.cpp-metal).
std::string hint(const Node& key, const Node& value, const std::vector<std::string>& known) {
  const auto is_known = [&](const std::string& id) { return std::find(known.begin(), known.end(), id) != known.end(); };
  std::string meant;
  for (const auto& [inner, ignored] : value.entries) {
    if (meant.empty() && is_known(key.scalar + "." + inner.scalar)) meant = key.scalar + "." + inner.scalar;
  }
  for (const auto& id : known) {
    if (meant.empty() && id.substr(0, key.scalar.size() + 1) == key.scalar + ".") meant = id;
  }
  if (!meant.empty()) return fmt::format("; an id with a dot stands in quotes in a path: engines.\"{}\"", meant);
  const std::string near = did_you_mean(key.scalar, known);
  return near.empty() ? "; expected " + one_of(known) : near;
}

}  // namespace

void check_engines(const RawSheet& box, const std::string& prefix, const std::vector<RawSheet>& own,
                   const std::vector<std::string>& read_elsewhere, Diagnostics& diagnostics) {
  const Node* engines = box.root.find("engines");
  if (!engines) return;
  std::vector<std::string> known = ids(SheetKind::engine);
  for (const auto& sheet : own) {
    if (std::find(known.begin(), known.end(), sheet.id) == known.end()) known.push_back(sheet.id);
  }
  for (const auto& [key, value] : engines->entries) {
    if (std::find(read_elsewhere.begin(), read_elsewhere.end(), key.scalar) != read_elsewhere.end()) continue;
    const auto same = [&id = key.scalar](const RawSheet& sheet) { return sheet.id == id; };
    const auto mine = std::find_if(own.begin(), own.end(), same);
    const std::string path = fmt::format("{}engines.{}", prefix, path_segment(key.scalar));
    if (std::find(known.begin(), known.end(), key.scalar) == known.end()) {
      diagnostics.error(key.place, fmt::format("{}: no engine has this id{}", path, hint(key, value, known)));
      continue;
    }
    const auto sheet = mine != own.end()
                           ? std::optional<RawSheet>(*mine)
                           : open_sheet(SheetKind::engine, {key.scalar, key.place}, path, "", diagnostics);
    if (sheet) read_engine(*sheet, box, {{}, path + ".", {}}, diagnostics);
  }
}

void check_energy_rows(const RawSheet& box, const std::string& prefix, const std::vector<std::string>& own,
                       Diagnostics& diagnostics) {
  const Node* power = box.root.find("power");
  const Node* rows = power ? power->find("energy_rows") : nullptr;
  if (!rows) return;
  std::vector<std::string> known = ids(SheetKind::quant);
  known.insert(known.end(), own.begin(), own.end());
  for (const auto& [key, value] : rows->entries) {
    if (std::find(known.begin(), known.end(), key.scalar) != known.end()) continue;
    diagnostics.error(key.place, fmt::format("{}power.energy_rows.{}: no quant has this id{}", prefix,
                                             path_segment(key.scalar), did_you_mean(key.scalar, known)));
  }
}

}  // namespace tokwatt::scenarios
