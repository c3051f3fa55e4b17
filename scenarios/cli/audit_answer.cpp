#include "scenarios/cli/audit_answer.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "scenarios/cli/audit_names.hpp"
#include "scenarios/cli/layout.hpp"

namespace tokwatt::cli {
namespace {

using Readings = std::vector<std::pair<std::string, Answer>>;

std::vector<std::string> names_of(const Readings& readings) {
  std::vector<std::string> out;
  for (const auto& [reading, answer] : readings) out.push_back(reading);
  return out;
}

bool refutes(const Answer& answer) {
  return answer.verdict == Verdict::impossible || answer.verdict == Verdict::implausible;
}

/// Of the answers with a verdict, the one that is nearest to what is claimed.
const Answer& nearest_of(Verdict verdict, const Readings& readings) {
  const Answer* out = nullptr;
  for (const auto& [reading, answer] : readings) {
    if (answer.verdict == verdict && (out == nullptr || answer.excess < out->excess)) out = &answer;
  }
  return *out;
}

Answer with_names(Answer answer, const Readings& readings) {
  answer.read_as = readings.size() == 1 ? readings.front().first : fmt::format("any of {}", listed(names_of(readings)));
  return answer;
}

}  // namespace

const char* name(Verdict verdict) {
  switch (verdict) {
    case Verdict::impossible:
      return "impossible";
    case Verdict::implausible:
      return "implausible";
    case Verdict::possible:
      return "possible";
    case Verdict::not_checkable:
      break;
  }
  return "not checkable";
}

Answer not_checkable(std::string why) { return {Verdict::not_checkable, std::move(why), {}, {}, {}, 1}; }

Answer agreed(const Readings& readings) {
  const Verdict first = readings.front().second.verdict;
  const auto same = [&](const auto& reading) { return reading.second.verdict == first; };
  if (std::all_of(readings.begin(), readings.end(), same)) return with_names(nearest_of(first, readings), readings);
  const auto refuted = [](const auto& reading) { return refutes(reading.second); };
  if (std::all_of(readings.begin(), readings.end(), refuted))
    return with_names(nearest_of(Verdict::implausible, readings), readings);
  std::vector<std::string> each;
  for (const auto& [reading, answer] : readings) each.push_back(fmt::format("{}: {}", reading, name(answer.verdict)));
  Answer out = not_checkable(
      fmt::format("the names may mean several things, and the answer depends on which ({})", fmt::join(each, "; ")));
  out.read_as = listed(names_of(readings));
  return out;
}

Answer of_any(const Readings& readings) {
  const auto is_possible = [](const auto& r) { return r.second.verdict == Verdict::possible; };
  const auto possible = std::find_if(readings.begin(), readings.end(), is_possible);
  if (possible == readings.end()) return agreed(readings);
  Answer out = possible->second;
  out.read_as = possible->first;
  if (readings.size() > 1) out.read_as += fmt::format(", of {} that the name may mean", readings.size());
  return out;
}

Trust trust_in(const std::string& confidence) {
  // A derived peak rests on a neighbour's ratio or on a clock: those were never off by a quarter.
  constexpr double kRounding = 1.01, kDerived = 1.25;  // and none of a vendor's or a measured one but by rounding
  if (confidence == "vendor" || confidence == "measured") return {kRounding, true};
  if (confidence == "derived") return {kDerived, true};
  return {kDerived, false};
}

std::string range_text(double low, double high, const std::string& unit) {
  const std::string behind = unit.empty() ? "" : " " + unit;
  if (std::isinf(high)) return fmt::format("at least {}{}", three_digits(low), behind);
  if (low == high) return three_digits(low) + behind;
  if (low <= 0) return fmt::format("at most {}{}", three_digits(high), behind);
  return fmt::format("{} to {}{}", three_digits(low), three_digits(high), behind);
}

std::string value_text(const Claim& claim) {
  return claim.has_value ? range_text(claim.low, claim.high, claim.unit) : "no number";
}

std::string times(double factor) {
  if (factor < 1.2) return fmt::format("{} %", std::max(1L, std::lround(100 * (factor - 1))));
  return fmt::format("{} times", three_digits(factor));
}

}  // namespace tokwatt::cli
