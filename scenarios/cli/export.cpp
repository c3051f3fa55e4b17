// tokwatt export: results for other people's tools; the work is done in Python (bindings/tokwatt/export.py).
#include <fmt/format.h>

#include "scenarios/cli/options.hpp"
#include "scenarios/cli/python.hpp"
#include "scenarios/diagnostics.hpp"

namespace tokwatt::cli {
namespace {

Options export_options() {
  Options options({"tokwatt export results/people.h5 --as perfetto -o people.json",
                   "tokwatt export RESULTS --as vllm-bench|perfetto|csv [-o FILE]",
                   "Writes a run's results as other tools read them: the JSON of vllm bench serve --save-result, a "
                   "trace for ui.perfetto.dev, or a table. Needs Python with the package tokwatt.",
                   "a file of results"});
  options.value("as", "vllm-bench, perfetto or csv")
      .value("output,o", "file to write (default: -, standard output)")
      .value("table", "of csv: requests (default), series, segments, events, plan or summary")
      .value("deployment", "of vllm-bench: whose requests, where the run has several deployments")
      .flag("detailed", "of vllm-bench: each request too, as --save-detailed has it")
      .value("limit", "of perfetto: requests at most (default 20,000)");
  return options;
}

}  // namespace

int export_results(const Arguments& arguments, const Terminal& terminal) {
  Options options = export_options();
  if (!options.read(arguments, terminal)) return kDone;
  if (options.arguments().size() > 1) {
    throw UsageError(
        fmt::format("unexpected {}; one file of results at a time", scenarios::in_quotes(options.arguments()[1])));
  }
  if (!options.has("as")) throw UsageError("missing --as; expected --as vllm-bench, --as perfetto or --as csv");
  Arguments words = {"--as=" + options.choice("as", {"vllm-bench", "perfetto", "csv"})};
  if (options.has("table")) {
    words.push_back("--table=" +
                    options.choice("table", {"requests", "series", "segments", "events", "plan", "summary"}));
  }
  for (const char* name : {"output", "deployment", "limit"}) {
    if (options.has(name)) words.push_back(fmt::format("--{}={}", name, options.get(name)));
  }
  if (options.has("detailed")) words.emplace_back("--detailed");
  words.insert(words.end(), {"--", options.arguments().front()});
  return run_python("export", words, terminal);
}

}  // namespace tokwatt::cli
