#include "scenarios/studies/answers.hpp"

#include <tbb/parallel_for.h>

namespace tokwatt::scenarios {

std::vector<Answer> answers_of(const std::vector<std::function<Loaded()>>& scenarios, PlanIs plan) {
  std::vector<Answer> out(scenarios.size());
  tbb::parallel_for(std::size_t{0}, scenarios.size(), [&](std::size_t i) { out[i] = answer_of(scenarios[i], plan); });
  return out;
}

}  // namespace tokwatt::scenarios
