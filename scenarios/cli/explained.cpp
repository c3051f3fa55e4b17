#include "scenarios/cli/explained.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <nlohmann/json.hpp>

#include "sim/serving/request.hpp"

namespace tokwatt::cli {
namespace {

using Json = nlohmann::ordered_json;

/// Zero where the run has no such number.
double number(const Json& part, std::initializer_list<const char*> path) {
  const Json* at = &part;
  for (const char* key : path) {
    const auto found = at->find(key);
    if (found == at->end()) return 0;
    at = &*found;
  }
  return at->is_number() ? at->get<double>() : 0;
}

struct LimitWords {
  const char* key;
  const char* what;
  const char* help;  ///< what there would be less of; empty: no time to be saved
};
constexpr std::array kLimits = {
    LimitWords{"bandwidth", "reading weights and KV cache",
               "memory of twice the bandwidth, or weights and KV cache of half the bytes"},
    LimitWords{"compute", "arithmetic", "twice the arithmetic, or half the prompt tokens (a prefix cache)"},
    LimitWords{"dispatch", "launching kernels, and the host between steps",
               "an engine that launches half as many kernels, or a host of twice the speed"},
    LimitWords{"link", "moving data between devices", "links of twice the speed"},
    LimitWords{"heat", "a clock lowered by temperature", "cooler air, or a fan that moves more of it"},
    LimitWords{"power", "a clock lowered by the power limit", "a higher power limit"},
    LimitWords{"queue", "requests waiting for KV cache or a slot", ""},
    LimitWords{"idle", "nothing to do", ""},
    LimitWords{"down", "requests waiting for a box to be up and its model to be loaded", ""},
};

void add_limits(const Json& part, Explained& out) {
  for (const auto& limit : kLimits) {
    const double share = number(part, {"limited_by", limit.key});
    if (share > 0) out.box.push_back({limit.key, limit.what, share * out.span});
  }
}

/// Means from the sending of a request [s].
struct RequestMeans {
  double queue = 0, first_token = 0, whole = 0;
};

/// Of the requests that were completed; nothing without records of them.
std::optional<RequestMeans> means_of_completed(const ColumnOf& column_of) {
  const auto sent = column_of("requests/arrival"), admitted = column_of("requests/admitted"),
             first = column_of("requests/first_token"), finish = column_of("requests/finish"),
             outcome = column_of("requests/outcome");
  if (!sent || !admitted || !first || !finish || !outcome) return std::nullopt;
  const std::size_t rows = sent->size();
  for (const auto* column : {&admitted, &first, &finish, &outcome}) {
    if ((*column)->size() != rows) return std::nullopt;
  }
  constexpr auto kCompleted = static_cast<double>(sim::Outcome::completed);
  RequestMeans sum;
  double completed = 0;
  for (std::size_t i = 0; i < rows; ++i) {
    if ((*outcome)[i] != kCompleted) continue;
    ++completed;
    sum.queue += (*admitted)[i] - (*sent)[i];
    sum.first_token += (*first)[i] - (*sent)[i];
    sum.whole += (*finish)[i] - (*sent)[i];
  }
  if (completed == 0 || !std::isfinite(sum.queue + sum.first_token + sum.whole)) return std::nullopt;
  return RequestMeans{sum.queue / completed, sum.first_token / completed, sum.whole / completed};
}

/// Those of the summary: its queue and first tokens are those of requests that were not completed too.
RequestMeans means_of(const Json& part) {
  return {number(part, {"queue_s", "mean"}), number(part, {"ttft_s", "mean"}), number(part, {"e2e_s", "mean"})};
}

void add_requests(const Json& part, const std::optional<RequestMeans>& of_completed, std::optional<double> interference,
                  Explained& out) {
  const auto [queue, first, whole] = of_completed.value_or(means_of(part));
  out.request = whole;
  const double decode = std::max(out.request - first, 0.0);
  const double beside = std::min(interference.value_or(0), decode);
  out.requests.push_back({"queue", "sent, not yet admitted", queue});
  out.requests.push_back({"prefill", "admitted, up to the first token", std::max(first - queue, 0.0)});
  if (interference) out.requests.push_back({"interference", "decode held up by others' prompts in its steps", beside});
  out.requests.push_back({"decode", "the tokens after the first", decode - beside});
  if (!of_completed && number(part, {"requests", "completed"}) < number(part, {"requests", "submitted"}))
    out.missing.emplace_back(
        "the queue and the first token of those that were completed: these are of all that came so far, which makes "
        "the "
        "parts differ from the whole");
  if (!interference)
    out.missing.emplace_back(
        "what others' prompts cost those that decode: it takes the segments of one deployment on its own (record: "
        "{requests: true})");
}

void add_joules(const Json& part, Explained& out) {
  out.energy = number(part, {"energy_j", "wall"});
  out.joules = {
      {"compute", "arithmetic", number(part, {"energy_j", "compute"})},
      {"memory", "moving bytes", number(part, {"energy_j", "memory"})},
      {"static", "the chip being on and at work: idle and active power, leakage", number(part, {"energy_j", "static"})},
      {"rest", "host, fans, losses of the power supply", number(part, {"energy_j", "rest"})}};
}

/// Amdahl's bound on each remedy: half of what a limit takes is what twice as much of it could save.
void add_helps(const Json& part, Explained& out) {
  if (out.request <= 0) return;
  double busy = 0;
  for (const auto& limit : kLimits) {
    if (*limit.help != '\0') busy += number(part, {"limited_by", limit.key});
  }
  const double waiting = out.requests.front().amount / out.request;
  // Where boxes were down it was they that requests waited for.
  if (waiting > 0 && number(part, {"limited_by", "queue"}) >= number(part, {"limited_by", "down"}))
    out.helps.push_back({"room for more requests at once (memory for KV cache, slots), or a second replica", waiting});
  for (const auto& limit : kLimits) {
    if (*limit.help == '\0' || busy <= 0) continue;
    const bool is_lost = std::string_view(limit.key) == "heat" || std::string_view(limit.key) == "power";
    const double share = number(part, {"limited_by", limit.key}) / busy * (1 - waiting);
    if (share > 0) out.helps.push_back({limit.help, is_lost ? share : share / 2});
  }
  for (const auto& portion : out.requests) {
    if (portion.name == "interference" && portion.amount > 0)
      out.helps.push_back(
          {"smaller chunks of prompts, or prompts on a box of their own", portion.amount / out.request});
  }
  std::stable_sort(out.helps.begin(), out.helps.end(),
                   [](const Help& a, const Help& b) { return a.at_most > b.at_most; });
}

/// What prompts cost the sequences that decode beside them: the mean over completed requests [s]; nothing without
/// segments.
std::optional<double> interference(const ColumnOf& column_of, double completed) {
  const auto steps = column_of("segments/steps"), duration = column_of("segments/duration"),
             growth = column_of("segments/growth"), decoding = column_of("segments/decoding"),
             chunk = column_of("segments/chunk_tokens");
  if (!steps || !duration || !growth || !decoding || !chunk || completed <= 0) return std::nullopt;
  const std::size_t rows = steps->size();
  if (duration->size() != rows || growth->size() != rows || decoding->size() != rows || chunk->size() != rows)
    return std::nullopt;
  constexpr double kPicosecond = 1e-12;
  double with_prompts = 0, lost = 0, plain = 0;  // a step of the same size without prompts is taken from the one before
  for (std::size_t i = 0; i < rows; ++i) {
    const double n = (*steps)[i];
    if ((*chunk)[i] == 0) {
      plain = (*duration)[i] + (*growth)[i] * (n - 1);
    } else if ((*decoding)[i] > 0) {
      with_prompts += n;
      lost += std::max((*duration)[i] - plain, 0.0) * (*decoding)[i] * (plain > 0 ? 1.0 : 0.0);
    }
  }
  return with_prompts > 0 ? lost * kPicosecond / completed : 0.0;
}

Explained deployment_of(const std::string& name, const Json& part, double span,
                        const std::optional<RequestMeans>& of_completed, std::optional<double> interference) {
  Explained out;
  out.name = name;
  out.span = span;
  add_requests(part, of_completed, interference, out);
  add_limits(part, out);
  add_joules(part, out);
  add_helps(part, out);
  return out;
}

/// How long the run was: its last sample.
double span_of(const ColumnOf& column_of) {
  const auto times = column_of("series/time");
  if (!times || times->empty() || !std::isfinite(times->back()) || times->back() <= 0)
    throw NotExplained("it has no series; expected the results file of tokwatt run");
  return times->back();
}

}  // namespace

std::vector<Explained> explained(const Json& summary, const ColumnOf& column_of) {
  const bool is_summary = summary.is_object() && summary.contains("deployments") && summary["deployments"].is_object();
  if (!is_summary) throw NotExplained("it has no summary; expected the results file of tokwatt run");
  const double span = span_of(column_of);
  std::vector<Explained> out;
  const auto& deployments = summary["deployments"];
  for (const auto& [name, part] : deployments.items()) {
    const bool is_whole = part.is_object() && part.contains("requests") && part["requests"].contains("completed") &&
                          part["requests"]["completed"].is_number();
    if (!is_whole) throw NotExplained("its summary is damaged");
    // The requests and segments of several deployments stand in one table.
    const bool is_alone = deployments.size() == 1;
    const auto beside = is_alone ? interference(column_of, part["requests"]["completed"].get<double>()) : std::nullopt;
    out.push_back(deployment_of(name, part, span, is_alone ? means_of_completed(column_of) : std::nullopt, beside));
  }
  return out;
}

}  // namespace tokwatt::cli
