#pragma once
// What `tokwatt bench` measures: one model on one box, from the names on the command line.
#include <functional>
#include <string>
#include <vector>

#include "sim/input.hpp"

namespace tokwatt::cli {

struct SubjectNames {
  std::string system, model, quant, engine;
  std::string kv;                 ///< empty: the engine's own
  std::vector<std::string> sets;  ///< key=value, of the box's sheet
};

struct Subject {
  hardware::Box box;
  sim::Deployment deployment;

  const models::WeightFormat& weights() const;
};

/// Throws InputError for what is misnamed, Infeasible for what the engine cannot run.
Subject subject_of(const SubjectNames& names);

/// The largest other quant that this engine runs on this box and that `fits` accepts; empty: none.
std::string next_quant(const SubjectNames& names, const std::function<bool(const Subject&)>& fits);

}  // namespace tokwatt::cli
