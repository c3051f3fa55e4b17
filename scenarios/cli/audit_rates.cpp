// Decode and prefill rates: the roofline says what cannot be, the calibrated model what is likely.
#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "models/graph.hpp"
#include "scenarios/cli/audit_judges.hpp"
#include "scenarios/cli/layout.hpp"
#include "scenarios/cli/natural_engine.hpp"

namespace tokwatt::cli {
namespace {

using Part = RateQuestion::Part;

// EAGLE-3 (Li et al., 2025) reports speed-ups of up to 6.5; nobody has published more for one request.
constexpr double kMostBySpeculation = 6.5;

// Files of a quant differ by a tenth from what its sheet says, and cards clock higher than their data sheets: what is
// less far beyond a bound is not called impossible.
constexpr double kMargin = 1.15;

Trust with_margin(Trust trust) { return {std::max(trust.factor, kMargin), trust.is_hard}; }

constexpr int64_t kSlack = 16384;  // tokens, above any that a test adds to a claim's own

struct Ways {
  std::vector<Subject> subjects;
  std::string why_none;
};

std::vector<std::string> engines_for(const RateQuestion& question, const hardware::Box& box) {
  if (!question.engine.empty()) return {engine_meant(box, question.engine)};
  auto out = natural_engines(box);
  // A box's processors are slower than its GPU, and wrappers add nothing: neither is what a claim is about.
  std::erase_if(out,
                [](const std::string& id) { return is_last_resort(id) || id == "llama.cpp-cpu" || id == "ollama"; });
  return out;
}

Ways ways(const RateQuestion& question, const std::vector<std::string>& quants, Court& court) {
  Ways out;
  const auto& box = court.shelf.box(question.box).value;
  const auto& model = court.shelf.model(question.model).value;
  for (const auto& id : engines_for(question, box)) {
    const auto& engine = court.shelf.engine(id, question.box).value;
    for (const auto& quant : quants) {
      try {
        out.subjects.push_back(assembled(box, model, court.shelf.quant_of(question.model, quant), engine, ""));
        // People run models behind more tokens than they were made for, and measure it.
        auto& longest = out.subjects.back().deployment.model.max_context;
        longest = std::max(longest, question.context + question.prompt + kSlack);
      } catch (const scenarios::Infeasible& error) {
        out.why_none = error.what();
      }
    }
  }
  return out;
}

double weights_of(const Subject& subject) { return models::weight_bytes(subject.deployment.model, subject.weights()); }

/// As much memory as it takes: what fits is another question than how fast it could be.
hardware::Box boundless(hardware::Box box) {
  box.memory = {1e18, 1, 0, box.memory.bandwidth};
  return box;
}

/// Where arithmetic takes no time, and where reading takes none: what is left is all of the other.
hardware::Box reading_alone(hardware::Box box) {
  for (double& peak : box.compute.peak) peak *= 1e9;
  return box;
}
hardware::Box arithmetic_alone(hardware::Box box) {
  box.memory.bandwidth *= 1e9;
  return box;
}

/// Bytes that a step reads at least.
double bytes_read(const Subject& way, const sim::BenchTest& test) {
  const sim::BenchProblem problem(way.deployment, reading_alone(boundless(way.box)), test);
  return problem.bound_memory() * way.box.memory.bandwidth;
}

/// FLOPs that a token of a prompt takes at least: two for each weight that it passes through, the head left out.
double flops_per_token(const models::Architecture& model) {
  double weights = 0;
  for (const auto& tensor : models::tensors(model)) {
    const bool is_table = tensor.weight_class == models::WeightClass::embedding;
    if (!is_table && tensor.weight_class != models::WeightClass::head)
      weights += tensor.elements * tensor.share_per_token;
  }
  return 2 * weights;
}

/// The most that one way can do, and the two lines that say so.
struct Bound {
  double rate = 0;
  const Subject* way = nullptr;
  bool by_compute = false;  ///< of decode: arithmetic takes more of it than memory
  Trust trust;
  std::string given, sum;
};

Bound decode_bound(const RateQuestion& q, const Subject& way, Court& court) {
  const double bandwidth = way.box.memory.bandwidth * static_cast<double>(q.boxes);
  const sim::BenchTest test{0, 1, q.context, q.sequences};
  const sim::BenchProblem problem(way.deployment, boundless(way.box), test);
  const sim::BenchProblem computed(way.deployment, arithmetic_alone(boundless(way.box)), test);
  Bound out{problem.bound() * static_cast<double>(q.boxes), &way, false, {}, {}, {}};
  out.by_compute = problem.bound_compute() > problem.bound_memory();
  out.trust = with_margin(trust_in(confidence_of(q.box, "memory.bandwidth", court)));
  const double read = bytes_read(way, test), reading = read / way.box.memory.bandwidth;
  const double compute = computed.bound_compute();
  const auto& d = way.deployment;
  out.given = fmt::format("{} as {} has {} GB of weights, of which a step reads at least {} GB{}", d.model.id,
                          d.quant.id, three_digits(weights_of(way) / 1e9), three_digits(read / 1e9),
                          q.context > 0 ? fmt::format(", {} tokens of KV cache included", grouped(q.context)) : "");
  const std::string peak = fmt::format("{} GB/s", three_digits(bandwidth / 1e9));
  if (q.sequences == 1 && compute < reading) {
    out.sum = fmt::format("{} / {} GB = {} tok/s at most", peak, three_digits(read / 1e9), three_digits(out.rate));
  } else {
    out.sum = fmt::format(
        "{} tokens a step, {} to read at {} and {} of arithmetic at its peak, of which each operator takes the longer: "
        "{} tok/s at most",
        q.sequences, duration(reading), peak, duration(compute), three_digits(out.rate));
  }
  return out;
}

/// The fastest arithmetic that weights of so many bits could go through, whatever an engine's kernels do with them.
hardware::Dtype fastest_for(const hardware::Box& box, double bits) {
  using hardware::Dtype;
  auto best = Dtype::bf16;
  for (const auto dtype : hardware::kDtypes) {
    const bool is_narrow = dtype == Dtype::fp4, is_byte = dtype == Dtype::fp8 || dtype == Dtype::int8;
    if ((is_narrow && bits > 6) || (is_byte && bits > 12)) continue;
    if (box.compute.peak_of(dtype) > box.compute.peak_of(best)) best = dtype;
  }
  return best;
}

Bound prefill_bound(const RateQuestion& q, const Subject& way, Court& court) {
  const auto& d = way.deployment;
  const double bits = 8 * weights_of(way) / static_cast<double>(models::parameters(d.model));
  const auto dtype = fastest_for(way.box, bits);
  const double peak = way.box.compute.peak_of(dtype) * static_cast<double>(q.boxes), flops = flops_per_token(d.model);
  Bound out{peak / flops, &way, true, {}, {}, {}};
  const auto confidence = confidence_of(q.box, fmt::format("compute.{}", hardware::name(dtype)), court);
  out.trust = with_margin(trust_in(confidence));
  out.given = fmt::format("{}: a token of the prompt passes through {}e9 weights, 2 FLOP each: {} GFLOP", d.model.id,
                          three_digits(flops / 2e9), three_digits(flops / 1e9));
  out.sum = fmt::format("{} TFLOP/s ({} dense, the fastest for {} weights) / {} GFLOP = {} tok/s at most",
                        three_digits(peak / 1e12), hardware::name(dtype), d.quant.id, three_digits(flops / 1e9),
                        three_digits(out.rate));
  if (q.prompt > 0)
    out.sum += fmt::format(", {} for {} tokens", duration(static_cast<double>(q.prompt) / out.rate), grouped(q.prompt));
  return out;
}

/// Of the way that can do most, so that the bound holds for them all.
Bound highest_bound(const RateQuestion& q, const std::vector<Subject>& subjects, Part part, Court& court) {
  Bound best;
  for (const auto& way : subjects) {
    Bound bound = part == Part::decode ? decode_bound(q, way, court) : prefill_bound(q, way, court);
    if (bound.rate * bound.trust.factor > best.rate * best.trust.factor || best.way == nullptr) best = std::move(bound);
  }
  return best;
}

/// Lengths that stand for a prompt whose length is not said.
std::vector<int64_t> prompts(const RateQuestion& q) {
  return q.prompt > 0 ? std::vector<int64_t>{q.prompt} : std::vector<int64_t>{512, 2048, 8192};
}

void widen(Interval& interval, const sim::BenchRate& rate) {
  if (interval.low == 0 || rate.low < interval.low) interval.low = rate.low;
  interval.high = std::max(interval.high, rate.high);
}

Interval interval_of(const RateQuestion& q, const Subject& way) {
  Interval out;
  try {
    if (q.part == Part::decode) {
      // One token in the middle of 128, as llama-bench's default has it.
      widen(out, sim::bench(way.deployment, way.box, {0, 1, q.context + 64, q.sequences}).decode);
    } else {
      for (const auto prompt : prompts(q))
        widen(out, sim::bench(way.deployment, way.box, {prompt, 0, q.context, q.sequences}).prefill);
    }
  } catch (const sim::DoesNotFit&) {
    return {};  // another quant, or none
  }
  return out;
}

std::optional<Interval> interval_of(const RateQuestion& q, const std::vector<Subject>& subjects) {
  Interval all;
  for (const auto& way : subjects) {
    const Interval one = interval_of(q, way);
    if (one.high == 0) continue;
    all.low = all.low == 0 ? one.low : std::min(all.low, one.low);
    all.high = std::max(all.high, one.high);
  }
  if (all.high == 0) return std::nullopt;
  return all;
}

std::vector<std::string> likely_quants(const RateQuestion& q, Court& court) {
  if (q.quants.said) return q.quants.ids;
  const std::string native = court.shelf.model(q.model).value.native_quant;
  auto out = Names::usual_quants();
  if (!native.empty()) out.push_back(native);
  return out;
}

std::string unit_of(const RateQuestion& q) {
  return q.sequences > 1 ? fmt::format("tok/s for {} requests", q.sequences) : "tok/s";
}

/// What a time comes to as a rate.
std::string rate_text(const RateQuestion& q) {
  return q.text.find("tok/s") == std::string::npos ? fmt::format(" ({})", range_text(q.low, q.high, "tok/s")) : "";
}

/// Requests at once of which all together reach a rate; 0: not with 1,024 either.
int64_t requests_that_reach(RateQuestion q, const Subject& way, Court& court) {
  for (q.sequences = 2; q.sequences <= 1024; q.sequences *= 2) {
    if (decode_bound(q, way, court).rate >= q.low) return q.sequences;
  }
  return 0;
}

std::string what_would_reach(const RateQuestion& q, double most, const Bound& bound, Court& court) {
  if (q.part == Part::prefill) {
    return q.prompt > 0
               ? fmt::format("{} % of the prompt already in the prefix cache", std::lround(100 * (1 - most / q.low)))
               : "prompts that are in the prefix cache already";
  }
  std::vector<std::string> ways;
  const double per_step = q.low / most;
  if (!q.speculates && !bound.by_compute && per_step <= kMostBySpeculation)
    ways.push_back(fmt::format("speculation that yields {} tokens a step", three_digits(per_step)));
  const int64_t requests = q.sequences == 1 ? requests_that_reach(q, *bound.way, court) : 0;
  if (requests > 0) ways.push_back(fmt::format("about {} requests at once, counted together", requests));
  const auto& model = bound.way->deployment.model;
  const double may_read = bound.way->box.memory.bandwidth * static_cast<double>(q.boxes) / q.low;
  const double kv = bytes_read(*bound.way, {0, 1, q.context, 1}) - bytes_read(*bound.way, {0, 1, 0, 1});
  const double bits = 8 * (may_read - kv) / static_cast<double>(models::active_parameters(model));
  if (q.sequences == 1 && bits <= 0) {
    ways.push_back(
        fmt::format("not another quant: the KV cache of {} tokens alone is {} GB of the {} GB that a step may "
                    "read",
                    grouped(q.context), three_digits(kv / 1e9), three_digits(may_read / 1e9)));
  } else if (q.sequences == 1 && bits >= 1.6) {
    ways.push_back(fmt::format("weights of {:.1f} bits or fewer at full bandwidth", bits));
  } else if (q.sequences == 1) {
    ways.push_back(fmt::format("not another quant: {:.1f} bits a weight would be left", bits));
  }
  return fmt::format("{}", fmt::join(ways, "; "));
}

/// Whether what does not fit can lie in the memory of a host: cards have one beside their own, the others do not.
bool has_host_memory(const hardware::Box& box) {
  const bool is_whole = box.architecture.rfind("apple-", 0) == 0 || box.architecture.rfind("blackwell-gb10", 0) == 0 ||
                        box.architecture == "rdna3.5";
  return !is_whole;
}

Answer too_big(const std::vector<Subject>& subjects, const RateQuestion& q, Court& court) {
  const auto least = std::min_element(subjects.begin(), subjects.end(),
                                      [](const Subject& a, const Subject& b) { return weights_of(a) < weights_of(b); });
  const auto& memory = least->box.memory;
  const double weights = weights_of(*least), boxes = static_cast<double>(q.boxes);
  const bool is_hard = weights > memory.capacity * boxes;
  const Trust trust = trust_in(confidence_of(q.box, "memory.capacity", court));
  Answer out;
  out.excess = weights / (memory.capacity * boxes);
  // A capacity that is assumed is not off by half.
  const bool has_host = has_host_memory(least->box);
  const bool is_sure = is_hard && !has_host && (trust.is_hard || out.excess > 2);
  out.verdict = is_sure ? Verdict::impossible : Verdict::implausible;
  out.why = is_hard ? "the weights alone are more than the memory" : "it does not fit into what the device may hold";
  out.arithmetic = {
      fmt::format("{} as {}: {} GB of weights", q.model, least->deployment.quant.id, three_digits(weights / 1e9)),
      fmt::format("{} has {} GB of memory, {} GB of which can be used", q.box,
                  three_digits(memory.capacity * boxes / 1e9), three_digits(memory.usable() * boxes / 1e9))};
  const std::string next =
      next_quant(*least, [&](const Subject& other) { return weights_of(other) < other.box.memory.usable() * boxes; });
  out.unless = has_host  ? "layers that run on the host, from its own memory and at its speed"
               : is_hard ? "weights that stay on disk and are read for each token, at the disk's speed"
                         : "a higher limit on what the device may hold";
  if (!next.empty()) out.unless += fmt::format("; {} would fit", next);
  return out;
}

Answer speculating(const RateQuestion& q, const std::vector<Subject>& subjects, double most, Court& court) {
  // A token that was guessed still passes through the model once, to be checked.
  const Bound checks = highest_bound(q, subjects, Part::prefill, court);
  const double per_step = q.low / most;
  Answer out;
  out.arithmetic = {checks.given, checks.sum};
  if (q.low > checks.rate * checks.trust.factor && checks.trust.is_hard) {
    out.verdict = Verdict::impossible;
    out.why = fmt::format("{} is {} more than arithmetic allows, and every guess has to be checked", q.text,
                          times(q.low / checks.rate));
    return out;
  }
  out.verdict = per_step <= kMostBySpeculation ? Verdict::possible : Verdict::implausible;
  out.why = fmt::format("{} with speculation needs {} tokens a step; up to {} have been published", q.text,
                        three_digits(per_step), kMostBySpeculation);
  return out;
}

Answer against_interval(const RateQuestion& q, const Interval& likely, const Bound& bound, Court& court) {
  const std::string interval =
      fmt::format("90 % interval {} to {} {}", three_digits(likely.low), three_digits(likely.high), unit_of(q));
  Answer out;
  out.arithmetic = {bound.given, bound.sum};
  if (q.low > likely.high) {
    out.verdict = Verdict::implausible;
    out.excess = q.low / likely.high;
    out.why = fmt::format("{}{} is {} above the {}", q.text, rate_text(q), times(q.low / likely.high), interval);
    out.unless = what_would_reach(q, likely.high, bound, court);
  } else if (q.high < likely.low && !q.slow_is_fine) {
    out.verdict = Verdict::implausible;
    out.excess = likely.low / q.high;
    out.why = fmt::format("{} is too slow: the box does {} more at the low end of the {}", q.text,
                          times(likely.low / q.high), interval);
    out.unless = "a slower engine, a longer context, or time spent outside of the model";
  } else {
    out.verdict = Verdict::possible;
    out.why = q.high < likely.low ? fmt::format("{} is slower than the {}, as a server may be", q.text, interval)
                                  : fmt::format("{} meets the {}", q.text, interval);
    if (q.high > bound.rate * bound.trust.factor && !std::isinf(q.high))
      out.why += fmt::format("; its upper end is above the bound of {} tok/s", three_digits(bound.rate));
  }
  return out;
}

Answer beyond(const RateQuestion& q, const Bound& bound, Court& court) {
  Answer out;
  out.verdict = bound.trust.is_hard ? Verdict::impossible : Verdict::implausible;
  out.excess = q.low / bound.rate;
  out.arithmetic = {bound.given, bound.sum};
  out.why = fmt::format("{}{} is {} {} the {} bound", q.text, rate_text(q), times(q.low / bound.rate),
                        q.low / bound.rate < 1.2 ? "above" : "as much as", bound.by_compute ? "compute" : "bandwidth");
  if (!bound.trust.is_hard) out.why += ", which itself rests on an assumed figure";
  out.unless = what_would_reach(q, bound.rate, bound, court);
  return out;
}

}  // namespace

std::optional<Interval> predicted(const RateQuestion& question, Court& court) {
  return interval_of(question, ways(question, likely_quants(question, court), court).subjects);
}

Answer judge_rate(const RateQuestion& q, Court& court) {
  const Ways all = ways(q, q.quants.ids, court);
  if (all.subjects.empty()) return not_checkable(fmt::format("nothing here runs it: {}", all.why_none));
  const auto fits = [&](const Subject& way) {
    return weights_of(way) <= way.box.memory.usable() * static_cast<double>(q.boxes);
  };
  const Bound bound = highest_bound(q, all.subjects, q.part, court);
  const bool is_beyond = q.low > bound.rate * bound.trust.factor;
  const bool is_too_big = std::none_of(all.subjects.begin(), all.subjects.end(), fits);
  if (is_too_big) {
    Answer answer = too_big(all.subjects, q, court);
    if (answer.verdict == Verdict::impossible || !is_beyond) return answer;
  }
  if (q.speculates && q.part == Part::decode) return speculating(q, all.subjects, bound.rate, court);
  if (is_beyond) return beyond(q, bound, court);
  if (q.boxes > 1)
    return not_checkable("below the bound, and what several boxes reach depends on their links: simulate it");
  const Ways likely = q.quants.said ? all : ways(q, likely_quants(q, court), court);
  const auto interval = interval_of(q, likely.subjects);
  const auto wider = interval ? interval : interval_of(q, all.subjects);
  if (!wider) return not_checkable("its context and its requests do not fit beside the weights");
  return against_interval(q, *wider, bound, court);
}

}  // namespace tokwatt::cli
