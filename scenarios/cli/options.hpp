#pragma once
// Options of one command: Boost.Program_options, with the mistakes explained and the example first.
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "scenarios/cli/program.hpp"

namespace tokwatt::cli {

class Options {
 public:
  struct Help {
    const char* example;    ///< a command line that works
    const char* usage;      ///< "tokwatt run SCENARIO [options]"
    const char* about;      ///< what it does
    const char* arguments;  ///< what messages call a missing argument, "a scenario file"; empty: takes none
  };
  explicit Options(Help help);
  Options(Options&&) noexcept;
  ~Options();

  /// An option with a value: names as Boost has them ("output,o").
  Options& value(const char* names, const char* doc);
  /// The same, and it may be given several times.
  Options& values(const char* names, const char* doc);
  Options& flag(const char* names, const char* doc);
  /// Another spelling with one dash, as llama.cpp's programs have them: -ub for --ubatch-size.
  Options& alias(const char* spelling, const char* name);

  /// Reads a command line. False: --help was asked for, and printed. Throws UsageError.
  bool read(const Arguments& arguments, const Terminal& terminal);

  bool has(const std::string& name) const;
  std::string get(const std::string& name, const std::string& otherwise = "") const;
  std::vector<std::string> all(const std::string& name) const;
  /// One of the words, the first of them when the option is not given.
  std::string choice(const std::string& name, const std::vector<std::string>& words) const;
  const std::vector<std::string>& arguments() const { return arguments_; }

 private:
  void parse(const Arguments& arguments);
  std::vector<std::string> names() const;
  std::string help_text() const;

  Help help_;
  struct Boosted;
  std::unique_ptr<Boosted> boosted_;  // what Boost knows of them
  std::vector<std::string> arguments_;
  std::map<std::string, std::string> aliases_;
};

}  // namespace tokwatt::cli
