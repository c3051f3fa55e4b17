// tokwatt show: a sheet, number by number, with where each comes from.
#include <fmt/format.h>

#include <algorithm>
#include <filesystem>
#include <nlohmann/json.hpp>
#include <ostream>

#include "scenarios/cli/catalog.hpp"
#include "scenarios/cli/derived.hpp"
#include "scenarios/cli/layout.hpp"
#include "scenarios/cli/options.hpp"

namespace tokwatt::cli {
namespace {

using Json = nlohmann::ordered_json;
using scenarios::SheetKind;
using scenarios::SheetNumber;

struct Found {
  SheetKind kind;
  scenarios::RawSheet raw;
};

/// Every name that a sheet goes by.
std::vector<std::string> all_names() {
  std::vector<std::string> names;
  for (const auto kind : kSheetKinds) {
    for (const auto& entry : sheets(kind)) {
      names.push_back(entry.id);
      names.insert(names.end(), entry.aliases.begin(), entry.aliases.end());
    }
  }
  return names;
}

Found opened(SheetKind kind, const std::string& name, scenarios::Diagnostics& diagnostics) {
  auto sheet = scenarios::open_sheet(kind, {name, {}}, "NAME", "", diagnostics);
  if (!sheet) throw scenarios::InputError(diagnostics);
  return {kind, std::move(*sheet)};
}

/// A file of the user's: a sheet of the kind that its keys say, or a model in its own format.
Found find_file(const std::string& name, scenarios::Diagnostics& diagnostics) {
  std::error_code no_throw;
  const auto extension = std::filesystem::path(name).extension();
  const bool is_model = std::filesystem::is_directory(name, no_throw) || extension == ".gguf" || extension == ".json";
  if (is_model) return opened(SheetKind::model, name, diagnostics);
  scenarios::RawSheet sheet;
  sheet.source = scenarios::read_source(name, {}, diagnostics);
  if (!diagnostics.ok()) throw scenarios::InputError(diagnostics);
  sheet.root = scenarios::parse(sheet.source, diagnostics);
  const auto kind = kind_of(sheet.root).value_or(FileKind::scenario);
  if ((kind == FileKind::scenario || kind == FileKind::study) && diagnostics.ok())
    diagnostics.error({sheet.source, 1, 1, 1},
                      "this is no sheet; expected a box, model, quant, engine, link, tariff, API or rental");
  if (!diagnostics.ok()) throw scenarios::InputError(diagnostics);
  const auto* id = sheet.root.find("id");
  sheet.id = id ? id->scalar : name;
  if (sheet_kind(kind) == SheetKind::box)
    scenarios::lay_over_base(sheet, std::filesystem::path(name).parent_path().string(), diagnostics);
  if (!diagnostics.ok()) throw scenarios::InputError(diagnostics);
  return {sheet_kind(kind), std::move(sheet)};
}

/// By id or alias among the sheets of all kinds; else by path.
Found find(const std::string& name, scenarios::Diagnostics& diagnostics) {
  for (const auto kind : kSheetKinds) {
    if (const auto id = scenarios::shipped_id(kind, name)) return opened(kind, *id, diagnostics);
  }
  std::error_code no_throw;
  if (name.find_first_of("/.") != std::string::npos || std::filesystem::is_directory(name, no_throw))
    return find_file(name, diagnostics);
  const std::string hint = scenarios::did_you_mean(name, all_names());
  diagnostics.error(
      {},
      fmt::format(
          "there is no sheet {}{}", scenarios::in_quotes(name),
          hint.empty() ? "; see tokwatt list systems, models, quants, engines, links, tariffs, apis, rentals" : hint));
  throw scenarios::InputError(diagnostics);
}

/// "memory.bandwidth" as {"memory", "bandwidth"}.
std::pair<std::string, std::string> split(const std::string& path) {
  const auto dot = path.rfind('.');
  return dot == std::string::npos ? std::pair{std::string(), path}
                                  : std::pair{path.substr(0, dot), path.substr(dot + 1)};
}

std::string number_table(std::vector<SheetNumber> numbers, const Terminal& terminal) {
  // What stands outside sections comes first: below one it would seem to belong there.
  std::stable_partition(numbers.begin(), numbers.end(),
                        [](const SheetNumber& n) { return split(n.path).first.empty(); });
  Columns table("llll", 2);
  std::string section = "-";
  for (const auto& number : numbers) {
    const auto [above, name] = split(number.path);
    if (above != section && !above.empty()) table.line(terminal.heading(above));
    section = above;
    table.row({name, number.text, number.confidence, fmt::format("{}", fmt::join(number.sources, ", "))});
    if (!number.note.empty()) table.line("      " + wrapped(number.note, 6));
  }
  return table.text();
}

std::string as_table(const AnySheet& sheet, const std::string& id, const Terminal& terminal) {
  const auto& head = sheet.head;
  std::string out = terminal.heading(wrapped(fmt::format("{}: {}", id, head.title.value))) + "\n";
  std::string kind = scenarios::noun(sheet.kind);
  std::vector<std::string> aliases;
  for (const auto& alias : head.aliases) aliases.push_back(alias.value);
  if (!aliases.empty()) kind += fmt::format(", also called {}", fmt::join(aliases, ", "));
  if (head.describes.software.given())
    kind += fmt::format("; as of {}: {}", head.describes.date.value, head.describes.software.value);
  if (head.hypothetical) kind += "; hypothetical: it cannot be bought";
  out += wrapped(kind) + "\n";
  std::string description = head.description.value;
  description.erase(description.find_last_not_of(" \n") + 1);
  std::replace(description.begin(), description.end(), '\n', ' ');
  if (!description.empty()) out += "\n" + wrapped(description) + "\n";
  out += "\n" + number_table(sheet.numbers, terminal);
  if (sheet.model) out += "\n" + terminal.heading("derived") + "\n" + derived_table(*sheet.model);
  if (!sheet.rules.empty()) {
    out += "\n" + terminal.heading("in order") + "\n";
    for (const auto& rule : sheet.rules) out += "  " + wrapped(rule, 4) + "\n";
  }
  if (head.sources.empty()) return out;
  out += "\n" + terminal.heading("sources") + "\n";
  Columns sources("ll", 2);
  for (const auto& source : head.sources) sources.row({source.name, source.value.value});
  return out + sources.text();
}

std::string as_json(const AnySheet& sheet, const std::string& id) {
  const auto& head = sheet.head;
  Json out = {{"kind", scenarios::noun(sheet.kind)}, {"id", id}, {"title", head.title.value}};
  out["aliases"] = Json::array();
  for (const auto& alias : head.aliases) out["aliases"].push_back(alias.value);
  out["describes"] = {{"date", head.describes.date.value}, {"software", head.describes.software.value}};
  out["description"] = head.description.value;
  out["hypothetical"] = head.hypothetical;
  out["sources"] = Json::object();
  for (const auto& source : head.sources) out["sources"][source.name] = source.value.value;
  out["numbers"] = Json::array();
  for (const auto& n : sheet.numbers) {
    out["numbers"].push_back({{"path", n.path},
                              {"text", n.text},
                              {"value", n.value},
                              {"unit", scenarios::info(n.dimension).si},
                              {"confidence", n.confidence},
                              {"sources", n.sources},
                              {"note", n.note}});
  }
  if (sheet.model) out["derived"] = derived_json(*sheet.model);
  if (!sheet.rules.empty()) out["rules"] = sheet.rules;
  return out.dump(2) + "\n";
}

}  // namespace

int show(const Arguments& arguments, const Terminal& terminal) {
  Options options({"tokwatt show dgx-spark", "tokwatt show NAME [-o table|json|yaml]",
                   "Shows a box, model, quant, engine, link, tariff, API or rental number by number: value, "
                   "confidence, source, note. NAME is an id, "
                   "an alias (tokwatt list), or a path to a sheet or config.json of your own.",
                   "the name of a sheet"});
  options.value("output,o", "table (default), json, or yaml: the sheet as it is written");
  if (!options.read(arguments, terminal)) return kDone;
  if (options.arguments().size() > 1)
    throw UsageError(fmt::format("unexpected {}; one sheet at a time", scenarios::in_quotes(options.arguments()[1])));
  const std::string format = options.choice("output", {"table", "json", "yaml"});
  scenarios::Diagnostics diagnostics;
  const Found found = find(options.arguments().front(), diagnostics);
  if (format == "yaml") {
    terminal.out << found.raw.source->text;
    return kDone;
  }
  const AnySheet sheet = read_any(found.kind, found.raw, diagnostics);
  if (!diagnostics.ok()) throw scenarios::InputError(diagnostics);
  terminal.out << (format == "json" ? as_json(sheet, found.raw.id) : as_table(sheet, found.raw.id, terminal));
  return kDone;
}

}  // namespace tokwatt::cli
