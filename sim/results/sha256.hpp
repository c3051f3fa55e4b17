#pragma once
#include <string>
#include <string_view>

namespace tokwatt::sim {

/// SHA-256 of a text in lower-case hexadecimal, as `sha256sum` prints it.
std::string sha256(std::string_view text);

}  // namespace tokwatt::sim
