#pragma once
// One scenario on several boxes, each in the place of one of its systems.
#include <optional>
#include <string>
#include <vector>

#include "scenarios/cli/question.hpp"
#include "scenarios/studies/condition.hpp"
#include "scenarios/studies/draws.hpp"

namespace tokwatt::cli {

struct ComparedBox {
  std::string name;      ///< as asked for; of several devices with their number, "2 x rtx-5090"
  std::string link;      ///< between those, as the scenario has it; empty: none
  std::string engine;    ///< or several, of what the system in question runs; empty: none runs there
  int64_t at_once = 0;   ///< sequences that a replica of what runs there serves at a time, the least of several
  double top_clock = 0;  ///< [Hz]
  /// Keys of the scenario that it says of its own box, and that were not carried over to this one: "prices.hardware".
  std::vector<std::string> left_out;
  bool without_plan = false;  ///< the scenario has one, but nobody says what the box costs
  scenarios::Answer answer;
  std::vector<scenarios::Answer> draws;  ///< from what is not known of its engines and of it; where they were asked for
};

/// `of` says which system is meant; empty: the only one. With draws, the k-th of each box belong together. Throws
/// UsageError, and InputError with every mistake in the names of boxes.
std::vector<ComparedBox> compared_boxes(const Question& question, const std::string& of,
                                        const std::vector<std::string>& boxes, bool with_draws);

/// A number of a box that runs; NaN for one that does not.
double number_of(const ComparedBox& box, const scenarios::Metric& metric);
/// A number over the draws of a box, and its difference to another's over the draws of both: as a fraction, or in
/// kelvin. Nothing without draws, or where a run has no such number.
std::optional<scenarios::Interval> range_of(const ComparedBox& box, const scenarios::Metric& metric);
std::optional<scenarios::Interval> difference_range_of(const ComparedBox& box, const ComparedBox& reference,
                                                       const scenarios::Metric& metric);

}  // namespace tokwatt::cli
