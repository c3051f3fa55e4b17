#pragma once
// Runs points of a study on several threads, and makes the answers a dataset.
#include <functional>

#include "scenarios/studies/point_record.hpp"
#include "sim/results/results.hpp"

namespace tokwatt::scenarios {

/// The points without a record, in order.
std::vector<std::size_t> points_to_do(const PointRecords& records);

/// The answer at one point.
PointRecord record_at(const Study& study, std::size_t point);
/// The same at many. `take` is called from any thread, one at a time; the records do not depend on the number of
/// threads, but for their order.
void run_points(const Study& study, const std::vector<std::size_t>& points, int threads,
                const std::function<void(PointRecord)>& take);

/// The records of a study that is done, as an n-dimensional dataset.
sim::Dataset dataset_of(const Study& study, const PointRecords& records);

}  // namespace tokwatt::scenarios
