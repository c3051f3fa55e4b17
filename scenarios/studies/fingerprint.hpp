#pragma once
#include <string>

namespace tokwatt::scenarios {

struct Study;
/// SHA-256 of all that a study's results depend on: the program's version, its text, the scenario, the sheets, and the
/// traces byte by byte.
std::string fingerprint(const Study& study);

}  // namespace tokwatt::scenarios
