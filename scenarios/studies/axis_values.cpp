#include "scenarios/studies/axis_values.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <numeric>
#include <optional>
#include <set>
#include <string_view>

#include "scenarios/read/reader.hpp"
#include "scenarios/read/schema.hpp"
#include "scenarios/units.hpp"
#include "sim/random/distribution.hpp"

namespace tokwatt::scenarios {
namespace {

/// A key that gets the axis' values.
struct Target {
  std::vector<PathSegment> path;
  Place place;
};

std::vector<Target> targets_of(const std::vector<Text>& keys, Diagnostics& diagnostics) {
  std::vector<Target> out;
  for (const auto& key : keys) out.push_back({split_path(key.value, key.place, diagnostics), key.place});
  return out;
}

bool takes_whole_numbers(const std::vector<Target>& targets) {
  return std::any_of(targets.begin(), targets.end(), [](const Target& target) {
    std::vector<std::string> path;
    for (const auto& segment : target.path) path.push_back(segment.name);
    return is_calibration_draw(target.path) || is_count_of_scenario(path);
  });
}

/// From one end of a range to the other.
struct Ends {
  double from = 0, to = 0;
  std::string unit;
  bool is_logarithmic = false, is_whole = false;
  Place place;
  int digits = 12;  ///< 0.1 + 0.2 is 0.3 to whoever reads it

  /// At a fraction of the way.
  double at(double fraction) const {
    const double value = is_logarithmic ? from * std::pow(to / from, fraction) : from + (to - from) * fraction;
    return is_whole ? std::floor(value + 0.5) : std::stod(fmt::format("{:.{}g}", value, digits));
  }
};

Node scalar_node(std::string text, const Place& place) {
  Node node;
  node.kind = Node::Kind::scalar;
  node.scalar = std::move(text);
  node.place = place;
  return node;
}

class AxisReader {
 public:
  AxisReader(const Named<WrittenAxis>& written, Diagnostics& diagnostics)
      : w_(written.value),
        path_("axes." + path_segment(written.name)),
        diagnostics_(diagnostics),
        targets_(targets_of(w_.key, diagnostics)) {
    axis_.name = written.name;
    if (!w_.key.empty()) axis_.key = w_.key.front().value;
  }

  Axis along() {
    if (!check_form()) return std::move(axis_);
    if (has("from")) {
      take_range();
    } else {
      take_each();
    }
    return std::move(axis_);
  }

  Axis sampled(const WrittenSample& sample) {
    if (!check_form()) return std::move(axis_);
    for (const char* key : {"points", "step"}) {
      if (has(key))
        error(fmt::format("{}.{}: sample says how many values there are; expected from and to", path_, key));
    }
    const auto places = places_in(sample);
    if (has("from")) {
      auto ends = read_ends();
      if (!ends) return std::move(axis_);
      ends->digits = 6;  // it is drawn: nobody asked for more
      take_numbers(*ends, places);
      return std::move(axis_);
    }
    take_each();
    const auto choices = std::move(axis_.values);
    axis_.values.clear();
    if (choices.empty()) return std::move(axis_);
    for (const double place : places) {
      const auto index = static_cast<std::size_t>(place * static_cast<double>(choices.size()));
      axis_.values.push_back(choices[std::min(index, choices.size() - 1)]);
    }
    return std::move(axis_);
  }

 private:
  bool has(const char* key) const { return std::find(w_.keys.begin(), w_.keys.end(), key) != w_.keys.end(); }
  void error(std::string message) { error_at(w_.place, std::move(message)); }
  void error_at(const Place& place, std::string message) { diagnostics_.error(place, std::move(message)); }

  /// Exactly one of values, from and to, variants; and a key, but for variants.
  bool check_form() {
    const int forms = has("values") + (has("from") || has("to")) + has("variants");
    const std::size_t before = diagnostics_.reported();
    if (forms != 1) {
      error(fmt::format("{} has {}; expected one of values, from and to, or variants", path_,
                        forms == 0 ? "no values" : "values of several kinds"));
    } else if (has("variants") == has("key")) {
      error(has("key")
                ? fmt::format("{}.key stands beside variants, which name their keys; expected one of them", path_)
                : fmt::format("{}.key is missing; expected a key of the scenario, such as workload.0.users", path_));
    }
    for (const char* key : {"step", "points", "spacing"}) {
      if (has(key) && !has("from") && !has("to")) error(fmt::format("{}.{} needs from and to", path_, key));
    }
    const bool paths_are_good = std::none_of(targets_.begin(), targets_.end(), [](auto& t) { return t.path.empty(); });
    return diagnostics_.reported() == before && paths_are_good;
  }

  void add(AxisValue value, const Node& node) {
    for (const auto& target : targets_) value.settings.push_back({target.path, target.place, node});
    axis_.values.push_back(std::move(value));
  }

  void take_each() {
    for (const auto& variant : w_.variants)
      axis_.values.push_back({variant.name, 0, settings_of(variant.value.set, diagnostics_)});
    std::vector<WithUnit> numbers;
    for (const auto& node : w_.values) {
      const auto number = parse_with_unit(node.scalar);
      if (number) numbers.push_back(*number);
      add({node.scalar, number ? number->number : 0, {}}, node);
    }
    const auto same_unit = [&](const WithUnit& number) { return number.unit == numbers.front().unit; };
    axis_.is_numeric = !numbers.empty() && numbers.size() == axis_.values.size() &&
                       std::all_of(numbers.begin(), numbers.end(), same_unit);
    if (axis_.is_numeric) axis_.unit = numbers.front().unit;
    check_new();
  }

  /// Coordinates are looked up by value: no two may be equal.
  void check_new() {
    std::set<std::string_view> names;
    for (std::size_t i = 0; i < w_.values.size(); ++i) {
      if (names.insert(w_.values[i].scalar).second) continue;
      error_at(w_.values[i].place, fmt::format("{}.values has {} twice", path_, in_quotes(w_.values[i].scalar)));
    }
  }

  std::optional<WithUnit> read_end(const Node& node, const char* key) {
    if (node.kind != Node::Kind::scalar) {
      if (!has(key)) error(fmt::format("{}.{} is missing; expected a number or a quantity", path_, key));
      return std::nullopt;  // of a wrong kind: reported by the reader
    }
    const auto number = parse_with_unit(node.scalar);
    if (!number)
      error_at(node.place, fmt::format("{}.{} is {}; expected a number or a quantity such as \"16 degC\"", path_, key,
                                       in_quotes(node.scalar)));
    return number;
  }

  std::optional<Ends> read_ends() {
    const auto from = read_end(w_.from, "from"), to = read_end(w_.to, "to");
    if (!from || !to) return std::nullopt;
    Ends ends{from->number,  to->number, from->unit, w_.spacing.value == "logarithmic", takes_whole_numbers(targets_),
              w_.from.place, 12};
    if (from->unit != to->unit) {
      error_at(w_.to.place, fmt::format("{}.to is {}, in another unit than from ({}); expected the same", path_,
                                        in_quotes(w_.to.scalar), in_quotes(w_.from.scalar)));
      return std::nullopt;
    }
    if (!(ends.from < ends.to)) {
      error_at(w_.to.place, fmt::format("{}.to is {}; expected more than from ({})", path_, in_quotes(w_.to.scalar),
                                        in_quotes(w_.from.scalar)));
      return std::nullopt;
    }
    if (ends.is_logarithmic && ends.from <= 0) {
      error_at(w_.from.place, fmt::format("{}.from is {}; expected more than 0 for a logarithmic range", path_,
                                          in_quotes(w_.from.scalar)));
      return std::nullopt;
    }
    return ends;
  }

  void take_range() {
    const auto ends = read_ends();
    if (has("points") == has("step")) {
      error(fmt::format("{} has {}; expected points or step", path_,
                        has("step") ? "both points and step" : "neither points nor step"));
      return;
    }
    if (!ends) return;
    if (has("step")) return take_steps(*ends);
    if (!w_.points) return;  // reported by the reader
    std::vector<double> places;
    for (int64_t i = 0; i < *w_.points; ++i)
      places.push_back(*w_.points == 1 ? 0.0 : static_cast<double>(i) / static_cast<double>(*w_.points - 1));
    take_numbers(*ends, places);
    const auto same = [](const AxisValue& a, const AxisValue& b) { return a.number == b.number; };
    axis_.values.erase(std::unique(axis_.values.begin(), axis_.values.end(), same), axis_.values.end());
  }

  void take_steps(const Ends& ends) {
    const auto step = read_end(w_.step, "step");
    if (!step) return;
    const double count = (ends.to - ends.from) / step->number;
    if (step->unit != ends.unit || !(step->number > 0) || ends.is_logarithmic || count >= kMostPoints) {
      error_at(w_.step.place,
               fmt::format("{}.step is {}; expected more than 0 in the unit of from, in a linear range of at most {} "
                           "values",
                           path_, in_quotes(w_.step.scalar), kMostPoints));
      return;
    }
    std::vector<double> places;
    for (double i = 0; i <= count + 1e-9; ++i) places.push_back(i * step->number / (ends.to - ends.from));
    take_numbers(ends, places);
  }

  void take_numbers(const Ends& ends, const std::vector<double>& places) {
    axis_.is_numeric = true;
    axis_.unit = ends.unit;
    for (const double place : places) {
      const double value = ends.at(place);
      const std::string text = ends.unit.empty() ? fmt::format("{}", value) : fmt::format("{} {}", value, ends.unit);
      add({text, value, {}}, scalar_node(text, ends.place));
    }
  }

  /// Where on its way from 0 to 1 each draw lies.
  std::vector<double> places_in(const WrittenSample& sample) const {
    const auto key = sim::stream_key(static_cast<uint64_t>(sample.seed), axis_.name);
    const auto uniform = [&](sim::Purpose purpose, std::size_t number) {
      return sim::draw({sim::Uniform{0, 1}, {}, {}}, key, purpose, number);
    };
    const auto count = static_cast<std::size_t>(sample.points);
    std::vector<double> places(count);
    for (std::size_t i = 0; i < count; ++i) places[i] = uniform(sim::Purpose::sample, i);
    if (sample.method.value == "random") return places;
    // A Latin hypercube (McKay, Beckman, Conover 1979): each of `count` equal strata is drawn from once.
    std::vector<std::size_t> strata(count);
    std::iota(strata.begin(), strata.end(), std::size_t{0});
    for (std::size_t i = count; i > 1; --i) {
      const auto other = static_cast<std::size_t>(uniform(sim::Purpose::stratum, i) * static_cast<double>(i));
      std::swap(strata[i - 1], strata[std::min(other, i - 1)]);
    }
    for (std::size_t i = 0; i < count; ++i)
      places[i] = (static_cast<double>(strata[i]) + places[i]) / static_cast<double>(count);
    return places;
  }

  const WrittenAxis& w_;
  std::string path_;
  Diagnostics& diagnostics_;
  std::vector<Target> targets_;
  Axis axis_;
};

}  // namespace

Axis axis_along(const Named<WrittenAxis>& written, Diagnostics& diagnostics) {
  return AxisReader(written, diagnostics).along();
}

Axis sampled_axis(const Named<WrittenAxis>& written, const WrittenSample& sample, Diagnostics& diagnostics) {
  return AxisReader(written, diagnostics).sampled(sample);
}

std::vector<Setting> settings_of(const WrittenChanges& changes, Diagnostics& diagnostics) {
  std::vector<Setting> out;
  for (const auto& [key, value] : changes) {
    auto path = split_path(key.value, key.place, diagnostics);
    if (!path.empty()) out.push_back({std::move(path), key.place, value});
  }
  return out;
}

bool is_calibration_draw(const std::vector<PathSegment>& path) {
  return path.size() == 2 && path[0].name == "calibration" && path[1].name == "draw";
}

}  // namespace tokwatt::scenarios
