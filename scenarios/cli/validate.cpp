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
#include "sim/serving/kv_capacity.hpp"

namespace tokwatt::cli {
namespace {

namespace fs = std::filesystem;

void check_scenario(const std::string& path) { check_fits(scenarios::load(path, {}), path, {}); }

/// Reads one file as what it seems to be, and says what that was.
std::string checked(const std::string& name) {
  std::error_code ignored;
  const std::string path = fs::is_directory(name, ignored) ? (fs::path(name) / "config.json").string() : name;
  scenarios::Diagnostics diagnostics;
  const auto source = scenarios::read_source(path, {}, diagnostics);
  if (!diagnostics.ok()) throw scenarios::InputError(diagnostics);
  const scenarios::Node root = scenarios::parse(source, diagnostics);
  const bool is_config = fs::path(path).extension() == ".json" && (root.find("model_type") || root.find("text_config"));
  const auto kind = is_config ? FileKind::model : kind_of(root).value_or(FileKind::scenario);
  if (kind == FileKind::scenario) {
    check_scenario(path);
    return noun(kind);
  }
  if (diagnostics.ok()) {
    const auto* id = root.find("id");
    const std::string name_of_it = id && !id->scalar.empty() ? id->scalar : fs::path(path).stem().string();
    read_any(sheet_kind(kind), {name_of_it, source, root, is_config}, diagnostics);
  }
  if (!diagnostics.ok()) throw scenarios::InputError(diagnostics);
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
  Options options(
      {"tokwatt validate scenarios/twelve-people-on-a-spark.yaml", "tokwatt validate FILE...",
       "Checks scenarios, sheets and config.json files and reports every mistake. Exit 3 if there is one; 4 if "
       "all are well written but one cannot be done.",
       "one or more files"});
  if (!options.read(arguments, terminal)) return kDone;
  std::vector<int> codes;
  for (const auto& path : options.arguments()) codes.push_back(report(path, terminal));
  const bool has_mistakes = std::find(codes.begin(), codes.end(), int{kBadInput}) != codes.end();
  return has_mistakes ? int{kBadInput} : *std::max_element(codes.begin(), codes.end());
}

}  // namespace tokwatt::cli
