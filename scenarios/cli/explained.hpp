#pragma once
// Where the seconds and the joules of a run went, from its results file.
#include <functional>
#include <nlohmann/json_fwd.hpp>
#include <optional>
#include <stdexcept>
#include <string>
#include <vector>

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

/// A column of a run's results by its path ("segments/duration"); nothing where there is none.
using ColumnOf = std::function<std::optional<std::vector<double>>(const std::string& path)>;

/// A run's results cannot be explained: what() says what is missing.
class NotExplained : public std::runtime_error {
 public:
  using std::runtime_error::runtime_error;
};

/// Each deployment of a run. Throws NotExplained.
std::vector<Explained> explained(const nlohmann::ordered_json& summary, const ColumnOf& column_of);

}  // namespace tokwatt::cli
