// tokwatt run: one scenario, its answer as a table or JSON, and everything as a file.
#include <fmt/format.h>
#include <fmt/ostream.h>

#include <mutex>
#include <nlohmann/json.hpp>
#include <ostream>

#include "scenarios/cli/check_fits.hpp"
#include "scenarios/cli/layout.hpp"
#include "scenarios/cli/options.hpp"
#include "scenarios/cli/output_file.hpp"
#include "scenarios/cli/plan_table.hpp"
#include "scenarios/cli/progress.hpp"
#include "scenarios/cli/summary_table.hpp"
#include "scenarios/heat_cost.hpp"
#include "scenarios/intervals.hpp"
#include "scenarios/plan/planning.hpp"
#include "scenarios/scenario.hpp"
#include "scenarios/units.hpp"
#include "sim/simulation.hpp"

namespace tokwatt::cli {
namespace {

Options run_options() {
  Options options({"tokwatt run scenarios/twelve-people-on-a-spark.yaml -o results/people.h5",
                   "tokwatt run SCENARIO [--set key=value]... [-o FILE] [--summary table|json]",
                   "Simulates a scenario and says what came out: as a table or as JSON on standard output, and with -o "
                   "in full as HDF5 (docs/file-formats.md).",
                   "a scenario file"});
  options.values("set", "change a key of the scenario: --set systems.desk.power.limit=\"80 W\"; may be repeated")
      .value("output,o", "results file; - is standard output, and the summary then goes to standard error")
      .value("summary", "table (default) or json")
      .value("stepping", "macro (default): one event per change; token: one per iteration, slow, the same bytes")
      .value("interval",
             "auto (default): 90 % intervals of what came out, for runs of at most 50,000 requests and 100,000 ticks; "
             "off; "
             "or from how many draws (auto: 16)")
      .flag("quiet", "nothing on standard error but errors");
  return options;
}

scenarios::IntervalChoice interval_choice(const std::string& text) {
  const auto choice = scenarios::interval_choice(text);
  if (choice) return *choice;
  throw UsageError(
      fmt::format("--interval is {}; expected auto, off or a number from 2 to 1000", scenarios::in_quotes(text)));
}

/// Runs it, with a line on the terminal that says how far it is.
sim::Results simulated(sim::Input input, sim::Stepping stepping, const Terminal& terminal, bool quiet) {
  if (quiet || !terminal.err_is_live) return sim::simulate(std::move(input), stepping);
  ProgressLine line(terminal.err);
  return sim::simulate(std::move(input), stepping, [&](const sim::ProgressReport& report) { line.show(report); });
}

/// The error bars, with a line on the terminal that says how many of the draws have been run.
nlohmann::ordered_json intervals_of(const sim::Results& results, const std::function<scenarios::Loaded()>& load,
                                    int64_t draws, const Options& options, const Terminal& terminal) {
  if (options.has("quiet") || !terminal.err_is_live) return scenarios::interval90(results.summary, load, draws);
  ProgressLine line(terminal.err);
  std::mutex showing;
  return scenarios::interval90(results.summary, load, draws, [&](int64_t done) {
    const std::lock_guard lock(showing);
    line.show([&](double) { return fmt::format("intervals: {} of {} draws", done, draws); });
  });
}

}  // namespace

int run(const Arguments& arguments, const Terminal& terminal) {
  Options options = run_options();
  if (!options.read(arguments, terminal)) return kDone;
  if (options.arguments().size() > 1) {
    throw UsageError(
        fmt::format("unexpected {}; one scenario at a time", scenarios::in_quotes(options.arguments()[1])));
  }
  const bool as_json = options.choice("summary", {"table", "json"}) == "json";
  const auto stepping =
      options.choice("stepping", {"macro", "token"}) == "token" ? sim::Stepping::token : sim::Stepping::macro;
  const auto interval = interval_choice(options.get("interval", "auto"));
  const std::string output = options.get("output");
  if (options.has("output")) check_writable(output);

  auto loaded = scenarios::load(options.arguments().front(), options.all("set"));
  check_fits(loaded, options.arguments().front(), options.all("set"));
  const RunFacts facts = facts_of(loaded);
  const uint64_t seed = loaded.input.seed;
  const double ticks_per_second = scenarios::ticks_per_second(loaded.input);
  const bool quiet = options.has("quiet");
  const auto start = std::chrono::steady_clock::now();
  auto results = simulated(std::move(loaded.input), stepping, terminal, quiet);
  const std::chrono::duration<double> took = std::chrono::steady_clock::now() - start;
  results.summary["assumed"] = loaded.assumed;
  const auto load = [&] { return scenarios::load(options.arguments().front(), options.all("set")); };
  if (interval.draws > 0 && (!interval.only_of_short || scenarios::is_short(results, ticks_per_second))) {
    results.summary["interval90"] = intervals_of(results, load, interval.draws, options, terminal);
  }
  if (interval.draws > 0) {
    scenarios::add_heat_cost(results.summary, load, [&](sim::Input input) {
      return simulated(std::move(input), sim::Stepping::macro, terminal, quiet);
    });
  }
  if (loaded.planning) scenarios::add_plan(*loaded.planning, results);

  if (options.has("output")) write_output(output, terminal.out, results, loaded.texts, seed);
  std::ostream& answer = output == "-" ? terminal.err : terminal.out;
  answer << (as_json ? results.summary.dump(2) + "\n"
                     : summary_table(facts, results, terminal) + plan_table(results.summary, terminal));
  if (quiet) return kDone;
  for (const auto& note : loaded.notes) fmt::print(terminal.err, "note: {}\n", note);
  fmt::print(terminal.err, "simulated in {}", duration(took.count()));
  if (options.has("output") && output != "-") fmt::print(terminal.err, "; all of it is in {}", output);
  fmt::print(terminal.err, "\n");
  return kDone;
}

}  // namespace tokwatt::cli
