#pragma once
// From a scenario file to the input of a simulation.
#include <memory>
#include <string>
#include <vector>

#include "scenarios/diagnostics.hpp"
#include "sim/input.hpp"
#include "sim/results/carried_text.hpp"

namespace tokwatt::scenarios {

struct Planning;

struct Loaded {
  sim::Input input;
  std::vector<sim::CarriedText> texts;  ///< the scenario and each sheet used, for the results file
  std::vector<std::string> assumed;     ///< inputs that rest on assumption: "dgx-spark: power.psu_efficiency", sorted
  std::vector<std::string> notes;       ///< what was put right on the way and should be known: rows moved into order
  std::string start;                    ///< date and time at which it starts, as written; or empty
  std::shared_ptr<const Planning> planning;  ///< of a scenario with a plan (scenarios/plan/planning.hpp), or null
};

/// Reads, checks and resolves a scenario with its sheets and traces. `sets` are the texts of --set options.
/// Throws InputError with every mistake found.
Loaded load(const std::string& path, const std::vector<std::string>& sets);
/// The same from a text; relative paths in it are resolved against `folder`.
Loaded load_text(const std::string& name, const std::string& text, const std::string& folder,
                 const std::vector<std::string>& sets);

/// The same from a tree whose values may have been changed since it was parsed; its own text is what the results carry.
/// What is wrong is reported; throws InputError then.
Loaded load_tree(const Node& root, const std::string& folder, Diagnostics& diagnostics);

}  // namespace tokwatt::scenarios
