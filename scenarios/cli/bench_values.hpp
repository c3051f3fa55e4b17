#pragma once
// llama-bench's way to write lists of numbers.
#include <cstdint>
#include <string>
#include <vector>

namespace tokwatt::cli {

/// "512", "16,32", "128-512+128", "1-64*2", "1-4" and lists of these; several texts are one list. Throws UsageError
/// naming `option`.
std::vector<int64_t> number_list(const std::string& option, const std::vector<std::string>& texts);

}  // namespace tokwatt::cli
