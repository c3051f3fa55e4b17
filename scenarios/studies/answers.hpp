#pragma once
#include <functional>
#include <vector>

#include "scenarios/studies/answer.hpp"

namespace tokwatt::scenarios {

/// The answers to several scenarios, in their order, found on every core.
std::vector<Answer> answers_of(const std::vector<std::function<Loaded()>>& scenarios, PlanIs plan = PlanIs::left_out);

}  // namespace tokwatt::scenarios
