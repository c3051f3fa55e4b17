#pragma once
// What `tokwatt calibrate` asks about boxes, engines, models and quants by their names.
#include <pybind11/pybind11.h>

namespace tokwatt::bindings {

void add_calibration_names(pybind11::module_& m);

}  // namespace tokwatt::bindings
