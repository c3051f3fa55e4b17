#include "scenarios/cli/find_capacity.hpp"

#include <fmt/format.h>
#include <tbb/parallel_for.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <map>
#include <nlohmann/json.hpp>
#include <utility>

#include "scenarios/cli/layout.hpp"

namespace tokwatt::cli {
namespace {

using Json = nlohmann::ordered_json;
using scenarios::Status;

constexpr const char* kPilesUp = "requests pile up";
constexpr const char* kWaits = "requests wait longer than they are served";

double number_or_nan(const Json& json) { return json.is_number() ? json.get<double>() : std::nan(""); }

std::vector<scenarios::Condition> conditions_of(const std::string& slo, const Json& shape) {
  scenarios::Diagnostics diagnostics;
  std::vector<scenarios::Condition> out;
  const auto source = std::make_shared<scenarios::Source>(scenarios::Source{"--slo", slo});
  for (const auto& text : comma_separated(slo, "slo")) {
    const auto at = slo.find(text);
    const scenarios::Place place{source, 1, width(slo.substr(0, at)) + 1, width(text)};
    auto condition = scenarios::parse_condition({text, place}, shape, diagnostics);
    if (condition) out.push_back(std::move(*condition));
  }
  if (!diagnostics.ok()) throw scenarios::InputError(diagnostics);
  return out;
}

bool serves_any_number(const sim::Deployment& deployment) {
  const auto& hosted = deployment.hosted;
  return hosted && !hosted->requests_per_minute && !hosted->tokens_per_minute;
}

/// What load ends even at a provider without limits.
bool is_a_most_of_money(const scenarios::Condition& condition) {
  const bool is_of_money = condition.metric.units == "USD" || condition.metric.units == "USD/month";
  return is_of_money &&
         (condition.is == scenarios::Condition::Is::below || condition.is == scenarios::Condition::Is::at_most);
}

bool is_of_cost(const scenarios::Condition& condition) {
  return condition.metric.units.find("USD") != std::string::npos;
}

/// What a scenario lacks for a number that has no value, whatever the load; empty: it may have one under another.
std::string what_it_lacks(const scenarios::Condition& condition, const Json& summary) {
  if (condition.metric.name.ends_with("goodput_per_s")) return "a stream with an objective, such as slo: {ttft: 2 s}";
  if (!is_of_cost(condition)) return "";
  const auto& cost = summary.at("cost_usd");
  if (cost.at("electricity").is_null()) return "a price of electricity, such as prices: {electricity: 0.15 USD/kWh}";
  return cost.at("hardware").is_null() ? "a price of the box, such as prices: {hardware: 4000 USD}" : "";
}

void check_has_value(const scenarios::Condition& condition, const TriedLoad& trial) {
  if (trial.answer.status != Status::ok || !std::isnan(value_of(condition.metric, trial.answer.summary))) return;
  const std::string lacking = what_it_lacks(condition, trial.answer.summary);
  if (lacking.empty()) return;
  throw scenarios::Infeasible(
      fmt::format("{} has no value in this scenario; expected {}", condition.metric.name, lacking));
}

/// Whether all requests of a trace come at one instant, each at once after those that it waits for.
bool comes_at_once(sim::RequestSource& source) {
  const auto first = source.next(sim::kLongestDuration);
  for (auto request = first; request; request = source.next(sim::kLongestDuration)) {
    if (request->at != first->at) return false;
    source.left(request->number, request->at, 0, request->output);
  }
  return true;
}

void check_grows(const LoadKey& key, const Question& question) {
  if (key.word != "speed" || !comes_at_once(*question.load().input.streams[key.stream].source)) return;
  throw scenarios::Infeasible(
      "all requests of the trace come at once, so that its speed changes nothing; expected a trace whose requests come "
      "one after the other, or another stream: users, sessions, or arrivals with a rate");
}

/// How far a run is from keeping a condition, in its own units; 0: it keeps it.
double lack(const scenarios::Condition& condition, const TriedLoad& trial) {
  if (trial.answer.status != Status::ok) return std::numeric_limits<double>::infinity();
  if (holds(condition, trial.answer.summary)) return 0;
  const double apart = std::abs(value_of(condition.metric, trial.answer.summary) - condition.bound);
  return std::isnan(apart) ? std::numeric_limits<double>::infinity() : apart;
}

/// Requests that come faster than they are served pile up until the run ends, and those that never had a token have no
/// latency to be judged by. People who wait for their answers pile up no further than they are many: they are too many
/// where most have waited for one to the end.
bool piles_up(const Json& summary, bool is_open) {
  constexpr int64_t kFew = 8;
  const double kShare = is_open ? 0.05 : 0.5;
  const auto& requests = summary.at("requests");
  const auto held_back = summary.at("requests_held_back").get<int64_t>();
  const auto unfinished = requests.at("unfinished").get<int64_t>() + held_back;
  const auto all = requests.at("submitted").get<int64_t>() + held_back;
  return unfinished > kFew && static_cast<double>(unfinished) > kShare * static_cast<double>(all);
}

bool is_of_latency(const scenarios::Condition& condition) {
  constexpr std::string_view kLatencies[] = {"ttft_s", "ttfa_s", "e2e_s", "queue_s", "goodput_per_s"};
  return std::any_of(std::begin(kLatencies), std::end(kLatencies), [&](std::string_view latency) {
    return condition.metric.name.find(latency) != std::string::npos;
  });
}

/// Who waits for an answer of people who wait for theirs: beyond some number more of them bring no more answers, only
/// longer queues. Where nobody says how long is too long, it is the time that an answer itself takes.
bool waits_longest(const Json& summary) {
  const double in_queue = number_or_nan(summary.at("queue_s").at("mean"));
  return in_queue > number_or_nan(summary.at("e2e_s").at("mean")) - in_queue;
}

/// Where no load is within since a number has no value under any.
void check_any_value(const Capacity& found) {
  for (const auto& condition : found.conditions) {
    const bool may_come = condition.metric.units == "month";
    const auto has_value = [&](const TriedLoad& trial) {
      return trial.answer.status != Status::ok || !std::isnan(value_of(condition.metric, trial.answer.summary));
    };
    if (found.found.within || may_come || std::any_of(found.tried.begin(), found.tried.end(), has_value)) continue;
    throw scenarios::Infeasible(
        fmt::format("{} has no value in this scenario, under none of the loads tried", condition.metric.name));
  }
}

TriedLoad tried(const Question& question, const Capacity& asked, double load, std::optional<int64_t> draw) {
  const auto& key = asked.key;
  const auto plain = [&] { return question.with({key.key + "=" + key.shown(load)}).load(); };
  const bool of_plan = std::any_of(asked.conditions.begin(), asked.conditions.end(),
                                   [](const auto& condition) { return is_of_plan(condition.metric); });
  const auto plan = of_plan ? scenarios::PlanIs::wanted : scenarios::PlanIs::left_out;
  TriedLoad trial{load, scenarios::answer_of(scenarios::with_draw(plain, draw), plan), {}};
  if (trial.answer.status != Status::ok) {
    trial.broken.push_back(fmt::format("{}: {}", scenarios::in_words(trial.answer.status), trial.answer.reason));
    return trial;
  }
  // One request lasts from its sending to its answer: what a box costs in that time says nothing of one that waits.
  const bool is_alone = trial.answer.summary.at("requests").at("submitted").get<int64_t>() < 2;
  for (const auto& condition : asked.conditions) {
    if (!holds(condition, trial.answer.summary) || (is_of_cost(condition) && is_alone))
      trial.broken.push_back(condition.metric.name);
  }
  if (piles_up(trial.answer.summary, key.is_open)) trial.broken.emplace_back(kPilesUp);
  if (!key.is_open && std::none_of(asked.conditions.begin(), asked.conditions.end(), is_of_latency) &&
      waits_longest(trial.answer.summary))
    trial.broken.emplace_back(kWaits);
  return trial;
}

/// Loads that were tried, each once.
using Trials = std::map<double, TriedLoad>;

/// The largest load that keeps everything, where `easier` names what more load may make easier to keep: first the
/// largest that keeps the rest, then from the largest known to keep all up to the first that does not. What answers no
/// request breaks nothing yet: so the least load that answers any is found where none is within.
Bracket search(const LoadRange& range, const std::vector<std::string>& easier, Trials& trials,
               const std::function<const TriedLoad&(double)>& try_load) {
  const auto is_easier = [&](const std::string& name) {
    return std::find(easier.begin(), easier.end(), name) != easier.end();
  };
  const auto keeps_rest = [&](double load) {
    const auto& trial = try_load(load);
    return !trial.answers_any() || std::all_of(trial.broken.begin(), trial.broken.end(), is_easier);
  };
  const auto keeps_all = [&](double load) { return try_load(load).broken.empty(); };
  const Bracket found = largest_load(range, keeps_rest);
  if (!found.within || keeps_all(*found.within)) return found;
  const auto last = std::find_if(trials.rbegin(), trials.rend(), [](const auto& t) { return t.second.broken.empty(); });
  if (last == trials.rend()) return {std::nullopt, easier.empty() ? found.beyond : found.within};
  LoadRange part = range;
  part.start = part.least = last->first;
  part.most = std::prev(last)->first;  // the next larger one
  return largest_load(part, keeps_all);
}

/// Of the conditions that the least load breaks, their names if more load comes nearer to all of them, as costs of a
/// token do; else nothing: then no load keeps them.
std::vector<std::string> easier_with_load(const std::vector<scenarios::Condition>& conditions, const TriedLoad& least,
                                          const TriedLoad& more) {
  std::vector<std::string> out;
  for (const auto& condition : conditions) {
    if (lack(condition, least) == 0) continue;
    const bool may_come = condition.metric.units == "month";  // never, so far
    if (!may_come && lack(condition, more) >= lack(condition, least)) return {};
    out.push_back(condition.metric.name);
  }
  const auto is_named = [&](const std::string& name) { return std::find(out.begin(), out.end(), name) != out.end(); };
  return std::all_of(least.broken.begin(), least.broken.end(), is_named) ? out : std::vector<std::string>{};
}

struct Found {
  Bracket bracket;
  std::vector<std::string> easier;
  std::optional<double> keeps_rest;
  Trials trials;
};
Found find_largest(const LoadRange& range, const std::vector<scenarios::Condition>& conditions,
                   const std::function<TriedLoad(double)>& run) {
  Found out;
  const auto try_load = [&](double load) -> const TriedLoad& {
    const auto before = out.trials.find(load);
    return before != out.trials.end() ? before->second : out.trials.emplace(load, run(load)).first->second;
  };
  out.bracket = search(range, {}, out.trials, try_load);
  if (out.bracket.within) return out;
  if (out.trials.size() == 1) try_load(std::min(2 * range.least, range.most));
  const auto least = std::find_if(out.trials.begin(), out.trials.end(), [](auto& t) { return t.second.answers_any(); });
  if (least == out.trials.end()) return out;
  out.easier = easier_with_load(conditions, least->second, out.trials.rbegin()->second);
  if (out.easier.empty()) return out;
  out.bracket = search(range, out.easier, out.trials, try_load);
  if (!out.bracket.within) out.keeps_rest = std::exchange(out.bracket.beyond, least->first);
  return out;
}

std::vector<double> capacities_of_draws(const Question& question, const Capacity& plain) {
  std::vector<double> out(scenarios::kDraws);
  LoadRange range = plain.key.range;
  range.start = plain.found.within.value_or(range.start);  // near where each of them ends
  tbb::parallel_for(std::size_t{0}, out.size(), [&](std::size_t k) {
    const auto run = [&](double load) { return tried(question, plain, load, static_cast<int64_t>(k)); };
    out[k] = find_largest(range, plain.conditions, run).bracket.within.value_or(0);
  });
  return out;
}

}  // namespace

bool TriedLoad::answers_any() const {
  const bool has_answers =
      answer.status != Status::ok || answer.summary.at("requests").at("completed").get<int64_t>() > 0;
  return has_answers || std::find(broken.begin(), broken.end(), kPilesUp) != broken.end();
}

const TriedLoad& Capacity::at(double load) const {
  return *std::find_if(tried.begin(), tried.end(), [&](const TriedLoad& trial) { return trial.load == load; });
}

std::optional<scenarios::Interval> Capacity::interval90() const {
  auto interval = scenarios::interval90(found.within.value_or(0), draws, true);
  if (interval && key.range.is_whole) *interval = {std::floor(interval->low), std::ceil(interval->high)};
  return interval;
}

Capacity find_capacity(const Question& question, const std::string& slo, const std::string& stream, bool with_draws) {
  auto loaded = question.load();
  const bool serves_any =
      std::all_of(loaded.input.deployments.begin(), loaded.input.deployments.end(), serves_any_number);
  Capacity out;
  out.key = load_key_of(question, stream);
  check_grows(out.key, question);
  out.conditions = conditions_of(slo, scenarios::shape_of_summary(std::move(loaded)));
  if (serves_any && std::none_of(out.conditions.begin(), out.conditions.end(), is_a_most_of_money)) {
    throw scenarios::Infeasible(
        "its models are hosted elsewhere and have no rate limits: they serve any number; give "
        "deployments.NAME.api.requests_per_minute or tokens_per_minute, or an objective such as cost_usd.total<5 USD");
  }
  auto found = find_largest(out.key.range, out.conditions, [&](double load) {
    auto trial = tried(question, out, load, std::nullopt);
    for (const auto& condition : out.conditions) check_has_value(condition, trial);
    return trial;
  });
  out.found = found.bracket;
  out.easier = std::move(found.easier);
  out.keeps_rest = found.keeps_rest;
  for (auto& [load, trial] : found.trials) out.tried.push_back(std::move(trial));
  check_any_value(out);
  if (with_draws) out.draws = capacities_of_draws(question, out);
  return out;
}

Json json_of(const Capacity& capacity) {
  const auto or_null = [](const std::optional<double>& load) { return load ? Json(*load) : Json(nullptr); };
  Json out = {{"key", capacity.key.key},
              {"within", or_null(capacity.found.within)},
              {"beyond", or_null(capacity.found.beyond)}};
  if (const auto interval = capacity.interval90()) out["interval90"] = {{"within", {interval->low, interval->high}}};
  for (const auto& trial : capacity.tried) {
    Json entry = {{"load", trial.load}, {"status", scenarios::in_words(trial.answer.status)}, {"broken", trial.broken}};
    if (trial.answer.status == Status::ok) entry["summary"] = trial.answer.summary;
    out["tried"].push_back(std::move(entry));
  }
  return out;
}

}  // namespace tokwatt::cli
