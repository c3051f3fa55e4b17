#include "sim/serving/in_flight_step.hpp"

namespace tokwatt::sim {

namespace {

/// Energy that is left of a whole, had all of it cost so much instead.
int128 at_cost(int128 left, int128 whole, int128 instead) {
  if (whole == instead) return left;
  return static_cast<int128>(as_double(left) * (as_double(instead) / as_double(whole)));
}

// Time that is left goes to what the whole step spends it on; energy and tokens are what is left of them.
Meter amounts_left(const InFlightStep& step, const Meter& left, StepContext context, const StepPricer& pricer) {
  const auto part = [&](int64_t of_whole) { return share(of_whole, step.rest, step.price.duration); };
  Costs costs;
  costs.compute = part(step.price.compute);
  costs.dispatch = part(step.price.dispatch);
  costs.link = part(step.price.link);
  costs.bandwidth = step.rest - costs.compute - costs.dispatch - costs.link;
  costs.compute_energy = left[Quantity::compute_energy];
  costs.memory_energy = left[Quantity::memory_energy];
  context.output_tokens = static_cast<int64_t>(left[Quantity::output_tokens]);
  context.prompt_tokens = static_cast<int64_t>(left[Quantity::prompt_tokens]);
  return amounts(costs, context, pricer);
}

}  // namespace

Meter shares_of(const Meter& amounts, int64_t part, int64_t whole) {
  const Shares shares(part, whole);
  Meter out;
  for (std::size_t q = 0; q < kQuantities; ++q) out.values[q] = shares.of(amounts.values[q]);
  return out;
}

Meter InFlightStep::added_by(int64_t units) const { return shares_of(left, units - passed, rest); }

Meter InFlightStep::lost_at(int64_t units) const {
  Meter lost = added_by(units);
  lost[Quantity::output_tokens] = -output_passed;
  lost[Quantity::prompt_tokens] = -prompt_passed;
  return lost;
}

Meter change_pace(InFlightStep& step, int64_t units, const StepPrice& price, const StepContext& context,
                  const StepPricer& pricer) {
  const Meter added = step.added_by(units);
  Meter left = step.left;
  for (std::size_t q = 0; q < kQuantities; ++q) left.values[q] -= added.values[q];
  const int128 stretched = int128{step.duration() - units} * price.duration;
  step.rest = static_cast<int64_t>((stretched + step.price.duration - 1) / step.price.duration);
  step.passed = units;
  step.output_passed += static_cast<int64_t>(added[Quantity::output_tokens]);
  step.prompt_passed += static_cast<int64_t>(added[Quantity::prompt_tokens]);
  left[Quantity::compute_energy] =
      at_cost(left[Quantity::compute_energy], step.price.compute_energy, price.compute_energy);
  step.price = price;
  step.left = amounts_left(step, left, context, pricer);
  return added;
}

}  // namespace tokwatt::sim
