#pragma once
// How `tokwatt fit` shows what it found.
#include <string>
#include <vector>

#include "scenarios/cli/fit_search.hpp"

namespace tokwatt::cli {

/// The arithmetic of one fit, line by line.
std::string fit_sum(const Fit& fit);
/// The same in one sentence, of what does not fit.
std::string fit_refusal(const Fit& fit);

/// A markdown table of what fits, and below it what does not.
std::string fit_markdown(const FitList& list, const FitQuestion& question);
std::string fit_json(const std::vector<Fit>& fits);
std::string fit_csv(const std::vector<Fit>& fits);

}  // namespace tokwatt::cli
