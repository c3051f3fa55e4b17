// tokwatt study: a scenario with many values in it, on every core, into one file.
#include <fmt/format.h>
#include <fmt/ostream.h>

#include <ostream>
#include <thread>

#include "scenarios/cli/layout.hpp"
#include "scenarios/cli/options.hpp"
#include "scenarios/cli/output_file.hpp"
#include "scenarios/cli/progress.hpp"
#include "scenarios/cli/study_table.hpp"
#include "scenarios/studies/journal.hpp"
#include "scenarios/studies/run_study.hpp"
#include "scenarios/units.hpp"

namespace tokwatt::cli {
namespace {

constexpr int64_t kMostThreads = 1024;

Options study_options() {
  Options options({"tokwatt study scenarios/studies/the-team-grows.yaml -o results/team.h5",
                   "tokwatt study STUDY -o FILE [--set key=value]... [--threads N]",
                   "Simulates a scenario at every point of a study, on every core, and writes one HDF5 file: a dataset "
                   "with the study's axes as dimensions (docs/studies.md). FILE.journal holds what is done so far: "
                   "after an interruption the same command goes on where it was.",
                   "a study file"});
  options.value("output,o", "results file")
      .values("set", "change a key of the scenario at every point, as tokwatt run has it")
      .value("threads", "simulations at a time; without it one for each core")
      .flag("quiet", "nothing on standard error but errors");
  return options;
}

int threads_of(const Options& options) {
  if (!options.has("threads")) return static_cast<int>(std::max(std::thread::hardware_concurrency(), 1U));
  const std::string text = options.get("threads");
  const auto parsed = scenarios::parse_count(text);
  const auto* threads = std::get_if<int64_t>(&parsed);
  if (!threads || *threads < 1 || *threads > kMostThreads)
    throw UsageError(
        fmt::format("--threads is {}; expected a whole number from 1 to {}", scenarios::in_quotes(text), kMostThreads));
  return static_cast<int>(*threads);
}

std::string output_of(const Options& options) {
  if (!options.has("output")) throw UsageError("expected -o and a file: a study's results go into one");
  const std::string output = options.get("output");
  if (output == "-") throw UsageError("-o - has no place for the journal; expected a file");
  check_writable(output);
  return output;
}

std::string study_line(std::size_t done, std::size_t before, std::size_t points, double elapsed) {
  std::string line =
      fmt::format("{} of {} points", grouped(static_cast<int64_t>(done)), grouped(static_cast<int64_t>(points)));
  const auto fresh = static_cast<double>(done - before);
  if (fresh > 0) line += fmt::format(", about {} left", span(elapsed * static_cast<double>(points - done) / fresh));
  return line;
}

/// The points that the journal does not have yet.
void run_rest(const scenarios::Study& study, scenarios::Journal& journal, int threads, const Terminal& terminal,
              bool quiet) {
  const auto to_do = points_to_do(journal.records());
  const std::size_t before = study.points() - to_do.size();
  std::size_t done = before;
  ProgressLine line(terminal.err);
  run_points(study, to_do, threads, [&](scenarios::PointRecord record) {
    journal.add(std::move(record));
    ++done;
    if (quiet || !terminal.err_is_live) return;
    line.show([&](double elapsed) { return study_line(done, before, study.points(), elapsed); });
  });
}

}  // namespace

int study(const Arguments& arguments, const Terminal& terminal) {
  Options options = study_options();
  if (!options.read(arguments, terminal)) return kDone;
  if (options.arguments().size() > 1)
    throw UsageError(fmt::format("unexpected {}; one study at a time", scenarios::in_quotes(options.arguments()[1])));
  const int threads = threads_of(options);
  const std::string output = output_of(options);
  const auto study = scenarios::load_study(options.arguments().front(), options.all("set"));
  make_folder_of(output);
  const auto start = std::chrono::steady_clock::now();
  try {
    scenarios::Journal journal(output + ".journal", study);
    run_rest(study, journal, threads, terminal, options.has("quiet"));
    sim::write_dataset(output, dataset_of(study, journal.records()), study.texts);
    journal.remove();
    terminal.out << study_table(study, journal.records(), terminal);
  } catch (const scenarios::JournalError& error) {
    throw CannotWrite(error.what());
  }
  if (options.has("quiet")) return kDone;
  const std::chrono::duration<double> took = std::chrono::steady_clock::now() - start;
  fmt::print(terminal.err, "simulated in {}; all of it is in {}\n", duration(took.count()), output);
  return kDone;
}

}  // namespace tokwatt::cli
