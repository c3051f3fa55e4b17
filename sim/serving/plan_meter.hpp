#pragma once
// The meter of a replica that is told of whole plans.
#include "sim/serving/serving.hpp"

namespace tokwatt::sim {

/// What amounts() makes of costs is linear in them while steps run at one operating point: so the costs are summed, and
/// the meter follows when it is asked for or another point comes.
class PlanMeter {
 public:
  explicit PlanMeter(const StepPricer& pricer) : pricer_(pricer) {}

  /// Steps in such a context have cost so much.
  void add(const Costs& costs, const StepContext& context) {
    if (!(context.point == point_)) settle(context.point);
    (context.queued ? queued_ : ran_) += costs;
    any_queued_ = any_queued_ || context.queued;
    settled_[Quantity::running_time] += costs.duration() * context.running;
    settled_[Quantity::output_tokens] += context.output_tokens;
    settled_[Quantity::prompt_tokens] += context.prompt_tokens;
  }
  void operator+=(const Meter& more) { settled_ += more; }
  void take_back_output(int64_t tokens) { settled_[Quantity::output_tokens] -= tokens; }

  Meter total() const {
    Meter sum = settled_;
    sum += of(ran_, false);
    if (any_queued_) sum += of(queued_, true);
    return sum;
  }
  /// The part of it that heats devices.
  DeviceWork work() const {
    DeviceWork sum(settled_);
    const auto add = [&](const Costs& costs) {
      sum.compute_energy += costs.compute_energy;
      sum.memory_energy += costs.memory_energy;
      sum.device_time += costs.duration() * point_.share;
    };
    add(ran_);
    if (any_queued_) add(queued_);
    return sum;
  }

 private:
  Meter of(const Costs& costs, bool queued) const { return amounts(costs, {0, 0, 0, queued, point_}, pricer_); }
  void settle(const OperatingPoint& next) {
    settled_ = total();
    ran_ = queued_ = {};
    any_queued_ = false;
    point_ = next;
  }

  const StepPricer& pricer_;
  Meter settled_;
  OperatingPoint point_;  // of what is not settled
  Costs ran_, queued_;    // apart, whether requests were kept waiting
  bool any_queued_ = false;
};

}  // namespace tokwatt::sim
