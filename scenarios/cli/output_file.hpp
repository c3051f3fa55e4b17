#pragma once
// Where results go: a path, or standard output.
#include <iosfwd>
#include <string>

#include "sim/results/results.hpp"

namespace tokwatt::cli {

/// Throws UsageError or CannotWrite where nothing could be written later on, so that nobody finds out after a long run.
void check_writable(const std::string& path);
/// Makes the folder that a file is to lie in. Throws CannotWrite.
void make_folder_of(const std::string& path);
/// Writes the results file, making the folder it lies in; "-" is `out`. Throws CannotWrite.
void write_output(const std::string& path, std::ostream& out, const sim::Results& results,
                  const std::vector<sim::CarriedText>& texts, uint64_t seed);

}  // namespace tokwatt::cli
