#pragma once
// A scenario that a command asks something of, again and again with other values in it.
#include <memory>
#include <string>
#include <vector>

#include "scenarios/cli/options.hpp"
#include "scenarios/node.hpp"
#include "scenarios/scenario.hpp"

namespace tokwatt::cli {

struct Question {
  scenarios::Node tree;  ///< the scenario, with the --set options in it
  std::string folder;    ///< of the scenario

  /// The same with more --set options. Throws InputError where one of them cannot be applied.
  Question with(const std::vector<std::string>& sets) const;
  /// Throws InputError and Infeasible.
  scenarios::Loaded load() const;
};

/// Throws InputError.
Question question_of(const std::string& path, const std::vector<std::string>& sets);
/// The same of a text; relative paths in it are resolved against `folder`.
Question question_of(const std::shared_ptr<const scenarios::Source>& source, const std::string& folder,
                     const std::vector<std::string>& sets);
/// The one scenario of a command line, with its --set options. Throws UsageError and InputError.
Question question_of(const Options& options);

/// The pieces of "a, b,c"; throws UsageError, calling it `option`, where one is empty.
std::vector<std::string> comma_separated(const std::string& text, const char* option);

}  // namespace tokwatt::cli
