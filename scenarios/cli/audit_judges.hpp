#pragma once
// The judges: each takes a claim of its kind to a verdict. docs/audit.md says by which rules.
#include <optional>
#include <string>
#include <vector>

#include "scenarios/cli/audit_answer.hpp"
#include "scenarios/cli/audit_names.hpp"
#include "scenarios/cli/subject.hpp"
#include "sim/bench.hpp"

namespace tokwatt::cli {

struct Court {
  Shelf shelf;
  Names names;
};

/// What a claim says a rate is, of a model on a box, in tokens per second.
struct RateQuestion {
  enum class Part { decode, prefill };
  Part part = Part::decode;
  double low = 0, high = 0;
  std::string text;           ///< as it was claimed, "3.20 s"
  bool slow_is_fine = false;  ///< it includes what is not computed here (a queue, a network): only too fast is wrong
  int64_t prompt = 0, context = 0, sequences = 1;
  bool speculates = false;
  std::string box, model, engine;
  int64_t boxes = 1;
  Meant quants;
};
Answer judge_rate(const RateQuestion& question, Court& court);

/// The 90 % interval of a rate over the ways to run a model on a box that a claim leaves open.
struct Interval {
  double low = 0, high = 0;
};
std::optional<Interval> predicted(const RateQuestion& question, Court& court);

// By metric; the claim's metric is one of theirs.
Answer judge_speed(const Claim& claim, Court& court);   ///< tg_tok_s, pp_tok_s, ttft_s, throughput_tok_s, tok_s_per_usd
Answer judge_figure(const Claim& claim, Court& court);  ///< bandwidth, compute, memory, power, price of a box
Answer judge_size(const Claim& claim, Court& court);    ///< parameters and bytes of a model, and whether it fits
Answer judge_ratio(const Claim& claim, Court& court);   ///< one box against another
/// Any claim.
Answer judge(const Claim& claim, Court& court);

/// Bits of a weight in the bulk of a model, in the smallest of the formats that may be meant.
double least_bits(const Meant& quants, Court& court);
/// Puts a verdict on a box that was never built into words.
Answer on_a_box(const std::string& box, Answer answer, Court& court);
/// Confidence of a number of a box's sheet; "assumed" where there is none.
std::string confidence_of(const std::string& box, const std::string& path, Court& court);

}  // namespace tokwatt::cli
