#pragma once
// The tokwatt program as a function: which command is meant, and what its failures come to.
#include <iosfwd>
#include <stdexcept>
#include <string>
#include <vector>

namespace tokwatt::cli {

using Arguments = std::vector<std::string>;

/// Where a command writes: data to out, everything else to err.
struct Terminal {
  std::ostream& out;
  std::ostream& err;
  bool bold_out = false;     ///< out is a terminal, and NO_COLOR is not set
  bool err_is_live = false;  ///< err is a terminal: progress may be shown

  static Terminal of_this_process(std::ostream& out, std::ostream& err);
  /// A heading: bold where that can be seen.
  std::string heading(const std::string& text) const;
};

/// The command line makes no sense (exit 2).
class UsageError : public std::runtime_error {
 public:
  using std::runtime_error::runtime_error;
};
/// A file of the user's cannot be written (exit 3). what() has the path and the reason.
class CannotWrite : public std::runtime_error {
 public:
  using std::runtime_error::runtime_error;
};

/// Something outside of the program that it needs is not there (exit 4). what() says what to do.
class CannotRun : public std::runtime_error {
 public:
  using std::runtime_error::runtime_error;
};

enum ExitCode : int { kDone = 0, kInternal = 1, kUsage = 2, kBadInput = 3, kInfeasible = 4 };

struct Command {
  const char* name;
  const char* does;  ///< one line for the list of commands
  int (*run)(const Arguments& arguments, const Terminal& terminal);
};

int run(const Arguments& arguments, const Terminal& terminal);
int bench(const Arguments& arguments, const Terminal& terminal);
int fit(const Arguments& arguments, const Terminal& terminal);
int list(const Arguments& arguments, const Terminal& terminal);
int show(const Arguments& arguments, const Terminal& terminal);
int validate(const Arguments& arguments, const Terminal& terminal);
int study(const Arguments& arguments, const Terminal& terminal);
int compare(const Arguments& arguments, const Terminal& terminal);
int capacity(const Arguments& arguments, const Terminal& terminal);
int sensitivity(const Arguments& arguments, const Terminal& terminal);
int explain(const Arguments& arguments, const Terminal& terminal);
int audit(const Arguments& arguments, const Terminal& terminal);
int calibrate(const Arguments& arguments, const Terminal& terminal);
int report(const Arguments& arguments, const Terminal& terminal);
int export_results(const Arguments& arguments, const Terminal& terminal);
int schema(const Arguments& arguments, const Terminal& terminal);

/// Never throws; the result is the exit code.
int run_program(const Arguments& arguments, const Terminal& terminal);

}  // namespace tokwatt::cli
