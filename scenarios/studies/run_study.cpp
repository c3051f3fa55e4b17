#include "scenarios/studies/run_study.hpp"

#include <tbb/blocked_range.h>
#include <tbb/global_control.h>
#include <tbb/parallel_for.h>
#include <tbb/task_arena.h>

#include <algorithm>
#include <mutex>
#include <numeric>

namespace tokwatt::scenarios {
namespace {

std::vector<std::string> names_of(const std::vector<StudyDimension>& dimensions) {
  std::vector<std::string> names;
  for (const auto& dimension : dimensions) names.push_back(dimension.name);
  return names;
}

sim::Variable coordinate_of(const Axis& axis, const std::string& dimension) {
  const std::string what = axis.key.empty() ? "variant" : axis.key;
  sim::Variable out{axis.name, axis.is_numeric && axis.unit.empty() ? "1" : axis.unit, what, {dimension}, {}, {}};
  std::vector<double> numbers;
  std::vector<std::string> names;
  for (const auto& value : axis.values) {
    numbers.push_back(value.number);
    names.push_back(value.name);
  }
  if (axis.is_numeric) {
    out.values = std::move(numbers);
  } else {
    out.units.clear();
    out.values = std::move(names);
  }
  return out;
}

void add_coordinates(const StudyDimension& dimension, sim::Dataset& into) {
  into.variables.dims.push_back({dimension.name, static_cast<int64_t>(dimension.size())});
  const auto is_its_own = [&](const Axis& axis) { return axis.name == dimension.name; };
  if (std::none_of(dimension.axes.begin(), dimension.axes.end(), is_its_own)) {
    std::vector<int64_t> numbers(dimension.size());
    std::iota(numbers.begin(), numbers.end(), int64_t{0});
    into.variables.variables.push_back({dimension.name, "1", "number", {dimension.name}, std::move(numbers), {}});
  }
  for (const auto& axis : dimension.axes) {
    into.variables.variables.push_back(coordinate_of(axis, dimension.name));
    if (!is_its_own(axis)) into.coordinates.push_back(axis.name);
  }
}

/// Whether any of its metrics and constraints is.
bool asks_of_plan(const Study& study) {
  return std::any_of(study.metrics.begin(), study.metrics.end(), is_of_plan) ||
         std::any_of(study.constraints.begin(), study.constraints.end(),
                     [](const Condition& condition) { return is_of_plan(condition.metric); });
}

}  // namespace

std::vector<std::size_t> points_to_do(const PointRecords& records) {
  std::vector<std::size_t> out;
  for (std::size_t point = 0; point < records.size(); ++point) {
    if (!records[point]) out.push_back(point);
  }
  return out;
}

PointRecord record_at(const Study& study, std::size_t point) {
  const auto load = [&] { return load_point(study, indices_of(study, point)); };
  return record_of(study, point, answer_of(load, asks_of_plan(study) ? PlanIs::wanted : PlanIs::left_out));
}

void run_points(const Study& study, const std::vector<std::size_t>& points, int threads,
                const std::function<void(PointRecord)>& take) {
  std::mutex taking;
  const auto run = [&](std::size_t point) {
    auto record = record_at(study, point);
    const std::lock_guard lock(taking);
    take(std::move(record));
  };
  const tbb::global_control allowed(tbb::global_control::max_allowed_parallelism, static_cast<std::size_t>(threads));
  tbb::task_arena arena(threads);
  arena.execute([&] {
    tbb::parallel_for(tbb::blocked_range<std::size_t>(0, points.size(), 1), [&](const auto& range) {
      for (std::size_t i = range.begin(); i < range.end(); ++i) run(points[i]);
    });
  });
}

sim::Dataset dataset_of(const Study& study, const PointRecords& records) {
  sim::Dataset out;
  out.title = study.title;
  for (const auto& dimension : study.dimensions) add_coordinates(dimension, out);
  const auto dims = names_of(study.dimensions);
  auto& variables = out.variables.variables;
  for (std::size_t m = 0; m < study.metrics.size(); ++m) {
    std::vector<double> values;
    for (const auto& record : records) values.push_back(record->values[m]);
    const auto& metric = study.metrics[m];
    variables.push_back({metric.name, metric.units, metric.long_name, dims, std::move(values), {}});
  }
  std::vector<int8_t> status, feasible;
  std::vector<std::string> reasons;
  for (const auto& record : records) {
    status.push_back(static_cast<int8_t>(record->status));
    feasible.push_back(record->feasible ? 1 : 0);
    reasons.push_back(record->reason);
  }
  std::vector<std::string> words;
  for (int8_t s = 0; s <= static_cast<int8_t>(Status::bad_input); ++s)
    words.emplace_back(in_words(static_cast<Status>(s)));
  variables.push_back({"status", "", "what became of the point", dims, std::move(status), std::move(words)});
  if (!study.constraints.empty())
    variables.push_back({"feasible", "", "it runs, within every constraint", dims, std::move(feasible), {"no", "yes"}});
  variables.push_back({"reason", "", "why it does not run", dims, std::move(reasons), {}});
  return out;
}

}  // namespace tokwatt::scenarios
