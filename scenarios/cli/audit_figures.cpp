// Figures of a box against its sheet: bandwidth, compute, memory, power, price.
#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <functional>

#include "scenarios/cli/audit_judges.hpp"
#include "scenarios/cli/layout.hpp"

namespace tokwatt::cli {
namespace {

using hardware::Box;
using hardware::Dtype;

// Data sheets round, and call 819 GB/s 800; of TFLOP/s people say "about 30" for 28.4.
constexpr double kRounding = 0.05, kRoundingOfCompute = 0.1;

bool meets(const Claim& claim, double value) {
  const double rounding = claim.metric.rfind("compute_", 0) == 0 ? kRoundingOfCompute : kRounding;
  return claim.low <= value * (1 + rounding) && claim.high >= value * (1 - rounding);
}

std::string sheet_says(const std::string& box, const std::string& what, double value, const std::string& unit,
                       const std::string& confidence) {
  return fmt::format("sheet of {}: {} {} {} ({})", box, what, three_digits(value), unit, confidence);
}

/// A figure that the vendor gives. More than it is impossible where `is_peak` (nothing can be above it), else odd.
Answer against_sheet(const Claim& claim, double value, const std::string& line, const Trust& trust, bool is_peak) {
  Answer out;
  out.arithmetic = {line};
  if (meets(claim, value)) {
    out.verdict = Verdict::possible;
    out.why = fmt::format("{} is what the sheet has", value_text(claim));
  } else if (claim.low > value) {
    const bool is_hard = is_peak && trust.is_hard && claim.low > value * std::max(trust.factor, 1 + kRounding);
    out.verdict = is_hard ? Verdict::impossible : Verdict::implausible;
    out.excess = claim.low / value;
    out.arithmetic.push_back(
        fmt::format("{} / {} = {}", three_digits(claim.low), three_digits(value), three_digits(claim.low / value)));
    out.why = fmt::format("{} is {} {} the sheet's figure", value_text(claim), times(claim.low / value),
                          claim.low / value < 1.2 ? "above" : "as much as");
  } else {
    out.verdict = Verdict::implausible;
    out.excess = value / claim.high;
    out.why =
        fmt::format("{} is below the sheet's figure, which is {} more", value_text(claim), times(value / claim.high));
  }
  return out;
}

Answer bandwidth(const Claim& claim, const std::string& id, double boxes, Court& court) {
  const double value = court.shelf.box(id).value.memory.bandwidth * boxes / 1e9;
  const std::string confidence = confidence_of(id, "memory.bandwidth", court);
  const std::string line = sheet_says(id, "memory bandwidth", value, "GB/s at its peak", confidence);
  const Trust trust = trust_in(confidence);
  if (claim.metric == "mem_bandwidth_gb_s") return against_sheet(claim, value, line, trust, true);
  const bool is_share = claim.metric == "bandwidth_efficiency";
  const double reached = is_share ? claim.low * value : claim.low;
  if (reached > value * trust.factor) return against_sheet(claim, is_share ? 1 : value, line, trust, true);
  Answer out;
  out.verdict = Verdict::possible;
  out.arithmetic = {line};
  out.why = is_share ? fmt::format("{} of the peak is {} GB/s", percent(claim.low), three_digits(reached))
                     : fmt::format("{} is {} of the peak", value_text(claim), percent(reached / value));
  return out;
}

Answer memory(const Claim& claim, const std::string& id, double boxes, Court& court) {
  // Vendors' GB are GiB where the memory is soldered in powers of two.
  const double bytes = court.shelf.box(id).value.memory.capacity * boxes;
  const std::string line = fmt::format("sheet of {}: {} GB = {} GiB of memory", id, three_digits(bytes / 1e9),
                                       three_digits(bytes / 1024 / 1024 / 1024));
  const double gib = bytes / 1024 / 1024 / 1024;
  Answer out = against_sheet(claim, meets(claim, gib) ? gib : bytes / 1e9, line, {}, false);
  if (out.verdict == Verdict::implausible) {
    out.why = fmt::format("no box of this name here has {}", value_text(claim));
    out.unless = "a configuration that has no sheet here";
  }
  return out;
}

std::optional<Dtype> dtype_in(const std::string& metric) {
  for (const auto& [word, dtype] : {std::pair{"fp4", Dtype::fp4},
                                    {"fp8", Dtype::fp8},
                                    {"int8", Dtype::int8},
                                    {"fp16", Dtype::bf16},
                                    {"bf16", Dtype::bf16},
                                    {"fp32", Dtype::fp32}}) {
    if (metric.find(word) != std::string::npos) return dtype;
  }
  return std::nullopt;
}

/// The dense peak that is meant: of the format named, or the box's highest.
std::pair<double, Dtype> peak_meant(const Claim& claim, const Box& box) {
  const auto named = dtype_in(claim.metric);
  if (named) {
    const bool has_f16 = *named == Dtype::bf16 && claim.metric.find("fp16") != std::string::npos;
    const double f16 = has_f16 ? box.compute.peak_of(Dtype::f16) : 0;
    return f16 > 0 ? std::pair{f16, Dtype::f16} : std::pair{box.compute.peak_of(*named), *named};
  }
  std::pair best{0.0, Dtype::bf16};
  for (const auto dtype : hardware::kDtypes) best = std::max(best, std::pair{box.compute.peak_of(dtype), dtype});
  return best;
}

/// GeForce cards multiply twice as fast where they sum in FP16, and their vendor's figures are of that.
bool accumulates_in_fp16(const Box& box, Dtype dtype) {
  const bool is_geforce = box.title.find("GeForce") != std::string::npos;
  return is_geforce && dtype == Dtype::fp8;
}

Answer compute(const Claim& claim, const std::string& id, double boxes, Court& court) {
  const double scale = claim.metric.find("pflops") != std::string::npos ? 1e15 : 1e12;
  const auto [peak, dtype] = peak_meant(claim, court.shelf.box(id).value);
  if (peak == 0) return not_checkable(fmt::format("the sheet of {} has no peak for {}", id, hardware::name(dtype)));
  const std::string confidence = confidence_of(id, fmt::format("compute.{}", hardware::name(dtype)), court);
  const double dense = peak * boxes / scale;
  const std::string line =
      sheet_says(id, fmt::format("{} dense", hardware::name(dtype)), dense, claim.unit, confidence);
  const bool is_sparse = claim.metric.find("sparse") != std::string::npos;
  if (!is_sparse && meets(claim, dense)) return against_sheet(claim, dense, line, trust_in(confidence), true);
  if (accumulates_in_fp16(court.shelf.box(id).value, dtype) && meets(claim, (is_sparse ? 4 : 2) * dense)) {
    return against_sheet(claim, (is_sparse ? 4 : 2) * dense,
                         fmt::format("{}, twice that with FP16 accumulation{}", line,
                                     is_sparse ? ", and twice again with 2:4 sparsity" : ""),
                         trust_in(confidence), true);
  }
  // Half of the weights left out (2:4) doubles the figure on NVIDIA's data sheets, and only there.
  const bool has_sparsity = id.find("mac") == std::string::npos && dtype != Dtype::fp32 && id[0] != 'm';
  if (!is_sparse && claim.high < dense && claim.high > dense / 2) {
    Answer out;
    out.verdict = Verdict::possible;
    out.arithmetic = {line};
    out.why =
        fmt::format("{} is {} of the peak, about what one reaches", value_text(claim), percent(claim.high / dense));
    return out;
  }
  if (!has_sparsity || (!is_sparse && claim.high < dense))
    return against_sheet(claim, dense, line, trust_in(confidence), true);
  Answer out = against_sheet(claim, 2 * dense, line + fmt::format(", {} with 2:4 sparsity", three_digits(2 * dense)),
                             trust_in(confidence), true);
  const bool is_dense = claim.high < 1.5 * dense;
  if (out.verdict == Verdict::possible && !is_sparse && !is_dense)
    out.why = fmt::format("{} is the figure with 2:4 sparsity; dense it is half, and that is what a model gets",
                          value_text(claim));
  return out;
}

/// Watts at the wall: at rest, and the most that the limits in the sheet add up to.
struct Watts {
  double idle, light, most;
};

Watts watts_of(const Box& box) {
  const auto& p = box.power;
  return {p.wall(p.idle + p.leakage_at(30) + p.rest_idle), p.idle + p.active, p.wall(p.limit + p.rest_busy)};
}

/// What a claim of watts may say. Nobody says at which point it was measured: from the chip alone in decode to the wall
/// at the limits, and somewhat beyond.
struct PowerRange {
  double low, most, high;
  std::string most_is;  ///< in words
};

PowerRange range_of(const std::string& metric, const Watts& watts, double boxes) {
  if (metric == "power_w_idle")
    return {watts.idle * 0.5 * boxes, watts.idle * boxes, watts.idle * 1.5 * boxes, "what the sheet has at rest"};
  return {watts.light * boxes, watts.most * boxes, watts.most * 1.25 * boxes, "what the sheet's limits add up to"};
}

std::string above(const Claim& claim, const PowerRange& range) {
  const double factor = claim.low / range.most;
  return fmt::format("{} is {} {} {}", value_text(claim), times(factor), factor < 1.2 ? "above" : "as much as",
                     range.most_is);
}

std::string why_possible(const Claim& claim, const PowerRange& range) {
  const std::string claimed = value_text(claim);
  const double most = range.most * (1 + kRounding);
  if (claim.low > most)
    return fmt::format("{}: no more than a peak, or another place to measure at, may be", above(claim, range));
  const bool is_below = claim.high <= most || claim.is_open(), is_at_most = claim.low <= 0;
  if (!is_below && !is_at_most)
    return fmt::format("{} meets {}; its upper end is above those {} W", claimed, range.most_is,
                       three_digits(range.most));
  if (!is_below || claim.metric == "power_w_idle") return fmt::format("{} meets {}", claimed, range.most_is);
  if (claim.metric == "power_w_load")
    return fmt::format("{} lies between what the chip alone and the whole box may take", claimed);
  return fmt::format("{} is within {}", claimed, range.most_is);
}

Answer power(const Claim& claim, const std::string& id, double boxes, Court& court) {
  const Watts watts = watts_of(court.shelf.box(id).value);
  const PowerRange range = range_of(claim.metric, watts, boxes);
  Answer out;
  out.arithmetic = {fmt::format("sheet of {}{}: {} W idle at the wall, {} W the chip alone in decode", id,
                                boxes > 1 ? ", each" : "", three_digits(watts.idle), three_digits(watts.light)),
                    fmt::format("{} W at the wall when the chip is at its limit", three_digits(watts.most))};
  if (claim.low > range.high) {
    out.verdict = Verdict::implausible;
    out.excess = claim.low / range.high;
    out.why = above(claim, range);
    out.unless = "a rating of the power supply, or a box that is also charging or driving something else";
  } else if (claim.high < range.low) {
    out.verdict = Verdict::implausible;
    out.excess = range.low / claim.high;
    out.why = fmt::format("{} is less than the chip alone takes{}", value_text(claim),
                          claim.metric == "power_w_idle" ? " at rest" : " in decode");
    out.unless = "a power limit below the sheet's, or a load with long pauses";
  } else {
    out.verdict = Verdict::possible;
    out.why = why_possible(claim, range);
  }
  return out;
}

Answer price(const Claim& claim, const std::string& id, double boxes, Court& court) {
  const double value = court.shelf.box(id).value.price.purchase * boxes;
  if (std::isnan(value)) return not_checkable(fmt::format("the sheet of {} has no price", id));
  const std::string confidence = confidence_of(id, "price.purchase", court);
  if (confidence == "assumed") {
    return not_checkable(
        fmt::format("the sheet of {} only assumes a price ({} USD)", id, grouped(std::llround(value))));
  }
  Answer out = against_sheet(claim, value, sheet_says(id, "price", value, "USD", confidence), {}, false);
  if (out.verdict == Verdict::implausible) out.unless = "another configuration, shop or date: prices move";
  return out;
}

Answer breakeven(const Claim& claim, const std::string& id, double boxes, Court& court) {
  const double value = court.shelf.box(id).value.price.purchase * boxes;
  if (std::isnan(value))
    return not_checkable(fmt::format("it is a price over a monthly bill, and the sheet of {} has no price", id));
  const auto at = claim.metric.find("_at_") + 4;
  const double spend = std::stod(claim.metric.substr(at));
  return against_sheet(
      claim, value / spend,
      fmt::format("{} USD / {} USD a month = {} months, electricity left out", grouped(std::llround(value)),
                  grouped(std::llround(spend)), three_digits(value / spend)),
      {}, false);
}

Answer one_box(const Claim& claim, const std::string& id, double boxes, Court& court) {
  const auto begins = [&](const char* text) { return claim.metric.rfind(text, 0) == 0; };
  if (claim.metric == "memory_gb") return memory(claim, id, boxes, court);
  if (begins("compute_")) return compute(claim, id, boxes, court);
  if (begins("power_w") || begins("tdp_w")) return power(claim, id, boxes, court);
  if (begins("price_usd")) return price(claim, id, boxes, court);
  if (begins("breakeven_months_at_")) return breakeven(claim, id, boxes, court);
  return bandwidth(claim, id, boxes, court);
}

}  // namespace

std::string confidence_of(const std::string& box, const std::string& path, Court& court) {
  for (const auto& number : court.shelf.box(box).numbers) {
    if (number.path == path) return number.confidence;
  }
  return "assumed";
}

Answer on_a_box(const std::string& box, Answer answer, Court& court) {
  const auto& head = court.shelf.box(box).head;
  if (!head.hypothetical || answer.verdict == Verdict::not_checkable) return answer;
  answer.why = fmt::format("{} was never built; by what it would have been the claim is {}: {}", box,
                           name(answer.verdict), answer.why);
  answer.verdict = Verdict::not_checkable;
  return answer;
}

Answer judge_figure(const Claim& claim, Court& court) {
  std::string text = claim.system;
  const auto boxes = static_cast<double>(count_off(text));
  const Meant meant = court.names.boxes(text);
  if (meant.ids.empty()) return not_checkable(meant.why_none);
  std::vector<std::pair<std::string, Answer>> answers;
  for (const auto& id : meant.ids) answers.emplace_back(id, on_a_box(id, one_box(claim, id, boxes, court), court));
  // A name that leaves memory and cores open promises that one of its variants is so.
  const bool any =
      claim.metric == "memory_gb" || claim.metric.rfind("price_usd", 0) == 0 || claim.metric.rfind("compute_", 0) == 0;
  return any ? of_any(answers) : agreed(answers);
}

}  // namespace tokwatt::cli
