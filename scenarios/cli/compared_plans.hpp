#pragma once
// Which of several boxes costs less over the months of the scenario's plan, and from when on.
#include <optional>
#include <string>
#include <vector>

#include "scenarios/cli/compared_boxes.hpp"

namespace tokwatt::cli {

/// From which month on a box has cost no more than another, to the end of the plan; nothing: it has not at its end.
struct Cheaper {
  std::optional<int> if_sold;  ///< both, at the end of that month
  std::optional<int> if_kept;
};
/// Nothing where one of them has no plan, or does not run.
std::optional<Cheaper> cheaper(const ComparedBox& box, const ComparedBox& other);

/// A paragraph for each box beside the first, which is called A; empty without a plan.
std::string plans_in_words(const std::vector<ComparedBox>& boxes);

}  // namespace tokwatt::cli
