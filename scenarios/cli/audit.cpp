// tokwatt audit: a verdict on each published claim, and the bound that says so.
#include <fmt/format.h>

#include <ostream>

#include "scenarios/cli/audit_judges.hpp"
#include "scenarios/cli/audit_pages.hpp"
#include "scenarios/cli/options.hpp"

namespace tokwatt::cli {
namespace {

Options audit_options() {
  Options options(
      {"tokwatt audit claims.csv -o md", "tokwatt audit CLAIMS.csv [-o table|json|md]",
       "Says of each claim whether it is impossible (by which bound), implausible (how far outside of the 90 "
       "% interval, and what would make it true), possible, or not checkable and why. The file is CSV with "
       "columns id, system, model, quant, metric, value_low, value_high, unit (docs/file-formats.md).",
       "a file of claims"});
  options.value("output,o", "table (default), json or md");
  return options;
}

}  // namespace

int audit(const Arguments& arguments, const Terminal& terminal) {
  Options options = audit_options();
  if (!options.read(arguments, terminal)) return kDone;
  const std::string format = options.choice("output", {"table", "json", "md"});
  if (options.arguments().size() > 1)
    throw UsageError(fmt::format("unexpected \"{}\"; one file of claims at a time", options.arguments()[1]));
  Court court;
  std::vector<Audited> audited;
  for (auto& claim : read_claims(options.arguments().front())) {
    Answer answer = judge(claim, court);
    audited.push_back({std::move(claim), std::move(answer)});
  }
  if (format == "table") terminal.out << audit_table(audited, terminal);
  if (format == "json") terminal.out << audit_json(audited);
  if (format == "md") terminal.out << audit_markdown(audited);
  return kDone;
}

}  // namespace tokwatt::cli
