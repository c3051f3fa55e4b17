#include "scenarios/cli/compared_plans.hpp"

#include <fmt/format.h>

#include <cmath>
#include <nlohmann/json.hpp>

#include "money/plan.hpp"
#include "scenarios/cli/layout.hpp"

namespace tokwatt::cli {
namespace {

using Json = nlohmann::ordered_json;

const Json* plan_of(const ComparedBox& box) {
  const auto found = box.answer.summary.find("plan");
  return box.answer.status == scenarios::Status::ok && found != box.answer.summary.end() ? &*found : nullptr;
}

/// What it has cost by the end of each month, were it sold then or kept.
std::vector<money::Estimate> costs_of(const Json& plan, bool sold) {
  std::vector<money::Estimate> out;
  for (const auto& month : plan.at("table")) {
    const double fetches = sold ? month.at("resale_usd").at("value").get<double>() : 0;
    const double cost = month.at("cumulated_usd").get<double>() + month.at("debt_usd").get<double>() - fetches;
    out.push_back({cost, cost, cost});
  }
  return out;
}

std::string since(const std::optional<int>& month) {
  if (!month) return "not within the plan";
  return *month == 0 ? "from the start" : fmt::format("from month {} on", *month);
}

std::string usd(double amount) { return amount < 1000 ? three_digits(amount) : grouped(std::llround(amount)); }

/// "Over 36 months B costs 1,234 USD less than A. B has cost no more from month 12 on, were ...".
std::string sentence(char name, const ComparedBox& box, const ComparedBox& first) {
  const Json& plan = *plan_of(box);
  const auto cost = [](const Json& of) { return of.at("cost_usd").at("value").get<double>(); };
  const double more = cost(plan) - cost(*plan_of(first));
  const int months = plan.at("months").get<int>();
  if (std::abs(more) < 0.005) return fmt::format("Over {} months {} and A cost the same.", months, name);
  const auto output = [](const ComparedBox& of) { return plan_of(of)->at("tokens").at("output").get<double>(); };
  const double written = output(box) / output(first);
  constexpr double kAlike = 0.05;  // part of the tokens
  const auto by = more < 0 ? cheaper(box, first) : cheaper(first, box);
  const char less = more < 0 ? name : 'A', other = more < 0 ? 'A' : name;
  return fmt::format(
      "Over {} months {} costs {} USD less than {}{}. {} has cost no more {}, were both sold then, and {}, if "
      "they are kept.",
      months, less, usd(std::abs(more)), other,
      std::abs(written - 1) > kAlike
          ? fmt::format(", and writes {} of its tokens", percent(more < 0 ? written : 1 / written))
          : "",
      less, since(by->if_sold), since(by->if_kept));
}

std::string full(char name, const ComparedBox& box) {
  const Json* plan = plan_of(box);
  if (!plan || plan->at("full_from_month").is_null()) return "";
  return fmt::format(" {} is full by month {}: its costs are those of fewer answers.", name,
                     plan->at("full_from_month").get<int>());
}

std::string without_plan(const std::vector<ComparedBox>& boxes) {
  std::vector<std::string> letters;
  for (std::size_t b = 0; b < boxes.size(); ++b) {
    if (boxes[b].without_plan) letters.emplace_back(1, static_cast<char>('A' + static_cast<char>(b)));
  }
  if (letters.empty()) return "";
  return fmt::format("{} {} no plan: nobody says what {}.", fmt::join(letters, ", "),
                     letters.size() == 1 ? "has" : "have", letters.size() == 1 ? "it costs" : "they cost");
}

}  // namespace

std::optional<Cheaper> cheaper(const ComparedBox& box, const ComparedBox& other) {
  const Json *own = plan_of(box), *its = plan_of(other);
  if (!own || !its) return std::nullopt;
  const auto from = [&](bool sold) { return money::break_even(costs_of(*own, sold), costs_of(*its, sold)).value; };
  return Cheaper{from(true), from(false)};
}

std::string plans_in_words(const std::vector<ComparedBox>& boxes) {
  std::string out;
  for (std::size_t b = 1; b < boxes.size(); ++b) {
    if (!plan_of(boxes[b]) || !plan_of(boxes.front())) continue;
    const char name = static_cast<char>('A' + static_cast<char>(b));
    const std::string of_first = out.empty() ? full('A', boxes.front()) : "";
    out += wrapped(sentence(name, boxes[b], boxes.front()) + of_first + full(name, boxes[b])) + "\n";
  }
  if (const auto without = without_plan(boxes); !without.empty()) out += wrapped(without) + "\n";
  return out;
}

}  // namespace tokwatt::cli
