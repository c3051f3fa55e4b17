// tokwatt capacity: the most users, or requests a second, within objectives.
#include <fmt/format.h>

#include <algorithm>
#include <ostream>

#include "scenarios/cli/find_capacity.hpp"
#include "scenarios/cli/layout.hpp"
#include "scenarios/cli/summary_table.hpp"

namespace tokwatt::cli {
namespace {

using scenarios::Status;

Options capacity_options() {
  Options options(
      {"tokwatt capacity scenarios/twelve-people-on-a-spark.yaml --slo \"ttft_p95<2s,tpot_p95<100ms\"",
       "tokwatt capacity SCENARIO --slo CONDITIONS [--stream NAME] [--set key=value]... [--interval] [-o table|json]",
       "Finds the most users that a scenario bears within objectives, or the most requests a second, or the "
       "most speed of its trace: doubles or halves what the scenario says, then closes in.",
       "a scenario file"});
  options.value("slo", "conditions on numbers of the summary, with commas between: \"ttft_p95<2s,tpot_p95<100ms\"")
      .value("stream", "which stream of the workload grows; needed where there are several")
      .values("set", "change a key of the scenario, as tokwatt run has it")
      .flag("interval", "an interval of 90 %, from 16 draws from what is not known of engines and boxes; takes longer")
      .value("output,o", "table (default) or json");
  return options;
}

std::string value_text(const scenarios::Condition& condition, const TriedLoad& trial) {
  return trial.answer.status == Status::ok
             ? quantity(value_of(condition.metric, trial.answer.summary), condition.metric.units)
             : "-";
}

std::string table_of(const Capacity& capacity) {
  const auto& key = capacity.key;
  std::string alignment = "r";
  std::vector<std::string> head = {key.word};
  for (const auto& condition : capacity.conditions) {
    alignment += 'r';
    head.push_back(condition.metric.name);
  }
  head.emplace_back("");
  Columns table(alignment + "l");
  table.row(head);
  for (const auto& trial : capacity.tried) {
    const bool is_end = trial.load == capacity.found.within || trial.load == capacity.found.beyond;
    if (!trial.answers_any() && !is_end) continue;
    std::vector<std::string> row = {key.shown(trial.load)};
    for (const auto& condition : capacity.conditions) row.push_back(value_text(condition, trial));
    row.push_back(trial.broken.empty() ? "within" : fmt::format("beyond: {}", fmt::join(trial.broken, ", ")));
    table.row(row);
  }
  return table.text();
}

/// What a load breaks, each number with the bound that was asked for.
std::string broken_in_words(const Capacity& capacity, const TriedLoad& trial) {
  std::vector<std::string> out = trial.broken;
  for (auto& name : out) {
    for (const auto& condition : capacity.conditions) {
      if (trial.answer.status != Status::ok || condition.metric.name != name) continue;
      name += fmt::format(" is {} (asked: {})", value_text(condition, trial), condition.text);
      break;
    }
  }
  return fmt::format("{}", fmt::join(out, ", "));
}

std::string verdict_on_none(const Capacity& capacity) {
  const auto& key = capacity.key;
  if (capacity.keeps_rest) {
    const bool has_others = capacity.conditions.size() > capacity.easier.size();
    return fmt::format(
        "Nothing is within the objectives: more load comes nearer, but {} is the most that {}, and then {}.",
        key.in_words(*capacity.keeps_rest), has_others ? "keeps the others" : "is kept up with",
        broken_in_words(capacity, capacity.at(*capacity.keeps_rest)));
  }
  const auto& least = capacity.at(*capacity.found.beyond);
  const bool less_is_none = !capacity.tried.front().answers_any();
  return fmt::format("Not even {}{} within the objectives: {}.", key.in_words(least.load),
                     less_is_none ? ", with which the first answer comes at all," : "",
                     broken_in_words(capacity, least));
}

std::string verdict(const Capacity& capacity) {
  const auto& key = capacity.key;
  const auto& bracket = capacity.found;
  const auto why = [&] { return fmt::format("{}", fmt::join(capacity.at(*bracket.beyond).broken, ", ")); };
  if (!bracket.within) return verdict_on_none(capacity);
  std::string out = fmt::format("Within the objectives: {}", key.in_words(*bracket.within));
  if (bracket.beyond) out += fmt::format("; beyond: {} ({})", key.in_words(*bracket.beyond), why());
  const auto too_few = std::find_if(capacity.tried.rbegin(), capacity.tried.rend(), [&](const TriedLoad& trial) {
    return trial.load < *bracket.within && !trial.broken.empty();
  });
  if (too_few != capacity.tried.rend())
    out += fmt::format(". With {} they are not kept either ({})", key.in_words(too_few->load),
                       fmt::join(too_few->broken, ", "));
  const auto& limited_by = capacity.at(*bracket.within).answer.summary.at("limited_by");
  const bool is_known =
      std::any_of(limited_by.begin(), limited_by.end(), [](const auto& part) { return part.is_number(); });
  if (!is_known) return out + ".";
  return fmt::format("{}. At {}: {}", out, key.shown(*bracket.within), limit_sentence(limited_by));
}

std::string interval_in_words(const Capacity& capacity) {
  const auto interval = capacity.interval90();
  return wrapped(fmt::format("90 %: {} to {}, over {} draws from what is not known of engines and boxes.",
                             capacity.key.shown(interval->low), capacity.key.in_words(interval->high),
                             capacity.draws.size())) +
         "\n";
}

}  // namespace

int capacity(const Arguments& arguments, const Terminal& terminal) {
  Options options = capacity_options();
  if (!options.read(arguments, terminal)) return kDone;
  const bool as_json = options.choice("output", {"table", "json"}) == "json";
  if (!options.has("slo")) throw UsageError("expected --slo and conditions, such as \"ttft_p95<2s,tpot_p95<100ms\"");
  const auto question = question_of(options);
  const auto found = find_capacity(question, options.get("slo"), options.get("stream"), options.has("interval"));
  if (as_json) {
    terminal.out << json_of(found).dump(2) << "\n";
  } else {
    const auto* title = question.tree.find("title");
    if (title) terminal.out << terminal.heading(wrapped(title->scalar)) << "\n";
    terminal.out << wrapped(fmt::format("{}, while {}", found.key.key, options.get("slo"))) << "\n\n";
    terminal.out << table_of(found) << "\n" << wrapped(verdict(found)) << "\n";
    terminal.out << (options.has("interval") ? interval_in_words(found) : "How sure that is: --interval says it.\n");
  }
  return found.found.within ? kDone : kInfeasible;
}

}  // namespace tokwatt::cli
