#pragma once
// One tree laid over another, and --set options laid over a scenario.
#include <optional>
#include <string>
#include <vector>

#include "scenarios/diagnostics.hpp"
#include "scenarios/node.hpp"

namespace tokwatt::scenarios {

/// `over` laid over `base`: mappings merge key by key, everything else is replaced. A number with its source
/// ({value: ..., source: ...}) counts as one value.
Node merge(const Node& base, const Node& over);

/// A piece of a dotted path.
struct PathSegment {
  std::string name;
  bool quoted = false;
  int column = 1, width = 1;  ///< in the text it was split from
};
/// Splits `workload.0.users` or `models."llama-3.1-8b".layers`; reports what is wrong with it at `place`.
std::vector<PathSegment> split_path(const std::string& text, const Place& place, Diagnostics& diagnostics);

/// Puts a value where a path leads. Missing mappings are made, list entries must exist; else it is reported at the
/// path's own place.
void set_path(Node& root, const std::vector<PathSegment>& path, const Place& place, Node value,
              Diagnostics& diagnostics);

/// Takes a key out of the mappings that lead to it; false: it is not there.
bool erase_path(Node& root, const std::vector<std::string>& path);

/// A key of the scenario and what goes there.
struct Setting {
  std::vector<PathSegment> path;
  Place place;  ///< of the path as written
  Node value;
};
/// A --set option, "key=value", taken apart; the value is YAML. Nothing: it is wrong, and reported.
std::optional<Setting> parse_set(const std::string& option, Diagnostics& diagnostics);
/// Applies such an option to a tree.
void apply_set(Node& root, const std::string& option, Diagnostics& diagnostics);

}  // namespace tokwatt::scenarios
