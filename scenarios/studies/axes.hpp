#pragma once
// What a study varies: axes, and the dimensions that they span.
#include <set>
#include <string>
#include <vector>

#include "scenarios/diagnostics.hpp"
#include "scenarios/read/merge.hpp"
#include "scenarios/studies/grammar.hpp"

namespace tokwatt::scenarios {

struct AxisValue {
  std::string name;   ///< as written: "18 degC", "mxfp4", the name of a variant
  double number = 0;  ///< of a numeric axis, in its unit
  std::vector<Setting> settings;
};

struct Axis {
  std::string name;
  std::string key;          ///< of the scenario; of variants empty
  bool is_numeric = false;  ///< all its values are numbers in one unit
  std::string unit;         ///< as written; empty for plain numbers and for names
  std::vector<AxisValue> values;
};

/// The keys that its values set.
std::set<std::string> keys_of(const Axis& axis);
std::string in_words(const std::vector<PathSegment>& path);  ///< with dots between

/// Axes that move together; the first of them gives the coordinate where it has the dimension's name.
struct StudyDimension {
  std::string name;
  std::vector<Axis> axes;
  std::size_t size() const { return axes.front().values.size(); }
};

/// Every dimension of a study: paired axes and samples in the place of their first axis. Reports what is wrong.
std::vector<StudyDimension> dimensions_of(const WrittenStudy& study, Diagnostics& diagnostics);

}  // namespace tokwatt::scenarios
