#pragma once
// What people ask of a scenario again and again with other values in it: compare, capacity, sensitivity; and explain.
#include <pybind11/pybind11.h>

namespace tokwatt::bindings {

void add_questions(pybind11::module_& m);

}  // namespace tokwatt::bindings
