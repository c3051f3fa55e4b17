#pragma once
// What became of one scenario among many: of a study's points, of boxes side by side.
#include <cstdint>
#include <functional>
#include <nlohmann/json.hpp>
#include <string>

#include "scenarios/scenario.hpp"

namespace tokwatt::scenarios {

enum class Status : int8_t { ok, does_not_fit, cannot_be_done, bad_input };
/// "ok", "does not fit", "cannot be done", "bad input".
const char* in_words(Status status);

struct Answer {
  Status status = Status::ok;
  std::string reason;              ///< why it is not ok
  nlohmann::ordered_json summary;  ///< of a run that is
};

/// Whether the months of a scenario's plan are wanted: where its requests grow, several days are simulated for them.
enum class PlanIs : bool { left_out, wanted };
/// Loads and simulates. What the user could have caused is in the answer; anything else is thrown.
Answer answer_of(const std::function<Loaded()>& load, PlanIs plan = PlanIs::left_out);

/// The summary without the run: its keys are right, its numbers are not.
nlohmann::ordered_json shape_of_summary(Loaded loaded);

/// How many joint draws from what is not known about the engines' tuning there are; 0 where their sheets say it all.
int64_t draws_of(const Loaded& loaded);
/// Takes the tuning from draw number `draw` (1 to draws_of()); 0 is the calibration itself.
void take_draw(Loaded& loaded, int64_t draw);

}  // namespace tokwatt::scenarios
