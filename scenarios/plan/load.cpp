#include <algorithm>
#include <cmath>
#include <memory>
#include <utility>

#include "scenarios/plan/planning.hpp"

namespace tokwatt::scenarios {
namespace {

void multiply(std::optional<double>& rate, std::vector<sim::RateStage>& stages, double load) {
  if (rate) *rate *= load;
  for (auto& stage : stages) stage.rate *= load;
}

/// The factor that came of it.
double multiply(std::optional<int64_t>& users, double load) {
  if (!users) return load;
  const auto before = static_cast<double>(*users);
  users = std::max<int64_t>(std::llround(before * load), 1);
  return static_cast<double>(*users) / before;
}

double multiply(WrittenStream& stream, double load) {
  if (stream.arrivals) multiply(stream.arrivals->rate, stream.arrivals->stages, load);
  if (stream.trace.given() && !stream.arrivals) stream.speed = stream.speed.value_or(1) * load;
  if (stream.sessions) {
    multiply(stream.sessions->rate, stream.sessions->stages, load);
    return multiply(stream.sessions->users, load);
  }
  return multiply(stream.users, load);
}

}  // namespace

double multiply_load(Written& written, double load) {
  double sum = 0;
  for (auto& stream : written.workload) sum += multiply(stream, load);
  written.record.requests = false;  // nobody reads them
  return written.workload.empty() ? load : sum / static_cast<double>(written.workload.size());
}

void change_every_day(Loaded& loaded, const std::function<void(Loaded&)>& change) {
  change(loaded);
  if (!loaded.planning) return;
  auto planning = std::make_shared<Planning>(*loaded.planning);
  planning->at_load = [as_written = loaded.planning->at_load, change](double load) {
    auto day = as_written(load);
    change(day);
    return day;
  };
  loaded.planning = std::move(planning);
}

}  // namespace tokwatt::scenarios
