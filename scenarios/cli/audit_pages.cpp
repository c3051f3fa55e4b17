#include "scenarios/cli/audit_pages.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <nlohmann/json.hpp>

#include "scenarios/cli/layout.hpp"

namespace tokwatt::cli {
namespace {

using Json = nlohmann::ordered_json;

constexpr std::array kVerdicts = {Verdict::impossible, Verdict::implausible, Verdict::possible, Verdict::not_checkable};

std::vector<const Audited*> with(Verdict verdict, const std::vector<Audited>& audited) {
  std::vector<const Audited*> out;
  for (const auto& one : audited) {
    if (one.answer.verdict == verdict) out.push_back(&one);
  }
  return out;
}

std::string counts(const std::vector<Audited>& audited) {
  std::vector<std::string> parts;
  for (const auto verdict : kVerdicts)
    parts.push_back(fmt::format("{} {}", with(verdict, audited).size(), name(verdict)));
  return fmt::format("{} {}: {}", audited.size(), audited.size() == 1 ? "claim" : "claims", fmt::join(parts, ", "));
}

/// What is claimed: of what, how much of which metric.
std::string subject_of(const Claim& claim) {
  std::string out = claim.system;
  for (const auto* part : {&claim.model, &claim.quant, &claim.engine}) {
    if (!part->empty()) out += (out.empty() ? "" : ", ") + *part;
  }
  return out;
}

std::string conditions_of(const Claim& claim) {
  std::string out;
  if (claim.prompt > 0) out += fmt::format(", prompt of {}", grouped(claim.prompt));
  if (claim.context > 0) out += fmt::format(", behind {} tokens", grouped(claim.context));
  if (claim.sequences > 1) out += fmt::format(", {} at once", claim.sequences);
  return out;
}

std::string claimed(const Claim& claim) {
  return fmt::format("{} {}{}", claim.metric, value_text(claim), conditions_of(claim));
}

/// A cell of a Markdown table may hold no bars and no line ends.
std::string in_cell(std::string text) {
  for (std::size_t at = text.find('|'); at != std::string::npos; at = text.find('|', at + 2)) text.insert(at, "\\");
  return text;
}

std::string reasoning(const Answer& answer) {
  std::string out = answer.why + ".";
  for (const auto& line : answer.arithmetic) out += "<br>" + line;
  return in_cell(out);
}

std::string section(Verdict verdict, const std::vector<const Audited*>& audited) {
  static constexpr std::array kSays = {
      "More than the peak figures of the sheet allow. Two lines of arithmetic, no model of efficiency.",
      "Allowed by the peaks, but outside of the 90 % interval of what such boxes do.",
      "Within the interval, or what the sheet says. That does not make it measured.",
      "What it is about is not said, not known here, or not modelled."};
  std::string out = fmt::format("\n## {}{}\n\n{}\n\n", static_cast<char>(name(verdict)[0] - 'a' + 'A'),
                                name(verdict) + 1, kSays[static_cast<std::size_t>(verdict)]);
  const bool has_unless = verdict == Verdict::impossible || verdict == Verdict::implausible;
  out += has_unless ? "| claim | of | says | why not | what would make it true |\n|---|---|---|---|---|\n"
                    : "| claim | of | says | why |\n|---|---|---|---|\n";
  for (const auto* one : audited) {
    const auto& [claim, answer] = *one;
    std::string why = reasoning(answer);
    if (!answer.read_as.empty()) why += in_cell(fmt::format("<br>Read as {}.", answer.read_as));
    out +=
        fmt::format("| {} | {} | {}{} | {} |", in_cell(claim.id), in_cell(subject_of(claim)), in_cell(claimed(claim)),
                    claim.quote.empty() ? "" : in_cell(fmt::format("<br>\"{}\"", claim.quote)), why);
    out += has_unless ? fmt::format(" {} |\n", in_cell(answer.unless)) : "\n";
  }
  return out;
}

}  // namespace

std::string audit_table(const std::vector<Audited>& audited, const Terminal& terminal) {
  std::string out;
  for (const auto& [claim, answer] : audited) {
    const std::string head =
        fmt::format("{}: {}{}{}", claim.id, subject_of(claim), subject_of(claim).empty() ? "" : ", ", claimed(claim));
    out += terminal.heading(wrapped(head, 2)) + "\n";
    const std::string verdict = fmt::format("{}: {}", name(answer.verdict), answer.why);
    out += "  " + wrapped(verdict, 2) + "\n";
    for (const auto& line : answer.arithmetic) out += "    " + wrapped(line, 4) + "\n";
    if (!answer.unless.empty()) out += "  " + wrapped("would make it true: " + answer.unless, 2) + "\n";
    if (!answer.read_as.empty()) out += "  " + wrapped("read as " + answer.read_as, 2) + "\n";
    out += "\n";
  }
  return out + wrapped(counts(audited)) + "\n";
}

std::string audit_json(const std::vector<Audited>& audited) {
  Json out = Json::array();
  for (const auto& [claim, answer] : audited) {
    Json row = {{"id", claim.id},
                {"system", claim.system},
                {"model", claim.model},
                {"quant", claim.quant},
                {"metric", claim.metric},
                {"value_low", claim.low},
                {"value_high", nullptr},
                {"unit", claim.unit},
                {"verdict", name(answer.verdict)},
                {"why", answer.why},
                {"arithmetic", answer.arithmetic},
                {"would_make_it_true", answer.unless},
                {"read_as", answer.read_as}};
    if (!claim.has_value) row["value_low"] = nullptr;
    if (claim.has_value && !claim.is_open()) row["value_high"] = claim.high;
    out.push_back(std::move(row));
  }
  return out.dump(2) + "\n";
}

std::string audit_markdown(const std::vector<Audited>& audited) {
  std::string out = counts(audited) + ".\n";
  for (const auto verdict : kVerdicts) {
    const auto some = with(verdict, audited);
    if (!some.empty()) out += section(verdict, some);
  }
  return out;
}

}  // namespace tokwatt::cli
