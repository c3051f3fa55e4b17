#pragma once
// A study whose points Python hands out.
#include <pybind11/pybind11.h>

namespace tokwatt::bindings {

void add_studies(pybind11::module_& m);

}  // namespace tokwatt::bindings
