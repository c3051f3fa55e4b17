#pragma once
// One model on one box, from the names on the command line: what `bench` measures and `fit` weighs.
#include <functional>
#include <string>

#include "scenarios/cli/other_quants.hpp"
#include "scenarios/cli/shelf.hpp"
#include "sim/input.hpp"

namespace tokwatt::cli {

struct SubjectNames {
  std::string system, model, quant, engine;
  std::string kv;  ///< empty: the engine's own
};

struct Subject {
  hardware::Box box;
  sim::Deployment deployment;

  const models::WeightFormat& weights() const { return weight_format(deployment); }
};

/// The engine's own KV format, or the one that was asked for. Throws InputError for a name that is none, Infeasible for
/// a format that the engine does not have.
models::KvFormat kv_format(const std::string& asked, const models::Engine& engine);

/// A model on a box under an engine as it runs there. Throws Infeasible for what the engine cannot run.
Subject assembled(const hardware::Box& box, const models::Architecture& model, const models::Quant& quant,
                  const models::Engine& engine, const std::string& kv);

/// The same by name. Throws InputError for what is misnamed, Infeasible for what the engine cannot run.
Subject subject_of(const SubjectNames& names, Shelf& shelf);

/// The largest other quant that this engine runs on this box and that `fits` accepts; empty: none.
std::string next_quant(const Subject& subject, const std::function<bool(const Subject&)>& fits);

/// What to tell of it. `is_file`: the model is a file that comes in one quant.
std::string advice_of(const std::string& next, const std::string& engine, bool is_file);

}  // namespace tokwatt::cli
