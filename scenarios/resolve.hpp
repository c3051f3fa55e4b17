#pragma once
// The steps from a written scenario to the input of a simulation, one function each. They report what is wrong and go
// on.
#include <string>
#include <vector>

#include "scenarios/grammar.hpp"
#include "scenarios/scenario.hpp"
#include "scenarios/sheets/sheets.hpp"

namespace tokwatt::scenarios {

/// What the steps share.
struct Resolution {
  const Written& written;
  std::string folder;  ///< relative paths start here
  Diagnostics& diagnostics;
  Loaded& loaded;
  std::vector<std::string> infeasible;  ///< good input that cannot be done, with the reasons
  std::vector<RawSheet> boxes;          ///< of loaded.input.systems, with the user's overrides laid over them
};

void resolve_systems(Resolution& r);
/// Needs the systems.
void resolve_deployments(Resolution& r);
/// Needs the systems.
void resolve_cables(Resolution& r);
/// The link that a name means; reported where there is none.
std::optional<hardware::Link> resolve_link(const Text& name, const std::string& key, Resolution& r);
/// One deployment's boxes and replicas, as far as they are good.
void resolve_placement(const WrittenDeployment& w, const std::string& path, sim::Deployment& d, Resolution& r);
/// Whether its engine and model can be split over devices, and the devices are joined. Needs the placement.
void check_tensor_parallel(const WrittenDeployment& w, const std::string& path, const sim::Deployment& d,
                           Resolution& r);
/// Needs the deployments. Opens traces, which checks them to their last line.
void resolve_workload(Resolution& r);
/// Needs the systems and the prices.
void resolve_timeline(Resolution& r);

/// Keeps a sheet's text for the results file and which of its numbers rest on assumption.
template <class T>
void carry(Resolution& r, const std::string& name, const Sheet<T>& sheet);

/// Index of a name in a list of named things, or -1 (reported).
int index_of(const Text& name, const std::string& key, const std::vector<std::string>& names, const char* what,
             Diagnostics& diagnostics);

}  // namespace tokwatt::scenarios
