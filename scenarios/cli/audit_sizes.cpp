// What models weigh, and which of them a box holds.
#include <fmt/format.h>

#include <algorithm>
#include <limits>
#include <regex>

#include "models/graph.hpp"
#include "scenarios/cli/audit_judges.hpp"
#include "scenarios/cli/layout.hpp"

namespace tokwatt::cli {
namespace {

// Sizes are rounded in names ("70B" has 70.6e9 weights), and files carry a little beside the weights.
constexpr double kRounding = 0.05, kRoundingOfActive = 0.1;

struct Range {
  double low = std::numeric_limits<double>::infinity(), high = 0;
  void add(double value) {
    if (value <= 0) return;  // a format that does not exist in this container
    low = std::min(low, value);
    high = std::max(high, value);
  }
};

/// Bits of a weight in the bulk of a model, over the formats that may be meant.
Range bits_of(const Meant& quants, Court& court) {
  Range out;
  for (const auto& id : quants.ids) {
    const auto& quant = court.shelf.quant(id).value;
    for (const auto* format : {&quant.gguf, &quant.safetensors}) {
      const double dense = format->bits_of(models::WeightClass::ffn_gate_up);
      const double experts = format->bits_of(models::WeightClass::experts_gate_up);
      out.add(dense > 0 && experts > 0 ? std::min(dense, experts) : std::max(dense, experts));
    }
  }
  return out;
}

/// "70B" as a number of weights; 0: another text.
double weights_in(const std::string& text) {
  std::smatch found;
  static const std::regex kSize("^(?:dense )?([0-9.]+)B$", std::regex::icase);
  return std::regex_match(text, found, kSize) ? std::stod(found[1]) * 1e9 : 0;
}

Answer parameters(const Claim& claim, const std::string& id, Court& court) {
  const auto& model = court.shelf.model(id).value;
  const bool is_active = claim.metric == "params_active_b";
  const double count =
      static_cast<double>(is_active ? models::active_parameters(model) : models::parameters(model)) / 1e9;
  Answer out;
  out.arithmetic = {fmt::format("the dimensions of {} make {}e9 weights{}", id, three_digits(count),
                                is_active ? " for each token" : "")};
  // Some count the embedding among what a token passes through, others the head of it not either; and they round.
  double least = count, most = count;
  if (is_active) {
    const auto table = static_cast<double>(model.vocab * model.hidden) / 1e9;
    least = count - table;
    most = count + table;
  }
  const double rounding = is_active ? kRoundingOfActive : kRounding;
  const bool meets = claim.low <= most * (1 + rounding) && claim.high >= least * (1 - rounding);
  out.verdict = meets ? Verdict::possible : Verdict::implausible;
  out.why = meets ? fmt::format("{} is what its dimensions make", value_text(claim))
                  : fmt::format("{} is not what its dimensions make", value_text(claim));
  return out;
}

Range sizes_of(const std::string& id, const Meant& quants, Court& court) {
  Range out;
  const auto& model = court.shelf.model(id).value;
  for (const auto& name : quants.ids) {
    const auto quant = court.shelf.quant_of(id, name);
    if (!scenarios::why_not(model, quant).empty()) continue;
    for (const auto* format : {&quant.gguf, &quant.safetensors}) out.add(models::weight_bytes(model, *format) / 1e9);
  }
  return out;
}

Answer against_sizes(const Claim& claim, const Range& sizes, std::string line) {
  Answer out;
  out.arithmetic = {std::move(line)};
  if (claim.high < sizes.low * (1 - kRounding)) {
    out.verdict = Verdict::impossible;
    out.excess = sizes.low / claim.high;
    out.why = fmt::format("{} is fewer bytes than so many bits take: the least is {} as much", value_text(claim),
                          times(sizes.low / claim.high));
    out.unless = "a model with fewer weights, or a format of fewer bits";
  } else if (claim.low > sizes.high * (1 + kRounding)) {
    out.verdict = Verdict::implausible;
    out.why = fmt::format("{} is {} more than the weights take", value_text(claim), times(claim.low / sizes.high));
  } else {
    out.verdict = Verdict::possible;
    out.why = fmt::format("{} is what the weights take", value_text(claim));
  }
  return out;
}

Answer size(const Claim& claim, Court& court) {
  const Meant quants = court.names.quants(claim.quant), models = court.names.models(claim.model);
  if (quants.ids.empty()) return not_checkable(quants.why_none);
  if (!quants.said) return not_checkable("it does not say in which format");
  const double weights = weights_in(claim.model);
  if (weights > 0) {
    const Range bits = bits_of(quants, court);
    // Scales and the parts that stay at higher precision come on top: at most another bit.
    return against_sizes(
        claim, {weights * bits.low / 8e9, weights * (bits.high + 1) / 8e9},
        fmt::format("{} weights x {} to {} bits / 8 = {} to {} GB", claim.model, three_digits(bits.low),
                    three_digits(bits.high + 1), three_digits(weights * bits.low / 8e9),
                    three_digits(weights * (bits.high + 1) / 8e9)));
  }
  if (models.ids.empty()) return not_checkable(models.why_none);
  std::vector<std::pair<std::string, Answer>> answers;
  for (const auto& id : models.ids) {
    const Range sizes = sizes_of(id, quants, court);
    if (sizes.high == 0) return not_checkable(fmt::format("{} does not come in {}", id, listed(quants.ids)));
    const double count = static_cast<double>(models::parameters(court.shelf.model(id).value)) / 1e9;
    answers.emplace_back(
        id, against_sizes(claim, sizes,
                          fmt::format("{}: {}e9 weights in these formats are {} to {} GB", id, three_digits(count),
                                      three_digits(sizes.low), three_digits(sizes.high))));
  }
  return agreed(answers);
}

/// Whether so many weights go into a box, in the formats that are meant.
Answer holds(double weights, const std::string& id, double boxes, const Meant& quants, Court& court) {
  const auto& memory = court.shelf.box(id).value.memory;
  const double least = bits_of(quants, court).low, usable = memory.usable() * boxes, all = memory.capacity * boxes;
  const double room = 8 * usable / weights;
  const Trust trust = trust_in(confidence_of(id, "memory.capacity", court));
  Answer out;
  out.arithmetic = {
      fmt::format("{}e9 weights x {} bits / 8 = {} GB{}", three_digits(weights / 1e9), three_digits(least),
                  three_digits(weights * least / 8e9), quants.said ? "" : " in the smallest format"),
      fmt::format("{}: {} GB, {} GB usable: {} bits a weight", id, three_digits(all / 1e9), three_digits(usable / 1e9),
                  three_digits(room))};
  constexpr double kUsual = 4;  // below that few people run a model
  out.excess = weights * least / 8 / usable;
  if (weights * least / 8 > all) {
    out.verdict = trust.is_hard ? Verdict::impossible : Verdict::implausible;
    out.why = "the weights alone are more than the memory";
  } else if (room < least) {
    out.verdict = Verdict::implausible;
    out.why = "it is more than the device may hold";
    out.unless = "a higher limit on what the device may hold, and hardly any context";
  } else if (!quants.said && room < kUsual) {
    out.verdict = Verdict::implausible;
    out.why = fmt::format("it would take a format of {} bits or fewer", three_digits(room));
  } else {
    out.verdict = Verdict::possible;
    out.why = "the weights fit, KV cache and workspace left out";
  }
  return out;
}

/// The answer to "it does not fit", from that to "it fits".
Answer denied(Answer fits) {
  const bool does = fits.verdict == Verdict::possible;
  fits.verdict = does ? Verdict::implausible : Verdict::possible;
  fits.why = does ? "it does: " + fits.why : "indeed: " + fits.why;
  fits.excess = 1;
  fits.unless = "";
  return fits;
}

/// Its value is a number of weights, in billions, that fit.
bool is_of_size(const Claim& claim) { return claim.metric == "max_model_b" || claim.unit == "B"; }

/// Weights of a model by its size in its name, or of those that its name may mean.
std::vector<std::pair<std::string, double>> weights_meant(const Claim& claim, const Meant& models, Court& court) {
  if (is_of_size(claim)) return {{"", claim.low * 1e9}};
  if (const double weights = weights_in(claim.model); weights > 0) return {{"", weights}};
  std::vector<std::pair<std::string, double>> out;
  for (const auto& id : models.ids)
    out.emplace_back(id, static_cast<double>(models::parameters(court.shelf.model(id).value)));
  return out;
}

Answer fits(const Claim& claim, Court& court) {
  const bool is_size = is_of_size(claim);
  if (!is_size && (claim.low != claim.high || (claim.low != 0 && claim.low != 1)))
    return not_checkable(fmt::format("its value is {}; expected 1 (it fits) or 0 (it does not)", claim.low));
  std::string text = claim.system;
  const auto boxes = static_cast<double>(count_off(text));
  const Meant meant = court.names.boxes(text), quants = court.names.quants(claim.quant);
  const Meant models = court.names.models(claim.model);
  const auto weights = weights_meant(claim, models, court);
  if (meant.ids.empty()) return not_checkable(meant.why_none);
  if (quants.ids.empty()) return not_checkable(quants.why_none);
  if (weights.empty()) return not_checkable(models.why_none);
  std::vector<std::pair<std::string, Answer>> answers;
  for (const auto& id : meant.ids) {
    for (const auto& [model, count] : weights) {
      Answer answer = holds(count, id, boxes, quants, court);
      if (!is_size && claim.low == 0) answer = denied(std::move(answer));
      answers.emplace_back(weights.size() > 1 ? model + " on " + id : id, on_a_box(id, std::move(answer), court));
    }
  }
  return of_any(answers);
}

}  // namespace

double least_bits(const Meant& quants, Court& court) { return bits_of(quants, court).low; }

Answer judge_size(const Claim& claim, Court& court) {
  if (claim.metric == "size_gb") return size(claim, court);
  if (claim.metric.rfind("params_", 0) != 0) return fits(claim, court);
  const Meant models = court.names.models(claim.model);
  if (models.ids.empty()) return not_checkable(models.why_none);
  std::vector<std::pair<std::string, Answer>> answers;
  for (const auto& id : models.ids) answers.emplace_back(id, parameters(claim, id, court));
  return agreed(answers);
}

}  // namespace tokwatt::cli
