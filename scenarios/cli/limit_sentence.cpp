// What limited a run, in a sentence.
#include <fmt/format.h>

#include <algorithm>
#include <limits>
#include <nlohmann/json.hpp>

#include "scenarios/cli/layout.hpp"
#include "scenarios/cli/summary_table.hpp"

namespace tokwatt::cli {
namespace {

struct Limit {
  const char* key;
  const char* by;    ///< "Limited by ..."
  const char* went;  ///< "61 % of the time ..."
};
constexpr Limit kLimitsInWords[] = {
    {"bandwidth", "memory bandwidth", "went into reading weights and KV cache"},
    {"compute", "compute", "went into arithmetic"},
    {"dispatch", "dispatch", "went into launching kernels and into the host between steps"},
    {"link", "the links", "went into moving data between devices"},
    {"heat", "heat", "was lost to a clock lowered by temperature"},
    {"power", "the power limit", "was lost to a clock lowered by the power limit"},
    {"queue", "room for requests", "was spent while others waited for KV cache or a slot"},
    {"idle", "demand", "there was nothing to do"},
    {"down", "an outage", "was spent waiting for a box to be up and its model to be loaded"},
};

struct Share {
  const Limit* limit;
  double fraction;
};

/// Largest first; those that are not there are left out.
std::vector<Share> shares(const nlohmann::ordered_json& limited_by) {
  std::vector<Share> out;
  for (const auto& limit : kLimitsInWords) {
    const auto found = limited_by.find(limit.key);
    if (found != limited_by.end() && found->is_number()) out.push_back({&limit, found->get<double>()});
  }
  std::stable_sort(out.begin(), out.end(), [](const Share& a, const Share& b) { return a.fraction > b.fraction; });
  return out;
}

/// " (compute 12 %, idle 9 %)" of what took at least half a percent of a part of the time.
std::string others(const std::vector<Share>& shares, std::size_t from, double of = 1) {
  std::vector<std::string> parts;
  for (std::size_t i = from; i < shares.size(); ++i) {
    if (shares[i].fraction >= 0.005 * of)
      parts.push_back(fmt::format("{} {}", shares[i].limit->key, percent(shares[i].fraction / of)));
  }
  return parts.empty() ? "" : fmt::format(" ({})", fmt::join(parts, ", "));
}

const sim::Variable* find(const sim::Results& results, const std::string& group, const std::string& name) {
  for (const auto& g : results.groups) {
    if (g.name != group) continue;
    for (const auto& v : g.variables) {
      if (v.name == name) return &v;
    }
  }
  return nullptr;
}

std::vector<double> numbers(const sim::Variable* variable) {
  if (!variable) return {};
  return std::visit(
      []<class T>(const std::vector<T>& values) -> std::vector<double> {
        if constexpr (std::is_same_v<T, std::string>) {
          return {};
        } else {
          return {values.begin(), values.end()};
        }
      },
      variable->values);
}

double mean(const std::vector<double>& values, std::size_t from, std::size_t to) {
  double sum = 0;
  for (std::size_t i = from; i < to; ++i) sum += values[i];
  return to > from ? sum / static_cast<double>(to - from) : 0;
}

/// A queue that grows as long as requests come: its mean over the last third of that time is well above the mean over
/// the third before, and it has not gone down again at the end.
bool kept_growing(const std::vector<double>& queue) {
  constexpr double kAtLeast = 8;  // requests; a short queue comes and goes
  constexpr double kGrowth = 1.25;
  const std::size_t third = queue.size() / 3;
  if (third == 0) return false;
  const double before = mean(queue, third, 2 * third), last = mean(queue, 2 * third, queue.size());
  const double at_the_end = mean(queue, queue.size() - std::max<std::size_t>(queue.size() / 20, 1), queue.size());
  return last >= kAtLeast && last > kGrowth * before && at_the_end >= last;
}

/// One deployment's queue over time, up to the last arrival where requests were recorded.
std::vector<double> queue_of(const sim::Results& results, std::size_t deployment, std::size_t deployments) {
  const auto time = numbers(find(results, "series", "time")), queue = numbers(find(results, "series", "queue"));
  const auto arrivals = numbers(find(results, "requests", "arrival"));
  const double last =
      arrivals.empty() ? std::numeric_limits<double>::infinity() : *std::max_element(arrivals.begin(), arrivals.end());
  std::vector<double> out;
  for (std::size_t i = 0; i < time.size() && time[i] <= last; ++i) {
    const std::size_t index = i * deployments + deployment;
    if (index < queue.size()) out.push_back(queue[index]);
  }
  return out;
}

}  // namespace

std::string limit_sentence(const nlohmann::ordered_json& limited_by) {
  const auto by_size = shares(limited_by);
  if (by_size.empty() || by_size.front().fraction <= 0) return "Nothing ran.";
  const auto& [limit, fraction] = by_size.front();
  if (std::string(limit->key) != "idle") {
    return fmt::format("Limited by {}: {} of the time {}{}.", limit->by, percent(fraction), limit->went,
                       others(by_size, 1));
  }
  auto working = by_size;
  std::erase_if(working, [](const Share& s) {
    return std::string_view(s.limit->key) == "idle" || std::string_view(s.limit->key) == "down";
  });
  double worked = 0;
  for (const Share& s : working) worked += s.fraction;
  if (worked <= 0) return "Limited by demand: there was nothing to do.";
  const auto& [busy, share] = working.front();
  return fmt::format("Limited by demand: {} of the time {}. While it worked, most of the time ({} of it) {}{}.",
                     percent(fraction), limit->went, percent(share / worked), busy->went, others(working, 1, worked));
}

std::string limited_most_by(const nlohmann::ordered_json& limited_by) {
  const auto by_size = shares(limited_by);
  if (by_size.empty() || by_size.front().fraction <= 0) return "nothing";
  return by_size.front().limit->key;
}

std::string queue_sentence(const RunFacts& facts, const sim::Results& results) {
  for (std::size_t d = 0; d < facts.deployments.size(); ++d) {
    if (!kept_growing(queue_of(results, d, facts.deployments.size()))) continue;
    const auto& name = facts.deployments[d].name;
    const auto& part = results.summary.at("deployments").at(name);
    const auto unfinished = part.at("requests").at("unfinished").get<int64_t>();
    const auto& median = part.at("queue_s").at("p50");
    const std::string waited = median.is_number() ? duration(median.get<double>()) : "the whole run";
    const std::string left =
        unfinished > 0 ? fmt::format(", {} without an answer at the end", grouped(unfinished)) : "";
    return fmt::format(
        "The queue of {} kept growing: requests come faster than it serves them (median wait {}{}), so the latencies "
        "say how long the run was rather than how fast the box is.",
        name, waited, left);
  }
  return "";
}

}  // namespace tokwatt::cli
