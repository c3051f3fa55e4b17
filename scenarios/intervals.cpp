#include "scenarios/intervals.hpp"

#include <tbb/parallel_for.h>

#include <algorithm>
#include <atomic>
#include <boost/math/distributions/normal.hpp>
#include <cmath>
#include <limits>
#include <map>
#include <nlohmann/json.hpp>
#include <numeric>
#include <vector>

#include "models/tuning.hpp"
#include "scenarios/studies/answer.hpp"
#include "scenarios/units.hpp"
#include "sim/random/distribution.hpp"
#include "sim/results/summary_scalars.hpp"
#include "sim/simulation.hpp"

namespace tokwatt::scenarios {
namespace {

constexpr double kNormal90 = 1.6448536269514722;  // 95 % quantile of the standard normal: both sides leave 90 %

/// Standard deviation of log(measured / predicted) power, over boxes and models: what docs/validation-load.md finds.
constexpr double kPowerSpread = 0.10;

/// One value for each of `count` draws from the standard normal: the middles of strata of equal weight, each once, in
/// an order that depends on what they are for (a Latin hypercube: McKay, Beckman, Conover 1979).
std::vector<double> normal_strata(int64_t count, const std::string& what) {
  const auto key = sim::stream_key(0, what);
  std::vector<std::pair<double, double>> order;  // a random number, the middle of a stratum
  const boost::math::normal standard;
  for (int64_t i = 0; i < count; ++i) {
    const double place = (static_cast<double>(i) + 0.5) / static_cast<double>(count);
    const double random = sim::draw({sim::Uniform{0, 1}, {}, {}}, key, sim::Purpose::stratum, static_cast<uint64_t>(i));
    order.emplace_back(random, boost::math::quantile(standard, place));
  }
  std::sort(order.begin(), order.end());
  std::vector<double> values;
  for (const auto& [random, value] : order) values.push_back(value);
  return values;
}

/// Standard deviation of the logarithm of what a run measures when the same is asked of the same machine another day:
/// throughput, TTFT, TPOT, ITL and whole requests of gemma-4-26b-a4b at ten rates on a DGX Spark, measured twice
/// (docs/validation/load: 1.4, 0.8, 1.5, 1.7 and 1.7 %).
constexpr double kRunSpread = 0.015;

/// All that a box draws, times a factor.
void scale_power(hardware::Power& power, double factor) {
  for (double hardware::Power::*part :
       {&hardware::Power::idle, &hardware::Power::ready, &hardware::Power::active, &hardware::Power::leakage,
        &hardware::Power::per_byte, &hardware::Power::rest_idle, &hardware::Power::rest_busy})
    power.*part *= factor;
  for (double& energy : power.per_flop) energy *= factor;
}

nlohmann::ordered_json summary_of_draw(Loaded loaded, int64_t draw, int64_t draws) {
  take_doubt(loaded, draw, draws);
  loaded.input.record_every = loaded.input.duration.value_or(sim::kLongestDuration);  // nobody reads the series
  return sim::simulate(std::move(loaded.input)).summary;
}

/// The root mean square of what draws add to the point upwards, and downwards: the halves of a normal distribution with
/// two widths. Logarithms where all are positive; then with what another run of the same would differ by.
struct Widths {
  double down = 0, up = 0;
};
Widths widths_about(double point, const std::vector<double>& values, bool as_logarithms, double run_spread) {
  double sum[2] = {}, count[2] = {};
  for (const double value : values) {
    if (value == point) {  // half of it on either side
      count[0] += 0.5;
      count[1] += 0.5;
      continue;
    }
    const double more = as_logarithms ? std::log(value / point) : value - point;
    sum[more > 0] += more * more;
    count[more > 0] += 1;
  }
  const double run = as_logarithms ? run_spread * run_spread : 0;
  const auto rms = [&](int side) { return std::sqrt((count[side] > 0 ? sum[side] / count[side] : 0) + run); };
  return {rms(0), rms(1)};
}

/// What no run can exceed: the highest clock of its boxes, and one where it is a part of something.
double most_of(const std::string& name, double top_clock) {
  if (name.starts_with("clock_hz.")) return top_clock;
  const bool is_part = name.starts_with("limited_by.") || name.ends_with("_fraction");
  return is_part ? 1 : std::numeric_limits<double>::infinity();
}

double value_of(const sim::SummaryScalar& scalar) {
  return std::visit([](auto value) { return static_cast<double>(value); }, scalar.value);
}

/// Of a draw; a reason that none of its rows was dropped for is not among its numbers.
double value_of(const std::map<std::string, double>& numbers, const std::string& name) {
  const auto found = numbers.find(name);
  if (found != numbers.end()) return found->second;
  return name.starts_with("rows.dropped_by.") ? 0 : std::numeric_limits<double>::quiet_NaN();
}

}  // namespace

void take_doubt(Loaded& loaded, int64_t draw, int64_t draws, const std::string& where) {
  const auto nth = static_cast<std::size_t>(draw);
  if (const int64_t joint = draws_of(loaded); joint > 0) take_draw(loaded, draw % joint + 1);
  for (auto& deployment : loaded.input.deployments) {
    auto& tuning = deployment.engine.tuning;
    tuning = models::with_residual(tuning, normal_strata(draws, "prefill of " + deployment.name + where)[nth],
                                   normal_strata(draws, "decode of " + deployment.name + where)[nth]);
  }
  for (auto& system : loaded.input.systems)
    scale_power(system.box.power,
                std::exp(kPowerSpread * normal_strata(draws, "power of " + system.name + where)[nth]));
}

std::pair<double, double> interval_about(double point, const std::vector<double>& values, bool of_one_run) {
  const bool positive = point > 0 && std::all_of(values.begin(), values.end(), [](double v) { return v > 0; });
  const auto [down, up] = widths_about(point, values, positive, of_one_run ? 0 : kRunSpread);
  if (positive) return {point * std::exp(-kNormal90 * down), point * std::exp(kNormal90 * up)};
  const double low = point - kNormal90 * down;
  const bool never_negative = point >= 0 && std::all_of(values.begin(), values.end(), [](double v) { return v >= 0; });
  return {never_negative ? std::max(low, 0.0) : low, point + kNormal90 * up};
}

std::optional<std::pair<double, double>> interval_of(const std::string& name, double point,
                                                     const std::vector<double>& draws, double top_clock) {
  const auto is_finite = [](double value) { return std::isfinite(value); };
  if (!is_finite(point) || !std::all_of(draws.begin(), draws.end(), is_finite)) return std::nullopt;
  if (std::all_of(draws.begin(), draws.end(), [&](double value) { return value == point; })) return std::nullopt;
  const auto [low, high] = interval_about(point, draws);
  return std::pair(low, std::min(high, std::max(most_of(name, top_clock), point)));
}

double top_clock_of(const sim::Input& input) {
  double top = 0;
  for (const auto& system : input.systems) top = std::max(top, system.box.clock.max);
  return top;
}

std::optional<IntervalChoice> interval_choice(const std::string& text) {
  if (text == "auto") return IntervalChoice{};
  if (text == "off") return IntervalChoice{0, false};
  const auto draws = parse_count(text);
  const auto* count = std::get_if<int64_t>(&draws);
  if (!count || *count < 2 || *count > 1000) return std::nullopt;
  return IntervalChoice{*count, false};
}

double ticks_per_second(const sim::Input& input) {
  return std::accumulate(input.systems.begin(), input.systems.end(), 0.0, [](double sum, const sim::System& system) {
    return sum + static_cast<double>(system.count) / system.box.governor.tick;
  });
}

bool is_short(const sim::Results& run, double ticks_per_second) {
  constexpr int64_t kMostRequests = 50'000;
  constexpr double kMostTicks = 100'000;
  const auto series =
      std::find_if(run.groups.begin(), run.groups.end(), [](const auto& g) { return g.name == "series"; });
  const auto& times = std::get<std::vector<double>>(series->variables.front().values);
  return run.summary["requests"]["submitted"].get<int64_t>() <= kMostRequests && ticks_per_second > 0 &&
         times.back() * ticks_per_second <= kMostTicks;
}

nlohmann::ordered_json interval90(const nlohmann::ordered_json& summary, const std::function<Loaded()>& load,
                                  int64_t draws, const DrawsProgress& progress) {
  std::vector<std::map<std::string, double>> drawn(static_cast<std::size_t>(draws));
  std::atomic<int64_t> done = 0;
  double top_clock = 0;
  tbb::parallel_for(int64_t{0}, draws, [&](int64_t draw) {
    Loaded loaded = load();
    if (draw == 0) top_clock = top_clock_of(loaded.input);
    for (const auto& scalar : sim::summary_scalars(summary_of_draw(std::move(loaded), draw, draws)))
      drawn[static_cast<std::size_t>(draw)].emplace(scalar.name, value_of(scalar));
    if (progress) progress(++done);
  });
  auto out = nlohmann::ordered_json::object();
  for (const auto& scalar : sim::summary_scalars(summary)) {
    std::vector<double> values;
    for (const auto& numbers : drawn) values.push_back(value_of(numbers, scalar.name));
    if (const auto range = interval_of(scalar.name, value_of(scalar), values, top_clock))
      out[scalar.name] = {range->first, range->second};
  }
  return out;
}

}  // namespace tokwatt::scenarios
