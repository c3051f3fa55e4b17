#include "scenarios/studies/answer.hpp"

#include <algorithm>
#include <array>
#include <nlohmann/json.hpp>

#include "scenarios/plan/planning.hpp"
#include "sim/simulation.hpp"

namespace tokwatt::scenarios {

const char* in_words(Status status) {
  static constexpr std::array kWords = {"ok", "does not fit", "cannot be done", "bad input"};
  return kWords[static_cast<std::size_t>(status)];
}

Answer answer_of(const std::function<Loaded()>& load, PlanIs plan) {
  Answer answer;
  try {
    auto loaded = load();
    // Nobody reads the series of one among many, and the summary does not depend on it.
    loaded.input.record_every = loaded.input.duration.value_or(sim::kLongestDuration);
    auto results = sim::simulate(std::move(loaded.input));
    results.summary["assumed"] = std::move(loaded.assumed);
    if (loaded.planning && plan == PlanIs::wanted) add_plan(*loaded.planning, results);
    answer.summary = std::move(results.summary);
  } catch (const InputError& error) {
    answer.status = Status::bad_input;
    for (const auto& e : error.errors()) answer.reason += (answer.reason.empty() ? "" : "\n") + e.message;
  } catch (const Infeasible& error) {
    answer.status = Status::cannot_be_done;
    answer.reason = error.what();
  } catch (const sim::DoesNotFit& error) {
    answer.status = Status::does_not_fit;
    answer.reason = error.what();
  }
  return answer;
}

nlohmann::ordered_json shape_of_summary(Loaded loaded) {
  loaded.input.duration = sim::picoseconds(1);
  loaded.input.record_every = sim::picoseconds(1);
  auto results = sim::simulate(std::move(loaded.input));
  if (loaded.planning) add_plan_shape(*loaded.planning, results);
  return std::move(results.summary);
}

int64_t draws_of(const Loaded& loaded) {
  int64_t least = 0;
  for (const auto& deployment : loaded.input.deployments) {
    const auto draws = std::ssize(deployment.engine.draws);
    if (draws > 0) least = least == 0 ? draws : std::min(least, draws);
  }
  return least;
}

void take_draw(Loaded& loaded, int64_t draw) {
  for (auto& deployment : loaded.input.deployments) {
    const auto& draws = deployment.engine.draws;
    if (draw > 0 && !draws.empty()) deployment.engine.tuning = draws[static_cast<std::size_t>(draw - 1)];
  }
}

}  // namespace tokwatt::scenarios
