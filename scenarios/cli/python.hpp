#pragma once
// Commands whose work is done by the Python package.
#include <string>

#include "scenarios/cli/program.hpp"

namespace tokwatt::cli {

/// Runs `python -m tokwatt.MODULE ARGUMENTS...` and returns its exit code. Python is the one that $TOKWATT_PYTHON
/// names; else the first that has the package: beside this program, in .venv above it, in $VIRTUAL_ENV, python3 in
/// $PATH. Throws CannotRun if there is none.
int run_python(const std::string& module, const Arguments& arguments, const Terminal& terminal);

}  // namespace tokwatt::cli
