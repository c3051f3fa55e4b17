#include "scenarios/cli/audit_claims.hpp"

#include <fast_float/fast_float.h>
#include <fmt/format.h>

#include <cmath>
#include <regex>
#include <set>

#include "scenarios/traces/fields.hpp"
#include "scenarios/traces/sessions/csv_table.hpp"

namespace tokwatt::cli {
namespace {

using scenarios::CsvTable;

const scenarios::CsvColumns& columns() {
  static const scenarios::CsvColumns kColumns{
      {"id", "system", "model", "quant", "metric", "value_low", "value_high", "unit"},
      {"class", "source", "seed_file", "quote", "assessment", "note", "engine", "prompt_len", "context_depth", "batch",
       "speculative"},
      false,
      "claims"};
  return kColumns;
}

/// CSV writes a quote inside of quotes twice.
std::string text_of(std::string_view field) {
  std::string out(field);
  for (std::size_t at = out.find("\"\""); at != std::string::npos; at = out.find("\"\"", at + 1)) out.erase(at, 1);
  return out;
}

/// The number in a column, `otherwise` where it is empty.
double number_in(CsvTable& table, const char* column, double otherwise) {
  const std::string_view text = table.field(column);
  if (text.empty()) return otherwise;
  double value = 0;
  const auto [end, code] = fast_float::from_chars(text.data(), text.data() + text.size(), value);
  if (code == std::errc() && end == text.data() + text.size() && std::isfinite(value) && value >= 0) return value;
  table.report(column, fmt::format("{}; expected a number, 0 or more, or nothing", scenarios::in_quotes(text)));
  return otherwise;
}

int64_t count_in(CsvTable& table, const char* column) {
  int32_t count = 0;
  const std::string_view text = table.field(column);
  if (!text.empty() && !scenarios::parse_tokens(text, count)) table.report(column, scenarios::explain_tokens(text));
  return count;
}

bool flag_in(CsvTable& table, const char* column) {
  const std::string_view text = table.field(column);
  if (!text.empty() && text != "0" && text != "1")
    table.report(column, fmt::format("{}; expected 0, 1 or nothing", scenarios::in_quotes(text)));
  return text == "1";
}

void read_values(CsvTable& table, Claim& claim) {
  claim.has_value = !table.field("value_low").empty() || !table.field("value_high").empty();
  claim.low = number_in(table, "value_low", 0);
  claim.high = number_in(table, "value_high", std::numeric_limits<double>::infinity());
  if (claim.has_value && claim.high < claim.low)
    table.report("value_high", fmt::format("{}, below value_low, {}", table.field("value_high"), claim.low));
}

/// What the free text of a claim says of how it was measured.
void read_words(Claim& claim) {
  std::smatch found;
  static const std::regex kBatchInMetric("_b([0-9]{1,4})$");
  if (std::regex_search(claim.metric, found, kBatchInMetric)) {
    if (claim.sequences == 0) claim.sequences = std::stoll(found[1]);
    claim.metric.resize(claim.metric.size() - static_cast<std::size_t>(found[0].length()));
  }
  static const std::regex kPromptInMetric("_([0-9]{1,4})k$");
  if (std::regex_search(claim.metric, found, kPromptInMetric)) {
    if (claim.prompt == 0) claim.prompt = 1000 * std::stoll(found[1]);
    claim.metric.resize(claim.metric.size() - static_cast<std::size_t>(found[0].length()));
  }
  static const std::regex kBatchInQuote("batch (?:size )?(?:of )?([0-9]{1,4})\\b", std::regex::icase);
  if (claim.sequences == 0 && std::regex_search(claim.quote, found, kBatchInQuote))
    claim.sequences = std::stoll(found[1]);
  static const std::regex kContext("([0-9]{1,4})K (?:ctx|context)", std::regex::icase);
  if (std::regex_search(claim.quant, found, kContext)) {
    if (claim.context == 0) claim.context = 1024 * std::stoll(found[1]);
    claim.quant = found.prefix().str() + found.suffix().str();
  }
  claim.speculates = claim.speculates || names_speculation(claim.quote) || names_speculation(claim.quant) ||
                     names_speculation(claim.metric);
}

}  // namespace

bool names_speculation(const std::string& text) {
  static const std::regex kNames(
      "speculati(?:ve|on)|draft model|multi-token prediction|\\bmtp|\\beagle|medusa|dflash|lookahead decoding",
      std::regex::icase);
  static const std::regex kDenies("(?:without|no|not|non)[ -](?:any )?(?:speculati|draft|mtp|eagle)",
                                  std::regex::icase);
  return std::regex_search(text, kNames) && !std::regex_search(text, kDenies);
}

std::vector<Claim> read_claims(const std::string& path) {
  scenarios::Mistakes mistakes(path);
  std::vector<Claim> out;
  std::set<std::string> ids;
  try {
    CsvTable table(path, columns(), mistakes);
    while (table.next()) {
      Claim claim;
      for (const auto& [column, to] : {std::pair{"id", &claim.id},
                                       {"system", &claim.system},
                                       {"model", &claim.model},
                                       {"quant", &claim.quant},
                                       {"engine", &claim.engine},
                                       {"metric", &claim.metric},
                                       {"unit", &claim.unit},
                                       {"quote", &claim.quote}})
        *to = text_of(table.field(column));
      claim.prompt = count_in(table, "prompt_len");
      claim.context = count_in(table, "context_depth");
      claim.sequences = count_in(table, "batch");
      claim.speculates = flag_in(table, "speculative");
      read_values(table, claim);
      if (claim.metric.empty()) table.report("metric", "empty; expected what is claimed, such as tg_tok_s");
      if (claim.id.empty()) table.report("id", "empty; expected a name for the claim");
      if (!claim.id.empty() && !ids.insert(claim.id).second)
        table.report("id", fmt::format("{} again; expected each claim once", scenarios::in_quotes(claim.id)));
      read_words(claim);
      out.push_back(std::move(claim));
    }
  } catch (const scenarios::ReadFailure& failure) {
    mistakes.add(1, "", 0, 1, failure.what());
  }
  if (mistakes.count() > 0) mistakes.raise();
  return out;
}

}  // namespace tokwatt::cli
