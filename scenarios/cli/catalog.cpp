#include "scenarios/cli/catalog.hpp"

#include <algorithm>
#include <array>
#include <utility>

#include "scenarios/embedded.hpp"
#include "scenarios/read/reader.hpp"
#include "scenarios/sheets/price_sheets.hpp"

namespace tokwatt::cli {

using scenarios::Node;
using scenarios::SheetKind;

namespace {

std::string scalar(const Node& root, const char* key) {
  const Node* node = root.find(key);
  return node ? node->scalar : std::string();
}

Entry entry_of(std::string id, std::string_view text) {
  scenarios::Diagnostics reported_where_it_is_used;
  const auto source = std::make_shared<scenarios::Source>(scenarios::Source{id, std::string(text)});
  const Node root = scenarios::parse(source, reported_where_it_is_used);
  Entry entry{std::move(id), {}, scalar(root, "title"), scalar(root, "hypothetical") == "true", text};
  if (const Node* aliases = root.find("aliases")) {
    for (const auto& alias : aliases->items) entry.aliases.push_back(alias.scalar);
  }
  return entry;
}

template <class T>
void take(AnySheet& out, scenarios::Sheet<T> sheet) {
  out.head = std::move(sheet.head);
  out.numbers = std::move(sheet.numbers);
  out.source = std::move(sheet.source);
}

/// What a box's sheet says of engines is read together with each engine's own sheet.
void add_engine_numbers(AnySheet& out, const scenarios::RawSheet& box, scenarios::Diagnostics& diagnostics) {
  scenarios::check_energy_rows(box, "", {}, diagnostics);
  const Node* engines = box.root.find("engines");
  if (!engines) return;
  const auto is_of_box = [&](const std::string& sheet) {
    const auto is_it = [&](const scenarios::Origin& base) { return base.sheet == sheet; };
    return sheet == box.id || std::any_of(box.bases.begin(), box.bases.end(), is_it);
  };
  const std::size_t before = diagnostics.reported();
  scenarios::check_engines(box, "", {}, {}, diagnostics);
  if (diagnostics.reported() > before) return;
  for (const auto& [name, overrides] : engines->entries) {
    const auto engine = scenarios::open_sheet(SheetKind::engine, {name.scalar, name.place}, "engines", "", diagnostics);
    if (!engine) continue;
    for (auto& number : scenarios::read_engine(*engine, box, {}, diagnostics).numbers) {
      if (is_of_box(number.sheet)) out.numbers.push_back(std::move(number));
    }
  }
}

}  // namespace

std::vector<Entry> sheets(SheetKind kind) {
  std::vector<Entry> out;
  for (const auto& id : scenarios::ids(kind)) out.push_back(entry_of(id, scenarios::sheet_text(kind, id)));
  return out;
}

std::vector<Entry> ready_made_scenarios() {
  std::vector<Entry> out;
  for (const auto& file : embedded::ready_made()) out.push_back(entry_of(std::string(file.path), file.text));
  return out;
}

std::vector<Entry> ready_made_studies() {
  std::vector<Entry> out;
  for (const auto& file : embedded::ready_made_studies()) out.push_back(entry_of(std::string(file.path), file.text));
  return out;
}

std::optional<FileKind> kind_of(const Node& root) {
  static constexpr std::pair<const char*, FileKind> kTelling[] = {
      {"axes", FileKind::study},        {"metrics", FileKind::study},        {"constraints", FileKind::study},
      {"systems", FileKind::scenario},  {"deployments", FileKind::scenario}, {"workload", FileKind::scenario},
      {"gguf", FileKind::quant},        {"safetensors", FileKind::quant},    {"policy", FileKind::engine},
      {"container", FileKind::engine},  {"kernels", FileKind::engine},       {"tuning", FileKind::engine},
      {"base", FileKind::box},          {"memory", FileKind::box},           {"compute", FileKind::box},
      {"thermal", FileKind::box},       {"layers", FileKind::model},         {"attention", FileKind::model},
      {"latent", FileKind::model},      {"model_type", FileKind::model},     {"text_config", FileKind::model},
      {"duration", FileKind::scenario}, {"bandwidth", FileKind::link},       {"rules", FileKind::tariff},
      {"currency", FileKind::tariff},   {"provider", FileKind::api},         {"offers", FileKind::rental},
      {"typical", FileKind::rental},
  };
  for (const auto& [key, kind] : kTelling) {
    if (root.find(key)) return kind;
  }
  return std::nullopt;
}

const char* noun(FileKind kind) {
  if (kind == FileKind::scenario) return "scenario";
  return kind == FileKind::study ? "study" : scenarios::noun(sheet_kind(kind));
}

SheetKind sheet_kind(FileKind kind) {
  switch (kind) {
    case FileKind::model:
      return SheetKind::model;
    case FileKind::quant:
      return SheetKind::quant;
    case FileKind::engine:
      return SheetKind::engine;
    case FileKind::link:
      return SheetKind::link;
    case FileKind::tariff:
      return SheetKind::tariff;
    case FileKind::api:
      return SheetKind::api;
    case FileKind::rental:
      return SheetKind::rental;
    case FileKind::scenario:
    case FileKind::study:
    case FileKind::box:
      break;
  }
  return SheetKind::box;
}

AnySheet read_any(SheetKind kind, const scenarios::RawSheet& raw, scenarios::Diagnostics& diagnostics) {
  AnySheet out;
  out.kind = kind;
  switch (kind) {
    case SheetKind::box:
      take(out, scenarios::read_box(raw, {}, diagnostics));
      add_engine_numbers(out, raw, diagnostics);
      break;
    case SheetKind::model: {
      auto sheet = scenarios::read_model(raw, {}, diagnostics);
      out.model = std::move(sheet.value);
      take(out, std::move(sheet));
      break;
    }
    case SheetKind::quant:
      take(out, scenarios::read_quant(raw, {}, diagnostics));
      break;
    case SheetKind::engine:
      take(out, scenarios::read_engine(raw, {}, {}, diagnostics));
      break;
    case SheetKind::link:
      take(out, scenarios::read_link(raw, diagnostics));
      break;
    case SheetKind::tariff: {
      auto sheet = scenarios::read_tariff(raw, diagnostics);
      out.rules = scenarios::in_words(sheet.value);
      take(out, std::move(sheet));
      break;
    }
    case SheetKind::api: {
      auto sheet = scenarios::read_api(raw, diagnostics);
      if (sheet.value.prices.size() > 1) out.rules = scenarios::in_words(sheet.value);
      take(out, std::move(sheet));
      break;
    }
    case SheetKind::rental:
      take(out, scenarios::read_rental(raw, diagnostics));
      break;
  }
  return out;
}

}  // namespace tokwatt::cli
