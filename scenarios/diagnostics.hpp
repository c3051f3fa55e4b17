#pragma once
// Mistakes of the user, collected and shown all at once: file:line:column: error: what; expected what; did you mean
// ...?
#include <stdexcept>
#include <string>
#include <string_view>
#include <vector>

#include "scenarios/node.hpp"

namespace tokwatt::scenarios {

struct Diagnostic {
  Place place;
  std::string message;  ///< without file, line and "error:"
};

class Diagnostics {
 public:
  void error(const Place& place, std::string message);
  bool ok() const { return errors_.empty(); }
  const std::vector<Diagnostic>& errors() const { return errors_; }
  /// How often error() was called: repetitions and what is beyond the kept ones count too.
  std::size_t reported() const { return reported_; }
  /// Each error in order of file and place: its line, the source line and a caret. Control characters and bad UTF-8 are
  /// shown escaped, long lines cut around the caret.
  std::string render() const;

 private:
  std::vector<Diagnostic> errors_;
  std::size_t reported_ = 0;
  std::size_t left_out_ = 0;  ///< errors beyond what is worth keeping
};

/// Bad input (exit 3). what() is the rendered text.
class InputError : public std::runtime_error {
 public:
  explicit InputError(const Diagnostics& diagnostics);
  const std::vector<Diagnostic>& errors() const { return errors_; }

 private:
  std::vector<Diagnostic> errors_;
};

/// Good input that cannot be done: does not fit, unsupported, infeasible (exit 4). what() is the reason with its
/// arithmetic.
class Infeasible : public std::runtime_error {
 public:
  using std::runtime_error::runtime_error;
};

/// The nearest of `names` to `word` by edit distance, or the one of the same letters and digits, or empty when none is
/// near enough to be meant.
std::string nearest(std::string_view word, const std::vector<std::string>& names);
/// "; did you mean \"x\"?", of a few names that hold the word too, or "".
std::string did_you_mean(std::string_view word, const std::vector<std::string>& names);
/// A piece of the user's text for a message: in quotes, escaped, at most 60 characters.
std::string in_quotes(std::string_view text);

}  // namespace tokwatt::scenarios
