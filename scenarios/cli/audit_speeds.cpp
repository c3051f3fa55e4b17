// Claims of speed: from their free text to a question about a rate.
#include <fmt/format.h>

#include <cmath>
#include <limits>
#include <regex>

#include "scenarios/cli/audit_judges.hpp"
#include "scenarios/cli/layout.hpp"
#include "scenarios/sheets/sheets.hpp"

namespace tokwatt::cli {
namespace {

using Part = RateQuestion::Part;

/// "distill 70B Q4" of a large model is another model: the name in front of what it was distilled into.
void take_distillation(std::string& model, std::string& quant) {
  const auto at = quant.find("distill ");
  if (at == std::string::npos) return;
  const auto size_at = at + 8, end = std::min(quant.find(' ', size_at), quant.size());
  model = "dense " + quant.substr(size_at, end - size_at);
  quant.erase(at, std::min(end + 1, quant.size()) - at);
}

/// Says "in all" or "aggregate" without saying of how many.
bool counts_several(const Claim& claim) {
  for (const char* word : {"aggregate", "concurren", "batched", "in total", "users at once", "parallel requests"}) {
    if (claim.quote.find(word) != std::string::npos) return true;
  }
  return false;
}

double infinity() { return std::numeric_limits<double>::infinity(); }

/// A time to the first token is a rate of the prompt; the slow side stays open, for a server has other things to do.
void as_rate_of_prompt(const Claim& claim, RateQuestion& q) {
  const auto tokens = static_cast<double>(claim.prompt);
  q.low = std::isinf(claim.high) ? 0 : tokens / claim.high;
  q.high = claim.low > 0 ? tokens / claim.low : infinity();
}

RateQuestion question_of(const Claim& claim) {
  RateQuestion q;
  const bool is_prompt = claim.metric == "pp_tok_s" || claim.metric == "ttft_s";
  q.part = is_prompt ? Part::prefill : Part::decode;
  q.low = claim.low;
  q.high = claim.high;
  q.text = value_text(claim);
  // With several requests a server also reads prompts, and runs dry at the end.
  q.slow_is_fine = claim.metric == "ttft_s" || claim.metric == "throughput_tok_s" || claim.sequences > 1;
  q.prompt = is_prompt ? claim.prompt : 0;
  q.context = claim.context;
  q.sequences = std::max<int64_t>(claim.sequences, 1);
  q.speculates = claim.speculates;
  if (claim.metric == "ttft_s") as_rate_of_prompt(claim, q);
  return q;
}

/// Why a claim's words do not make a question; empty if they do.
std::string why_unasked(const Claim& claim) {
  if (claim.metric == "ttft_s" && claim.prompt == 0) return "it does not say how long the prompt is";
  if (claim.metric == "throughput_tok_s" && claim.sequences == 0)
    return "it does not say how many requests ran at once";
  if (claim.sequences == 0 && counts_several(claim)) return "it counts several requests together, and not how many";
  return {};
}

Answer of_one_reading(RateQuestion q, const Claim& claim, Court& court) {
  if (claim.metric != "tok_s_per_usd") return judge_rate(q, court);
  const double price = court.shelf.box(q.box).value.price.purchase;
  if (std::isnan(price)) return not_checkable(fmt::format("the sheet of {} has no price", q.box));
  q.low *= price;
  q.high *= price;
  q.text = fmt::format("{} x {} USD = {}", q.text, grouped(std::llround(price)), range_text(q.low, q.high, "tok/s"));
  return judge_rate(q, court);
}

/// What a model that nobody here knows would be bounded by, if each token read all the weights that its name speaks of.
std::string if_it_were_dense(const std::string& model, const Meant& boxes, const RateQuestion& q, Court& court) {
  static const std::regex kSize("\\b([0-9.]+)b\\b", std::regex::icase);
  std::smatch found;
  if (q.part != Part::decode || q.sequences > 1 || !std::regex_search(model, found, kSize)) return {};
  double bandwidth = 0;
  for (const auto& box : boxes.ids) bandwidth = std::max(bandwidth, court.shelf.box(box).value.memory.bandwidth);
  const double bits = least_bits(q.quants, court), size = std::stod(found[1]) * bits / 8;
  return fmt::format("; if it were dense, {}e9 weights x {} bits / 8 = {} GB a token, and {} GB/s / {} GB = {} tok/s",
                     found[1].str(), three_digits(bits), three_digits(size), three_digits(bandwidth / 1e9),
                     three_digits(size), three_digits(bandwidth / 1e9 / size));
}

std::string engine_named(const std::string& text) {
  if (text.empty() || scenarios::same_name(text, scenarios::kLlamaCpp)) return text;
  return scenarios::shipped_id(scenarios::SheetKind::engine, text).value_or("");
}

}  // namespace

Answer judge_speed(const Claim& claim, Court& court) {
  std::string box = claim.system, model = claim.model, quant = claim.quant;
  RateQuestion q = question_of(claim);
  q.boxes = count_off(box);
  take_distillation(model, quant);
  const Meant boxes = court.names.boxes(box), models = court.names.models(model);
  q.quants = court.names.quants(quant);
  q.engine = engine_named(claim.engine);
  if (models.ids.empty() && !boxes.ids.empty() && !q.quants.ids.empty())
    return not_checkable(models.why_none + if_it_were_dense(model, boxes, q, court));
  for (const auto& meant : {boxes, models, q.quants})
    if (meant.ids.empty()) return not_checkable(meant.why_none);
  if (q.engine.empty() && !claim.engine.empty())
    return not_checkable(fmt::format("no engine here is called {}", scenarios::in_quotes(claim.engine)));
  if (const std::string why = why_unasked(claim); !why.empty()) return not_checkable(why);
  std::vector<std::pair<std::string, Answer>> answers;
  for (const auto& b : boxes.ids) {
    for (const auto& m : models.ids) {
      q.box = b;
      q.model = m;
      const std::string reading = models.ids.size() > 1 ? fmt::format("{} on {}", m, b) : b;
      answers.emplace_back(reading, on_a_box(b, of_one_reading(q, claim, court), court));
    }
  }
  Answer out = agreed(answers);
  const bool is_any = out.read_as.rfind("any of", 0) == 0;
  if (is_any && models.ids.size() > 1 && boxes.ids.size() > 1)
    out.read_as = fmt::format("any of {} on any of {}", listed(models.ids), listed(boxes.ids));
  if (models.ids.size() == 1 && !out.read_as.empty()) out.read_as = models.ids.front() + " on " + out.read_as;
  return out;
}

}  // namespace tokwatt::cli
