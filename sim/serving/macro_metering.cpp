// What a replica has done and holds at an instant, in the middle of a plan too (design, rule 3; docs/theory/time.md).
#include "sim/serving/macro_replica.hpp"

namespace tokwatt::sim {

/// Steps of the plan that were complete at an instant. Ticks and samples often ask at the same one.
int64_t MacroReplica::completed_by(Picoseconds now) const {
  if (now != completed_at_) completed_ = plan_.completed_by(now);
  completed_at_ = now;
  return completed_;
}

/// Adds what the first steps of the plan make.
void MacroReplica::count(int64_t steps, PlanMeter& meter) const {
  if (steps == 0) return;
  if (plan_.step) {
    meter += plan_.step->left;
  } else {
    meter.add(costs(plan_.price, plan_.growth, steps), context_of(0, steps));
  }
}

/// What the step behind the first j makes.
Meter MacroReplica::amounts_of_step(int64_t j) const {
  return amounts(cost_of_step(plan_.price, plan_.growth, j), context_of(j, j + 1), serving_.cost);
}

int64_t MacroReplica::produced(RequestId id, Picoseconds now) const {
  if (!batch_.has(id)) return pool_[id].produced;
  return batch_.produced(id, plan_.running && plan_.decodes ? completed_by(now) : 0);
}

Load MacroReplica::load(Picoseconds now) const {
  int64_t taken = 0;
  if (plan_.running && plan_.chunk_tokens == 0)
    taken = batch_.new_blocks_until(plan_.in_flight(completed_by(now), now));
  return {running_, waiting(), blocks_.used() + taken};
}

Meter MacroReplica::meter(Picoseconds now) const {
  if (!plan_.running) return in_whole(done_.total(), plan_.fraction_bits);
  PlanMeter done = done_;
  const int64_t j = completed_by(now);
  count(j, done);
  Meter total = done.total();
  if (j < plan_.steps) {
    const int64_t into = plan_.into_step(j, now);
    total += plan_.step ? plan_.step->added_by(into) : shares_of(amounts_of_step(j), into, plan_.duration().at(j));
  }
  return in_whole(total, plan_.fraction_bits);
}

// As meter(), where only that is worked out which is asked for.
DeviceWork MacroReplica::measure_work(Picoseconds now) const {
  if (plan_.step) return DeviceWork(meter(now));
  DeviceWork total = done_.work();
  if (plan_.running) {
    const int64_t j = completed_by(now), grown = j * (j - 1) / 2;
    const Progression duration = plan_.duration();
    total.compute_energy += plan_.price.compute_energy * j + plan_.growth.compute_energy * grown;
    total.memory_energy += plan_.price.memory_energy * j + plan_.growth.memory_energy * grown;
    int128 busy = duration.sum(j);
    if (j < plan_.steps) {
      const int64_t into = plan_.into_step(j, now);
      const Shares shares(into, duration.at(j));
      total.compute_energy += shares.of(plan_.price.compute_energy + plan_.growth.compute_energy * j);
      total.memory_energy += shares.of(plan_.price.memory_energy + plan_.growth.memory_energy * j);
      busy += into;
    }
    total.device_time += busy * plan_.point.share;
  }
  total.compute_energy >>= plan_.fraction_bits;
  total.memory_energy >>= plan_.fraction_bits;
  total.device_time >>= plan_.fraction_bits;
  return total;
}

/// The step behind the first j.
InFlightStep MacroReplica::step_at(int64_t j) const {
  if (plan_.step) return *plan_.step;
  InFlightStep step;
  step.rest = plan_.duration().at(j);
  step.left = amounts_of_step(j);
  return step;
}

}  // namespace tokwatt::sim
