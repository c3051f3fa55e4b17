#include "scenarios/studies/draws.hpp"

#include <algorithm>
#include <cmath>
#include <string>
#include <utility>

#include "scenarios/intervals.hpp"
#include "scenarios/plan/planning.hpp"

namespace tokwatt::scenarios {
namespace {

double percentile(const std::vector<double>& sorted, double fraction) {
  const double place = fraction * static_cast<double>(sorted.size() - 1);
  const auto below = static_cast<std::size_t>(place);
  const auto above = std::min(below + 1, sorted.size() - 1);
  return sorted[below] + (sorted[above] - sorted[below]) * (place - static_cast<double>(below));
}

}  // namespace

std::optional<Interval> interval90(std::vector<double> values) {
  const auto is_finite = [](double value) { return std::isfinite(value); };
  if (values.empty() || !std::all_of(values.begin(), values.end(), is_finite)) return std::nullopt;
  std::sort(values.begin(), values.end());
  return Interval{percentile(values, 0.05), percentile(values, 0.95)};
}

std::function<Loaded()> with_draw(std::function<Loaded()> load, std::optional<int64_t> draw) {
  return [load = std::move(load), draw] {
    auto loaded = load();
    if (draw) change_every_day(loaded, [draw](Loaded& day) { take_doubt(day, *draw, kDraws); });
    return loaded;
  };
}

std::function<Loaded()> with_draw_of_box(std::function<Loaded()> load, int64_t draw) {
  return [load = std::move(load), draw] {
    auto loaded = load();
    std::string where;
    for (const auto& system : loaded.input.systems)
      where += " on " + (system.box.base.empty() ? system.box.id : system.box.base);
    for (const auto& deployment : loaded.input.deployments) where += " by " + deployment.engine.id;
    change_every_day(loaded, [draw, where](Loaded& day) { take_doubt(day, draw, kDraws, where); });
    return loaded;
  };
}

}  // namespace tokwatt::scenarios
