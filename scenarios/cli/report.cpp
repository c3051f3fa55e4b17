// tokwatt report: a page for people; the work is done in Python (bindings/tokwatt/report.py).
#include <fmt/format.h>

#include "scenarios/cli/options.hpp"
#include "scenarios/cli/python.hpp"
#include "scenarios/diagnostics.hpp"

namespace tokwatt::cli {

int report(const Arguments& arguments, const Terminal& terminal) {
  Options options({"tokwatt report results/people.h5", "tokwatt report RESULTS [-o FILE.html]",
                   "Writes one page of HTML that needs no network: the question, the answer, what it rests on, what "
                   "happened over time, latencies, energy and money, what limited it and what would help. RESULTS is "
                   "what tokwatt run -o or tokwatt study -o wrote, or what tokwatt audit -o json printed. Needs Python "
                   "with the package tokwatt.",
                   "a file of results"});
  options.value("output,o", "page to write (default: RESULTS with .html for its ending); - is standard output");
  if (!options.read(arguments, terminal)) return kDone;
  if (options.arguments().size() > 1) {
    throw UsageError(
        fmt::format("unexpected {}; one file of results at a time", scenarios::in_quotes(options.arguments()[1])));
  }
  Arguments words;
  if (options.has("output")) words.push_back(fmt::format("--output={}", options.get("output")));
  words.insert(words.end(), {"--", options.arguments().front()});
  return run_python("report", words, terminal);
}

}  // namespace tokwatt::cli
