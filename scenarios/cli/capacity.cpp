// tokwatt capacity: the most users, or requests a second, within objectives.
#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <ostream>

#include "scenarios/cli/capacity_search.hpp"
#include "scenarios/cli/layout.hpp"
#include "scenarios/cli/question.hpp"
#include "scenarios/cli/summary_table.hpp"
#include "scenarios/read/reader.hpp"
#include "scenarios/studies/answer.hpp"
#include "scenarios/studies/condition.hpp"
#include "scenarios/units.hpp"

namespace tokwatt::cli {
namespace {

using Json = nlohmann::ordered_json;
using scenarios::Node;
using scenarios::Status;

Options capacity_options() {
  Options options(
      {"tokwatt capacity scenarios/twelve-people-on-a-spark.yaml --slo \"ttft_p95<2s,tpot_p95<100ms\"",
       "tokwatt capacity SCENARIO --slo CONDITIONS [--stream NAME] [--set key=value]... [-o table|json]",
       "Finds the most users that a scenario bears within objectives, or the most requests a second, or the "
       "most speed of its trace: doubles or halves what the scenario says, then closes in.",
       "a scenario file"});
  options.value("slo", "conditions on numbers of the summary, with commas between: \"ttft_p95<2s,tpot_p95<100ms\"")
      .value("stream", "which stream of the workload grows; needed where there are several")
      .values("set", "change a key of the scenario, as tokwatt run has it")
      .value("output,o", "table (default) or json");
  return options;
}

/// What grows.
struct LoadKey {
  std::string key;   ///< "workload.0.users"
  std::string word;  ///< "users"
  std::string unit;  ///< of its values: "/s", or empty
  LoadRange range;
  bool is_open = false;  ///< requests come whether or not those before have their answers

  std::string shown(double load) const { return fmt::format("{}{}", load, unit); }
  std::string in_words(double load) const {
    return word == "speed" ? fmt::format("a speed of {}", load) : fmt::format("{} {}{}", load, word, unit);
  }
};

std::string scalar(const Node& node, const char* key) {
  const Node* found = node.find(key);
  return found ? found->scalar : std::string();
}

const Node& stream_meant(const Question& question, const Options& options, std::size_t& place) {
  static const Node kNone;
  const Node* workload = question.tree.find("workload");
  if (!workload) return kNone;
  std::vector<std::string> names;
  for (const auto& stream : workload->items) names.push_back(scalar(stream, "name"));
  const std::string asked = options.get("stream");
  if (asked.empty() && names.size() > 1)
    throw UsageError(fmt::format("the scenario has several streams; expected --stream {}", scenarios::one_of(names)));
  const auto found = asked.empty() ? names.begin() : std::find(names.begin(), names.end(), asked);
  if (!asked.empty() && found == names.end())
    throw UsageError(fmt::format("--stream is {}; the scenario has no such stream{}", scenarios::in_quotes(asked),
                                 scenarios::did_you_mean(asked, names)));
  if (found == names.end()) return kNone;
  place = static_cast<std::size_t>(found - names.begin());
  return workload->items[place];
}

double start_of(const Node* value, double otherwise) {
  if (!value) return otherwise;
  const auto number = scenarios::parse_quantity(value->scalar, scenarios::Dimension::rate);
  if (const auto* rate = std::get_if<double>(&number)) return *rate;
  const auto plain = scenarios::parse_number(value->scalar);
  const auto* count = std::get_if<double>(&plain);
  return count ? *count : otherwise;
}

LoadKey load_key_of(const Question& question, const Options& options) {
  std::size_t place = 0;
  const Node& stream = stream_meant(question, options, place);
  const std::string path = fmt::format("workload.{}.", place);
  const LoadRange whole{1, 1, 1e6, true}, rate{1, 1e-9, 1e9, false}, speed{1, 1e-6, 1e6, false};
  const auto with_start = [](LoadRange range, double start) {
    range.start = start;
    return range;
  };
  if (const Node* users = stream.find("users"))
    return {path + "users", "users", "", with_start(whole, start_of(users, 1)), false};
  if (const Node* sessions = stream.find("sessions")) {
    if (const Node* users = sessions->find("users"))
      return {path + "sessions.users", "users", "", with_start(whole, start_of(users, 1)), false};
    if (const Node* per_s = sessions->find("rate"))
      return {path + "sessions.rate", "sessions", "/s", with_start(rate, start_of(per_s, 1)), true};
  }
  if (const Node* arrivals = stream.find("arrivals")) {
    if (const Node* per_s = arrivals->find("rate"))
      return {path + "arrivals.rate", "requests", "/s", with_start(rate, start_of(per_s, 1)), true};
  }
  if (stream.find("trace"))
    return {path + "speed", "speed", "", with_start(speed, start_of(stream.find("speed"), 1)), true};
  throw UsageError(
      "the stream has nothing that can grow; expected users, sessions with users or a rate, arrivals with a rate, or a "
      "trace");
}

std::vector<scenarios::Condition> conditions_of(const Options& options, const Json& shape) {
  scenarios::Diagnostics diagnostics;
  std::vector<scenarios::Condition> out;
  const std::string slo = options.get("slo");
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

/// One load that was tried.
struct Trial {
  double load = 0;
  scenarios::Answer answer;
  std::vector<std::string> broken;  ///< conditions that it does not keep
};

/// Requests that come faster than they are served pile up until the run ends, and those that never had a token have no
/// latency to be judged by.
bool piles_up(const Json& summary) {
  constexpr int64_t kFew = 8;
  constexpr double kShare = 0.05;
  const auto& requests = summary.at("requests");
  const auto unfinished = requests.at("unfinished").get<int64_t>();
  return unfinished > kFew && static_cast<double>(unfinished) > kShare * requests.at("submitted").get<double>();
}

Trial tried(const Question& question, const LoadKey& key, double load,
            const std::vector<scenarios::Condition>& conditions) {
  Trial trial{load, scenarios::answer_of([&] { return question.load({key.key + "=" + key.shown(load)}); }), {}};
  if (trial.answer.status != Status::ok) {
    trial.broken.push_back(fmt::format("{}: {}", scenarios::in_words(trial.answer.status), trial.answer.reason));
    return trial;
  }
  for (const auto& condition : conditions) {
    if (!holds(condition, trial.answer.summary)) trial.broken.push_back(condition.metric.name);
  }
  if (key.is_open && piles_up(trial.answer.summary)) trial.broken.emplace_back("requests pile up");
  return trial;
}

std::string value_text(const scenarios::Condition& condition, const Trial& trial) {
  return trial.answer.status == Status::ok
             ? quantity(value_of(condition.metric, trial.answer.summary), condition.metric.units)
             : "-";
}

std::string table_of(const LoadKey& key, const std::vector<Trial>& trials,
                     const std::vector<scenarios::Condition>& conditions) {
  std::string alignment = "r";
  std::vector<std::string> head = {key.word};
  for (const auto& condition : conditions) {
    alignment += 'r';
    head.push_back(condition.metric.name);
  }
  head.emplace_back("");
  Columns table(alignment + "l");
  table.row(head);
  for (const auto& trial : trials) {
    std::vector<std::string> row = {key.shown(trial.load)};
    for (const auto& condition : conditions) row.push_back(value_text(condition, trial));
    row.push_back(trial.broken.empty() ? "within" : fmt::format("beyond: {}", fmt::join(trial.broken, ", ")));
    table.row(row);
  }
  return table.text();
}

const Trial& trial_at(const std::vector<Trial>& trials, double load) {
  return *std::find_if(trials.begin(), trials.end(), [&](const Trial& trial) { return trial.load == load; });
}

std::string verdict(const LoadKey& key, const Bracket& bracket, const std::vector<Trial>& trials) {
  const auto why = [&] { return fmt::format("{}", fmt::join(trial_at(trials, *bracket.beyond).broken, ", ")); };
  if (!bracket.within)
    return fmt::format("Not even {} within the objectives: {}.", key.in_words(*bracket.beyond), why());
  std::string out = fmt::format("Within the objectives: {}", key.in_words(*bracket.within));
  if (bracket.beyond) out += fmt::format("; beyond: {} ({})", key.in_words(*bracket.beyond), why());
  return fmt::format("{}. At {}: {}", out, key.shown(*bracket.within),
                     limit_sentence(trial_at(trials, *bracket.within).answer.summary.at("limited_by")));
}

Json json_of(const LoadKey& key, const Bracket& bracket, const std::vector<Trial>& trials) {
  const auto or_null = [](const std::optional<double>& load) { return load ? Json(*load) : Json(nullptr); };
  Json out = {{"key", key.key}, {"within", or_null(bracket.within)}, {"beyond", or_null(bracket.beyond)}};
  for (const auto& trial : trials) {
    Json entry = {{"load", trial.load}, {"status", scenarios::in_words(trial.answer.status)}, {"broken", trial.broken}};
    if (trial.answer.status == Status::ok) entry["summary"] = trial.answer.summary;
    out["tried"].push_back(std::move(entry));
  }
  return out;
}

}  // namespace

int capacity(const Arguments& arguments, const Terminal& terminal) {
  Options options = capacity_options();
  if (!options.read(arguments, terminal)) return kDone;
  const bool as_json = options.choice("output", {"table", "json"}) == "json";
  if (!options.has("slo")) throw UsageError("expected --slo and conditions, such as \"ttft_p95<2s,tpot_p95<100ms\"");
  const auto question = question_of(options);
  auto loaded = question.load();
  const auto key = load_key_of(question, options);
  const auto conditions = conditions_of(options, scenarios::shape_of_summary(std::move(loaded)));
  std::vector<Trial> trials;
  const auto bracket = largest_load(key.range, [&](double load) {
    trials.push_back(tried(question, key, load, conditions));
    return trials.back().broken.empty();
  });
  std::sort(trials.begin(), trials.end(), [](const Trial& a, const Trial& b) { return a.load < b.load; });
  if (as_json) {
    terminal.out << json_of(key, bracket, trials).dump(2) << "\n";
  } else {
    const auto* title = question.tree.find("title");
    if (title) terminal.out << terminal.heading(wrapped(title->scalar)) << "\n";
    terminal.out << wrapped(fmt::format("{}, while {}", key.key, options.get("slo"))) << "\n\n";
    terminal.out << table_of(key, trials, conditions) << "\n" << wrapped(verdict(key, bracket, trials)) << "\n";
  }
  return bracket.within ? kDone : kInfeasible;
}

}  // namespace tokwatt::cli
