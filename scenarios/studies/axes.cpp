#include "scenarios/studies/axes.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <map>
#include <numeric>

#include "scenarios/read/reader.hpp"
#include "scenarios/studies/axis_values.hpp"

namespace tokwatt::scenarios {
namespace {

constexpr std::size_t kMostValues = 2 * kMostPoints;  // of all axes: a few bytes of text could ask for more than memory
constexpr const char* kSample = "sample";             // the dimension of what is drawn

/// Names become those of variables in the results file.
bool is_variable_name(const std::string& name) {
  const auto letter = [](char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z'); };
  return letter(name[0]) && std::all_of(name.begin(), name.end(), [&](char c) {
           return letter(c) || (c >= '0' && c <= '9') || c == '_' || c == '-';
         });
}

class Dimensions {
 public:
  Dimensions(const WrittenStudy& study, Diagnostics& diagnostics) : study_(study), diagnostics_(diagnostics) {}

  std::vector<StudyDimension> all() {
    check_names();
    for (const auto& group : study_.paired) claim_pair(group);
    if (study_.sample) claim_sample(*study_.sample);
    for (const auto& axis : study_.axes) {
      const auto group = group_of(axis.name);
      if (group.empty()) {
        out_.push_back({axis.name, {axis_of(axis, nullptr)}});
      } else if (!has(group)) {
        add_group(group);
      }
    }
    check_pairs();
    check_keys();
    return std::move(out_);
  }

 private:
  struct Group {
    std::string name;
    Place place;
    std::vector<std::string> axes;
  };

  void error(const Place& place, std::string message) { diagnostics_.error(place, std::move(message)); }

  void check_names() {
    for (const auto& axis : study_.axes) name_is_good(axis.name, axis.place, "axis");
    for (const auto& pair : study_.paired) name_is_good(pair.name, pair.place, "dimension");
  }
  void name_is_good(const std::string& name, const Place& place, const char* what) {
    const bool taken = name == kSample || name == "status" || name == "feasible" || name == "reason";
    if (taken) error(place, fmt::format("{} is a name of the results; expected another for the {}", name, what));
    if (!is_variable_name(name))
      error(place, fmt::format("{} is no name for {} {}; expected a letter, then letters, digits, _ or -",
                               in_quotes(name), what[0] == 'a' ? "an" : "a", what));
  }

  void claim(Group& group, const std::vector<Text>& axes, const std::string& key) {
    std::vector<std::string> names;
    for (const auto& axis : study_.axes) names.push_back(axis.name);
    for (const auto& axis : axes) {
      if (std::find(names.begin(), names.end(), axis.value) == names.end()) {
        error(axis.place, fmt::format("{} names {}; there is no such axis{}", key, in_quotes(axis.value),
                                      did_you_mean(axis.value, names)));
      } else if (!group_of(axis.value).empty() ||
                 std::find(group.axes.begin(), group.axes.end(), axis.value) != group.axes.end()) {
        error(axis.place, fmt::format("{} names {}, which goes with others already", key, in_quotes(axis.value)));
      } else {
        group.axes.push_back(axis.value);
      }
    }
    if (!group.axes.empty()) groups_.push_back(std::move(group));
  }
  void claim_pair(const Named<std::vector<Text>>& pair) {
    Group group{pair.name, pair.place, {}};
    const auto is_axis = [&](const auto& axis) { return axis.name == pair.name; };
    const auto is_its_own = [&](const Text& axis) { return axis.value == pair.name; };
    if (std::any_of(study_.axes.begin(), study_.axes.end(), is_axis) &&
        std::none_of(pair.value.begin(), pair.value.end(), is_its_own))
      error(pair.place, fmt::format("paired.{0}: there is an axis {0} that is not one of it; expected another name",
                                    path_segment(pair.name)));
    claim(group, pair.value, "paired." + path_segment(pair.name));
  }
  void claim_sample(const WrittenSample& sample) {
    Group group{kSample, sample.place, {}};
    claim(group, sample.axes, "sample.axes");
  }

  std::string group_of(const std::string& axis) const {
    for (const auto& group : groups_) {
      if (std::find(group.axes.begin(), group.axes.end(), axis) != group.axes.end()) return group.name;
    }
    return {};
  }
  bool has(const std::string& dimension) const {
    return std::any_of(out_.begin(), out_.end(), [&](const auto& d) { return d.name == dimension; });
  }

  void add_group(const std::string& name) {
    StudyDimension dimension{name, {}};
    const WrittenSample* sample = name == kSample ? &*study_.sample : nullptr;
    for (const auto& axis : study_.axes) {
      if (group_of(axis.name) == name) dimension.axes.push_back(axis_of(axis, sample));
    }
    out_.push_back(std::move(dimension));
  }

  Axis axis_of(const Named<WrittenAxis>& axis, const WrittenSample* sample) {
    if (values_ > kMostValues) return {};
    Axis out = sample ? sampled_axis(axis, *sample, diagnostics_) : axis_along(axis, diagnostics_);
    values_ += out.values.size();
    if (values_ > kMostValues)
      error(axis.place, fmt::format("the axes have more than {} values, up to this one; expected fewer", kMostValues));
    return out;
  }

  /// A key that two axes set would have the value of the last, under the names of both.
  void check_keys() {
    std::map<std::string, std::string> axis_on;
    for (const auto& dimension : out_) {
      for (const auto& axis : dimension.axes) {
        for (const auto& key : keys_of(axis)) {
          const auto [at, is_new] = axis_on.emplace(key, axis.name);
          if (!is_new)
            error(place_of(axis.name), fmt::format("axes.{} sets {}, as axes.{} does; expected one axis for a key",
                                                   path_segment(axis.name), key, path_segment(at->second)));
        }
      }
    }
  }
  const Place& place_of(const std::string& axis) const {
    return std::find_if(study_.axes.begin(), study_.axes.end(), [&](const auto& a) { return a.name == axis; })->place;
  }

  void check_pairs() {
    for (const auto& group : groups_) {
      const auto found = std::find_if(out_.begin(), out_.end(), [&](const auto& d) { return d.name == group.name; });
      std::vector<std::string> sizes;
      for (const auto& axis : found->axes)
        sizes.push_back(fmt::format("{} has {}", path_segment(axis.name), axis.values.size()));
      const auto differs = [&](const Axis& axis) { return axis.values.size() != found->size(); };
      const auto is_bad = [](const Axis& axis) { return axis.values.empty(); };  // reported where it is written
      if (std::any_of(found->axes.begin(), found->axes.end(), is_bad)) continue;
      if (std::any_of(found->axes.begin(), found->axes.end(), differs))
        error(group.place, fmt::format("paired.{}: its axes are of different lengths ({}); expected equal ones",
                                       path_segment(group.name), fmt::join(sizes, ", ")));
    }
  }

  const WrittenStudy& study_;
  Diagnostics& diagnostics_;
  std::vector<Group> groups_;
  std::size_t values_ = 0;  // of all axes so far
  std::vector<StudyDimension> out_;
};

}  // namespace

std::set<std::string> keys_of(const Axis& axis) {
  std::set<std::string> keys;
  for (const auto& value : axis.values) {
    for (const auto& setting : value.settings) keys.insert(in_words(setting.path));
    if (!axis.key.empty()) break;  // all its values set the same one
  }
  return keys;
}

std::string in_words(const std::vector<PathSegment>& path) {
  std::vector<std::string> names;
  for (const auto& segment : path) names.push_back(path_segment(segment.name));
  return fmt::format("{}", fmt::join(names, "."));
}

std::vector<StudyDimension> dimensions_of(const WrittenStudy& study, Diagnostics& diagnostics) {
  return Dimensions(study, diagnostics).all();
}

}  // namespace tokwatt::scenarios
