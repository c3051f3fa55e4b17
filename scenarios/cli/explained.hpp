#pragma once
// Where the seconds and the joules of a run went, from its results file.
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <vector>

#include "sim/results/read_file.hpp"

namespace tokwatt::cli {

struct Portion {
  std::string name, what;
  double amount = 0;  ///< [s] or [J]
};

struct Help {
  std::string what;
  double at_most = 0;  ///< share of the time of a request that it could save
};

struct Explained {
  std::string name;                  ///< of the deployment
  double request = 0;                ///< mean time of a whole request [s]
  std::vector<Portion> requests;     ///< of that
  double span = 0;                   ///< of the run [s]
  std::vector<Portion> box;          ///< of that
  double energy = 0;                 ///< at the wall [J]
  std::vector<Portion> joules;       ///< of that
  std::vector<Help> helps;           ///< the largest first
  std::vector<std::string> missing;  ///< what could not be told, and what would tell it
};

/// What prompts cost the sequences that decode beside them: the mean over completed requests [s]; nothing without
/// segments.
std::optional<double> interference(const sim::ResultsFile& file, double completed);

/// One deployment's part of a summary.
Explained explained(const std::string& name, const nlohmann::ordered_json& part, double span,
                    std::optional<double> interference);

}  // namespace tokwatt::cli
