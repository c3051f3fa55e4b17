#include "scenarios/studies/condition.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <limits>
#include <nlohmann/json.hpp>
#include <utility>

#include "scenarios/read/merge.hpp"
#include "scenarios/read/reader.hpp"
#include "sim/results/summary_scalars.hpp"

namespace tokwatt::scenarios {
namespace {

using Json = nlohmann::ordered_json;

constexpr std::array kLatencies = {"ttft", "ttfa", "tpot", "itl", "e2e", "queue"};
constexpr std::array kParts = {"deployments", "workload"};

/// Which dimension a bound has, by the units of its metric; others are bare numbers.
constexpr std::pair<std::string_view, Dimension> kDimensions[] = {
    {"s", Dimension::duration},       {"W", Dimension::power},         {"J", Dimension::energy},
    {"degC", Dimension::temperature}, {"USD", Dimension::money},       {"Hz", Dimension::frequency},
    {"1/s", Dimension::rate},         {"USD/month", Dimension::money},
};

/// Units of a number of the plan, by how its key ends; the longer ending first where one ends another.
constexpr std::pair<std::string_view, std::string_view> kPlanUnits[] = {
    {"usd_per_mtok_output", "1e-6 USD/count"},
    {"j_per_tok_output", "J/count"},
    {"tok_s_per_usd", "count/s/USD"},
    {"usd_per_month", "USD/month"},
    {"days_per_month", "1"},
    {"_month", "month"},
    {"months", "1"},
    {"_usd", "USD"},
    {"tokens", "count"},
};

/// How tables show other units; a bound may have them behind it too.
constexpr std::pair<std::string_view, std::string_view> kShownUnits[] = {
    {"count/s", "tok/s"},         {"1e-6 USD/count", "USD/Mtok"}, {"J/count", "J/tok"},
    {"count/s/USD", "tok/s/USD"}, {"USD/month", "/month"},  // what is left is an amount of money
};

/// Of a bound in the units that tables show, the bare number.
std::string without_shown_unit(const std::string& written, const Metric& metric) {
  for (const auto& [units, shown] : kShownUnits) {
    if (metric.units == units && written.ends_with(shown))
      return written.substr(0, written.find_last_not_of(" \t", written.size() - shown.size() - 1) + 1);
  }
  return written;
}

Dimension dimension_of(const Metric& metric) {
  for (const auto& [units, dimension] : kDimensions) {
    if (metric.units == units) return dimension;
  }
  return Dimension::number;
}

Metric metric_of(const sim::SummaryScalar& scalar, const std::string& before) {
  Diagnostics none;  // these names are our own
  Metric metric{before + scalar.name, {}, scalar.units, scalar.long_name};
  for (auto& segment : split_path(metric.name, {}, none)) metric.path.push_back(std::move(segment.name));
  return metric;
}

/// Numbers of a plan beneath a path, in units that the last key with some gives. Its lists are no numbers.
void add_of_plan(const Json& value, const Metric& at, std::vector<Metric>& out) {
  if (value.is_object()) {
    for (const auto& [key, inner] : value.items()) {
      Metric below = at;
      below.name += "." + path_segment(key);
      below.path.push_back(key);
      below.long_name += (at.path.size() == 1 ? ": " : ", ") + key;
      for (const auto& [ending, units] : kPlanUnits) {
        if (!key.ends_with(ending)) continue;
        below.units = units;
        break;
      }
      add_of_plan(inner, below, out);
    }
  } else if (value.is_number() || value.is_null()) {
    out.push_back(at);
  }
}

/// vLLM's short names: ttft_p95 for ttft_s.p95.
std::string spelt_out(const std::string& name) {
  for (const std::string latency : kLatencies) {
    if (name.rfind(latency + "_", 0) != 0 || name.rfind(latency + "_s.", 0) == 0) continue;
    return fmt::format("{}_s.{}", latency, name.substr(latency.size() + 1));
  }
  return name;
}

std::vector<Metric> metrics_with_parts(const Json& summary) {
  auto out = metrics_of(summary);
  for (const char* part : kParts) {
    const auto found = summary.find(part);
    if (found == summary.end()) continue;
    for (const auto& [name, inner] : found->items()) {
      for (const auto& scalar : sim::summary_scalars(inner))
        out.push_back(metric_of(scalar, fmt::format("{}.{}.", part, path_segment(name))));
    }
  }
  return out;
}

std::string trimmed(const std::string& text) {
  const auto from = text.find_first_not_of(" \t");
  return from == std::string::npos ? "" : text.substr(from, text.find_last_not_of(" \t") - from + 1);
}

/// "<" and its kin, and where they stand; nothing: none.
struct Comparison {
  Condition::Is is;
  std::size_t at, width;
};
std::optional<Comparison> comparison_in(const std::string& text) {
  const auto at = text.find_first_of("<>");
  if (at == std::string::npos) return std::nullopt;
  const bool or_equal = text.substr(at + 1, 1) == "=";
  const bool below = text[at] == '<';
  const auto is = below ? (or_equal ? Condition::Is::at_most : Condition::Is::below)
                        : (or_equal ? Condition::Is::at_least : Condition::Is::above);
  return Comparison{is, at, or_equal ? std::size_t{2} : std::size_t{1}};
}

}  // namespace

std::vector<Metric> metrics_of(const Json& summary) {
  std::vector<Metric> out;
  for (const auto& scalar : sim::summary_scalars(summary)) out.push_back(metric_of(scalar, ""));
  if (const auto plan = summary.find("plan"); plan != summary.end())
    add_of_plan(*plan, {"plan", {"plan"}, "1", "plan"}, out);
  return out;
}

bool is_of_plan(const Metric& metric) { return metric.path.front() == "plan"; }

std::optional<Metric> metric_named(const Text& name, const Json& summary, Diagnostics& diagnostics) {
  const auto metrics = metrics_with_parts(summary);
  const std::string meant = spelt_out(name.value);
  std::vector<std::string> names;
  for (const auto& metric : metrics) {
    if (metric.name == meant || fmt::format("{}", fmt::join(metric.path, ".")) == meant) return metric;
    names.push_back(metric.name);
  }
  const std::string hint = did_you_mean(meant, names);
  diagnostics.error(
      name.place, fmt::format("{} is no number of the summary{}", in_quotes(name.value),
                              hint.empty() ? "; expected one such as ttft_s.p95 (tokwatt run --summary json)" : hint));
  return std::nullopt;
}

double value_of(const Metric& metric, const Json& summary) {
  const Json* at = &summary;
  for (const auto& key : metric.path) {
    const auto found = at->find(key);
    if (found == at->end()) return std::numeric_limits<double>::quiet_NaN();
    at = &*found;
  }
  return at->is_number() ? at->get<double>() : std::numeric_limits<double>::quiet_NaN();
}

std::optional<Condition> parse_condition(const Text& text, const Json& summary, Diagnostics& diagnostics) {
  const auto comparison = comparison_in(text.value);
  if (!comparison) {
    diagnostics.error(text.place, fmt::format("{} is no condition; expected a number of the summary, <, <=, > or >=, "
                                              "and a bound: \"ttft_s.p95 < 2 s\"",
                                              in_quotes(text.value)));
    return std::nullopt;
  }
  auto metric = metric_named({trimmed(text.value.substr(0, comparison->at)), text.place}, summary, diagnostics);
  if (!metric) return std::nullopt;
  const std::string written = trimmed(text.value.substr(comparison->at + comparison->width));
  const auto dimension = dimension_of(*metric);
  const auto bound = parse_quantity(without_shown_unit(written, *metric), dimension);
  if (const auto* bad = std::get_if<NotAQuantity>(&bound)) {
    diagnostics.error(text.place, fmt::format("the bound of {} is {}{}; expected {}", metric->name, in_quotes(written),
                                              bad->why, expectation(dimension)));
    return std::nullopt;
  }
  return Condition{text.value, std::move(*metric), comparison->is, std::get<double>(bound)};
}

bool holds(const Condition& condition, const Json& summary) {
  const double value = value_of(condition.metric, summary);
  switch (condition.is) {
    case Condition::Is::below:
      return value < condition.bound;
    case Condition::Is::at_most:
      return value <= condition.bound;
    case Condition::Is::above:
      return value > condition.bound;
    case Condition::Is::at_least:
      break;
  }
  return value >= condition.bound;
}

}  // namespace tokwatt::scenarios
