#pragma once
// A study as it is written: each key of docs/file-formats.md, declared once in grammar.cpp.
#include <cstdint>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "scenarios/read/fields.hpp"

namespace tokwatt::scenarios {

/// Dotted keys of a scenario and their new values.
using WrittenChanges = std::vector<std::pair<Text, Node>>;

struct WrittenVariant {
  WrittenChanges set;
};

struct WrittenAxis {
  Place place;
  std::vector<std::string> keys;  ///< that it has, with good values or bad
  std::vector<Text> key;          ///< of the scenario: each gets the axis' value
  std::vector<Node> values;
  Node from, to, step;
  std::optional<int64_t> points;
  Text spacing;
  std::vector<Named<WrittenVariant>> variants;
};

struct WrittenSample {
  Place place;
  std::vector<Text> axes;
  Text method;
  int64_t points = 0, seed = 0;
};

struct WrittenStudy {
  Place place;
  std::string title;
  Text base;
  WrittenChanges set;
  std::vector<Named<WrittenAxis>> axes;
  std::vector<Named<std::vector<Text>>> paired;
  std::optional<WrittenSample> sample;
  std::vector<Text> metrics, constraints;
};

void fields(Fields& f, WrittenStudy& s);

inline constexpr int64_t kMostPoints = 1'000'000;  ///< of a study

}  // namespace tokwatt::scenarios
