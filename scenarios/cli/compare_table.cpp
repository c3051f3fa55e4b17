#include "scenarios/cli/compare_table.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <limits>
#include <nlohmann/json.hpp>
#include <span>

#include "money/plan.hpp"
#include "scenarios/cli/compared_plans.hpp"
#include "scenarios/cli/layout.hpp"
#include "scenarios/cli/summary_table.hpp"
#include "scenarios/plan/planning.hpp"
#include "scenarios/studies/condition.hpp"
#include "scenarios/utf8.hpp"

namespace tokwatt::cli {
namespace {

using Json = nlohmann::ordered_json;
using scenarios::Status;

constexpr std::size_t kBeside = 2;  // boxes beside the first in one table: more do not fit the screen
constexpr std::size_t kShortestName = 8, kLongestName = 24;  // of an API, for the same reason

struct Row {
  const char* label;
  const char* metric;
  bool is_loss = false;      ///< of requests without an answer: said where a box has some
  bool beside_apis = false;  ///< said where it has APIs to be compared with
};
constexpr std::array kRows = {
    Row{"requests completed", "requests.completed"},
    Row{"requests failed", "requests.failed", true},
    Row{"requests rejected", "requests.rejected", true},
    Row{"requests timed out", "requests.timed_out", true},
    Row{"requests cancelled", "requests.cancelled", true},
    Row{"requests unfinished", "requests.unfinished", true},
    Row{"throughput, output", "throughput_tok_s.output"},
    Row{"first token, p50", "ttft_s.p50"},
    Row{"first token, p95", "ttft_s.p95"},
    Row{"per token, p50", "tpot_s.p50"},
    Row{"per token, p95", "tpot_s.p95"},
    Row{"whole request, p95", "e2e_s.p95"},
    Row{"batch, mean", "batch.mean"},
    Row{"power at the wall", "power_w.wall.mean"},
    Row{"energy", "energy_j.wall"},
    Row{"energy per token", "j_per_tok_output"},
    Row{"die, highest", "temperature_c.max"},
    Row{"throttled", "throttled_s"},
    Row{"cost", "cost_usd.total"},
    Row{"cost per Mtok", "usd_per_mtok_output"},
    Row{"cost, once a day", "cost_usd.whole_days", false, true},
    Row{"plan, in all", "plan.cost_usd.value"},
    Row{"plan, a month", "plan.usd_per_month"},
    Row{"plan, per Mtok", "plan.usd_per_mtok_output"},
};

char letter(std::size_t box) { return static_cast<char>('A' + static_cast<char>(box)); }

const scenarios::Metric* find(const std::vector<scenarios::Metric>& metrics, const char* name) {
  for (const auto& metric : metrics) {
    if (metric.name == name) return &metric;
  }
  return nullptr;
}

/// Temperatures have no zero that a percentage could be of.
std::string difference_of(const scenarios::Metric& metric, double value, double reference) {
  if (metric.units != "degC") return difference(value, reference);
  return std::isfinite(value - reference) ? fmt::format("{:+.1f} K", value - reference) : "";
}

/// "-86 % to -80 %"; empty without an interval.
std::string range_in_words(const std::optional<scenarios::Interval>& range, const scenarios::Metric& metric) {
  if (!range) return "";
  if (metric.units == "degC") return fmt::format("{:+.1f} to {:+.1f} K", range->low, range->high);
  return fmt::format("{} to {}", difference(1 + range->low, 1), difference(1 + range->high, 1));
}

/// What the tokens of a box's run would have cost; NaN where it did not run.
double cost_at(const ComparedApi& api, const ComparedBox& box) {
  if (box.answer.status != Status::ok) return std::nan("");
  constexpr double kDay = 86'400, kMonth = money::kHoursOfMonth * 3600;
  const auto& summary = box.answer.summary;
  const auto of = [&](const char* section, const char* key) { return summary.at(section).at(key).get<double>(); };
  const money::Tokens tokens{of("tokens", "prompt"), of("tokens", "cached"), of("tokens", "output")};
  const double lasts = summary.at("duration_s").is_number() ? summary.at("duration_s").get<double>() : 0;
  const double paid_for = scenarios::requests_paid_for(summary);
  const double free = money::free_share(api.free_tier, paid_for, tokens.prompt + tokens.output,
                                        std::fmax(std::ceil(lasts / kDay), 1), std::fmax(std::ceil(lasts / kMonth), 1));
  return money::cost(api.prices, tokens) * (1 - free);
}

/// A row that is told of these boxes. All of it is in one unit, that of `size`.
struct ToldRow {
  Row row;
  const scenarios::Metric* metric;
  double size;
};

/// Whether so many requests without an answer change what the latencies of the others say. Some are always on their way
/// when a run ends.
bool is_told(const Row& row, double losses, const ComparedBox& box) {
  constexpr double kFew = 8, kShare = 0.05;
  if (!row.is_loss || std::isnan(losses)) return false;
  const double least = std::string_view(row.metric) != "requests.unfinished"
                           ? 0
                           : std::fmax(kFew, kShare * box.answer.summary.at("requests").at("submitted").get<double>());
  return losses > least;
}

/// The size whose unit suits all of a row: that of its largest number, but no tenth of a second in minutes.
double size_of_unit(const std::vector<double>& values) {
  constexpr double kSmallest = 0.1,
                   kLargest = 60;  // a number may be so many units; what reaches one second is in seconds
  double largest = 0, smallest = std::numeric_limits<double>::infinity();
  for (const double value : values) {
    if (!std::isfinite(value) || value == 0) continue;
    largest = std::fmax(largest, std::abs(value));
    smallest = std::fmin(smallest, std::abs(value));
  }
  return std::fmin(largest, std::fmax(1, std::fmax(smallest / kSmallest, largest / kLargest)));
}

std::vector<ToldRow> told_rows(const std::vector<ComparedBox>& boxes, const std::vector<scenarios::Metric>& metrics,
                               bool beside_apis) {
  std::vector<ToldRow> out;
  for (const auto& row : kRows) {
    if (row.beside_apis && !beside_apis) continue;
    const auto* metric = find(metrics, row.metric);
    if (!metric) continue;
    bool some = !row.is_loss;
    std::vector<double> values;
    for (const auto& box : boxes) {
      values.push_back(number_of(box, *metric));
      some = some || is_told(row, values.back(), box);
    }
    if (some) out.push_back({row, metric, size_of_unit(values)});
  }
  return out;
}

/// Requests are counted; the rest has three digits.
std::string cell(const ToldRow& told, double value) {
  if (std::isfinite(value) && told.metric->name.starts_with("requests.")) return grouped(std::llround(value));
  return quantity(value, told.metric->units, told.size);
}

/// What a table of some boxes is made of.
struct Comparison {
  const std::vector<ComparedBox>& boxes;
  const std::vector<ComparedApi>& apis;
  const std::vector<ToldRow>& rows;
};

/// The first box, and others beside it.
std::string block(const Comparison& of, std::span<const std::size_t> others, std::size_t longest_name) {
  const auto& first = of.boxes.front();
  const bool with_ranges = !first.draws.empty();
  std::string alignment = "lr";
  std::vector<std::string> head = {"", "A"};
  for (const std::size_t b : others) {
    alignment += with_ranges ? "rrr" : "rr";
    head.insert(head.end(), {std::string(1, letter(b)), "to A"});
    if (with_ranges) head.emplace_back("90 %");
  }
  Columns table(alignment);
  table.row(head);
  for (const auto& told : of.rows) {
    const auto* metric = told.metric;
    const double reference = number_of(first, *metric);
    std::vector<std::string> cells = {told.row.label, cell(told, reference)};
    for (const std::size_t b : others) {
      const double value = number_of(of.boxes[b], *metric);
      cells.insert(cells.end(), {cell(told, value), difference_of(*metric, value, reference)});
      if (with_ranges) cells.push_back(range_in_words(difference_range_of(of.boxes[b], first, *metric), *metric));
    }
    table.row(cells);
  }
  for (const auto& api : of.apis) {
    const double reference = cost_at(api, first);
    std::vector<std::string> cells = {"at " + scenarios::shortened(api.name, longest_name), quantity(reference, "USD")};
    for (const std::size_t b : others) {
      const double value = cost_at(api, of.boxes[b]);
      cells.insert(cells.end(), {quantity(value, "USD"), difference(value, reference)});
      if (with_ranges) cells.emplace_back("");
    }
    table.row(cells);
  }
  return table.text();
}

/// Columns that the screen lacks for a text; not more than 0 where it has room for it.
int lacking(const std::string& text) {
  int widest = 0;
  for (std::size_t from = 0; from < text.size(); from = std::min(text.find('\n', from), text.size()) + 1)
    widest = std::max(widest, width(std::string_view(text).substr(from, text.find('\n', from) - from)));
  return widest - kScreen;
}

/// As many of the others as the screen has room for; they are taken off `left`.
std::string next_block(const Comparison& of, std::span<const std::size_t>& left) {
  auto count = std::min(kBeside, left.size());
  std::string text = block(of, left.first(count), kLongestName);
  if (count > 1 && lacking(text) > 0) text = block(of, left.first(count = 1), kLongestName);
  if (const int more = lacking(text); more > 0) {
    const auto room = static_cast<int>(kLongestName) - more;
    text = block(of, left.first(count), std::max(kShortestName, static_cast<std::size_t>(std::max(room, 0))));
  }
  left = left.subspan(count);
  return text;
}

std::string verdict(const ComparedBox& box) {
  if (box.answer.status == Status::ok) return limit_sentence(box.answer.summary.at("limited_by"));
  return fmt::format("{}: {}", in_words(box.answer.status), box.answer.reason);
}

/// Why a cost is missing; empty where none is.
std::string unknown_costs(const std::vector<ComparedBox>& boxes) {
  std::vector<std::string> why;
  for (std::size_t b = 0; b < boxes.size(); ++b) {
    if (boxes[b].answer.status != Status::ok) continue;
    const auto& cost = boxes[b].answer.summary.at("cost_usd");
    if (cost.at("electricity").is_null() && why.empty()) why.emplace_back("prices.electricity is not given");
    if (cost.at("hardware").is_null()) why.push_back(fmt::format("nobody says what {} costs", letter(b)));
  }
  return why.empty() ? "" : fmt::format("Costs are unknown (-): {}.", fmt::join(why, ", "));
}

/// What the scenario says of its own box and was not carried over; empty where nothing was left out.
std::string left_out_in_words(const std::vector<ComparedBox>& boxes) {
  std::string letters;
  const std::vector<std::string>* keys = nullptr;
  for (std::size_t b = 0; b < boxes.size(); ++b) {
    if (boxes[b].left_out.empty()) continue;
    letters += fmt::format("{}{}", letters.empty() ? "" : ", ", letter(b));
    keys = &boxes[b].left_out;  // the same for each
  }
  if (!keys) return "";
  return fmt::format("The scenario says {} of its own box; {} left out for {}.", fmt::join(*keys, ", "),
                     keys->size() == 1 ? "that is" : "they are", letters);
}

}  // namespace

std::string difference(double value, double reference) {
  constexpr double kMany = 10;  // times: percentages say little then
  if (!std::isfinite(value) || !std::isfinite(reference) || reference == 0) return "";
  const double ratio = value / reference;
  if (ratio >= kMany) return fmt::format("x {}", three_digits(ratio));
  const double percent = (ratio - 1) * 100;
  return std::abs(percent) < 9.95 ? fmt::format("{:+.1f} %", percent) : fmt::format("{:+.0f} %", percent);
}

std::string compare_table(const std::string& title, const std::vector<ComparedBox>& boxes,
                          const std::vector<ComparedApi>& apis, const Terminal& terminal) {
  std::string out = title.empty() ? "" : terminal.heading(wrapped(title)) + "\n";
  for (std::size_t b = 0; b < boxes.size(); ++b) {
    std::string box = boxes[b].name;
    if (!boxes[b].link.empty()) box += ", link " + boxes[b].link;
    if (!boxes[b].engine.empty()) box += ", " + boxes[b].engine;
    if (boxes[b].at_once > 0) box += fmt::format(", {} at a time", grouped(boxes[b].at_once));
    out += fmt::format("{}  {}\n", letter(b), wrapped(box, 3));
  }
  std::vector<scenarios::Metric> metrics;
  std::vector<std::size_t> others;  // that run
  for (std::size_t b = 0; b < boxes.size(); ++b) {
    if (boxes[b].answer.status != Status::ok) continue;
    if (metrics.empty()) metrics = scenarios::metrics_of(boxes[b].answer.summary);
    if (b > 0) others.push_back(b);
  }
  const auto rows = told_rows(boxes, metrics, !apis.empty());
  std::span<const std::size_t> left = others;
  const auto draws = boxes.front().draws.size();
  do {
    if (!metrics.empty()) out += "\n" + next_block({boxes, apis, rows}, left);
  } while (!metrics.empty() && !left.empty());
  if (std::any_of(rows.begin(), rows.end(), [](const ToldRow& told) { return told.row.is_loss; }))
    out += "\n" +
           wrapped(
               "Latencies are of requests that had a first token or an answer: those that were lost before are not in "
               "them, and a box that loses many looks the faster for it.") +
           "\n";
  if (!apis.empty())
    out += "\n" +
           wrapped(
               "Cost has the price of a box for the time of the run, as if it worked day and night; once a day has it "
               "for whole days, as of a box that does nothing else. An API's is all that it asks. Months of such days: "
               "plan.") +
           "\n";
  if (draws > 0)
    out += "\n" +
           wrapped(fmt::format("90 %: the difference over {} draws from what is not known of engines and boxes. What "
                               "they share is the same draw on each box.",
                               draws)) +
           "\n";
  if (const auto unknown = unknown_costs(boxes); !unknown.empty()) out += "\n" + wrapped(unknown) + "\n";
  if (const auto left_out = left_out_in_words(boxes); !left_out.empty()) out += "\n" + wrapped(left_out) + "\n";
  if (const auto plans = plans_in_words(boxes); !plans.empty()) out += "\n" + plans;
  out += "\n";
  for (std::size_t b = 0; b < boxes.size(); ++b)
    out += fmt::format("{}  {}\n", letter(b), wrapped(verdict(boxes[b]), 3));
  return out;
}

Json compare_json(const std::vector<ComparedBox>& boxes, const std::vector<ComparedApi>& apis) {
  const auto ranges = [](const auto& metrics, auto of) {
    Json out = Json::object();
    for (const auto& metric : metrics) {
      if (const auto range = of(metric)) out[metric.name] = {range->low, range->high};
    }
    return out;
  };
  Json out = Json::array();
  for (const auto& box : boxes) {
    Json entry = {{"system", box.name},
                  {"engine", box.engine},
                  {"max_num_seqs", box.at_once},
                  {"status", in_words(box.answer.status)}};
    if (!box.left_out.empty()) entry["left_out"] = box.left_out;
    if (box.without_plan) entry["without_plan"] = true;
    if (box.answer.status != Status::ok) {
      entry["reason"] = box.answer.reason;
      out.push_back(std::move(entry));
      continue;
    }
    entry["summary"] = box.answer.summary;
    if (const auto than_first = cheaper(box, boxes.front()); than_first && &box != &boxes.front()) {
      const auto month = [](const std::optional<int>& m) { return m ? Json(*m) : Json(nullptr); };
      entry["plan_no_dearer_than_first"] = {{"from_month_if_sold", month(than_first->if_sold)},
                                            {"from_month_if_kept", month(than_first->if_kept)}};
    }
    for (const auto& api : apis) entry["api_usd"][api.name] = cost_at(api, box);
    if (!box.draws.empty()) {
      const auto metrics = scenarios::metrics_of(box.answer.summary);
      entry["interval90"] = ranges(metrics, [&](const auto& metric) { return range_of(box, metric); });
      if (&box != &boxes.front())
        entry["difference90"] =
            ranges(metrics, [&](const auto& metric) { return difference_range_of(box, boxes.front(), metric); });
    }
    out.push_back(std::move(entry));
  }
  return out;
}

}  // namespace tokwatt::cli
