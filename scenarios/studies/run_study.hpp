#pragma once
// Runs the points of a study that its journal does not have yet, on several threads.
#include <functional>

#include "scenarios/studies/journal.hpp"
#include "sim/results/results.hpp"

namespace tokwatt::scenarios {

/// Called from any thread, one at a time, with how many points are done.
using StudyProgress = std::function<void(std::size_t done)>;

/// What it leaves in the journal does not depend on the number of threads, but for the order of lines.
void run_points(const Study& study, Journal& journal, int threads, const StudyProgress& progress);

/// The journal of a study that is done, as an n-dimensional dataset.
sim::Dataset dataset_of(const Study& study, const Journal& journal);

}  // namespace tokwatt::scenarios
