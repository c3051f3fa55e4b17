#include "scenarios/heat_cost.hpp"

#include <limits>
#include <nlohmann/json.hpp>

#include "sim/simulation.hpp"

namespace tokwatt::scenarios {
namespace {

using Json = nlohmann::ordered_json;

/// Heat leaves the chip a thousand times as easily, so that it is as warm as the air and hardly leaks, and no clock
/// minds even that. Were it only ignored, leakage would grow until the power limit stood in for the trip.
void cool_perfectly(hardware::Box& box) {
  for (auto& stage : box.thermal.stages) stage.resistance /= 1000;
  box.governor.slope = 0;
  box.governor.trip = box.governor.shutdown = std::numeric_limits<double>::infinity();
}

/// `of` the two numbers at the same place, where there are both.
template <class Of>
Json compared(const Json& hot, const Json& cool, const char* group, const char* key, Of of) {
  const auto &a = hot.at(group).at(key), &b = cool.at(group).at(key);
  return a.is_number() && b.is_number() ? Json(of(a.get<double>(), b.get<double>())) : Json(nullptr);
}

}  // namespace

void add_heat_cost(Json& summary, const std::function<Loaded()>& load, const Simulate& simulate) {
  const auto& limited = summary.at("limited_by").at("heat");
  if (!limited.is_number() || limited <= 0) return;
  sim::Input again = load().input;
  for (auto& system : again.systems) cool_perfectly(system.box);
  again.record_every = again.duration.value_or(sim::kLongestDuration);  // nobody reads the series
  again.record_requests = false;
  const auto cool = simulate(std::move(again)).summary;
  auto& out = summary["heat_cost"];
  out["output_fraction"] = compared(summary, cool, "throughput_tok_s", "output",
                                    [](double hot_rate, double rate) { return 1 - hot_rate / rate; });
  out["e2e_s"] = compared(summary, cool, "e2e_s", "mean", [](double hot_time, double time) { return hot_time - time; });
}

}  // namespace tokwatt::scenarios
