// Which sheets there are, and which one is meant.
#include <fmt/format.h>

#include <algorithm>
#include <filesystem>
#include <map>
#include <mutex>

#include "scenarios/embedded.hpp"
#include "scenarios/gguf_model.hpp"
#include "scenarios/read/merge.hpp"
#include "scenarios/sheets/sheets.hpp"

namespace tokwatt::scenarios {

bool same_name(const std::string& a, const std::string& b) {
  const auto lower = [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c; };
  return std::equal(a.begin(), a.end(), b.begin(), b.end(), [&](char x, char y) { return lower(x) == lower(y); });
}

namespace {

namespace fs = std::filesystem;

std::span<const embedded::File> files(SheetKind kind) {
  switch (kind) {
    case SheetKind::box:
      return embedded::boxes();
    case SheetKind::model:
      return embedded::models();
    case SheetKind::quant:
      return embedded::quants();
    case SheetKind::link:
      return embedded::links();
    case SheetKind::tariff:
      return embedded::tariffs();
    case SheetKind::api:
      return embedded::apis();
    case SheetKind::rental:
      return embedded::rentals();
    case SheetKind::engine:
      break;
  }
  return embedded::engines();
}

/// A shipped sheet is named after its id (a test holds them to it), so that finding one needs no parsing.
std::string id_of(const embedded::File& file) {
  const auto start = file.path.rfind('/') + 1;
  return std::string(file.path.substr(start, file.path.rfind(".yaml") - start));
}

std::shared_ptr<const Source> source_of(const embedded::File& file) {
  return std::make_shared<Source>(Source{std::string(file.path), std::string(file.text)});
}

/// The sheet's `aliases:` alone, so that finding a name does not parse every sheet there is.
std::string_view aliases_part(std::string_view text) {
  constexpr std::string_view kKey = "\naliases:";
  const auto start = text.find(kKey);
  if (start == std::string_view::npos) return {};
  auto end = start + kKey.size();
  // up to the next line that starts a key of the sheet
  do {
    end = text.find('\n', end + 1);
  } while (end != std::string_view::npos && end + 1 < text.size() &&
           (text[end + 1] == ' ' || text[end + 1] == '-' || text[end + 1] == '\n'));
  return text.substr(start + 1, end - start);
}

struct Names {
  std::string id;
  std::vector<std::string> aliases;
};
std::vector<Names> names_of(SheetKind kind) {
  std::vector<Names> out;
  for (const auto& file : files(kind)) {
    Names names{id_of(file), {}};
    Diagnostics broken_sheets_are_reported_where_they_are_used;
    const auto part = std::make_shared<Source>(Source{std::string(file.path), std::string(aliases_part(file.text))});
    const Node root = parse(part, broken_sheets_are_reported_where_they_are_used);
    if (const Node* aliases = root.find("aliases")) {
      for (const auto& alias : aliases->items) names.aliases.push_back(alias.scalar);
    }
    out.push_back(std::move(names));
  }
  return out;
}

const embedded::File* find_id(SheetKind kind, const std::string& id) {
  for (const auto& file : files(kind)) {
    if (same_name(id_of(file), id)) return &file;
  }
  return nullptr;
}

bool ends_with(const std::string& text, std::string_view end) {
  return text.size() >= end.size() && std::string_view(text).substr(text.size() - end.size()) == end;
}

bool looks_like_path(const std::string& text) {
  return text.find('/') != std::string::npos || ends_with(text, ".yaml") || ends_with(text, ".yml") ||
         ends_with(text, ".json") || ends_with(text, ".gguf");
}

/// What a config.json describes is named by its folder; any other file by itself.
std::string id_of_path(const fs::path& path) {
  if (path.filename() != "config.json") return path.stem().string();
  const std::string folder = path.parent_path().filename().string();
  return folder.empty() || folder == "." || folder == ".." ? "model" : folder;
}

/// A folder of a model holds a config.json, or one model as GGUF.
std::optional<fs::path> model_file(const fs::path& folder, const Text& asked, Diagnostics& diagnostics) {
  std::error_code no_throw;
  if (fs::exists(folder / "config.json", no_throw)) return folder / "config.json";
  std::vector<fs::path> files;
  for (const auto& entry : fs::directory_iterator(folder, no_throw)) {
    const std::string name = entry.path().filename().string();
    const bool is_later_part = name.find("-of-") != std::string::npos && name.find("-00001-of-") == std::string::npos;
    if (ends_with(name, ".gguf") && name.rfind("mmproj", 0) != 0 && !is_later_part) files.push_back(entry.path());
  }
  if (files.size() == 1) return files.front();
  diagnostics.error(asked.place, fmt::format("{} has no config.json and {} models as GGUF; expected one of either",
                                             in_quotes(asked.value), files.size()));
  return std::nullopt;
}

/// Its text, which the results carry, is what was understood of it: the file itself may have many gigabytes.
std::optional<RawSheet> open_gguf_sheet(const fs::path& path, const Text& asked, Diagnostics& diagnostics) {
  const auto header = open_gguf(path.string(), asked.place, diagnostics);
  if (!header) return std::nullopt;
  RawSheet sheet;
  sheet.id = fs::path(header->path).stem().string();
  auto model = gguf_model(*header, sheet.id, diagnostics);
  if (!model) return std::nullopt;
  sheet.source = std::make_shared<Source>(Source{header->path, gguf_text(*header, *model)});
  sheet.root.place = {sheet.source, 0, 0, 1};
  sheet.gguf = std::make_shared<GgufModel>(std::move(*model));
  return sheet;
}

/// Files of boxes that are being laid over one another, to notice one that is its own base.
using Chain = std::vector<const std::string*>;

std::optional<RawSheet> open_named(SheetKind kind, const Text& asked, const std::string& key, const std::string& folder,
                                   const Chain& chain, Diagnostics& diagnostics);

/// What a box has of its base: all but its names.
Node inherited(Node base) {
  std::erase_if(base.entries, [](const auto& entry) {
    const std::string& key = entry.first.scalar;
    return key == "id" || key == "aliases" || key == "base";
  });
  return base;
}

Origin origin_of_base(const RawSheet& base) {
  Origin origin{base.source, base.id, "", {}};
  if (const Node* sources = base.root.find("sources")) {
    for (const auto& [id, text] : sources->entries) origin.sources.push_back(id.scalar);
  }
  return origin;
}

void lay_over_base_in(RawSheet& box, const std::string& folder, Chain chain, Diagnostics& diagnostics) {
  const Node* base = box.root.find("base");
  if (!base) return;
  if (base->kind != Node::Kind::scalar || base->scalar.empty()) {
    diagnostics.error(base->place, "base is no name; expected a box: an id, an alias or a path to a sheet");
    return;
  }
  chain.push_back(&box.source->name);
  const auto under = open_named(SheetKind::box, {base->scalar, base->place}, "base", folder, chain, diagnostics);
  if (!under) return;
  box.bases.push_back(origin_of_base(*under));
  box.bases.insert(box.bases.end(), under->bases.begin(), under->bases.end());
  const Place place = box.root.place;
  box.root = merge(inherited(under->root), box.root);
  box.root.place = place;
}

/// Two ways to name one file.
bool same_file(const std::string& a, const std::string& b) {
  std::error_code no_throw;
  return fs::equivalent(a, b, no_throw);
}

/// Whoever loads it with Python gets the last one; nobody means both.
void report_keys_given_twice(const Node& node, Diagnostics& diagnostics) {
  std::map<std::string_view, const Node*> seen;
  for (const auto& [key, value] : node.entries) {
    const auto [first, is_new] = seen.emplace(key.scalar, &key);
    if (!is_new)
      diagnostics.error(key.place, fmt::format("{} is given twice; first in line {}", in_quotes(key.scalar),
                                               first->second->place.line));
    report_keys_given_twice(value, diagnostics);
  }
  for (const Node& item : node.items) report_keys_given_twice(item, diagnostics);
}

std::optional<RawSheet> open_path(SheetKind kind, const Text& asked, const std::string& folder, const Chain& chain,
                                  Diagnostics& diagnostics) {
  fs::path path =
      fs::path(asked.value).is_absolute() || folder.empty() ? fs::path(asked.value) : fs::path(folder) / asked.value;
  std::error_code no_throw;
  if (kind == SheetKind::model && fs::is_directory(path, no_throw)) {
    const auto file = model_file(path, asked, diagnostics);
    if (!file) return std::nullopt;
    path = *file;
  }
  if (kind == SheetKind::model && path.extension() == ".gguf") return open_gguf_sheet(path, asked, diagnostics);
  const auto is_it = [&](const std::string* name) { return same_file(*name, path.string()); };
  if (std::any_of(chain.begin(), chain.end(), is_it)) {
    diagnostics.error(asked.place, fmt::format("base is {}: a box cannot be its own base", in_quotes(asked.value)));
    return std::nullopt;
  }
  const std::size_t before = diagnostics.reported();
  RawSheet sheet;
  sheet.source = read_source(path.string(), asked.place, diagnostics);
  if (diagnostics.reported() > before) return std::nullopt;
  sheet.root = parse(sheet.source, diagnostics);
  if (diagnostics.reported() > before) return std::nullopt;
  if (kind != SheetKind::model && sheet.root.find("model_type")) {
    diagnostics.error(asked.place, fmt::format("{} is the config.json of a model; expected a {} sheet",
                                               in_quotes(asked.value), noun(kind)));
    return std::nullopt;
  }
  if (sheet.root.kind != Node::Kind::mapping) {
    diagnostics.error(asked.place, fmt::format("{} is no {} sheet; expected a file that is a mapping (key: value)",
                                               in_quotes(asked.value), noun(kind)));
    return std::nullopt;
  }
  sheet.is_config = kind == SheetKind::model && path.extension() == ".json";
  if (sheet.is_config) report_keys_given_twice(sheet.root, diagnostics);
  const Node* id = sheet.root.find("id");
  sheet.id = !sheet.is_config && id && !id->scalar.empty() ? id->scalar : id_of_path(path);
  if (kind == SheetKind::box) lay_over_base_in(sheet, path.parent_path().string(), chain, diagnostics);
  if (diagnostics.reported() > before) return std::nullopt;
  return sheet;
}

/// Parsed once in a process, which may read one thousands of times: its tree is as constant as its text.
RawSheet open_embedded(const embedded::File& file, Diagnostics& diagnostics) {
  static std::mutex reading;
  static std::map<const embedded::File*, RawSheet> opened;
  const std::lock_guard lock(reading);
  const auto found = opened.find(&file);
  if (found != opened.end()) return found->second;
  RawSheet sheet;
  sheet.id = id_of(file);
  sheet.source = source_of(file);
  const std::size_t before = diagnostics.reported();
  sheet.root = parse(sheet.source, diagnostics);
  if (diagnostics.reported() == before) opened.emplace(&file, sheet);
  return sheet;
}

}  // namespace

const char* noun(SheetKind kind) {
  switch (kind) {
    case SheetKind::box:
      return "box";
    case SheetKind::model:
      return "model";
    case SheetKind::quant:
      return "quant";
    case SheetKind::link:
      return "link";
    case SheetKind::tariff:
      return "tariff";
    case SheetKind::api:
      return "API";
    case SheetKind::rental:
      return "rental";
    case SheetKind::engine:
      break;
  }
  return "engine";
}

std::vector<std::string> ids(SheetKind kind) {
  std::vector<std::string> out;
  for (const auto& file : files(kind)) out.push_back(id_of(file));
  std::sort(out.begin(), out.end());
  return out;
}

std::string_view sheet_text(SheetKind kind, const std::string& id) {
  const auto* file = find_id(kind, id);
  return file ? file->text : std::string_view();
}

std::optional<std::string> shipped_id(SheetKind kind, const std::string& name) {
  if (const auto* file = find_id(kind, name)) return id_of(*file);
  for (const auto& names : names_of(kind)) {
    const auto is_it = [&](const std::string& alias) { return same_name(alias, name); };
    if (std::any_of(names.aliases.begin(), names.aliases.end(), is_it)) return names.id;
  }
  return std::nullopt;
}

void lay_over_base(RawSheet& box, const std::string& folder, Diagnostics& diagnostics) {
  lay_over_base_in(box, folder, {}, diagnostics);
}

std::string path_from_here(const std::string& name) {
  std::error_code no_throw;
  if (!looks_like_path(name) || !fs::exists(name, no_throw)) return name;
  const auto path = fs::absolute(name, no_throw);
  return no_throw ? name : path.string();
}

std::optional<RawSheet> open_sheet(SheetKind kind, const Text& asked, const std::string& key, const std::string& folder,
                                   Diagnostics& diagnostics) {
  return open_named(kind, asked, key, folder, {}, diagnostics);
}

namespace {

/// "2x3090" taken apart: a count and the name of what is counted; nothing where there is no count.
std::optional<std::pair<std::string, std::string>> counted(const std::string& name) {
  const auto end = std::min(name.find_first_not_of("0123456789"), name.size());
  const auto sign = std::min(name.find_first_not_of(' ', end), name.size());
  const auto rest = name.find_first_not_of(' ', std::min(sign + 1, name.size()));
  if (end == 0 || rest == std::string::npos || (name[sign] != 'x' && name[sign] != 'X')) return std::nullopt;
  return std::pair{name.substr(0, end), name.substr(rest)};
}

/// Of a name that there is not: what was meant; else what is expected.
std::string proposal(SheetKind kind, const std::string& name, const std::vector<std::string>& all,
                     const std::string& expected) {
  const auto several = kind == SheetKind::box ? counted(name) : std::nullopt;
  const std::string hint = did_you_mean(several ? several->second : name, all);
  if (several && !hint.empty()) {
    return fmt::format(
        "; a name stands for one device, and fit and bench look at one (of a scenario's system, count: {}){}",
        several->first, hint);
  }
  return hint.empty() ? "; " + expected : hint;
}

std::optional<RawSheet> open_named(SheetKind kind, const Text& asked, const std::string& key, const std::string& folder,
                                   const Chain& chain, Diagnostics& diagnostics) {
  if (const auto* file = find_id(kind, asked.value)) return open_embedded(*file, diagnostics);
  std::error_code no_throw;
  const bool is_model_folder = kind == SheetKind::model && fs::is_directory(fs::path(folder) / asked.value, no_throw);
  if (looks_like_path(asked.value) || is_model_folder) return open_path(kind, asked, folder, chain, diagnostics);
  std::vector<std::string> all;
  for (const auto& names : names_of(kind)) {
    const bool is_alias = std::any_of(names.aliases.begin(), names.aliases.end(),
                                      [&](const std::string& alias) { return same_name(alias, asked.value); });
    if (is_alias) return open_embedded(*find_id(kind, names.id), diagnostics);
    all.push_back(names.id);
    all.insert(all.end(), names.aliases.begin(), names.aliases.end());
  }
  std::vector<std::string> known = ids(kind);
  // An option may leave the choice among the engines of this name to the box; a scenario may not.
  if (kind == SheetKind::engine && key == "--engine") {
    known.insert(std::upper_bound(known.begin(), known.end(), kLlamaCpp), kLlamaCpp);
    all.emplace_back(kLlamaCpp);
  }
  constexpr std::size_t kMostNames = 20;
  const std::string expected =
      known.size() > kMostNames ? fmt::format("expected one of those that tokwatt list {}s says, or a path to a sheet",
                                              kind == SheetKind::box   ? "system"
                                              : kind == SheetKind::api ? "api"
                                                                       : noun(kind))
                                : fmt::format("expected {}, or a path to a sheet", one_of(known));
  diagnostics.error(asked.place, fmt::format("{} is {}; no {} has this name{}", key, in_quotes(asked.value), noun(kind),
                                             proposal(kind, asked.value, all, expected)));
  return std::nullopt;
}

}  // namespace

}  // namespace tokwatt::scenarios
