#pragma once
// The fit of engines on boxes that comes with the program (models/calibration/*.csv, written by
// bindings/tokwatt/population.py).
#include <string>
#include <vector>

#include "models/tuning.hpp"
#include "scenarios/diagnostics.hpp"
#include "scenarios/sheets/sheet_fields.hpp"

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
/// `boxes` are names of the box: its own, then those of the boxes that it was laid over.
CalibrationRead read_calibration(const std::string& engine, const std::vector<std::string>& boxes,
                                 const std::string& architecture);

/// Lays over a calibration what sheets say of the tuning. What they give without draws is taken as known, and nothing
/// is added to it for quants and models. Reports at `place` what neither gives.
void lay_over_calibration(const TuningSheet& sheet, models::Calibration& fit, const Place& place,
                          Diagnostics& diagnostics);

}  // namespace tokwatt::scenarios
