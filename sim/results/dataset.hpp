#pragma once
// Columns with names, units and dimensions: what a simulation hands to files and to Python, without copying again.
#include <cstdint>
#include <string>
#include <variant>
#include <vector>

namespace tokwatt::sim {

struct Dimension {
  std::string name;
  int64_t size = 0;
};

struct Variable {
  std::string name;
  std::string units;  ///< UDUNITS spelling ("s", "W", "degC", "count", "1", "USD"); empty for names
  std::string long_name;
  std::vector<std::string>
      dims;  ///< row-major; a variable named like its only dimension is that dimension's coordinate
  std::variant<std::vector<double>, std::vector<int64_t>, std::vector<int32_t>, std::vector<int8_t>,
               std::vector<std::string>>
      values;
  std::vector<std::string> flag_meanings;  ///< for int8 flags: the meaning of 0, 1, 2, ...
};

struct Group {
  std::string name;  ///< "series", "requests", "segments", "events"
  std::vector<Dimension> dims;
  std::vector<Variable> variables;
};

}  // namespace tokwatt::sim
