#pragma once
// What APIs would ask for the tokens of boxes that are compared.
#include <string>
#include <vector>

#include "money/api.hpp"
#include "scenarios/cli/question.hpp"

namespace tokwatt::cli {

/// What an API asks for the tokens of a run.
struct ComparedApi {
  std::string name;
  money::TokenPrices prices;
  money::FreeTier free_tier;
};

/// What APIs ask on the day of the scenario; without one, now. Throws InputError with every mistake in their names.
std::vector<ComparedApi> apis_of(const Question& question, const std::vector<std::string>& names);

}  // namespace tokwatt::cli
