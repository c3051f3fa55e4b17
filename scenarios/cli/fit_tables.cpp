#include "scenarios/cli/fit_tables.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <nlohmann/json.hpp>

#include "scenarios/cli/bench_rows.hpp"
#include "scenarios/cli/layout.hpp"
#include "scenarios/cli/natural_engine.hpp"

namespace tokwatt::cli {
namespace {

using Json = nlohmann::ordered_json;

std::string gb(double bytes) { return fmt::format("{:.1f}", bytes / 1e9); }

std::string rate_text(const sim::BenchRate& rate) { return three_digits(rate.tokens_per_second); }

std::string users_text(int64_t users) { return users == 1 ? "1 user" : grouped(users) + " users"; }

/// One property of a fit. What the question fixed has no column.
struct Column {
  const char* title;
  bool right;
  std::string (*cell)(const Fit&);
};

const Column kModel{"model", false, [](const Fit& f) { return f.subject.deployment.model.id; }};
const Column kBox{"box", false, [](const Fit& f) { return f.subject.box.id; }};
const Column kQuant{"quant", false, [](const Fit& f) { return f.subject.deployment.quant.id; }};
const Column kEngine{"engine", false,
                     [](const Fit& f) { return short_engine(f.subject.box, f.subject.deployment.engine.id); }};
const Column kWeights{"GB", true, [](const Fit& f) { return gb(f.plan.weights); }};
const Column kContext{"context", true, [](const Fit& f) { return grouped(f.longest_context); }};
const Column kUsers{"users", true, [](const Fit& f) { return grouped(f.most_users); }};
const Column kRate{"tok/s", true, [](const Fit& f) { return rate_text(f.decode); }};
const Column kPrice{"USD", true, [](const Fit& f) {
                      const double price = f.subject.box.price.paid();
                      return std::isnan(price) ? "-" : grouped(std::llround(price));
                    }};

std::vector<Column> columns_for(const FitQuestion& question) {
  std::vector<Column> out;
  if (question.model.empty()) out.push_back(kModel);
  if (question.system.empty()) out.push_back(kBox);
  if (question.quant.empty()) out.push_back(kQuant);
  if (question.engine.empty()) out.push_back(kEngine);
  out.push_back(kWeights);
  if (!question.system.empty()) out.push_back(kContext);  // what is left for it tells models apart
  // All four would not fit 80 columns beside the longest names of models.
  if (!question.model.empty() || question.system.empty()) out.push_back(kUsers);
  out.push_back(kRate);
  if (question.system.empty()) out.push_back(kPrice);
  return out;
}

/// As wide as a table with " | " between columns may be; longer ids get "| ".
std::string between(const std::vector<int>& widths) {
  int sum = 0;
  for (const int width : widths) sum += width + 3;
  return sum - 3 <= kScreen ? " | " : "| ";
}

std::string table(const std::vector<Fit>& fits, const std::vector<Column>& columns) {
  std::vector<int> widths;
  for (const auto& column : columns) {
    int most = std::max(width(column.title), 3);
    for (const auto& fit : fits) most = std::max(most, width(column.cell(fit)));
    widths.push_back(most);
  }
  std::string text;
  const std::string bar = between(widths);
  const auto line = [&](const auto& cell_of) {
    for (std::size_t c = 0; c < columns.size(); ++c) {
      const std::string cell = cell_of(c);
      const std::string pad(static_cast<std::size_t>(widths[c] - width(cell)), ' ');
      text += (c == 0 ? "" : bar) + (columns[c].right ? pad + cell : cell + pad);
    }
    text.erase(text.find_last_not_of(' ') + 1);
    text += "\n";
  };
  line([&](std::size_t c) { return std::string(columns[c].title); });
  line([&](std::size_t c) {
    const std::string dashes(static_cast<std::size_t>(widths[c] - 1), '-');
    return columns[c].right ? dashes + ":" : dashes + "-";
  });
  for (const auto& fit : fits) line([&](std::size_t c) { return columns[c].cell(fit); });
  return text;
}

/// Of one user; on most boxes one model needs the same.
std::string cache_text(const std::vector<Fit>& fits) {
  const auto [least, most] = std::minmax_element(
      fits.begin(), fits.end(), [](const Fit& a, const Fit& b) { return a.kv_per_user < b.kv_per_user; });
  const std::string low = fmt::format("{:.2f}", least->kv_per_user / 1e9);
  const std::string high = fmt::format("{:.2f}", most->kv_per_user / 1e9);
  return (low == high ? low : low + " to " + high) + " GB";
}

/// What the columns mean, above the table.
std::string legend(const FitQuestion& question, const FitList& list) {
  std::string given;
  const auto add = [&](const std::string& text) { given += (given.empty() ? "" : ", ") + text; };
  const auto& first = list.fits.front().subject;
  if (!question.model.empty()) add(first.deployment.model.id);
  if (!question.quant.empty()) add("as " + first.deployment.quant.id);
  if (!question.system.empty()) add(fmt::format("{} ({} GB usable)", first.box.id, gb(first.box.memory.usable())));
  if (!question.engine.empty()) add(first.deployment.engine.id);
  const std::string tokens = question.context > 0 ? grouped(question.context) : grouped(kUsualContext);
  const std::string whose = question.users == 1 ? "one user" : "each of " + users_text(question.users);
  const char* best = question.quant.empty() && (question.model.empty() || question.system.empty())
                         ? "quant: the published one where it fits, else the largest that does; "
                         : "";
  const std::string context = question.system.empty() ? "" : fmt::format("context: tokens that {} may have; ", whose);
  const bool one_box_only = question.model.empty() && !question.system.empty();
  const std::string users = one_box_only ? ""
                                         : fmt::format("users: how many fit with {} tokens each ({} of KV cache); ",
                                                       tokens, cache_text(list.fits));
  const char* price = question.system.empty() ? "; USD: the box, with the machine around a card" : "";
  return wrapped(fmt::format("{}: {}GB: weights; {}{}tok/s: decode of one user there{}.", given, best, context, users,
                             price)) +
         "\n\n";
}

/// Quants that were chosen for being all that fits.
std::string few_bits(const FitList& list, const FitQuestion& question) {
  constexpr double kFew = 3.5;  // published perplexities of most models turn up about there
  std::vector<std::string> names;
  for (const auto& fit : list.fits) {
    const auto& d = fit.subject.deployment;
    if (fit.bits() < kFew) names.push_back(question.model.empty() ? d.model.id : fit.subject.box.id);
  }
  if (names.empty() || !question.quant.empty() || question.min_bits > 0) return "";
  if (!question.model.empty() && !question.system.empty()) names = {"The last of these"};
  return "\n" +
         wrapped(fmt::format("Fewer than {} bits a weight: {}. Answers get worse, by how much is not simulated; "
                             "--min-bits 4 leaves such quants out.",
                             kFew, fmt::join(names, ", "))) +
         "\n";
}

std::string rest(const FitList& list, const FitQuestion& question) {
  std::string text = few_bits(list, question);
  if (!list.too_dear.empty())
    text += "\n" +
            wrapped(fmt::format("Cost more than {} USD: {}.", grouped(std::llround(*question.budget)),
                                fmt::join(list.too_dear, ", "))) +
            "\n";
  if (!list.no_price.empty())
    text += "\n" + wrapped(fmt::format("Price not known: {}.", fmt::join(list.no_price, ", "))) + "\n";
  const std::string bits = question.min_bits > 0 ? fmt::format(" in {:g} bits or more", question.min_bits) : "";
  if (!list.too_big.empty())
    text += "\n" + wrapped(fmt::format("Do not fit{}: {}.", bits, fmt::join(list.too_big, ", "))) + "\n";
  auto too_short = list.too_short;  // one model on many boxes is too short once
  std::sort(too_short.begin(), too_short.end());
  too_short.erase(std::unique(too_short.begin(), too_short.end()), too_short.end());
  if (!too_short.empty())
    text += "\n" + wrapped(fmt::format("Take less context than that: {}.", fmt::join(too_short, ", "))) + "\n";
  if (!list.not_run.empty())
    text += "\n" + wrapped(fmt::format("No engine runs: {}.", fmt::join(list.not_run, ", "))) + "\n";
  if (list.no_files.empty()) return text;
  return text + "\n" +
         wrapped(fmt::format("Not offered, as their blocks do not divide the model's rows and no file is measured: {}.",
                             fmt::join(list.no_files, ", "))) +
         "\n";
}

Json object_of(const Fit& fit) {
  const auto& [box, d] = fit.subject;
  Json out = {{"system", box.id},
              {"model", d.model.id},
              {"quant", d.quant.id},
              {"engine", d.engine.id},
              {"kv", d.kv.id},
              {"context", fit.context},
              {"users", fit.users},
              {"fits", fit.fits()},
              {"memory_bytes", box.memory.capacity},
              {"usable_bytes", fit.plan.usable},
              {"parameters", models::parameters(d.model)},
              {"weight_bytes", fit.plan.weights},
              {"bits_per_weight", fit.bits()},
              {"workspace_bytes", fit.plan.workspace},
              {"kv_bytes_per_user", fit.kv_per_user},
              {"left_bytes", fit.left()},
              {"longest_context", fit.longest_context},
              {"most_users", fit.most_users}};
  const bool runs = fit.fits();
  out["decode_tok_s"] = runs ? Json(fit.decode.tokens_per_second) : Json();
  out["decode_tok_s_low"] = runs ? Json(fit.decode.low) : Json();
  out["decode_tok_s_high"] = runs ? Json(fit.decode.high) : Json();
  const double price = box.price.paid();
  out["price_usd"] = std::isnan(price) ? Json() : Json(price);
  return out;
}

}  // namespace

std::string fit_sum(const Fit& fit) {
  const auto& [box, d] = fit.subject;
  const auto kv = sim::kv_bytes(d);
  std::string text = wrapped(fmt::format("{} as {} on {} with {}: {} with {} tokens each", d.model.id, d.quant.id,
                                         box.id, d.engine.id, users_text(fit.users), grouped(fit.context))) +
                     "\n\n";
  std::string cache = fmt::format("KV cache in {}: {} B per token", d.kv.id, grouped(std::llround(kv.per_token)));
  if (kv.window_fixed > 0) cache += fmt::format(", {} for full windows", bytes(kv.window_fixed));
  Columns sum("lrl", 2);
  const auto row = [&](const char* sign, double size, const std::string& what) {
    sum.row({sign, gb(size) + " GB", what});
  };
  row("", fit.plan.usable, fmt::format("can be used, of {} GB", gb(box.memory.capacity)));
  row("-", fit.plan.weights, "weights");
  row("-", fit.plan.workspace, "workspace of a step");
  row("-", static_cast<double>(fit.users) * fit.kv_per_user, cache);
  row("=", std::abs(fit.left()), fit.left() >= 0 ? "left" : "missing");
  text += sum.text() + "\n";
  if (!fit.takes_context())
    text += fmt::format("{} takes at most {} tokens of context.\n", fit.subject.deployment.model.id,
                        grouped(fit.subject.deployment.model.max_context));
  if (!fit.fits()) return text;
  Columns facts("lr", 2);
  facts.row({fmt::format("longest context of {}", users_text(fit.users)), grouped(fit.longest_context) + " tokens"});
  facts.row({fmt::format("users with {} tokens each", grouped(fit.context)), grouped(fit.most_users)});
  facts.row({"decode of one user", fmt::format("{} tok/s", rate_text(fit.decode))});
  return text + facts.text();
}

std::string fit_refusal(const Fit& fit) {
  const auto& [box, d] = fit.subject;
  if (!fit.takes_context()) {
    return fmt::format("{} takes at most {} tokens of context; {} were asked for", d.model.id, d.model.max_context,
                       fit.context);
  }
  const double cache = static_cast<double>(fit.users) * fit.kv_per_user;
  return fmt::format(
      "{} as {} does not fit: weights {} GB + workspace {} GB + KV cache {} GB ({} x {} tokens) = {} GB, but {} GB of "
      "{} GB can be used",
      d.model.id, d.quant.id, gb(fit.plan.weights), gb(fit.plan.workspace), gb(cache), fit.users, fit.context,
      gb(fit.plan.weights + fit.plan.workspace + cache), gb(fit.plan.usable), gb(box.memory.capacity));
}

std::string fit_markdown(const FitList& list, const FitQuestion& question) {
  if (list.fits.empty()) return "Nothing fits.\n" + rest(list, question);
  return legend(question, list) + table(list.fits, columns_for(question)) + rest(list, question);
}

std::string fit_json(const std::vector<Fit>& fits) {
  Json out = Json::array();
  for (const auto& fit : fits) out.push_back(object_of(fit));
  return out.dump(2) + "\n";
}

std::string fit_csv(const std::vector<Fit>& fits) {
  std::vector<Json> rows;
  for (const auto& fit : fits) rows.push_back(object_of(fit));
  return rows.empty() ? "" : bench_csv(rows);
}

}  // namespace tokwatt::cli
