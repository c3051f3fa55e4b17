#pragma once
// A step whose pace may change while it runs: its replica's share of the device (docs/theory/sharing.md), or its clock
// (docs/theory/heat.md). Shared by both steppings.
#include "sim/serving/serving.hpp"

namespace tokwatt::sim {

/// What is left of a step since its pace last changed, or since it started [units of a picosecond].
struct InFlightStep {
  int64_t passed = 0;                            ///< until then
  int64_t rest = 0;                              ///< from then to its end
  StepPrice price;                               ///< of all of it, at the pace it has
  Meter left;                                    ///< what it adds to the meter from then on
  int64_t output_passed = 0, prompt_passed = 0;  ///< tokens that it has added until then

  int64_t duration() const { return passed + rest; }
  /// What it has added since, `units` after its start.
  Meter added_by(int64_t units) const;
  /// The same if it is lost then: all that it has cost, and none of its tokens.
  Meter lost_at(int64_t units) const;
};

/// Of each amount the share that `part` has of `whole`, rounded down.
Meter shares_of(const Meter& amounts, int64_t part, int64_t whole);

/// Lets a step go on at the pace of `context`, `units` after its start, where it costs `price`: what is left of it
/// takes as much longer or shorter, and as much more or less energy, as all of it would. Returns what it has added to
/// the meter since the last change.
Meter change_pace(InFlightStep& step, int64_t units, const StepPrice& price, const StepContext& context,
                  const StepPricer& pricer);

}  // namespace tokwatt::sim
