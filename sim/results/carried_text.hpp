#pragma once
#include <string>

namespace tokwatt::sim {

/// A text that travels inside the results file: the scenario, each sheet.
struct CarriedText {
  std::string name;  ///< "scenario", "systems/desk", "models/gpt-oss-120b", ... (never a path of the machine)
  std::string text;
};

}  // namespace tokwatt::sim
