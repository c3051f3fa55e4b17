#pragma once
// A step whose replica's share of the device may change while it runs (docs/theory/sharing.md). Shared by both
// steppings.
#include "sim/serving/serving.hpp"

namespace tokwatt::sim {

/// What is left of a step since its share last changed, or since it started [units of a picosecond].
struct InFlightStep {
  int64_t passed = 0;                            ///< until then
  int64_t rest = 0;                              ///< from then to its end
  StepPrice price;                               ///< of all of it, at the share it has
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

/// Lets a step go on at another share of the device, `units` after its start, where it costs `price`: what is left of
/// it takes as much longer or shorter as all of it would. Returns what it has added to the meter since the last change.
Meter change_share(InFlightStep& step, int64_t units, const StepPrice& price, const StepContext& context,
                   const StepPricer& pricer);

}  // namespace tokwatt::sim
