#include "scenarios/studies/study.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <filesystem>
#include <map>
#include <nlohmann/json.hpp>
#include <optional>
#include <set>

#include "scenarios/intervals.hpp"
#include "scenarios/plan/planning.hpp"
#include "scenarios/read/reader.hpp"
#include "scenarios/studies/axis_values.hpp"
#include "scenarios/studies/draws.hpp"
#include "scenarios/studies/fingerprint.hpp"
#include "scenarios/units.hpp"
#include "sim/serving/kv_capacity.hpp"

namespace tokwatt::scenarios {
namespace {

namespace fs = std::filesystem;

/// Above it only the ends of a numeric axis are tried before the study runs: what a key may be is a range.
constexpr std::size_t kMostTried = 200;
constexpr std::size_t kMostNames = 1000;  // of metrics, and of constraints

std::string resolved(const std::string& path, const std::string& folder) {
  return fs::path(path).is_absolute() || folder.empty() ? path : (fs::path(folder) / path).string();
}

void read_base(const WrittenStudy& written, const std::string& folder, Study& study, Diagnostics& diagnostics) {
  if (!written.base.given()) return;
  const std::string path = resolved(written.base.value, folder);
  const std::size_t before = diagnostics.reported();
  const auto source = read_source(path, written.base.place, diagnostics);
  if (diagnostics.reported() > before) return;
  study.base = parse(source, diagnostics);
  study.folder = fs::path(path).parent_path().string();
  study.texts.push_back({"scenario", source->text});
  if (study.base.kind != Node::Kind::mapping && diagnostics.reported() == before)
    diagnostics.error(written.base.place,
                      fmt::format("{} is no scenario; expected a file that is a mapping (key: value)",
                                  in_quotes(written.base.value)));
}

/// The axis that varies a key, or null.
const Axis* axis_on(const std::vector<PathSegment>& path, const std::vector<StudyDimension>& dimensions) {
  for (const auto& dimension : dimensions) {
    for (const auto& axis : dimension.axes) {
      if (keys_of(axis).contains(in_words(path))) return &axis;
    }
  }
  return nullptr;
}

/// What the study sets at every point, and --set options over that.
void set_everywhere(const WrittenStudy& written, const std::vector<std::string>& sets, Study& study,
                    Diagnostics& diagnostics) {
  auto settings = settings_of(written.set, diagnostics);
  for (const auto& option : sets) {
    if (auto setting = parse_set(option, diagnostics)) settings.push_back(std::move(*setting));
  }
  for (auto& setting : settings) {
    if (const Axis* axis = axis_on(setting.path, study.dimensions)) {
      diagnostics.error(setting.place,
                        fmt::format("{} is what the axis {} varies; expected another key, or no such axis",
                                    in_words(setting.path), path_segment(axis->name)));
    } else if (is_calibration_draw(setting.path)) {
      study.set.push_back(std::move(setting));
    } else {
      set_path(study.base, setting.path, setting.place, setting.value, diagnostics);
    }
  }
}

bool check_size(const Study& study, const Place& place, Diagnostics& diagnostics) {
  double points = 1;
  for (const auto& dimension : study.dimensions) points *= static_cast<double>(dimension.size());
  if (points <= static_cast<double>(kMostPoints)) return true;
  diagnostics.error(place, fmt::format("the axes span {:.0f} points; expected at most {}", points, kMostPoints));
  return false;
}

/// Whether its axes were well written, and are equally long.
bool is_whole(const StudyDimension& dimension) {
  return std::all_of(dimension.axes.begin(), dimension.axes.end(),
                     [&](const Axis& axis) { return !axis.values.empty() && axis.values.size() == dimension.size(); });
}

/// The indices of a dimension that are worth trying before the study runs.
std::vector<std::size_t> to_try(const StudyDimension& dimension) {
  std::vector<std::size_t> out;
  if (dimension.size() <= kMostTried) {
    for (std::size_t i = 0; i < dimension.size(); ++i) out.push_back(i);
    return out;
  }
  std::set<std::size_t> chosen = {0};
  for (const auto& axis : dimension.axes) {
    const auto by_number = [](const AxisValue& a, const AxisValue& b) { return a.number < b.number; };
    const auto [low, high] = std::minmax_element(axis.values.begin(), axis.values.end(), by_number);
    chosen.insert(
        {static_cast<std::size_t>(low - axis.values.begin()), static_cast<std::size_t>(high - axis.values.begin())});
    std::set<std::string> names;
    for (std::size_t i = 0; i < axis.values.size() && !axis.is_numeric; ++i) {
      if (names.insert(axis.values[i].name).second) chosen.insert(i);
    }
  }
  return {chosen.begin(), chosen.end()};
}

/// Tries each value of each dimension with the first ones of the others.
class Trial {
 public:
  Trial(Study& study, Diagnostics& diagnostics) : study_(study), diagnostics_(diagnostics) {}

  void run() {
    std::vector<std::size_t> indices(study_.dimensions.size(), 0);
    try_at(indices);
    for (std::size_t d = 0; d < indices.size(); ++d) {
      for (const std::size_t i : to_try(study_.dimensions[d])) {
        indices[d] = i;
        if (i > 0) try_at(indices);
      }
      indices[d] = 0;
    }
    // What none of these can do, some combination of other values may.
    for (std::size_t point = 0; !shape_ && diagnostics_.ok() && point < std::min(study_.points(), kMostTried); ++point)
      try_at(indices_of(study_, point));
  }

  /// The keys of the summary; nothing where no point that was tried runs.
  const std::optional<nlohmann::ordered_json>& shape() const { return shape_; }

 private:
  void try_at(const std::vector<std::size_t>& indices) {
    try {
      auto loaded = load_point(study_, indices);
      carry(loaded);
      if (!shape_) shape_ = shape_of_summary(std::move(loaded));
    } catch (const InputError& wrong) {
      for (const auto& error : wrong.errors()) diagnostics_.error(error.place, error.message);
    } catch (const Infeasible&) {  // a status of the point
    } catch (const sim::DoesNotFit&) {
    }
  }

  void carry(const Loaded& loaded) {
    for (const auto& text : loaded.texts) {
      // Another box under the name of the same system gets a number.
      for (int number = 1;; ++number) {
        const std::string name = number == 1 ? text.name : fmt::format("{}-{}", text.name, number);
        const auto same = [&](const sim::CarriedText& other) { return other.name == name; };
        const auto at = std::find_if(study_.texts.begin(), study_.texts.end(), same);
        if (at != study_.texts.end() && at->text != text.text) continue;
        if (at == study_.texts.end()) study_.texts.push_back({name, text.text});
        break;
      }
    }
  }

  Study& study_;
  Diagnostics& diagnostics_;
  std::optional<nlohmann::ordered_json> shape_;
};

void read_metrics(const WrittenStudy& written, const nlohmann::ordered_json& shape, Study& study,
                  Diagnostics& diagnostics) {
  for (const auto* list : {&written.metrics, &written.constraints}) {
    if (list->size() <= kMostNames) continue;
    diagnostics.error(list->front().place,
                      fmt::format("the list has {} entries; expected at most {}", list->size(), kMostNames));
    return;
  }
  for (const auto& name : written.metrics) {
    auto metric = metric_named(name, shape, diagnostics);
    const auto same = [&](const Metric& other) { return metric && other.name == metric->name; };
    if (std::any_of(study.metrics.begin(), study.metrics.end(), same))
      diagnostics.error(name.place, fmt::format("metrics has {} twice", in_quotes(metric->name)));
    else if (metric)
      study.metrics.push_back(std::move(*metric));
  }
  study.has_all_metrics = written.metrics.empty();
  if (study.has_all_metrics) study.metrics = metrics_of(shape);
  for (const auto& text : written.constraints) {
    auto condition = parse_condition(text, shape, diagnostics);
    if (condition) study.constraints.push_back(std::move(*condition));
  }
  for (const auto& axis : written.axes) {
    const auto same = [&](const Metric& metric) { return metric.name == axis.name; };
    if (std::any_of(study.metrics.begin(), study.metrics.end(), same))
      diagnostics.error(axis.place, fmt::format("the axis {} has the name of a metric; expected another", axis.name));
  }
}

void throw_if_wrong(const Diagnostics& diagnostics) {
  if (!diagnostics.ok()) throw InputError(diagnostics);
}

/// Draws are those of a run's error bars.
void take_draw_at(const Setting& setting, Loaded& loaded, Diagnostics& diagnostics) {
  const auto parsed = parse_count(setting.value.scalar);
  const auto* draw = std::get_if<int64_t>(&parsed);
  if (!draw || *draw < 0 || *draw > kDraws) {
    diagnostics.error(setting.value.place,
                      fmt::format("calibration.draw is {}; expected 0 (the calibration itself) to {}",
                                  in_quotes(setting.value.scalar), kDraws));
    return;
  }
  if (*draw > 0) change_every_day(loaded, [nth = *draw - 1](Loaded& day) { take_doubt(day, nth, kDraws); });
}

}  // namespace

std::size_t Study::points() const {
  std::size_t count = 1;
  for (const auto& dimension : dimensions) count *= dimension.size();
  return count;
}

std::vector<std::size_t> indices_of(const Study& study, std::size_t point) {
  std::vector<std::size_t> out(study.dimensions.size());
  for (std::size_t d = out.size(); d-- > 0;) {
    out[d] = point % study.dimensions[d].size();
    point /= study.dimensions[d].size();
  }
  return out;
}

std::string name_of(const Study& study, std::size_t point) {
  const auto indices = indices_of(study, point);
  std::vector<std::string> parts;
  for (std::size_t d = 0; d < indices.size(); ++d) {
    for (const auto& axis : study.dimensions[d].axes)
      parts.push_back(fmt::format("{} {}", axis.name, axis.values[indices[d]].name));
  }
  return fmt::format("{}", fmt::join(parts, ", "));
}

Loaded load_point(const Study& study, const std::vector<std::size_t>& indices) {
  Diagnostics diagnostics;
  Node tree = study.base;
  std::vector<const Setting*> draws;
  for (const auto& setting : study.set) draws.push_back(&setting);
  for (std::size_t d = 0; d < indices.size(); ++d) {
    for (const auto& axis : study.dimensions[d].axes) {
      for (const auto& setting : axis.values[indices[d]].settings) {
        if (is_calibration_draw(setting.path)) {
          draws.push_back(&setting);
        } else {
          set_path(tree, setting.path, setting.place, setting.value, diagnostics);
        }
      }
    }
  }
  throw_if_wrong(diagnostics);
  auto loaded = load_tree(tree, study.folder, diagnostics);
  if (!draws.empty()) take_draw_at(*draws.back(), loaded, diagnostics);
  throw_if_wrong(diagnostics);
  return loaded;
}

namespace {

Study checked(std::shared_ptr<const Source> source, const std::string& folder, const std::vector<std::string>& sets) {
  Diagnostics diagnostics;
  Study study;
  study.source = std::move(source);
  const Node root = parse(study.source, diagnostics);
  if (root.find("workload") && !root.find("axes")) {
    diagnostics.error(root.place,
                      "its workload makes it a scenario, which tokwatt run runs; expected a study: base (the scenario) "
                      "and axes (what varies)");
    throw InputError(diagnostics);
  }
  WrittenStudy written;
  if (diagnostics.ok() || root.kind == Node::Kind::mapping)
    Reader({diagnostics, false, "", {}, nullptr, {}}).read(root, written);
  study.title = written.title;
  study.texts.push_back({"study", study.source->text});
  if (!sets.empty()) study.texts.push_back({"set", fmt::format("{}\n", fmt::join(sets, "\n"))});
  read_base(written, folder, study, diagnostics);
  study.dimensions = dimensions_of(written, diagnostics);
  if (study.base.kind != Node::Kind::mapping) throw InputError(diagnostics);
  // The axes that are good are tried even if others are not: every mistake is to be said at once.
  std::erase_if(study.dimensions, [](const StudyDimension& dimension) { return !is_whole(dimension); });
  set_everywhere(written, sets, study, diagnostics);
  if (!check_size(study, written.place, diagnostics)) throw InputError(diagnostics);
  Trial trial(study, diagnostics);
  trial.run();
  if (trial.shape()) read_metrics(written, *trial.shape(), study, diagnostics);
  throw_if_wrong(diagnostics);
  if (!trial.shape()) {
    const auto answer = answer_of([&] { return load_point(study, indices_of(study, 0)); });
    throw Infeasible(fmt::format("none of the points that were tried runs; the first: {}", answer.reason));
  }
  study.fingerprint = fingerprint(study);
  return study;
}

}  // namespace

Study load_study(const std::string& path, const std::vector<std::string>& sets) {
  Diagnostics diagnostics;
  auto source = read_source(path, {}, diagnostics);
  throw_if_wrong(diagnostics);
  return checked(std::move(source), fs::path(path).parent_path().string(), sets);
}

Study load_study_text(const std::string& name, const std::string& text, const std::string& folder,
                      const std::vector<std::string>& sets) {
  return checked(std::make_shared<Source>(Source{name, text}), folder, sets);
}

}  // namespace tokwatt::scenarios
