#pragma once
// The answer at one point of a study, and its line of JSON: in the journal, and between processes.
#include <optional>
#include <string>
#include <vector>

#include "scenarios/studies/study.hpp"

namespace tokwatt::scenarios {

/// The answer at a point, as the results keep it.
struct PointRecord {
  std::size_t point = 0;
  Status status = Status::ok;
  std::string reason;          ///< why it is not ok
  bool feasible = false;       ///< ok, and within every constraint
  std::vector<double> values;  ///< of the study's metrics; NaN where it is not ok
};
PointRecord record_of(const Study& study, std::size_t point, const Answer& answer);

/// One line of JSON, without its end.
std::string line_of(const PointRecord& record);
/// A line taken apart; nothing: it is none of this study's.
std::optional<PointRecord> record_from(const std::string& line, const Study& study);

/// The answers so far, by point; nothing: still to be found.
using PointRecords = std::vector<std::optional<PointRecord>>;

}  // namespace tokwatt::scenarios
