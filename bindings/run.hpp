#pragma once
// One finished simulation as Python holds it: the results, and what their file needs besides.
#include <pybind11/pybind11.h>

#include <cstdint>
#include <string>
#include <vector>

#include "sim/results/results.hpp"

namespace tokwatt::bindings {

struct Run {
  sim::Results results;
  std::vector<sim::CarriedText> texts;
  uint64_t seed = 0;
};

/// Columns of a group: a list of (name, units, long_name, dims, values, flag_meanings). Numbers are read-only views
/// into the run, which they keep alive as their base; names are lists of str. Raises KeyError for a group that the run
/// does not have.
pybind11::list columns(const pybind11::object& run, const std::string& group);
std::vector<std::string> group_names(const Run& run);

/// All of a run as plain Python values, and back: what pickle stores.
pybind11::tuple to_state(const pybind11::object& run);
Run from_state(const pybind11::tuple& state);

}  // namespace tokwatt::bindings
