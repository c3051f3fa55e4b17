#include "scenarios/cli/compared_boxes.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "scenarios/cli/layout.hpp"
#include "scenarios/cli/natural_engine.hpp"
#include "scenarios/intervals.hpp"
#include "scenarios/read/merge.hpp"
#include "scenarios/sheets/sheets.hpp"
#include "scenarios/studies/answers.hpp"
#include "scenarios/units.hpp"
#include "sim/serving/kv_capacity.hpp"

namespace tokwatt::cli {
namespace {

using scenarios::Answer;
using scenarios::Loaded;
using scenarios::path_segment;
using scenarios::Status;

constexpr std::size_t kMostBoxes = 26;  // they are called A to Z

/// The names under a section of the scenario.
std::vector<std::string> names_under(const scenarios::Node& tree, const char* key) {
  std::vector<std::string> out;
  const auto* section = tree.find(key);
  if (!section) return out;
  for (const auto& [name, value] : section->entries) out.push_back(name.scalar);
  return out;
}

std::string system_meant(const Question& question, const std::string& asked) {
  const auto systems = names_under(question.tree, "systems");
  if (systems.empty())
    throw UsageError(
        "the scenario has no systems: its models are hosted elsewhere; expected one to put the boxes in place of");
  if (asked.empty() && systems.size() > 1)
    throw UsageError(fmt::format("the scenario has several systems; expected --of {}", scenarios::one_of(systems)));
  if (asked.empty()) return systems.front();
  if (std::find(systems.begin(), systems.end(), asked) == systems.end())
    throw UsageError(fmt::format("--of is {}; the scenario has no such system{}", scenarios::in_quotes(asked),
                                 scenarios::did_you_mean(asked, systems)));
  return asked;
}

/// Why it cannot be done or does not fit; empty when it does.
std::string why_not(const Question& question) {
  try {
    scenarios::shape_of_summary(question.load());
    return {};
  } catch (const scenarios::Infeasible& error) {
    return error.what();
  } catch (const sim::DoesNotFit& error) {
    return error.what();
  }
}

/// The same, where what the scenario says of its own engine may make no sense for another.
bool is_possible(const Question& question) {
  try {
    return why_not(question).empty();
  } catch (const scenarios::InputError&) {
    return false;
  }
}

bool runs_on(const scenarios::Node& deployment, const std::string& system) {
  const auto* where = deployment.find("runs_on");
  if (!where) return false;
  const auto is_it = [&](const scenarios::Node& name) { return name.scalar == system; };
  return is_it(*where) || std::any_of(where->items.begin(), where->items.end(), is_it);
}

/// Of the deployments on a system; others keep their own.
std::vector<std::string> engines_set(const Question& question, const std::string& system, const std::string& engine) {
  std::vector<std::string> sets;
  for (const auto& [name, deployment] : question.tree.find("deployments")->entries) {
    if (runs_on(deployment, system))
      sets.push_back(fmt::format("deployments.{}.engine={}", path_segment(name.scalar), engine));
  }
  return sets;
}

/// The scenario with a box in the place of a system.
struct Replaced {
  Question question;
  std::vector<std::string> left_out = {};  ///< keys of the scenario
  bool without_plan = false;
};

std::optional<scenarios::RawSheet> sheet_of(const std::string& name, const std::string& folder) {
  scenarios::Diagnostics diagnostics;
  return scenarios::open_sheet(scenarios::SheetKind::box, {name, {}}, "--system", folder, diagnostics);
}

/// Where a scenario may say what its own box costs.
std::vector<std::vector<std::string>> own_prices(const Question& question, const std::string& system) {
  std::vector<std::vector<std::string>> out = {{"systems", system, "rental"}, {"systems", system, "price"}};
  if (names_under(question.tree, "systems").size() == 1) out.push_back({"prices", "hardware"});
  return out;
}

/// Takes out what the scenario says of its own box and no other has: a price, a rent, a mode.
std::vector<std::string> leave_out_own(Question& question, const std::string& system) {
  auto own = own_prices(question, system);
  own.insert(own.begin(), {"systems", system, "mode"});
  std::vector<std::string> left_out;
  for (const auto& path : own) {
    if (!scenarios::erase_path(question.tree, path)) continue;
    std::vector<std::string> segments;
    for (const auto& name : path) segments.push_back(path_segment(name));
    left_out.push_back(fmt::format("{}", fmt::join(segments, ".")));
  }
  return left_out;
}

bool says(const scenarios::Node& root, const std::vector<std::string>& path) {
  const auto* node = &root;
  for (const auto& name : path) {
    node = node->find(name);
    if (!node) return false;
  }
  return true;
}

bool has_price(const Question& question, const std::string& system, const scenarios::RawSheet& sheet) {
  const auto own = own_prices(question, system);
  scenarios::Diagnostics diagnostics;
  return std::any_of(own.begin(), own.end(), [&](const auto& path) { return says(question.tree, path); }) ||
         !std::isnan(scenarios::read_box(sheet, {}, diagnostics).value.price.purchase);
}

/// With an engine that runs there. A plan needs a price: without one the rest is compared.
Replaced replaced(const Question& question, const std::string& system, const std::string& box) {
  Replaced out{question};
  const auto* own = question.tree.find("systems")->find(system)->find("sheet");
  const auto own_sheet = own ? sheet_of(own->scalar, question.folder) : std::nullopt;
  const auto sheet = sheet_of(scenarios::path_from_here(box), question.folder);
  if (!sheet || !own_sheet || sheet->id != own_sheet->id || sheet->source->text != own_sheet->source->text)
    out.left_out = leave_out_own(out.question, system);
  const std::vector<std::string> plain = {
      fmt::format("systems.{}.sheet={}", path_segment(system), scenarios::path_from_here(box))};
  out.question = out.question.with(plain);
  if (sheet && !has_price(out.question, system, *sheet))
    out.without_plan = scenarios::erase_path(out.question.tree, {"plan"});
  if (!sheet || why_not(out.question).empty()) return out;
  scenarios::Diagnostics diagnostics;
  for (const auto& engine : natural_engines(scenarios::read_box(*sheet, {}, diagnostics).value)) {
    const auto other = out.question.with(engines_set(question, system, engine));
    if (!is_last_resort(engine) && is_possible(other)) return {other, out.left_out, out.without_plan};
  }
  return out;
}

/// Every mistake in the names of boxes, at once.
std::vector<Replaced> replaced_by_each(const Question& question, const std::string& system,
                                       const std::vector<std::string>& boxes) {
  std::vector<Replaced> out;
  scenarios::Diagnostics diagnostics;
  const auto source =
      std::make_shared<scenarios::Source>(scenarios::Source{"--system", fmt::format("{}", fmt::join(boxes, ","))});
  int column = 1;
  for (const auto& box : boxes) {
    const scenarios::Place place{source, 1, column, width(box)};
    column += width(box) + 1;
    const std::size_t before = diagnostics.reported();
    const scenarios::Text asked{scenarios::path_from_here(box), place};
    open_sheet(scenarios::SheetKind::box, asked, "--system", question.folder, diagnostics);
    if (diagnostics.reported() > before) continue;
    try {
      out.push_back(replaced(question, system, box));
    } catch (const scenarios::InputError& wrong) {
      for (const auto& error : wrong.errors()) diagnostics.error(error.place, error.message);
    }
  }
  if (!diagnostics.ok()) throw scenarios::InputError(diagnostics);
  return out;
}

/// What the scenario says of the devices of a system, which stays as it is.
std::string said_of(const Question& question, const std::string& system, const char* key) {
  const auto* value = question.tree.find("systems")->find(system)->find(key);
  return value ? value->scalar : "";
}

/// The engines of what runs on a system; what is hosted elsewhere has none.
std::vector<const models::Engine*> engines_on(const sim::Input& input, const std::string& system) {
  std::vector<const models::Engine*> out;
  for (const auto& deployment : input.deployments) {
    const auto is_it = [&](int s) { return input.systems[static_cast<std::size_t>(s)].name == system; };
    if (std::any_of(deployment.systems.begin(), deployment.systems.end(), is_it)) out.push_back(&deployment.engine);
  }
  return out;
}

void add_engines(ComparedBox& box, const std::vector<const models::Engine*>& engines) {
  std::vector<std::string> names;
  for (const auto* engine : engines) {
    if (std::find(names.begin(), names.end(), engine->id) == names.end()) names.push_back(engine->id);
    const int64_t most = engine->limits.max_num_seqs;
    box.at_once = box.at_once == 0 ? most : std::min(box.at_once, most);
  }
  box.engine = fmt::format("{}", fmt::join(names, ", "));
}

ComparedBox facts_of_box(const std::string& name, const Replaced& replaced, const std::string& system) {
  ComparedBox box;
  const auto count = scenarios::parse_count(said_of(replaced.question, system, "count"));
  const auto* devices = std::get_if<int64_t>(&count);
  const bool has_several = devices && *devices > 1;
  box.name = has_several ? fmt::format("{} x {}", *devices, name) : name;
  if (has_several) box.link = said_of(replaced.question, system, "link");
  box.left_out = replaced.left_out;
  box.without_plan = replaced.without_plan;
  try {
    const auto loaded = replaced.question.load();
    box.top_clock = scenarios::top_clock_of(loaded.input);
    add_engines(box, engines_on(loaded.input, system));
  } catch (const scenarios::Infeasible&) {  // the answer says so
  }
  return box;
}

/// The scenarios of all boxes as they are, then with each draw.
std::vector<std::function<Loaded()>> plain_and_drawn(const std::vector<std::function<Loaded()>>& plain, int64_t draws) {
  auto out = plain;
  for (int64_t draw = 0; draw < draws; ++draw) {
    for (const auto& load : plain) out.push_back(scenarios::with_draw_of_box(load, draw));
  }
  return out;
}

bool is_temperature(const scenarios::Metric& metric) { return metric.units == "degC"; }

/// A quotient; temperatures have no zero that it could be of: kelvins.
double compared(const scenarios::Metric& metric, const Answer& answer, const Answer& reference) {
  const double value = value_of(metric, answer.summary), other = value_of(metric, reference.summary);
  if (is_temperature(metric)) return value - other;
  return other != 0 ? value / other : std::nan("");
}

bool runs(const Answer& answer) { return answer.status == Status::ok; }

}  // namespace

std::vector<ComparedBox> compared_boxes(const Question& question, const std::string& of,
                                        const std::vector<std::string>& names, bool with_draws) {
  if (names.size() > kMostBoxes) throw UsageError(fmt::format("there are more than {} boxes to compare", kMostBoxes));
  const auto system = system_meant(question, of);
  const auto all = replaced_by_each(question, system, names);
  if (std::any_of(all.begin(), all.end(),
                  [](const Replaced& box) { return !box.left_out.empty() || box.without_plan; }))
    why_not(question);  // mistakes in what is left out are mistakes still
  std::vector<std::function<Loaded()>> plain;
  std::vector<ComparedBox> boxes;
  for (std::size_t i = 0; i < names.size(); ++i) {
    boxes.push_back(facts_of_box(names[i], all[i], system));
    plain.push_back([&question = all[i].question] { return question.load(); });
  }
  auto answers =
      scenarios::answers_of(plain_and_drawn(plain, with_draws ? scenarios::kDraws : 0), scenarios::PlanIs::wanted);
  for (std::size_t i = 0; i < answers.size(); ++i) {
    auto& box = boxes[i % boxes.size()];
    if (i < boxes.size()) {
      box.answer = std::move(answers[i]);
    } else {
      box.draws.push_back(std::move(answers[i]));
    }
  }
  return boxes;
}

double number_of(const ComparedBox& box, const scenarios::Metric& metric) {
  return runs(box.answer) ? value_of(metric, box.answer.summary) : std::nan("");
}

std::optional<scenarios::Interval> range_of(const ComparedBox& box, const scenarios::Metric& metric) {
  std::vector<double> values;
  for (const auto& draw : box.draws) values.push_back(runs(draw) ? value_of(metric, draw.summary) : std::nan(""));
  const auto range = scenarios::interval_of(metric.name, number_of(box, metric), values, box.top_clock);
  return range ? std::optional(scenarios::Interval{range->first, range->second}) : std::nullopt;
}

std::optional<scenarios::Interval> difference_range_of(const ComparedBox& box, const ComparedBox& reference,
                                                       const scenarios::Metric& metric) {
  std::vector<double> values;
  for (std::size_t k = 0; k < std::min(box.draws.size(), reference.draws.size()); ++k) {
    const bool both = runs(box.draws[k]) && runs(reference.draws[k]);
    values.push_back(both ? compared(metric, box.draws[k], reference.draws[k]) : std::nan(""));
  }
  if (!runs(box.answer) || !runs(reference.answer)) return std::nullopt;
  auto range = scenarios::interval90(compared(metric, box.answer, reference.answer), values, true);
  if (range && !is_temperature(metric)) *range = {range->low - 1, range->high - 1};
  return range;
}

}  // namespace tokwatt::cli
