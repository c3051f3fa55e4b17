#pragma once
// Measured tests priced with many tunings at once: what `tokwatt calibrate` needs of the cost model.
#include <pybind11/pybind11.h>

namespace tokwatt::bindings {

/// Adds BenchProblems and tuning_parameters to the module.
void add_bench_problems(pybind11::module_& m);

}  // namespace tokwatt::bindings
