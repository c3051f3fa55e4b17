#pragma once
// A run of steps that MacroReplica takes at once: what it costs, and which step is in flight when.
#include <optional>

#include "sim/serving/in_flight_step.hpp"

namespace tokwatt::sim {

struct Plan {
  bool running = false;
  ExactInstant start, end{kNever, 0};
  int64_t steps = 0;
  StepPrice price;
  StepGrowth growth;
  int fraction_bits = 0;     // of the prices
  StepContext context;       // tokens apart
  int64_t first_tokens = 0;  // of the prompts that its one step completes
  OperatingPoint point;
  int64_t chunk_tokens = 0;
  bool decodes = true;               // or prompts alone go on, and whoever decodes waits
  std::optional<InFlightStep> step;  // its one step, where its pace changed while it ran

  Progression duration() const {
    return step ? Progression{step->duration(), 0} : Progression{price.duration, growth.duration};
  }
  ExactInstant end_of(int64_t first_steps) const;
  /// Steps that were complete at an instant, and given those the one in flight.
  int64_t completed_by(Picoseconds now) const;
  int64_t in_flight(int64_t completed, Picoseconds now) const;
  /// Units of the step behind the first ones that are through at an instant.
  int64_t into_step(int64_t first_steps, Picoseconds now) const;
  void end_after(int64_t first_steps);
  /// How long the step behind the first ones takes, rounded down.
  Picoseconds takes(int64_t first_steps) const { return duration().at(first_steps) >> fraction_bits; }
};

}  // namespace tokwatt::sim
