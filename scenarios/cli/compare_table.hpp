#pragma once
// Boxes side by side: a row for each number, with the difference to the first.
#include <nlohmann/json_fwd.hpp>
#include <string>
#include <vector>

#include "scenarios/cli/compared_apis.hpp"
#include "scenarios/cli/compared_boxes.hpp"
#include "scenarios/cli/program.hpp"

namespace tokwatt::cli {

std::string compare_table(const std::string& title, const std::vector<ComparedBox>& boxes,
                          const std::vector<ComparedApi>& apis, const Terminal& terminal);
nlohmann::ordered_json compare_json(const std::vector<ComparedBox>& boxes, const std::vector<ComparedApi>& apis);
/// "-37 %", "+1.2 %", "x 12"; "" where there is nothing to compare.
std::string difference(double value, double reference);

}  // namespace tokwatt::cli
