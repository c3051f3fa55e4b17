#pragma once
// Variables over common dimensions, as Python takes them.
#include <pybind11/pybind11.h>

#include "sim/results/dataset.hpp"

namespace tokwatt::bindings {

/// A list of (name, units, long_name, dims, values, flag_meanings). Numbers are read-only views, which keep `owner`
/// alive as their base; names are lists of str.
pybind11::list columns_of(const sim::Group& group, const pybind11::object& owner);

}  // namespace tokwatt::bindings
