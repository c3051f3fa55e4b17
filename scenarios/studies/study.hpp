#pragma once
// A study, checked: one scenario with many values in it.
#include <memory>
#include <string>
#include <vector>

#include "scenarios/studies/answer.hpp"
#include "scenarios/studies/axes.hpp"
#include "scenarios/studies/condition.hpp"

namespace tokwatt::scenarios {

struct Study {
  std::string title;
  std::shared_ptr<const Source> source;
  Node base;                 ///< the scenario, with what the study sets at every point
  std::string folder;        ///< of the scenario
  std::vector<Setting> set;  ///< of those, what is no key of the scenario
  std::vector<StudyDimension> dimensions;
  std::vector<Metric> metrics;
  bool has_all_metrics = false;  ///< it names none
  std::vector<Condition> constraints;
  std::vector<sim::CarriedText> texts;  ///< the study, the scenario, and the sheets that its values were checked with
  std::string fingerprint;              ///< of all that its results depend on

  std::size_t points() const;
};

/// Reads and checks a study, its scenario, and each value of each axis with the first ones of the others. Throws
/// InputError with every mistake found. `sets` are the texts of --set options: keys of the scenario at every point.
Study load_study(const std::string& path, const std::vector<std::string>& sets = {});
/// The same from a text; relative paths in it are resolved against `folder`.
Study load_study_text(const std::string& name, const std::string& text, const std::string& folder,
                      const std::vector<std::string>& sets);

/// Where a point lies along each dimension: the last one is the fastest.
std::vector<std::size_t> indices_of(const Study& study, std::size_t point);
/// "users 12, ambient 30 degC"
std::string name_of(const Study& study, std::size_t point);

/// The scenario at a point. Throws InputError and Infeasible.
Loaded load_point(const Study& study, const std::vector<std::size_t>& indices);

}  // namespace tokwatt::scenarios
