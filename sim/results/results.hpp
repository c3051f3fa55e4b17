#pragma once
// What a simulation leaves behind.
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "sim/results/carried_text.hpp"
#include "sim/results/dataset.hpp"

namespace tokwatt::sim {

struct Results {
  std::string title;               ///< the scenario's
  nlohmann::ordered_json summary;  ///< keys of design section 6
  std::vector<Group> groups;       ///< series, requests, segments, events
};

/// Writes results as HDF5 that netCDF tools read (docs/file-formats.md): every number of the summary as a scalar at the
/// root under its dotted name ("ttft_s.p50"; per-deployment and per-stream parts only in `summary_json`), the groups,
/// and the texts with their SHA-256. Under a temporary name beside `path`, renamed when whole. The bytes depend on the
/// arguments alone. Throws std::runtime_error with the reason when the file cannot be written.
void write_results(const std::string& path, const Results& results, const std::vector<CarriedText>& texts,
                   uint64_t seed);

/// Variables over common dimensions, such as the answers of a study.
struct Dataset {
  std::string title;
  Group variables;                       ///< without a name
  std::vector<std::string> coordinates;  ///< variables that are such besides those named like their dimension
};

/// Writes a dataset at the root of a file, and the texts, in the same way.
void write_dataset(const std::string& path, const Dataset& dataset, const std::vector<CarriedText>& texts);

}  // namespace tokwatt::sim
