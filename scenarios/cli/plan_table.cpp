#include "scenarios/cli/plan_table.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <nlohmann/json.hpp>

#include "scenarios/cli/layout.hpp"
#include "scenarios/cli/summary_table.hpp"
#include "scenarios/utf8.hpp"

namespace tokwatt::cli {
namespace {

using Json = nlohmann::ordered_json;

constexpr std::size_t kLongestName = 26;  // keeps the table within the screen

/// Whole dollars from a thousand on: a plan is not known to the cent.
std::string usd(const Json& value) {
  if (!value.is_number()) return "-";
  const double amount = value.get<double>();
  if (std::abs(amount) < 1000) return three_digits(amount);
  return (amount < 0 ? "-" : "") + grouped(std::llround(std::abs(amount)));
}

/// "4,699 (4,200 to 5,100)".
std::string estimate(const Json& e) {
  if (e.at("low") == e.at("high")) return usd(e.at("value"));
  return fmt::format("{} ({} to {})", usd(e.at("value")), usd(e.at("low")), usd(e.at("high")));
}

std::string month(const Json& m) { return m.is_null() ? "-" : m.dump(); }

/// "10 (8 to 14)".
std::string months(const Json& b) {
  const std::string low = month(b.at("low")), high = month(b.at("high")), value = month(b.at("value"));
  return low == high ? value : fmt::format("{} ({} to {})", value, low, high);
}

bool has(const Json& plan, const char* key) { return plan.at(key).get<double>() != 0; }
bool buys(const Json& plan) { return has(plan, "price_usd"); }

/// What a column of the months holds: sums of these keys.
struct MoneyColumn {
  const char* title;
  std::vector<const char*> keys;
};

/// Those that the plan has something in, electricity with its cooling where more would not fit the screen.
std::vector<MoneyColumn> columns_of(const Json& plan) {
  std::vector<MoneyColumn> out;
  if (buys(plan)) out.push_back({"hardware", {"hardware_usd"}});
  if (has(plan, "rent_usd")) out.push_back({"rent", {"rent_usd"}});
  if (has(plan, "api_usd")) out.push_back({"API", {"api_usd"}});
  if (!buys(plan)) return out;
  if (out.size() > 1) {
    out.push_back({"energy", {"electricity_usd", "cooling_usd"}});
  } else {
    out.push_back({"electricity", {"electricity_usd"}});
    out.push_back({"cooling", {"cooling_usd"}});
  }
  return out;
}

/// Of some months, from one to another.
double sum_of(const Json& rows, std::size_t from, std::size_t to, const std::vector<const char*>& keys) {
  double sum = 0;
  for (std::size_t m = from; m <= to; ++m) {
    for (const char* key : keys) sum += rows[m].at(key).get<double>();
  }
  return sum;
}

/// Sums over a quarter or a year, and what stands at its end.
std::string cash_flow(const Json& plan, const Terminal& terminal) {
  constexpr std::size_t kQuarters = 36;  // months: beyond that, years
  const Json& rows = plan.at("table");
  const std::size_t step = rows.size() - 1 <= kQuarters ? 3 : 12;
  const auto columns = columns_of(plan);
  std::vector<std::string> titles = {"month", "Mtok out"};
  for (const auto& column : columns) titles.emplace_back(column.title);
  titles.emplace_back("so far");
  if (buys(plan)) titles.emplace_back("would fetch");
  Columns table(std::string(titles.size(), 'r'));
  table.row(titles);
  const auto fetches = [&](std::vector<std::string> row, std::size_t month) {
    row.push_back(usd(rows[month].at("cumulated_usd")));
    if (buys(plan)) row.push_back(usd(rows[month].at("resale_usd").at("value")));
    table.row(row);
  };
  if (buys(plan)) {
    std::vector<std::string> bought = {"0", "", usd(rows[0].at("hardware_usd"))};
    bought.resize(2 + columns.size());
    fetches(bought, 0);
  }
  for (std::size_t from = 1; from < rows.size(); from += step) {
    const std::size_t to = std::min(from + step, rows.size()) - 1;
    double output = 0;
    for (std::size_t m = from; m <= to; ++m) output += rows[m].at("tokens").at("output").get<double>();
    std::vector<std::string> row = {from == to ? std::to_string(to) : fmt::format("{}-{}", from, to),
                                    three_digits(output / 1e6)};
    for (const auto& column : columns) row.push_back(usd(sum_of(rows, from, to, column.keys)));
    fetches(row, to);
  }
  const std::string text = table.text();
  const auto end = text.find('\n');
  return terminal.heading(text.substr(0, end)) + text.substr(end);
}

std::string head(const Json& plan) {
  return wrapped(fmt::format("Plan: {} months of {:.3g} such days [USD]", plan.at("months").get<int>(),
                             plan.at("days_per_month").get<double>()));
}

/// "sold for 1,200 to 2,900", "sold for 1,200".
std::string sold_for(const Json& resale) {
  const std::string low = usd(resale.at("low")), high = usd(resale.at("high"));
  return low == high ? "sold for " + low : fmt::format("sold for {} to {}", low, high);
}

/// What the brackets are about: resale, rents and energy.
std::string in_brackets(const Json& plan) {
  std::vector<std::string> parts;
  if (buys(plan)) {
    const bool assumed = plan.at("resale").at("from") == "resale_per_year";
    parts.push_back(sold_for(plan.at("resale_usd")) + (assumed ? " (assumed)" : ""));
  }
  if (has(plan, "rent_usd")) parts.emplace_back("rented at the lowest to the highest offer");
  const Json& energy = plan.at("energy_spread");
  const double down = energy.at("low").get<double>(), up = energy.at("high").get<double>();
  const auto from = energy.at("from").get<std::string>();
  if (down > 0 || up > 0)
    parts.push_back(fmt::format("energy {} less to {} more{}", percent(down), percent(up),
                                from == "interval90" ? " (the run's interval)"
                                : from == "assumed"  ? " (assumed)"
                                                     : ""));
  const Json& cost = plan.at("cost_usd");
  if (cost.at("low") == cost.at("high")) return "";
  return fmt::format(" In brackets: {}.", fmt::join(parts, ", "));
}

/// Where new boxes get dearer or cheaper, what resale on the other terms comes to.
std::string sold_otherwise(const Json& plan) {
  if (!buys(plan) || !plan.at("resale").contains("otherwise")) return "";
  const Json& resale = plan.at("resale");
  const auto share_of = [](const Json& terms) {
    return terms.at("follows") == "replacement" ? "what a new one costs then" : "what was paid";
  };
  return fmt::format(
      " A used box fetches a share of {} (plan.resale_follows: {}); were it one of {}, the cost would be {} USD.",
      share_of(resale), resale.at("follows").get<std::string>(), share_of(resale.at("otherwise")),
      estimate(resale.at("otherwise").at("cost_usd")));
}

std::string total(const Json& plan) {
  const double debt = plan.at("debt_usd").get<double>();
  const std::string owed = debt > 0 ? fmt::format(", with {} USD still owed,", usd(plan.at("debt_usd"))) : "";
  const std::string less = buys(plan) ? owed + " less what it fetches" : "";
  std::string out =
      fmt::format("Total cost of ownership{}: {} USD, {} a month; {} USD per million output tokens", less,
                  estimate(plan.at("cost_usd")), usd(plan.at("usd_per_month")), usd(plan.at("usd_per_mtok_output")));
  if (!plan.at("j_per_tok_output").is_null())
    out += fmt::format(", {} J/token", three_digits(plan.at("j_per_tok_output").get<double>()));
  if (!plan.at("tok_s_per_usd").is_null())
    out += fmt::format(", {} tok/s per 1,000 USD", three_digits(1000 * plan.at("tok_s_per_usd").get<double>()));
  return wrapped(out + "." + in_brackets(plan) + sold_otherwise(plan));
}

/// What others ask, and when a box that was bought has cost no more.
std::string against_bought(const Json& plan) {
  Columns table("lrrrr");
  table.row({"the same tokens at", "USD", "per Mtok out", "break-even", "payback"});
  for (const auto& [name, rival] : plan.at("against").items()) {
    const Json& cost = rival.at("cost_usd");
    table.row({scenarios::shortened(name, kLongestName), usd(cost.at("value")), usd(rival.at("usd_per_mtok_output")),
               months(rival.at("break_even_month")), months(rival.at("payback_month"))});
  }
  return table.text() +
         wrapped(
             "Break-even: the month from which on the box, were it sold then, has cost no more (0: at once, -: not "
             "within the "
             "plan); payback: the same if it is never sold; in brackets the earliest and the latest.") +
         "\n";
}

/// Where nothing was bought, nothing is paid back: months differ, and may do so more and more.
std::string against_rented(const Json& plan) {
  Columns table("lrrrr");
  table.row({"the same tokens at", "USD", "a month", "dearer by", "break-even"});
  for (const auto& [name, rival] : plan.at("against").items()) {
    table.row({scenarios::shortened(name, kLongestName), usd(rival.at("cost_usd").at("value")),
               usd(rival.at("usd_per_month")), usd(rival.at("saved_usd_per_month")),
               months(rival.at("break_even_month"))});
  }
  return table.text() +
         wrapped(
             "Dearer by: what it asks a month beyond the plan's. Break-even: the month from which on the plan has cost "
             "no more (0: at once, -: not within the plan); in brackets the earliest and the latest.") +
         "\n";
}

std::string against(const Json& plan) { return buys(plan) ? against_bought(plan) : against_rented(plan); }

std::string waiting(const Json& plan) {
  const Json& w = plan.at("wait_or_buy");
  Columns table("lrl");
  table.row({"wait or buy", "price then",
             fmt::format("cost of the plan, {} meanwhile", w.at("meanwhile").get<std::string>())});
  for (const auto& r : w.at("rows")) {
    const int wait = r.at("months").get<int>();
    table.row({wait == 0 ? "buy now" : fmt::format("wait {} month{}", wait, wait == 1 ? "" : "s"),
               usd(r.at("price_usd")), estimate(r.at("cost_usd"))});
  }
  table.row({"never buy", "", estimate(w.at("never_usd"))});
  return table.text();
}

/// What the days that were simulated are like for who waits for an answer.
std::string days_of_growth(const Json& plan) {
  const Json& days = plan.at("days");
  if (days.size() < 2) return "";
  Columns table("rrrrr");
  table.row({"in month", "requests", "first token, p95", "per token, p95", "answers written"});
  const auto time = [](const Json& value) { return value.is_number() ? quantity(value.get<double>(), "s") : "-"; };
  for (const auto& day : days)
    table.row({day.at("month").dump(), "x " + three_digits(day.at("load").get<double>()), time(day.at("ttft_s_p95")),
               time(day.at("tpot_s_p95")), percent(day.at("carried").get<double>())});
  return "\n" + table.text();
}

/// From when on a trace has fewer requests than growth asks for.
std::string ended(const Json& plan) {
  if (plan.at("trace_ends_month").is_null()) return "";
  return wrapped(fmt::format("By month {} the trace has fewer requests than growth asks for: played faster, it ends "
                             "before the day does, or its sessions wait for answers. Costs are those of what it has.",
                             plan.at("trace_ends_month").get<int>())) +
         "\n";
}

/// From when on a box cannot do what is asked, with what limits it then.
std::string full(const Json& plan) {
  if (plan.at("full_from_month").is_null()) return "";
  for (const auto& day : plan.at("days")) {
    if (day.at("month") != plan.at("full_from_month")) continue;
    return wrapped(fmt::format("The box is full by month {}: of {} times the first month's answers it writes {} "
                               "(limited by {}). Costs are those of what it does.",
                               day.at("month").get<int>(), three_digits(day.at("load").get<double>()),
                               percent(day.at("carried").get<double>()), limited_most_by(day.at("limited_by")))) +
           "\n";
  }
  return "";
}

}  // namespace

std::string plan_table(const Json& summary, const Terminal& terminal) {
  const auto found = summary.find("plan");
  if (found == summary.end()) return "";
  const Json& plan = *found;
  std::string out = "\n" + terminal.heading(head(plan)) + "\n" + cash_flow(plan, terminal) + "\n" + total(plan) + "\n" +
                    full(plan) + ended(plan) + days_of_growth(plan);
  if (!plan.at("against").empty()) out += "\n" + against(plan);
  if (plan.contains("wait_or_buy")) out += "\n" + waiting(plan);
  return out;
}

}  // namespace tokwatt::cli
