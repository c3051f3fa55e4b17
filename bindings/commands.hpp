#pragma once
// The program's commands, and a scenario that is only checked.
#include <pybind11/pybind11.h>

namespace tokwatt::bindings {

void add_commands(pybind11::module_& m);

}  // namespace tokwatt::bindings
