#include "scenarios/cli/summary_table.hpp"

#include <fmt/format.h>

#include <array>
#include <cmath>
#include <limits>
#include <map>
#include <nlohmann/json.hpp>

#include "scenarios/cli/layout.hpp"
#include "scenarios/utf8.hpp"

namespace tokwatt::cli {
namespace {

using Json = nlohmann::ordered_json;

/// A number of the summary by its dotted path; NaN for null and for what is not there.
double at(const Json& summary, std::string_view path) {
  const Json* node = &summary;
  while (!path.empty()) {
    const auto end = std::min(path.find('.'), path.size());
    const auto next = node->find(std::string(path.substr(0, end)));
    if (next == node->end()) return std::numeric_limits<double>::quiet_NaN();
    node = &*next;
    path.remove_prefix(std::min(end + 1, path.size()));
  }
  return node->is_number() ? node->get<double>() : std::numeric_limits<double>::quiet_NaN();
}

int64_t count_at(const Json& summary, std::string_view path) {
  const double value = at(summary, path);
  return std::isfinite(value) ? std::llround(value) : 0;
}

std::string joined(const std::vector<std::string>& parts) { return fmt::format("{}", fmt::join(parts, ", ")); }

std::string usd(double value) { return std::isfinite(value) ? three_digits(value) + " USD" : "unknown"; }
std::string watts(double value) { return three_digits(value) + " W"; }
std::string degrees(double value) { return std::isfinite(value) ? fmt::format("{:.1f} degC", value) : "-"; }

// The one reason for which a request is rejected.
constexpr const char* kTooLong = "longer than the context a sequence may have (max_model_len)";

std::string requests(const Json& s) {
  std::vector<std::string> parts;
  for (const auto& [key, value] : s.at("requests").items()) {
    if (key == "submitted" || key == "rejected" || key == "failed" || (value == 0 && key != "completed")) continue;
    parts.push_back(fmt::format("{} {}", grouped(value.get<int64_t>()), key == "timed_out" ? "timed out" : key));
  }
  const auto out_of_context = s.at("kv").contains("out_of_context") ? count_at(s, "kv.out_of_context") : 0;
  if (out_of_context > 0)
    parts.push_back(
        fmt::format("{} failed: the context that slots share was full (kv_unified)", grouped(out_of_context)));
  const auto other = count_at(s, "requests.failed") - out_of_context;
  if (other > 0) parts.push_back(fmt::format("{} failed when a box went down", grouped(other)));
  const auto rejected = count_at(s, "requests.rejected");
  if (rejected > 0) parts.push_back(fmt::format("{} rejected: {}", grouped(rejected), kTooLong));
  const auto held_back = count_at(s, "requests_held_back");
  if (held_back > 0)
    parts.push_back(fmt::format("{} more held back by max_in_flight until the end", grouped(held_back)));
  const auto again = count_at(s, "requests_retried");
  return fmt::format("{} sent{}: {}", grouped(count_at(s, "requests.submitted")),
                     again > 0 ? fmt::format(", {} of them again", grouped(again)) : "", joined(parts));
}

std::string trace_rows(const Json& s) {
  std::vector<std::string> dropped;
  for (const auto& [reason, count] : s.at("rows").at("dropped_by").items())
    dropped.push_back(fmt::format("{} {}", grouped(count.get<int64_t>()), reason));
  const std::string why = dropped.empty() ? "" : fmt::format(" ({})", joined(dropped));
  return fmt::format("{} rows read, {} dropped{}", grouped(count_at(s, "rows.read")),
                     grouped(count_at(s, "rows.dropped")), why);
}

std::string simulated_time(const RunFacts& facts, const Json& s) {
  const char* last = count_at(s, "requests.unfinished") > 0 ? "the end, which cut some off" : "the last answer";
  const std::string busy = fmt::format("{} from the first request to {}", span(at(s, "duration_s")), last);
  return facts.duration ? fmt::format("{} simulated; {}", span(*facts.duration), busy) : busy + ", until drained";
}

std::string throughput(const Json& s) {
  return fmt::format("{} tok/s out, {} tok/s with the prompts, {} requests/s",
                     three_digits(at(s, "throughput_tok_s.output")), three_digits(at(s, "throughput_tok_s.total")),
                     three_digits(at(s, "request_rate_per_s")));
}

/// How many answers met their objective, of the streams that have one; empty where none was answered.
std::string objective(const Json& s) {
  int64_t met = 0, answered = 0;
  for (const auto& [name, part] : s.at("workload").items()) {
    const double good = at(part, "goodput_per_s") * at(part, "duration_s");
    if (!std::isfinite(good)) continue;
    met += std::llround(good);
    answered += count_at(part, "requests.completed");
  }
  if (answered == 0) return "";
  return fmt::format("{} of the {} answered requests with an objective met it",
                     percent(static_cast<double>(met) / static_cast<double>(answered)), grouped(answered));
}

/// A limit is looked at once a tick, and the lowest clock may draw more than it.
std::string power(const Json& s) {
  const double over = at(s, "over_limit_s");
  constexpr double kWorthSaying = 0.01;  // of the run: governors need a tick or two
  const std::string above =
      over > kWorthSaying * at(s, "duration_s") ? fmt::format(", above its limit for {} in all", duration(over)) : "";
  return fmt::format("wall {} mean, {} max; chip {} mean, {} max{}", watts(at(s, "power_w.wall.mean")),
                     watts(at(s, "power_w.wall.max")), watts(at(s, "power_w.chip.mean")),
                     watts(at(s, "power_w.chip.max")), above);
}

std::string energy_parts(const Json& s) {
  const double wall = at(s, "energy_j.wall");
  std::vector<std::string> parts;
  for (const char* part : {"compute", "memory", "static", "rest"})
    parts.push_back(fmt::format("{} {}", part, percent(at(s, fmt::format("energy_j.{}", part)) / wall)));
  return fmt::format("{} at the wall ({}); {} J/token", energy(wall), joined(parts),
                     three_digits(at(s, "j_per_tok_output")));
}

std::string heat(const Json& s) {
  return fmt::format("die {} mean, {} max, {} at the end", degrees(at(s, "temperature_c.mean")),
                     degrees(at(s, "temperature_c.max")), degrees(at(s, "temperature_c.final")));
}

std::string clocks(const RunFacts& facts, const Json& s) {
  const double throttled = at(s, "throttled_s");
  const std::string of = facts.devices > 1 ? fmt::format(" (mean of {})", facts.devices) : "";
  return fmt::format("{} mean, {} min; {}", clock(at(s, "clock_hz.mean")), clock(at(s, "clock_hz.min")),
                     throttled > 0 ? "throttled for " + span(throttled) + of : "never throttled");
}

/// What heat cost, against a run with perfect coolers.
std::string heat_cost(const Json& s) {
  const double part = at(s, "heat_cost.output_fraction"), longer = at(s, "heat_cost.e2e_s");
  constexpr double kLeast = 0.001;  // below it nothing can be read off
  // Clients who wait for answers do other things at other times: so runs differ, and heat may seem to have helped.
  if (part <= -kLeast || longer < 0) return "less than runs differ by chance";
  std::string out =
      part >= kLeast ? fmt::format("{:.1f} % of the output per second", part * 100) : "less than 0.1 % of the output";
  if (std::isfinite(longer) && longer >= kLeast)
    out += fmt::format("; the mean answer took {} longer", duration(longer));
  return out;
}

std::string room(const Json& s) {
  const std::string air =
      fmt::format("{} mean, {} max, {} at the end", degrees(at(s, "room.temperature_c.mean")),
                  degrees(at(s, "room.temperature_c.max")), degrees(at(s, "room.temperature_c.final")));
  const double cooling = at(s, "room.cooling_j"), bill = at(s, "room.cooling_usd");
  if (!(cooling > 0)) return air;
  return fmt::format("{}; cooled with {}{}", air, energy(cooling), std::isfinite(bill) ? ", " + usd(bill) : "");
}

std::string noise(const Json& s) {
  return fmt::format("{:.0f} dBA mean, {:.0f} dBA max of the loudest fan", at(s, "noise_dba.mean"),
                     at(s, "noise_dba.max"));
}

std::string batch(const RunFacts& facts, const Json& s) {
  const std::string requests =
      fmt::format("{} mean, {} max", three_digits(at(s, "batch.mean")), grouped(count_at(s, "batch.max")));
  const std::string share = percent(at(s, "kv.prefix_hit_fraction"));
  const bool found = count_at(s, "tokens.cached") > 0;
  if (!facts.has_boxes) return requests + (found ? fmt::format("; {} of prompt tokens found in the cache", share) : "");
  const auto from_host = s["kv"].contains("cache_ram_tokens") ? count_at(s, "kv.cache_ram_tokens") : 0;
  const std::string where =
      from_host > 0 ? fmt::format(" in it or in the host's memory ({} tokens), ", grouped(from_host)) : " in it, ";
  return fmt::format("{}; KV cache {} full at its peak, {}{} preemptions", requests, percent(at(s, "kv.peak_fraction")),
                     found ? share + " of prompt tokens found" + where : "", grouped(count_at(s, "kv.preemptions")));
}

std::string offload(const Json& s) {
  return fmt::format("{} tokens copied out, {} brought back from the host's memory, {} from disk",
                     grouped(count_at(s, "kv.offload.stored_tokens")), grouped(count_at(s, "kv.offload.host_tokens")),
                     grouped(count_at(s, "kv.offload.disk_tokens")));
}

std::string cost(const RunFacts& facts, const Json& s) {
  if (!facts.has_boxes)
    return fmt::format("{}, all of it asked by providers; {} per million output tokens", usd(at(s, "cost_usd.api")),
                       usd(at(s, "usd_per_mtok_output")));
  const double asked = at(s, "cost_usd.api");
  const std::string api = asked > 0 ? ", providers " + usd(asked) : "";
  if (!facts.has_electricity_price) {
    return fmt::format("hardware {}{}; electricity unknown (prices.electricity is not given)",
                       usd(at(s, "cost_usd.hardware")), api);
  }
  const double whole_days = at(s, "cost_usd.whole_days");
  constexpr double kWorthSaying = 1.01;  // else the run is as long as its days
  const std::string once = whole_days > kWorthSaying * at(s, "cost_usd.total")
                               ? fmt::format("; {} with the box's price for whole days", usd(whole_days))
                               : "";
  const double bill = at(s, "cost_usd.cooling");
  const std::string cooling = bill > 0 ? ", cooling " + usd(bill) : "";
  return fmt::format("{}: electricity {}{}, hardware {}{}; {} per million output tokens{}",
                     usd(at(s, "cost_usd.total")), usd(at(s, "cost_usd.electricity")), cooling,
                     usd(at(s, "cost_usd.hardware")), api, usd(at(s, "usd_per_mtok_output")), once);
}

/// Label in the first column, text wrapped beside it.
class Lines {
 public:
  void add(const char* label, const std::string& text) { text_ += fmt::format("{:<12}{}\n", label, wrapped(text, 12)); }
  void raw(const std::string& text) { text_ += text; }
  std::string text() const { return text_; }

 private:
  std::string text_;
};

std::string latencies(const Json& s, const Terminal& terminal) {
  Columns table("lrrrrrr");
  table.row({"latency", "mean", "p50", "p90", "p95", "p99", "max"});
  constexpr std::array<std::pair<const char*, const char*>, 6> kRows = {{{"queue_s", "in the queue"},
                                                                         {"ttft_s", "first token (TTFT)"},
                                                                         {"ttfa_s", "its answer (TTFA)"},
                                                                         {"tpot_s", "per token (TPOT)"},
                                                                         {"itl_s", "each gap (ITL)"},
                                                                         {"e2e_s", "whole request (E2E)"}}};
  for (const auto& [key, label] : kRows) {
    if (std::string_view(key) == "ttfa_s" && s["ttfa_s"] == s["ttft_s"]) continue;  // nothing is thought
    std::vector<std::string> cells = {label};
    for (const char* statistic : {"mean", "p50", "p90", "p95", "p99", "max"})
      cells.push_back(duration(at(s, fmt::format("{}.{}", key, statistic))));
    table.row(std::move(cells));
  }
  std::string text = table.text();
  const auto end = text.find('\n');
  return terminal.heading(text.substr(0, end)) + text.substr(end);
}

/// The error bars of what is asked for most; empty where the run has none.
std::string intervals(const Json& s) {
  if (!s.contains("interval90")) return "";
  struct Shown {
    const char *key, *label;
    std::string (*in_words)(double);
  };
  const auto rate = [](double value) { return three_digits(value) + " tok/s"; };
  const std::array<Shown, 5> shown = {{{"throughput_tok_s.output", "out", rate},
                                       {"ttft_s.p50", "TTFT p50", duration},
                                       {"ttft_s.p95", "TTFT p95", duration},
                                       {"tpot_s.p50", "TPOT p50", duration},
                                       {"power_w.wall.mean", "wall", watts}}};
  std::vector<std::string> parts;
  for (const auto& [key, label, in_words] : shown) {
    const auto interval = s["interval90"].find(key);
    if (interval == s["interval90"].end()) continue;
    const std::string low = in_words((*interval)[0].get<double>()), high = in_words((*interval)[1].get<double>());
    parts.push_back(fmt::format("{} {}", label, low == high ? low : fmt::format("{} to {}", low, high)));
  }
  return joined(parts);
}

/// Deployments or streams side by side, where there are several.
std::string parts(const Json& s, const char* key, const char* what) {
  const Json& all = s.at(key);
  if (all.size() < 2) return "";
  Columns table("lrrrrr");
  table.row({what, "completed", "TTFT p50", "TTFT p95", "TPOT p50", "tok/s out"});
  for (const auto& [name, part] : all.items()) {
    table.row({name, grouped(count_at(part, "requests.completed")), duration(at(part, "ttft_s.p50")),
               duration(at(part, "ttft_s.p95")), duration(at(part, "tpot_s.p50")),
               three_digits(at(part, "throughput_tok_s.output"))});
  }
  return "\n" + table.text();
}

/// The boxes side by side, where there are several: means over different chips would say nothing.
std::string boxes(const Json& s) {
  constexpr std::size_t kLongestName = 14;  // keeps the table within the screen
  Columns table("lrrrrrrl");
  table.row({"deployment", "wall W", "chip W", "max degC", "MHz", "throttled", "USD", "limited by"});
  for (const auto& [name, part] : s.at("deployments").items()) {
    const double throttled = at(part, "throttled_s"), hottest = at(part, "temperature_c.max");
    table.row({scenarios::shortened(name, kLongestName), three_digits(at(part, "power_w.wall.mean")),
               three_digits(at(part, "power_w.chip.mean")),
               std::isfinite(hottest) ? fmt::format("{:.1f}", hottest) : "-",
               three_digits(at(part, "clock_hz.mean") / 1e6), throttled > 0 ? duration(throttled) : "never",
               three_digits(at(part, "cost_usd.total")), limited_most_by(part.at("limited_by"))});
  }
  return table.text();
}

/// Where requests take up little of the run, what is of all of it says so.
std::string rest_of_run(const RunFacts& facts, const Json& s) {
  constexpr double kMuch = 0.1;
  const double rest = facts.duration ? *facts.duration - at(s, "duration_s") : 0;
  if (!facts.has_boxes || count_at(s, "requests.submitted") == 0 || rest <= kMuch * *facts.duration) return "";
  return fmt::format(
      "Energy, its cost, clocks and temperatures are of all {}, the {} without requests before and after them "
      "included.",
      span(*facts.duration), span(rest));
}

/// What limited the whole, or one deployment.
std::string limit_of(const Json& part, bool is_hosted) {
  if (is_hosted) return "What limits its provider is not known.";
  const auto sent = count_at(part, "requests.submitted");
  if (sent == 0) return "Nothing ran: no request came before the end.";
  if (count_at(part, "requests.rejected") == sent)
    return fmt::format("Nothing ran: every request was rejected, {}.", kTooLong);
  return limit_sentence(part.at("limited_by"));
}

/// For each deployment where there are several.
std::vector<std::string> limits(const RunFacts& facts, const Json& s) {
  const Json& deployments = s.at("deployments");
  if (facts.deployments.size() == 1) return {limit_of(s, facts.deployments.front().is_hosted)};
  std::vector<std::string> out;
  for (const auto& served : facts.deployments)
    out.push_back(fmt::format("{}: {}", served.name, limit_of(deployments.at(served.name), served.is_hosted)));
  return out;
}

/// All of a few; of many, how many each sheet has.
std::string assumed(const Json& s) {
  const auto all = s.at("assumed").get<std::vector<std::string>>();
  if (all.empty()) return "";
  const std::string count =
      fmt::format("{} {} on assumption", all.size(), all.size() == 1 ? "input rests" : "inputs rest");
  if (all.size() <= 3) return fmt::format("{}: {}.", count, joined(all));
  std::map<std::string, int> by_sheet;
  for (const auto& input : all) ++by_sheet[input.substr(0, input.find(':'))];
  std::vector<std::string> parts;
  for (const auto& [sheet, inputs] : by_sheet) parts.push_back(fmt::format("{} of {}", inputs, sheet));
  return fmt::format("{}: {}; --summary json lists them.", count, joined(parts));
}

/// "left and right: 2 x NVIDIA DGX Spark, 2 replicas, prefix-aware routing".
std::string place_of(const sim::Deployment& d, const std::vector<sim::System>& systems) {
  std::vector<std::string> names;
  int64_t devices = 0;
  for (const int s : d.systems) {
    names.push_back(systems[static_cast<std::size_t>(s)].name);
    devices += systems[static_cast<std::size_t>(s)].count;
  }
  const auto& box = systems[static_cast<std::size_t>(d.systems.front())].box;
  std::string out = fmt::format("{}: {}{}", fmt::join(names, " and "), devices > 1 ? fmt::format("{} x ", devices) : "",
                                box.title.empty() ? box.id : box.title);
  if (d.tensor_parallel > 1) out += fmt::format(", tensor parallel over {}", d.tensor_parallel);
  constexpr const char* kRoutings[] = {"round-robin", "least-loaded", "prefix-aware"};
  if (d.replicas > 1)
    out += fmt::format(", {} replicas, {} routing", d.replicas, kRoutings[static_cast<std::size_t>(d.routing)]);
  return out;
}

}  // namespace

RunFacts facts_of(const scenarios::Loaded& loaded) {
  RunFacts facts;
  facts.title = loaded.input.title.empty() ? "Untitled scenario" : loaded.input.title;
  if (loaded.input.duration) facts.duration = sim::seconds(*loaded.input.duration);
  facts.has_boxes = !loaded.input.systems.empty();
  facts.one_kind_of_box = loaded.input.systems.size() == 1;
  for (const auto& system : loaded.input.systems) facts.devices += system.count;
  facts.has_electricity_price = loaded.input.prices.electricity.has_value();
  for (const auto& d : loaded.input.deployments) {
    if (d.hosted) {
      facts.deployments.push_back(
          {d.name, "hosted: " + (d.hosted->title.empty() ? d.hosted->id : d.hosted->title), true});
      continue;
    }
    if (loaded.input.deployments.size() == 1 && d.systems.size() == loaded.input.systems.size())
      facts.one_kind_of_box = true;
    const std::string draft =
        d.speculation ? fmt::format("{} tokens drafted by {}, ", d.drafted(), d.speculation->draft.id) : "";
    facts.deployments.push_back({d.name, fmt::format("{}, {} weights, {} KV cache, {}, {}on {}", d.model.id, d.quant.id,
                                                     d.kv.id, d.engine.id, draft, place_of(d, loaded.input.systems))});
  }
  for (const auto& stream : loaded.input.streams) facts.streams.push_back(stream.name);
  return facts;
}

std::string summary_table(const RunFacts& facts, const sim::Results& results, const Terminal& terminal) {
  const Json& s = results.summary;
  Lines lines;
  lines.raw(terminal.heading(wrapped(facts.title)) + "\n");
  for (const auto& served : facts.deployments)
    lines.raw(wrapped(fmt::format("{}: {}", served.name, served.what), 2) + "\n");
  lines.raw("\n");
  lines.add("requests", requests(s));
  if (count_at(s, "rows.read") > 0) lines.add("trace", trace_rows(s));
  lines.add("time", simulated_time(facts, s));
  lines.add("throughput", throughput(s));
  if (const std::string met = objective(s); !met.empty()) lines.add("objective", met);
  lines.raw("\n" + latencies(s, terminal));
  if (const std::string bars = intervals(s); !bars.empty()) lines.add("interval", "90 %: " + bars);
  lines.raw(parts(s, "deployments", "deployment") + parts(s, "workload", "stream") + "\n");
  lines.add("batch", batch(facts, s));
  if (s["kv"].contains("offload")) lines.add("KV blocks", offload(s));
  if (facts.one_kind_of_box) lines.add("power", power(s));
  if (facts.has_boxes) lines.add("energy", energy_parts(s));
  if (facts.one_kind_of_box) {
    lines.add("heat", heat(s));
    lines.add("clock", clocks(facts, s));
    if (s.contains("heat_cost")) lines.add("heat cost", heat_cost(s));
    if (std::isfinite(at(s, "noise_dba.max"))) lines.add("noise", noise(s));
  }
  if (s.contains("room")) lines.add("room", room(s));
  lines.add("cost", cost(facts, s));
  if (facts.has_boxes && !facts.one_kind_of_box) lines.raw("\n" + boxes(s));
  lines.raw("\n");
  for (const std::string& sentence : limits(facts, s)) lines.raw(terminal.heading(wrapped(sentence)) + "\n");
  for (const std::string& sentence : {queue_sentence(facts, results), rest_of_run(facts, s), assumed(s)}) {
    if (!sentence.empty()) lines.raw(wrapped(sentence) + "\n");
  }
  return lines.text();
}

}  // namespace tokwatt::cli
