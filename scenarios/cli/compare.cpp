// tokwatt compare: one scenario on several boxes, side by side.
#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <ostream>

#include "scenarios/cli/compare_table.hpp"
#include "scenarios/cli/natural_engine.hpp"
#include "scenarios/cli/question.hpp"
#include "scenarios/dates.hpp"
#include "scenarios/sheets/price_sheets.hpp"
#include "scenarios/studies/answers.hpp"
#include "sim/serving/kv_capacity.hpp"

namespace tokwatt::cli {
namespace {

using scenarios::Loaded;
using scenarios::path_segment;

constexpr std::size_t kMostBoxes = 26;  // they are called A to Z

Options compare_options() {
  Options options(
      {"tokwatt compare scenarios/twelve-people-on-a-spark.yaml --system spark,m3-ultra-512,strix-halo",
       "tokwatt compare SCENARIO --system A,B,C [--api X,Y] [--of NAME] [--set key=value]... [-o table|json]",
       "Simulates a scenario on several boxes with the same seed, and shows them side by side with what "
       "limits each. Where the scenario's engine does not run on a box, the first that does is taken, as "
       "tokwatt fit has them, and named.",
       "a scenario file"});
  options.value("system", "boxes: ids, aliases or paths to sheets, with commas between")
      .value("of", "which of the scenario's systems they stand for; needed where it has several")
      .value("api", "APIs to price the same tokens at, as on the day of the scenario: ids (tokwatt list apis) or paths")
      .values("set", "change a key of the scenario, as tokwatt run has it")
      .value("output,o", "table (default) or json");
  return options;
}

/// The names under a section of the scenario.
std::vector<std::string> names_under(const scenarios::Node& tree, const char* key) {
  std::vector<std::string> out;
  const auto* section = tree.find(key);
  if (!section) return out;
  for (const auto& [name, value] : section->entries) out.push_back(name.scalar);
  return out;
}

std::string system_meant(const Question& question, const Options& options) {
  const auto systems = names_under(question.tree, "systems");
  const std::string asked = options.get("of");
  if (asked.empty() && systems.size() > 1)
    throw UsageError(fmt::format("the scenario has several systems; expected --of {}", scenarios::one_of(systems)));
  if (asked.empty()) return systems.empty() ? "" : systems.front();
  if (std::find(systems.begin(), systems.end(), asked) == systems.end())
    throw UsageError(fmt::format("--of is {}; the scenario has no such system{}", scenarios::in_quotes(asked),
                                 scenarios::did_you_mean(asked, systems)));
  return asked;
}

/// Why it cannot be done or does not fit; empty when it does.
std::string why_not(const Question& question, const std::vector<std::string>& sets) {
  try {
    scenarios::shape_of_summary(question.load(sets));
    return {};
  } catch (const scenarios::Infeasible& error) {
    return error.what();
  } catch (const sim::DoesNotFit& error) {
    return error.what();
  }
}

/// The same, where what the scenario says of its own engine may make no sense for another.
bool is_possible(const Question& question, const std::vector<std::string>& sets) {
  try {
    return why_not(question, sets).empty();
  } catch (const scenarios::InputError&) {
    return false;
  }
}

std::vector<std::string> with_engine(const Question& question, std::vector<std::string> sets,
                                     const std::string& engine) {
  for (const auto& deployment : names_under(question.tree, "deployments"))
    sets.push_back(fmt::format("deployments.{}.engine={}", path_segment(deployment), engine));
  return sets;
}

/// What puts a box in the place of a system, with an engine that runs there.
std::vector<std::string> sets_for(const Question& question, const std::string& system, const std::string& box) {
  const std::vector<std::string> plain = {fmt::format("systems.{}.sheet={}", path_segment(system), box)};
  if (why_not(question, plain).empty()) return plain;
  scenarios::Diagnostics diagnostics;
  const auto sheet =
      scenarios::open_sheet(scenarios::SheetKind::box, {box, {}}, "--system", question.folder, diagnostics);
  if (!sheet) return plain;
  for (const auto& engine : natural_engines(scenarios::read_box(*sheet, {}, diagnostics).value)) {
    auto sets = with_engine(question, plain, engine);
    if (!is_last_resort(engine) && is_possible(question, sets)) return sets;
  }
  return plain;
}

/// Every mistake in the names of boxes, at once.
std::vector<std::vector<std::string>> sets_for_all(const Question& question, const std::string& system,
                                                   const std::vector<std::string>& boxes) {
  std::vector<std::vector<std::string>> out;
  scenarios::Diagnostics diagnostics;
  for (const auto& box : boxes) {
    try {
      out.push_back(sets_for(question, system, box));
    } catch (const scenarios::InputError& wrong) {
      for (const auto& error : wrong.errors()) diagnostics.error(error.place, error.message);
    }
  }
  if (!diagnostics.ok()) throw scenarios::InputError(diagnostics);
  return out;
}

/// What APIs ask on the day of the scenario; without one, now.
std::vector<ComparedApi> apis_of(const Question& question, const std::vector<std::string>& names) {
  std::vector<ComparedApi> out;
  scenarios::Diagnostics diagnostics;
  const auto* start = question.tree.find("start");
  const auto day = start ? scenarios::date(start->scalar.substr(0, 10)) : std::nullopt;
  for (const auto& name : names) {
    const auto sheet =
        scenarios::open_sheet(scenarios::SheetKind::api, {name, {}}, "--api", question.folder, diagnostics);
    if (!sheet) continue;
    const std::size_t before = diagnostics.reported();
    const auto api = scenarios::read_api(*sheet, diagnostics).value;
    if (diagnostics.reported() > before) continue;
    const auto* prices = day ? money::prices_on(api, *day) : &api.prices.back().prices;
    if (!prices) {
      diagnostics.error(start->place, fmt::format("{} has no price yet on that day", api.id));
      continue;
    }
    out.push_back({api.id, *prices});
  }
  if (!diagnostics.ok()) throw scenarios::InputError(diagnostics);
  return out;
}

ComparedBox facts_of_box(const Question& question, const std::string& name, const std::vector<std::string>& sets) {
  ComparedBox box{name, {}, {}};
  try {
    const auto loaded = question.load(sets);
    std::vector<std::string> engines;
    for (const auto& deployment : loaded.input.deployments) {
      if (std::find(engines.begin(), engines.end(), deployment.engine.id) == engines.end())
        engines.push_back(deployment.engine.id);
    }
    box.engine = fmt::format("{}", fmt::join(engines, ", "));
  } catch (const scenarios::Infeasible&) {  // the answer says so
  }
  return box;
}

}  // namespace

int compare(const Arguments& arguments, const Terminal& terminal) {
  Options options = compare_options();
  if (!options.read(arguments, terminal)) return kDone;
  const bool as_json = options.choice("output", {"table", "json"}) == "json";
  if (!options.has("system")) throw UsageError("expected --system and boxes to compare, such as spark,m3-ultra-512");
  const auto names = comma_separated(options.get("system"), "system");
  if (names.size() > kMostBoxes) throw UsageError(fmt::format("--system has more than {} boxes", kMostBoxes));
  const auto question = question_of(options);
  const auto all_sets = sets_for_all(question, system_meant(question, options), names);
  std::vector<ComparedApi> apis;
  if (options.has("api")) apis = apis_of(question, comma_separated(options.get("api"), "api"));
  std::vector<std::function<Loaded()>> scenarios;
  std::vector<ComparedBox> boxes;
  for (std::size_t i = 0; i < names.size(); ++i) {
    boxes.push_back(facts_of_box(question, names[i], all_sets[i]));
    scenarios.push_back([&question, &sets = all_sets[i]] { return question.load(sets); });
  }
  auto answers = scenarios::answers_of(scenarios);
  for (std::size_t i = 0; i < boxes.size(); ++i) boxes[i].answer = std::move(answers[i]);
  const auto* title = question.tree.find("title");
  terminal.out << (as_json ? compare_json(boxes, apis)
                           : compare_table(title ? title->scalar : "", boxes, apis, terminal));
  const auto runs = [](const ComparedBox& box) { return box.answer.status == scenarios::Status::ok; };
  return std::any_of(boxes.begin(), boxes.end(), runs) ? kDone : kInfeasible;
}

}  // namespace tokwatt::cli
