#pragma once
// What of a scenario's workload grows when it is asked how much of it a box bears.
#include <string>

#include "scenarios/cli/capacity_search.hpp"
#include "scenarios/cli/question.hpp"

namespace tokwatt::cli {

struct LoadKey {
  std::string key;   ///< "workload.0.users"
  std::string word;  ///< "users"
  std::string unit;  ///< of its values: "/s", or empty
  LoadRange range;
  std::size_t stream = 0;  ///< whose it is
  bool is_open = false;    ///< requests come whether or not those before have their answers

  std::string shown(double load) const;
  std::string in_words(double load) const;
};

/// Of a stream by its name; empty: the only one. Throws UsageError.
LoadKey load_key_of(const Question& question, const std::string& stream);

}  // namespace tokwatt::cli
