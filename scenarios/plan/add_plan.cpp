// What months of a day add up to.
#include <tbb/task_arena.h>

#include <algorithm>
#include <cmath>
#include <nlohmann/json.hpp>
#include <set>
#include <string_view>

#include "scenarios/diagnostics.hpp"
#include "scenarios/plan/planning.hpp"
#include "scenarios/studies/answers.hpp"

namespace tokwatt::scenarios {
namespace {

using Json = nlohmann::ordered_json;
using money::Estimate;

constexpr int kDays = 5;          // of a plan that grows: first, last, and between them
constexpr double kCarries = 0.9;  // of what is asked: below that a box is full; noise of a day's draws is less
constexpr double kMega = 1e6;
constexpr double kRounding = 1e-9;  // by which sums of equal terms may differ

Json number(double value) { return std::isfinite(value) ? Json(value) : Json(nullptr); }
Json ratio(double a, double b) { return b != 0 ? number(a / b) : Json(nullptr); }
Json estimate(const Estimate& e) {
  return {{"value", number(e.value)}, {"low", number(e.low)}, {"high", number(e.high)}};
}
Json month(const std::optional<int>& m) { return m ? Json(*m) : Json(nullptr); }
Json months(const money::BreakEven& b) {
  return {{"value", month(b.value)}, {"low", month(b.low)}, {"high", month(b.high)}};
}
Json tokens(const money::Tokens& t) {
  return {{"prompt", number(t.prompt)}, {"cached", number(t.cached)}, {"output", number(t.output)}};
}

double at(const Json& summary, const char* section, const char* key) {
  const Json& value = summary.at(section).at(key);
  return value.is_number() ? value.get<double>() : 0;
}

/// A day of a run's summary. A stream has one user at least: of a smaller number it has that part of the one's
/// requests.
money::Day day_of(const Json& summary, double load, const Planning& planning) {
  const double n = planning.days;
  money::Tokens tokens{at(summary, "tokens", "prompt"), at(summary, "tokens", "cached"),
                       at(summary, "tokens", "output")};
  double requests = requests_paid_for(summary);
  const double output_of_all = tokens.output;
  for (const auto& [stream, users] : planning.users) {
    const double missing = 1 - static_cast<double>(users) * load;
    if (missing <= 0) continue;
    const Json& own = summary.at("workload").at(stream);
    tokens.prompt -= missing * at(own, "tokens", "prompt");
    tokens.cached -= missing * at(own, "tokens", "cached");
    tokens.output -= missing * at(own, "tokens", "output");
    requests -= missing * requests_paid_for(own);
  }
  const double part = output_of_all > 0 ? tokens.output / output_of_all : 1;
  return {load,
          {tokens.prompt / n, tokens.cached / n, tokens.output / n},
          at(summary, "energy_j", "wall") / n,
          at(summary, "cost_usd", "electricity") / n,
          requests / n,
          summary.at("energy_j").value("rented", 0.0) / n,
          at(summary, "cost_usd", "api") / n * part};
}

/// Days that were simulated, and what the plan's table says of them.
struct Simulated {
  std::vector<money::Day> days;
  Json said = Json::array();
  std::optional<int> full_from, trace_ends;  ///< months
  double requests = 0;                       ///< of the first day's run
};

/// What a day's run, or a mixture of two, says of itself.
struct Said {
  const Json& summary;                 ///< of the one that is nearer
  double submitted = 0, answered = 0;  ///< requests
};

void say(Simulated& out, const Planning& planning, const Said& said, int month, const money::Day& day) {
  if (out.said.empty()) out.requests = said.submitted;
  const double asked = out.days.front().tokens.output * day.load;
  const double carried = asked > 0 ? day.tokens.output / asked : 1;
  // Where requests ran out, that there are fewer answers is not the box's doing.
  const bool ran_out = planning.has_trace && said.submitted < kCarries * out.requests * day.load;
  const bool full = carried < kCarries && (!ran_out || said.answered < kCarries * said.submitted);
  if (ran_out && !out.trace_ends) out.trace_ends = month;
  if (full && !out.full_from) out.full_from = month;
  out.said.push_back({{"month", month},
                      {"load", day.load},
                      {"carried", carried},
                      {"tokens", tokens(day.tokens)},
                      {"energy_j", day.energy},
                      {"electricity_usd", day.electricity},
                      {"ttft_s_p95", said.summary.at("ttft_s").at("p95")},
                      {"tpot_s_p95", said.summary.at("tpot_s").at("p95")},
                      {"limited_by", said.summary.at("limited_by")}});
}

/// A later month's day. Users are whole: streams that ask for a fraction of one have it in some of its runs, so that
/// each has what it asks for in their mean.
struct LaterDay {
  struct Run {
    double threshold, weight;
  };
  int month;
  double load;
  std::vector<Run> runs;
};

std::vector<LaterDay::Run> runs_of(const Planning& planning, double load) {
  std::set<double> fractions = {0, 1};
  for (const auto& [stream, users] : planning.users) {
    const double asked = static_cast<double>(users) * load;
    const bool is_whole = whole_users(users, load, 0) == whole_users(users, load, 1);
    if (!is_whole) fractions.insert(asked - std::floor(asked));
  }
  std::vector<LaterDay::Run> out;
  for (auto low = fractions.begin(), high = std::next(low); high != fractions.end(); ++low, ++high)
    out.push_back({*low, *high - *low});
  return out;
}

std::vector<LaterDay> later_days(const Planning& planning) {
  std::vector<LaterDay> out;
  if (planning.plan.growth == 0) return out;
  for (int i = 1; i < kDays; ++i) {
    const int month = 1 + static_cast<int>(std::lround(i * (planning.plan.months - 1) / (kDays - 1.0)));
    if (month == (out.empty() ? 1 : out.back().month)) continue;
    const double load = money::load_of(planning.plan, month);
    out.push_back({month, load, runs_of(planning, load)});
  }
  return out;
}

/// The mean of a day's runs, and what it says of itself.
void add_day(Simulated& out, const Planning& planning, const LaterDay& later,
             std::vector<Answer>::const_iterator answer) {
  money::Day day;
  double weight = 0, submitted = 0, answered = 0;
  const auto heaviest = std::max_element(later.runs.begin(), later.runs.end(),
                                         [](const auto& a, const auto& b) { return a.weight < b.weight; });
  const Json* nearest = nullptr;
  for (auto run = later.runs.begin(); run != later.runs.end(); ++run, ++answer) {
    weight += run->weight;
    day = mixed(day, day_of(answer->summary, later.load, planning), run->weight / weight);
    submitted += run->weight * at(answer->summary, "requests", "submitted");
    answered += run->weight * at(answer->summary, "requests", "completed");
    if (run == heaviest) nearest = &answer->summary;
  }
  day.load = later.load;
  say(out, planning, {*nearest, submitted, answered}, later.month, day);
  out.days.push_back(day);
}

Simulated simulated(const Planning& planning, const Json& summary) {
  Simulated out;
  out.days.push_back(day_of(summary, 1, planning));
  const Said first{summary, at(summary, "requests", "submitted"), at(summary, "requests", "completed")};
  say(out, planning, first, 1, out.days.front());
  const auto later = later_days(planning);
  std::vector<std::function<Loaded()>> scenarios;
  for (const auto& day : later) {
    for (const auto& run : day.runs) scenarios.emplace_back([&] { return planning.at_load(day.load, run.threshold); });
  }
  // Whoever waits here takes up no other point of a study: those would pile up on the stack.
  const auto answers = tbb::this_task_arena::isolate([&] { return answers_of(scenarios); });
  const auto failed =
      std::find_if(answers.begin(), answers.end(), [](const auto& a) { return a.status != Status::ok; });
  if (failed != answers.end()) throw Infeasible("plan: the day of a later month: " + failed->reason);
  auto answer = answers.begin();
  for (const auto& day : later) {
    add_day(out, planning, day, answer);
    answer += std::ssize(day.runs);
  }
  std::sort(out.days.begin(), out.days.end(), [](const auto& a, const auto& b) { return a.load < b.load; });
  return out;
}

std::vector<Estimate> sold(const std::vector<money::Month>& flow, const money::Spread& spread) {
  std::vector<Estimate> out;
  for (const auto& m : flow) out.push_back(m.cost_if_sold(spread));
  return out;
}
std::vector<Estimate> kept(const std::vector<money::Month>& flow, const money::Spread& spread) {
  std::vector<Estimate> out;
  for (const auto& m : flow) out.push_back(m.cost_if_kept(spread));
  return out;
}

std::vector<Estimate> costs_of(const Rival& rival, const money::Plan& plan, const money::Usage& usage) {
  return rival.rental ? money::rental_costs(plan, usage, *rival.rental)
                      : money::api_costs(plan, usage, rival.prices, rival.free_tier);
}

double present_value(const std::vector<Estimate>& cumulated, double discount) {
  std::vector<double> flows;
  for (std::size_t m = 0; m < cumulated.size(); ++m)
    flows.push_back(cumulated[m].value - (m > 0 ? cumulated[m - 1].value : 0));
  return money::present_value(flows, discount);
}

double present_value(const std::vector<money::Month>& flow, double discount) {
  std::vector<double> flows;
  for (const auto& m : flow) flows.push_back(m.total);
  flows.back() += flow.back().debt - flow.back().resale.value;
  return money::present_value(flows, discount);
}

Json row(const money::Month& m) {
  return {{"month", m.month},
          {"load", m.load},
          {"tokens", tokens(m.tokens)},
          {"energy_j", m.energy},
          {"hardware_usd", m.hardware},
          {"rent_usd", m.rent},
          {"electricity_usd", m.electricity},
          {"cooling_usd", m.cooling},
          {"api_usd", m.api},
          {"total_usd", m.total},
          {"cumulated_usd", m.cumulated},
          {"resale_usd", estimate(m.resale)},
          {"debt_usd", m.debt}};
}

/// One column of the table of months.
sim::Variable column(const char* name, const char* units, const char* long_name, const std::vector<money::Month>& flow,
                     double (*value)(const money::Month&)) {
  std::vector<double> values;
  for (const auto& m : flow) values.push_back(value(m));
  return {name, units, long_name, {"month"}, std::move(values), {}};
}

sim::Group table(const std::vector<money::Month>& flow, const std::vector<Rival>& rivals,
                 const std::vector<std::vector<Estimate>>& costs) {
  using M = money::Month;
  sim::Group out{"plan", {{"month", std::ssize(flow)}}, {}};
  std::vector<int64_t> numbers;
  for (const auto& m : flow) numbers.push_back(m.month);
  out.variables.push_back({"month", "1", "month of the plan; 0 is the purchase", {"month"}, std::move(numbers), {}});
  const auto add = [&](const char* name, const char* units, const char* long_name, double (*value)(const M&)) {
    out.variables.push_back(column(name, units, long_name, flow, value));
  };
  add("load", "1", "requests, as a multiple of the first month's", [](const M& m) { return m.load; });
  add("prompt_tokens", "count", "prompt tokens", [](const M& m) { return m.tokens.prompt; });
  add("cached_tokens", "count", "of these in the prefix cache", [](const M& m) { return m.tokens.cached; });
  add("output_tokens", "count", "output tokens", [](const M& m) { return m.tokens.output; });
  add("energy", "J", "energy at the wall, cooling with it", [](const M& m) { return m.energy; });
  add("hardware", "USD", "price, or payment of the loan", [](const M& m) { return m.hardware; });
  add("rent", "USD", "rent of boxes, with their electricity", [](const M& m) { return m.rent; });
  add("electricity", "USD", "electricity of the box", [](const M& m) { return m.electricity; });
  add("cooling", "USD", "electricity of its cooling", [](const M& m) { return m.cooling; });
  add("api", "USD", "what hosted models ask", [](const M& m) { return m.api; });
  add("cumulated", "USD", "hardware, rent, electricity, cooling and hosted models so far",
      [](const M& m) { return m.cumulated; });
  add("resale", "USD", "what the box would fetch", [](const M& m) { return m.resale.value; });
  add("resale_low", "USD", "the same at the least", [](const M& m) { return m.resale.low; });
  add("resale_high", "USD", "the same at the most", [](const M& m) { return m.resale.high; });
  add("debt", "USD", "still owed", [](const M& m) { return m.debt; });
  if (rivals.empty()) return out;
  out.dims.push_back({"against", std::ssize(rivals)});
  std::vector<std::string> names;
  for (const auto& rival : rivals) names.push_back(rival.name);
  out.variables.push_back({"against", "", "who else would answer", {"against"}, std::move(names), {}});
  std::vector<double> cumulated;
  for (std::size_t m = 0; m < flow.size(); ++m) {
    for (const auto& cost : costs) cumulated.push_back(cost[m].value);
  }
  out.variables.push_back(
      {"against_cumulated", "USD", "what they would have cost so far", {"month", "against"}, std::move(cumulated), {}});
  return out;
}

Json rival_json(const Rival& rival, const std::vector<Estimate>& costs, const std::vector<money::Month>& flow,
                const Planning& planning, double output) {
  const auto& plan = planning.plan;
  const auto& spread = plan.energy_spread;
  // Where nothing is bought there is nothing to be paid back.
  const auto payback = planning.buys ? money::break_even(kept(flow, spread), costs) : money::BreakEven{};
  auto even = money::break_even(sold(flow, spread), costs);
  if (rival.is_own) even.low = even.high = even.value;  // whatever it costs, it costs both
  const double own = flow.back().cost_if_sold(spread).value, saved = costs.back().value - own;
  return {{"cost_usd", estimate(costs.back())},
          {"usd_per_month", costs.back().value / plan.months},
          {"saved_usd_per_month", std::abs(saved) > kRounding * own ? saved / plan.months : 0},
          {"present_value_usd", number(present_value(costs, plan.discount))},
          {"usd_per_mtok_output", ratio(costs.back().value, output / kMega)},
          {"break_even_month", months(even)},
          {"payback_month", months(payback)}};
}

/// The cheapest API first buys time.
Json wait_or_buy(const Planning& planning, const money::Usage& usage, const std::vector<std::vector<Estimate>>& costs) {
  const auto& plan = planning.plan;
  std::optional<std::size_t> cheapest;
  for (std::size_t i = 0; i < costs.size(); ++i) {
    if (planning.against[i].rental) continue;
    if (!cheapest || costs[i].back().value < costs[*cheapest].back().value) cheapest = i;
  }
  Json rows = Json::array();
  std::set<int> waits(planning.wait.begin(), planning.wait.end());
  waits.insert(0);
  for (const int wait : waits) {
    const auto flow = money::cash_flow(plan, usage, planning.price, wait);
    const Estimate box = flow.back().cost_if_sold(plan.energy_spread);
    const Estimate& meanwhile = costs[*cheapest][static_cast<std::size_t>(wait)];
    rows.push_back(
        {{"months", wait},
         {"price_usd", planning.price * money::hardware_level(plan, wait + 1)},
         {"cost_usd", estimate({box.value + meanwhile.value, box.low + meanwhile.low, box.high + meanwhile.high})}});
  }
  return {{"meanwhile", planning.against[*cheapest].name},
          {"rows", std::move(rows)},
          {"never_usd", estimate(costs[*cheapest].back())}};
}

/// By how much the energy may be off: as written, else as the run's interval has it, else as is assumed.
struct EnergySpread {
  money::Spread shares;
  const char* from;
};
EnergySpread energy_spread_of(const Planning& planning, const Json& summary) {
  if (!planning.buys) return {{}, "nothing is bought"};
  if (planning.spread_is_written) return {planning.plan.energy_spread, "plan.energy_spread"};
  const double wall = at(summary, "energy_j", "wall");
  if (summary.contains("interval90") && summary["interval90"].contains("energy_j.wall") && wall > 0) {
    const auto& interval = summary["interval90"]["energy_j.wall"];
    return {{1 - interval[0].get<double>() / wall, interval[1].get<double>() / wall - 1}, "interval90"};
  }
  return {planning.plan.energy_spread, "assumed"};
}

void add_assumption(const char* what, Json& summary) {
  auto& assumed = summary["assumed"];
  assumed.push_back(what);
  std::sort(assumed.begin(), assumed.end());
}

/// The part of the output tokens that comes from boxes.
double part_of_boxes(const Json& summary) {
  const Json& per_token = summary.at("j_per_tok_output");
  if (!per_token.is_number() || per_token == 0) return 0;
  return at(summary, "energy_j", "wall") / per_token.get<double>() / at(summary, "tokens", "output");
}

/// Whether a box costs more or less at some time than at the start.
bool hardware_moves(const money::Plan& plan) {
  bool moves = false;
  for (int month = 1; month <= plan.months; ++month) moves = moves || money::hardware_level(plan, month) != 1;
  return moves;
}

/// On which terms it is sold; where new boxes get dearer or cheaper, what it would come to on the other ones too.
void add_resale(Json& out, const Planning& planning, const money::Usage& usage) {
  if (!planning.buys) return;
  const auto follows = [](const money::Plan& plan) { return plan.follows_replacement ? "replacement" : "purchase"; };
  out["resale"] = {{"from", planning.resale_is_assumed ? "resale_per_year" : "scenario"},
                   {"follows", follows(planning.plan)}};
  if (!hardware_moves(planning.plan)) return;
  money::Plan other = planning.plan;
  other.follows_replacement = !other.follows_replacement;
  const auto flow = money::cash_flow(other, usage, planning.price);
  out["resale"]["otherwise"] = {{"follows", follows(other)},
                                {"cost_usd", estimate(flow.back().cost_if_sold(other.energy_spread))}};
}

/// What the plan comes to in the end.
Json totals(const Planning& planning, const std::vector<money::Month>& flow, double output, const Json& summary) {
  const auto& spread = planning.plan.energy_spread;
  double hardware = 0, rent = 0, electricity = 0, cooling = 0, api = 0, energy = 0;
  for (const auto& m : flow) {
    hardware += m.hardware;
    rent += m.rent;
    api += m.api;
    electricity += m.electricity;
    cooling += m.cooling;
    energy += m.energy;
  }
  const Estimate cost = flow.back().cost_if_sold(spread);
  const bool is_bought = planning.buys && !planning.rents && !planning.has_hosted;  // all that answers
  return {{"hardware_usd", hardware},
          {"rent_usd", rent},
          {"electricity_usd", electricity},
          {"cooling_usd", cooling},
          {"api_usd", api},
          {"debt_usd", flow.back().debt},
          {"resale_usd", estimate(flow.back().resale)},
          {"cost_usd", estimate(cost)},
          {"usd_per_month", cost.value / planning.plan.months},
          {"present_value_usd", number(present_value(flow, planning.plan.discount))},
          {"usd_per_mtok_output", ratio(cost.value, output / kMega)},
          // Of hosted models it is not known.
          {"j_per_tok_output", energy > 0 ? ratio(energy, output * part_of_boxes(summary)) : nullptr},
          {"tok_s_per_usd", is_bought ? ratio(at(summary, "throughput_tok_s", "output"), planning.price) : nullptr}};
}

}  // namespace

double requests_paid_for(const Json& summary) {
  return at(summary, "requests", "completed") + at(summary, "requests", "cancelled") +
         at(summary, "requests", "timed_out");
}

void add_plan(const Planning& as_written, sim::Results& results) {
  constexpr double kHour = 3600;
  Planning planning = as_written;
  const auto& plan = planning.plan;
  const auto spread = energy_spread_of(planning, results.summary);
  planning.plan.energy_spread = spread.shares;
  if (std::string_view(spread.from) == "assumed") add_assumption("plan: energy_spread", results.summary);
  if (planning.resale_is_assumed) add_assumption("plan: resale", results.summary);
  auto days = simulated(planning, results.summary);
  const money::Usage usage{days.days, planning.duration / planning.days / kHour, planning.season, planning.between,
                           planning.of_days};
  const auto flow = money::cash_flow(plan, usage, planning.price);
  std::vector<std::vector<Estimate>> costs;
  for (const auto& rival : planning.against) costs.push_back(costs_of(rival, plan, usage));
  money::Tokens all;
  for (const auto& m : flow) {
    all.prompt += m.tokens.prompt;
    all.cached += m.tokens.cached;
    all.output += m.tokens.output;
  }
  Json out = {{"months", plan.months},
              {"days_per_month", plan.days_per_month},
              {"price_usd", planning.price},
              {"energy_spread", {{"low", spread.shares.down}, {"high", spread.shares.up}, {"from", spread.from}}},
              {"days", std::move(days.said)},
              {"full_from_month", month(days.full_from)},
              {"trace_ends_month", month(days.trace_ends)},
              {"tokens", tokens(all)}};
  out.update(totals(planning, flow, all.output, results.summary));
  add_resale(out, planning, usage);
  out["against"] = Json::object();
  for (std::size_t i = 0; i < costs.size(); ++i)
    out["against"][planning.against[i].name] = rival_json(planning.against[i], costs[i], flow, planning, all.output);
  if (!planning.wait.empty()) out["wait_or_buy"] = wait_or_buy(planning, usage, costs);
  out["table"] = Json::array();
  for (const auto& m : flow) out["table"].push_back(row(m));
  results.summary["plan"] = std::move(out);
  results.groups.push_back(table(flow, planning.against, costs));
}

void add_plan_shape(Planning planning, sim::Results& results) {
  planning.plan.growth = 0;
  add_plan(planning, results);
}

}  // namespace tokwatt::scenarios
