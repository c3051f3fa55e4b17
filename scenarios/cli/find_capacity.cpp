#include "scenarios/cli/find_capacity.hpp"

#include <fmt/format.h>
#include <tbb/parallel_for.h>

#include <algorithm>
#include <cmath>

#include "scenarios/cli/layout.hpp"

namespace tokwatt::cli {
namespace {

using Json = nlohmann::ordered_json;
using scenarios::Status;

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

/// Requests that come faster than they are served pile up until the run ends, and those that never had a token have no
/// latency to be judged by. People who wait for their answers pile up no further than they are many: they are too many
/// where most have waited for one to the end.
bool piles_up(const Json& summary, bool is_open) {
  constexpr int64_t kFew = 8;
  const double kShare = is_open ? 0.05 : 0.5;
  const auto& requests = summary.at("requests");
  const auto unfinished = requests.at("unfinished").get<int64_t>();
  return unfinished > kFew && static_cast<double>(unfinished) > kShare * requests.at("submitted").get<double>();
}

TriedLoad tried(const Question& question, const Capacity& asked, double load, std::optional<int64_t> draw) {
  const auto& key = asked.key;
  const auto plain = [&] { return question.load({key.key + "=" + key.shown(load)}); };
  const bool of_plan = std::any_of(asked.conditions.begin(), asked.conditions.end(),
                                   [](const auto& condition) { return is_of_plan(condition.metric); });
  const auto plan = of_plan ? scenarios::PlanIs::wanted : scenarios::PlanIs::left_out;
  TriedLoad trial{load, scenarios::answer_of(scenarios::with_draw(plain, draw), plan), {}};
  if (trial.answer.status != Status::ok) {
    trial.broken.push_back(fmt::format("{}: {}", scenarios::in_words(trial.answer.status), trial.answer.reason));
    return trial;
  }
  for (const auto& condition : asked.conditions) {
    if (!holds(condition, trial.answer.summary)) trial.broken.push_back(condition.metric.name);
  }
  if (piles_up(trial.answer.summary, key.is_open)) trial.broken.emplace_back("requests pile up");
  return trial;
}

std::vector<double> capacities_of_draws(const Question& question, const Capacity& plain) {
  std::vector<double> out(scenarios::kDraws);
  LoadRange range = plain.key.range;
  range.start = plain.found.within.value_or(range.start);  // near where each of them ends
  tbb::parallel_for(std::size_t{0}, out.size(), [&](std::size_t k) {
    const auto keeps = [&](double load) {
      return tried(question, plain, load, static_cast<int64_t>(k)).broken.empty();
    };
    out[k] = largest_load(range, keeps).within.value_or(0);
  });
  return out;
}

}  // namespace

const TriedLoad& Capacity::at(double load) const {
  return *std::find_if(tried.begin(), tried.end(), [&](const TriedLoad& trial) { return trial.load == load; });
}

std::optional<scenarios::Interval> Capacity::interval90() const {
  auto interval = scenarios::interval90(draws);
  if (interval && key.range.is_whole) *interval = {std::floor(interval->low), std::ceil(interval->high)};
  return interval;
}

Capacity find_capacity(const Question& question, const std::string& slo, const std::string& stream, bool with_draws) {
  auto loaded = question.load();
  if (std::all_of(loaded.input.deployments.begin(), loaded.input.deployments.end(), serves_any_number)) {
    throw scenarios::Infeasible(
        "its models are hosted elsewhere and have no rate limits: they serve any number; give "
        "deployments.NAME.api.requests_per_minute or tokens_per_minute");
  }
  Capacity out;
  out.key = load_key_of(question, stream);
  out.conditions = conditions_of(slo, scenarios::shape_of_summary(std::move(loaded)));
  out.found = largest_load(out.key.range, [&](double load) {
    out.tried.push_back(tried(question, out, load, std::nullopt));
    return out.tried.back().broken.empty();
  });
  std::sort(out.tried.begin(), out.tried.end(), [](const auto& a, const auto& b) { return a.load < b.load; });
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
