#pragma once
// Boxes side by side: a row for each number, with the difference to the first.
#include <string>
#include <vector>

#include "money/api.hpp"
#include "scenarios/cli/program.hpp"
#include "scenarios/studies/answer.hpp"

namespace tokwatt::cli {

struct ComparedBox {
  std::string name;    ///< as asked for
  std::string engine;  ///< empty: none runs there
  scenarios::Answer answer;
};

/// What an API asks for the tokens of a run.
struct ComparedApi {
  std::string name;
  money::TokenPrices prices;
};

std::string compare_table(const std::string& title, const std::vector<ComparedBox>& boxes,
                          const std::vector<ComparedApi>& apis, const Terminal& terminal);
std::string compare_json(const std::vector<ComparedBox>& boxes, const std::vector<ComparedApi>& apis);
/// "-37 %", "+1.2 %", "x 12"; "" where there is nothing to compare.
std::string difference(double value, double reference);

}  // namespace tokwatt::cli
