#include "scenarios/cli/program.hpp"

#include <fmt/format.h>
#include <fmt/ostream.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cstdlib>
#include <ostream>

#include "scenarios/cli/layout.hpp"
#include "scenarios/diagnostics.hpp"
#include "sim/serving/kv_capacity.hpp"

namespace tokwatt::cli {
namespace {

constexpr std::array kCommands = {
    Command{"run", "simulate a scenario", run},
    Command{"bench", "what llama-bench would measure", bench},
    Command{"fit", "which models, quants and boxes go together", fit},
    Command{"list", "boxes, models, engines, scenarios, studies that come with it", list},
    Command{"show", "every number of a sheet, with its source", show},
    Command{"validate", "check scenarios and sheets", validate},
    Command{"study", "a scenario with many values in it, into one file", study},
    Command{"compare", "a scenario on several boxes, side by side", compare},
    Command{"capacity", "the most users, or requests a second, within objectives", capacity},
    Command{"sensitivity", "what one per cent of each number does to the answers", sensitivity},
    Command{"explain", "where the seconds and joules of a run went", explain},
    Command{"audit", "which published claims are possible", audit},
    Command{"calibrate", "fit a box's sheet to what you measured on it", calibrate},
    Command{"report", "a page of HTML about a run, for people", report},
    Command{"export", "a run's results as other tools read them", export_results},
    Command{"schema", "print the JSON schema of scenarios, for editors", schema},
};

std::string overview() {
  std::string text =
      "Example:\n"
      "  tokwatt run scenarios/twelve-people-on-a-spark.yaml -o results/people.h5\n\n"
      "tokwatt simulates large-language-model inference on real boxes: does it fit, how\n"
      "fast is it, when does it throttle, what does it cost.\n\n"
      "Commands:\n";
  for (const auto& command : kCommands) text += fmt::format("  {:<11} {}\n", command.name, command.does);
  return text +
         "\n"
         "tokwatt COMMAND --help says more; tokwatt --version prints the version.\n"
         "Exit codes: 0 done, 1 internal error, 2 usage, 3 bad input, 4 does not fit or\n"
         "cannot be done.\n";
}

std::vector<std::string> command_names() {
  std::vector<std::string> names;
  for (const auto& command : kCommands) names.emplace_back(command.name);
  return names;
}

const Command& command_named(const std::string& name) {
  const auto found = std::find_if(kCommands.begin(), kCommands.end(), [&](const Command& c) { return c.name == name; });
  if (found != kCommands.end()) return *found;
  const auto list = "\nCommands: " + wrapped(fmt::format("{}", fmt::join(command_names(), ", ")), 10);
  throw UsageError(fmt::format("there is no command {}{}{}", scenarios::in_quotes(name),
                               scenarios::did_you_mean(name, command_names()), list));
}

int dispatch(const Arguments& arguments, const Terminal& terminal) {
  const std::string first = arguments.empty() ? "" : arguments.front();
  if (first == "--version") {
    terminal.out << "tokwatt " TOKWATT_VERSION "\n";
    return kDone;
  }
  if (first == "--help" || first == "-h" || (first == "help" && arguments.size() == 1)) {
    terminal.out << overview();
    return kDone;
  }
  if (first.empty()) {
    terminal.err << overview();
    return kUsage;
  }
  if (first == "help") return command_named(arguments[1]).run({"--help"}, terminal);
  if (first.front() == '-') {
    throw UsageError(fmt::format("{} is no command; a command comes first\nCommands: {}", scenarios::in_quotes(first),
                                 wrapped(fmt::format("{}", fmt::join(command_names(), ", ")), 10)));
  }
  return command_named(first).run({arguments.begin() + 1, arguments.end()}, terminal);
}

int guarded(const Arguments& arguments, const Terminal& terminal) {
  try {
    return dispatch(arguments, terminal);
  } catch (const UsageError& error) {
    fmt::print(terminal.err, "error: {}\n", error.what());
    return kUsage;
  } catch (const CannotWrite& error) {
    fmt::print(terminal.err, "error: {}\n", error.what());
    return kBadInput;
  } catch (const CannotRun& error) {
    fmt::print(terminal.err, "cannot be done: {}\n", error.what());
    return kInfeasible;
  } catch (const scenarios::InputError& error) {
    terminal.err << error.what();  // rendered: one line or more for each mistake
    return kBadInput;
  } catch (const scenarios::Infeasible& error) {
    fmt::print(terminal.err, "cannot be done: {}\n", error.what());
    return kInfeasible;
  } catch (const sim::DoesNotFit& error) {
    fmt::print(terminal.err, "{}\n", error.what());
    return kInfeasible;
  } catch (const std::exception& error) {
    fmt::print(terminal.err, "internal error: {}\n", error.what());
    return kInternal;
  }
}

}  // namespace

Terminal Terminal::of_this_process(std::ostream& out, std::ostream& err) {
  const char* no_color = std::getenv("NO_COLOR");
  const bool colour = no_color == nullptr || *no_color == '\0';  // no-color.org: set and not empty
  return {out, err, colour && isatty(STDOUT_FILENO) != 0, isatty(STDERR_FILENO) != 0};
}

std::string Terminal::heading(const std::string& text) const {
  return bold_out ? fmt::format("\033[1m{}\033[0m", text) : text;
}

int run_program(const Arguments& arguments, const Terminal& terminal) {
  const int code = guarded(arguments, terminal);
  terminal.out.flush();
  if (terminal.out) return code;
  terminal.err << "error: cannot write to standard output\n";
  return kInternal;
}

}  // namespace tokwatt::cli
