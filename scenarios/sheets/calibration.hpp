#pragma once
// The fit of engines on boxes that comes with the program (models/calibration/*.csv, written by `tokwatt calibrate`).
#include <string>

#include "models/tuning.hpp"

namespace tokwatt::scenarios {

/// How near to a box its calibration was measured.
enum class CalibratedBy { box, architecture, engine, nothing };

struct CalibrationRead {
  models::Calibration calibration;
  CalibratedBy by = CalibratedBy::nothing;
  int64_t rows = 0;  ///< measurements of the engine on this very box
};

/// What the program knows of an engine on a box: of the box itself, else of boxes of its architecture, else of all.
/// `nothing` where the engine is not one of the program's own.
CalibrationRead read_calibration(const std::string& engine, const std::string& box, const std::string& architecture);

}  // namespace tokwatt::scenarios
