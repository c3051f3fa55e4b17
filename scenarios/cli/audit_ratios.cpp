// One box against another.
#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "scenarios/cli/audit_judges.hpp"
#include "scenarios/cli/layout.hpp"

namespace tokwatt::cli {
namespace {

// "Nearly triple", "four times": ratios are rounded more than figures.
constexpr double kRounding = 0.15;

struct Side {
  Meant meant;
  int64_t count = 1;
};

Side side_of(std::string text, Court& court) {
  Side out;
  out.count = count_off(text);
  out.meant = court.names.boxes(text);
  return out;
}

struct Pair {
  std::string a, b;
  double boxes_a = 1, boxes_b = 1;
};

Answer against_ratio(const Claim& claim, double ratio, std::string line) {
  Answer out;
  out.arithmetic = {std::move(line)};
  const bool meets = claim.low <= ratio * (1 + kRounding) && claim.high >= ratio * (1 - kRounding);
  out.excess = meets ? 1 : claim.low > ratio ? claim.low / ratio : ratio / claim.high;
  out.verdict = meets ? Verdict::possible : Verdict::implausible;
  out.why = meets ? fmt::format("{} is what the sheets have", value_text(claim))
                  : fmt::format("{}, but the sheets have {}", value_text(claim), three_digits(ratio));
  return out;
}

Answer of_figures(const Claim& claim, const Pair& p, double a, double b, double scale, const char* unit) {
  a *= p.boxes_a / scale;
  b *= p.boxes_b / scale;
  return against_ratio(claim, a / b,
                       fmt::format("{} {} / {} {} = {} ({} / {})", three_digits(a), unit, three_digits(b), unit,
                                   three_digits(a / b), p.a, p.b));
}

Answer of_compute(const Claim& claim, const Pair& p, const hardware::Box& a, const hardware::Box& b) {
  const auto bf16 = hardware::Dtype::bf16;
  Answer out = of_figures(claim, p, a.compute.peak_of(bf16), b.compute.peak_of(bf16), 1e12, "TFLOP/s dense bf16");
  if (out.verdict == Verdict::implausible)
    out.unless = "peaks of different formats, or one of them with sparsity: not like for like";
  return out;
}

/// Of the rates that both reach with the same weights.
Answer of_rates(const Claim& claim, const Pair& p, const std::string& model, const Meant& quants, Court& court) {
  RateQuestion a, b;
  a.part = b.part = claim.metric == "prefill_ratio" ? RateQuestion::Part::prefill : RateQuestion::Part::decode;
  a.prompt = b.prompt = claim.prompt;
  a.model = b.model = model;
  a.box = p.a;
  b.box = p.b;
  Interval ratio;
  for (const auto& quant : quants.said ? quants.ids : Names::usual_quants()) {
    a.quants = b.quants = Meant{{quant}, {}, true};
    const auto of_a = predicted(a, court), of_b = predicted(b, court);
    if (!of_a || !of_b) continue;
    const double low = of_a->low / of_b->high, high = of_a->high / of_b->low;
    ratio.low = ratio.low == 0 ? low : std::min(ratio.low, low);
    ratio.high = std::max(ratio.high, high);
  }
  if (ratio.high == 0) return not_checkable(fmt::format("no format of {} runs on both", model));
  Answer out;
  out.arithmetic = {fmt::format("{} on {} over {}, same weights: 90 % interval {} to {}", model, p.a, p.b,
                                three_digits(ratio.low), three_digits(ratio.high))};
  const bool meets = claim.low <= ratio.high && claim.high >= ratio.low;
  out.verdict = meets ? Verdict::possible : Verdict::implausible;
  out.why = fmt::format("{} {} the interval of the ratio, {} to {}", value_text(claim),
                        meets ? "meets" : "lies outside of", three_digits(ratio.low), three_digits(ratio.high));
  if (!meets)
    out.unless = fmt::format("other weights or another engine on one of the two, or speculation on {} alone",
                             claim.low > ratio.high ? p.a : p.b);
  return out;
}

Answer of_pair(const Claim& claim, const Pair& p, Court& court) {
  const auto &a = court.shelf.box(p.a).value, &b = court.shelf.box(p.b).value;
  if (claim.metric == "bandwidth_ratio")
    return of_figures(claim, p, a.memory.bandwidth, b.memory.bandwidth, 1e9, "GB/s");
  if (claim.metric == "memory_ratio") return of_figures(claim, p, a.memory.capacity, b.memory.capacity, 1e9, "GB");
  return of_compute(claim, p, a, b);
}

Answer of_models(const Claim& claim, const Pair& p, Court& court) {
  const Meant models = court.names.models(claim.model), quants = court.names.quants(claim.quant);
  if (models.ids.empty()) return not_checkable(models.why_none);
  if (quants.ids.empty()) return not_checkable(quants.why_none);
  std::vector<std::pair<std::string, Answer>> answers;
  for (const auto& id : models.ids) answers.emplace_back(id, of_rates(claim, p, id, quants, court));
  return agreed(answers);
}

}  // namespace

Answer judge_ratio(const Claim& claim, Court& court) {
  const auto at = claim.system.find(" vs ");
  if (at == std::string::npos) return not_checkable("it compares, and names no two boxes");
  const Side a = side_of(claim.system.substr(0, at), court), b = side_of(claim.system.substr(at + 4), court);
  for (const auto* side : {&a, &b})
    if (side->meant.ids.empty()) return not_checkable(side->meant.why_none);
  const bool is_of_rates = claim.metric == "tg_ratio" || claim.metric == "prefill_ratio";
  if (is_of_rates && (a.count > 1 || b.count > 1))
    return not_checkable("what several boxes reach depends on their links: simulate it");
  std::vector<std::pair<std::string, Answer>> answers;
  for (const auto& first : a.meant.ids) {
    for (const auto& second : b.meant.ids) {
      const Pair p{first, second, static_cast<double>(a.count), static_cast<double>(b.count)};
      Answer answer = is_of_rates ? of_models(claim, p, court) : of_pair(claim, p, court);
      answers.emplace_back(fmt::format("{} against {}", first, second),
                           on_a_box(first, on_a_box(second, std::move(answer), court), court));
    }
  }
  return is_of_rates || claim.metric == "bandwidth_ratio" ? agreed(answers) : of_any(answers);
}

}  // namespace tokwatt::cli
