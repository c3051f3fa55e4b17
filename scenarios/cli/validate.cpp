// tokwatt validate: every mistake of every file.
#include <fmt/format.h>
#include <fmt/ostream.h>

#include <algorithm>
#include <filesystem>
#include <ostream>

#include "scenarios/cli/catalog.hpp"
#include "scenarios/cli/check_fits.hpp"
#include "scenarios/cli/options.hpp"
#include "scenarios/scenario.hpp"
#include "scenarios/studies/study.hpp"
#include "sim/serving/kv_capacity.hpp"

namespace tokwatt::cli {
namespace {

namespace fs = std::filesystem;

void check_scenario(const std::string& path) { check_fits(scenarios::load(path, {}), path, {}); }

/// Files of models in formats of their own: whatever is wrong in them is reported where they are opened or read.
bool is_model_file(const std::string& path) {
  std::error_code ignored;
  return fs::is_directory(path, ignored) || fs::path(path).extension() == ".gguf";
}

void check_sheet(scenarios::SheetKind kind, const scenarios::RawSheet& sheet, scenarios::Diagnostics& diagnostics) {
  read_any(kind, sheet, diagnostics);
  if (!diagnostics.ok()) throw scenarios::InputError(diagnostics);
}

/// Reads one file as what it seems to be, and says what that was.
std::string checked(const std::string& path) {
  scenarios::Diagnostics diagnostics;
  if (is_model_file(path)) {
    const auto sheet = scenarios::open_sheet(scenarios::SheetKind::model, {path, {}}, path, "", diagnostics);
    if (!sheet) throw scenarios::InputError(diagnostics);
    check_sheet(scenarios::SheetKind::model, *sheet, diagnostics);
    return noun(FileKind::model);
  }
  scenarios::RawSheet sheet;
  sheet.source = scenarios::read_source(path, {}, diagnostics);
  if (!diagnostics.ok()) throw scenarios::InputError(diagnostics);
  sheet.root = scenarios::parse(sheet.source, diagnostics);
  sheet.is_config =
      fs::path(path).extension() == ".json" && (sheet.root.find("model_type") || sheet.root.find("text_config"));
  const auto kind = sheet.is_config ? FileKind::model : kind_of(sheet.root).value_or(FileKind::scenario);
  if (kind == FileKind::scenario) {
    check_scenario(path);
    return noun(kind);
  }
  if (kind == FileKind::study) {
    scenarios::load_study(path);
    return noun(kind);
  }
  if (!diagnostics.ok()) throw scenarios::InputError(diagnostics);
  const auto* id = sheet.root.find("id");
  sheet.id = id && !id->scalar.empty() ? id->scalar : fs::path(path).stem().string();
  if (kind == FileKind::box) scenarios::lay_over_base(sheet, fs::path(path).parent_path().string(), diagnostics);
  if (!diagnostics.ok()) throw scenarios::InputError(diagnostics);
  check_sheet(sheet_kind(kind), sheet, diagnostics);
  return noun(kind);
}

int report(const std::string& path, const Terminal& terminal) {
  try {
    fmt::print(terminal.out, "ok  {} ({})\n", path, checked(path));
    return kDone;
  } catch (const scenarios::InputError& error) {
    terminal.err << error.what();
    return kBadInput;
  } catch (const scenarios::Infeasible& error) {
    fmt::print(terminal.err, "{}: cannot be done: {}\n", path, error.what());
  } catch (const sim::DoesNotFit& error) {
    fmt::print(terminal.err, "{}: {}\n", path, error.what());
  }
  return kInfeasible;
}

}  // namespace

int validate(const Arguments& arguments, const Terminal& terminal) {
  Options options({"tokwatt validate scenarios/twelve-people-on-a-spark.yaml", "tokwatt validate FILE...",
                   "Checks scenarios, studies, sheets and config.json files and reports every mistake. Exit 3 if there "
                   "is one; 4 if "
                   "all are well written but one cannot be done.",
                   "one or more files"});
  if (!options.read(arguments, terminal)) return kDone;
  std::vector<int> codes;
  for (const auto& path : options.arguments()) codes.push_back(report(path, terminal));
  const bool has_mistakes = std::find(codes.begin(), codes.end(), int{kBadInput}) != codes.end();
  return has_mistakes ? int{kBadInput} : *std::max_element(codes.begin(), codes.end());
}

}  // namespace tokwatt::cli
