#include "sim/serving/plan.hpp"

namespace tokwatt::sim {

ExactInstant Plan::end_of(int64_t first_steps) const { return start.after(duration().sum(first_steps), fraction_bits); }

// Steps end at the floor of their exact end: all that are over before the next picosecond.
int64_t Plan::completed_by(Picoseconds now) const {
  return steps_within(duration(), steps, start.until(now + 1, fraction_bits) - 1);
}

// At a boundary the step that ends there is still the one in flight: steps start last of all that happens at an
// instant.
int64_t Plan::in_flight(int64_t completed, Picoseconds now) const {
  const bool at_boundary = completed > 0 && end_of(completed).at == now;
  return at_boundary ? completed - 1 : completed;
}

int64_t Plan::into_step(int64_t first_steps, Picoseconds now) const {
  return static_cast<int64_t>(end_of(first_steps).until(now, fraction_bits));
}

void Plan::end_after(int64_t first_steps) {
  steps = first_steps;
  end = end_of(first_steps);
}

}  // namespace tokwatt::sim
