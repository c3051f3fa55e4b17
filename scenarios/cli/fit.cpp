// tokwatt fit: leave out the model, the quant or the box, and it lists what fits.
#include <fmt/format.h>
#include <fmt/ostream.h>

#include <ostream>

#include "scenarios/cli/bench_values.hpp"
#include "scenarios/cli/fit_search.hpp"
#include "scenarios/cli/fit_tables.hpp"
#include "scenarios/cli/natural_engine.hpp"
#include "scenarios/cli/options.hpp"
#include "scenarios/units.hpp"

namespace tokwatt::cli {
namespace {

using scenarios::SheetKind;

Options fit_options() {
  Options options(
      {"tokwatt fit --system dgx-spark",
       "tokwatt fit [--model M] [--quant Q] [--system S] [--context N] [--users N] [--engine E] [--budget USD] [-o md]",
       "Says what fits. Leave out the model and it lists models, leave out the system and it lists boxes, give both "
       "and "
       "it lists quants; give all three and it shows the arithmetic. Exit 4 if all three are given and do not fit.",
       ""});
  options.value("model", "model: an id, an alias, a path to a sheet, a config.json or a GGUF file")
      .value("quant", "format of the weights")
      .value("system", "box: an id, an alias or a path to a sheet")
      .value("context", "tokens that each user has (default 8192, or what the model takes)")
      .value("users", "users at once (default 1)")
      .value("engine", "inference engine (default: the box's natural one, llama.cpp first)")
      .value("kv", "format of the KV cache (default: the engine's)")
      .value("min-bits", "leave out quants with fewer bits a weight, such as 4")
      .value("budget", "leave out boxes that cost more, such as 5000 [USD]")
      .flag("all", "hypothetical boxes too: products that cannot be bought")
      .value("output,o", "md (default), json or csv");
  return options;
}

int64_t count_of(const Options& options, const char* name, int64_t otherwise) {
  if (!options.has(name)) return otherwise;
  const auto values = number_list(fmt::format("--{}", name), {options.get(name)});
  if (values.size() == 1 && values.front() > 0) return values.front();
  throw UsageError(fmt::format("--{} is {}; expected one number, at least 1", name, options.get(name)));
}

/// Nothing where the option is not given.
std::optional<double> number_of(const Options& options, const char* name, const char* expected) {
  if (!options.has(name)) return {};
  const auto parsed = scenarios::parse_number(options.get(name));
  const auto* number = std::get_if<double>(&parsed);
  if (number && *number >= 0) return *number;
  throw UsageError(fmt::format("--{} is {}; expected {}", name, options.get(name), expected));
}

FitQuestion question_of(const Options& options) {
  FitQuestion out{options.get("system"),
                  options.get("model"),
                  options.get("quant"),
                  options.get("engine"),
                  options.get("kv"),
                  count_of(options, "context", 0),
                  count_of(options, "users", 1),
                  options.has("all"),
                  number_of(options, "min-bits", "bits a weight, such as 4").value_or(0),
                  number_of(options, "budget", "US dollars, such as 5000")};
  if (out.system.empty() && out.model.empty())
    throw UsageError("expected --system, --model or both\nExample: tokwatt fit --system dgx-spark");
  if (out.budget && !out.system.empty())
    throw UsageError(
        "--budget chooses among boxes; expected no --system\nExample: tokwatt fit --model gpt-oss-120b --budget 5000");
  return out;
}

/// With all three given.
int weigh(const FitQuestion& question, const std::string& format, Shelf& shelf, const Terminal& terminal) {
  const Fit fit = fit_of(whole_subject(question, shelf), question);
  if (format == "md") terminal.out << fit_sum(fit);
  if (format == "json") terminal.out << fit_json({fit});
  if (format == "csv") terminal.out << fit_csv({fit});
  if (fit.fits()) return kDone;
  fmt::print(terminal.err, "{}\n", fit_refusal(fit));
  if (!fit.takes_context()) return kInfeasible;  // no other quant takes more
  const auto next = next_quant(fit.subject, [&](const Subject& other) { return fit_of(other, question).fits(); });
  const bool is_file = !shelf.own_quant(question.model).empty();
  fmt::print(terminal.err, "{}\n", advice_of(next, fit.subject.deployment.engine.id, is_file));
  return kInfeasible;
}

}  // namespace

int fit(const Arguments& arguments, const Terminal& terminal) {
  Options options = fit_options();
  if (!options.read(arguments, terminal)) return kDone;
  FitQuestion question = question_of(options);
  const std::string format = options.choice("output", {"md", "json", "csv"});
  Shelf shelf;
  open_all(question, shelf);
  if (!question.model.empty() && question.quant.empty()) question.quant = shelf.own_quant(question.model);
  if (!question.system.empty() && !question.model.empty() && !question.quant.empty())
    return weigh(question, format, shelf, terminal);
  const FitList list = search(question, shelf);
  if (format == "md") terminal.out << fit_markdown(list, question);
  if (format == "json") terminal.out << fit_json(list.fits);
  if (format == "csv") terminal.out << fit_csv(list.fits);
  return kDone;
}

}  // namespace tokwatt::cli
