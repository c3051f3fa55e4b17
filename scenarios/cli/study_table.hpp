#pragma once
// What a study found, for people: a row for each value of its one dimension, or where each number is lowest and
// highest.
#include <string>

#include "scenarios/cli/program.hpp"
#include "scenarios/studies/point_record.hpp"

namespace tokwatt::cli {

/// Of a study that is done.
std::string study_table(const scenarios::Study& study, const scenarios::PointRecords& records,
                        const Terminal& terminal);

}  // namespace tokwatt::cli
