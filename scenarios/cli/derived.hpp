#pragma once
// What follows from a model's dimensions: parameters, KV cache, bytes in each format.
#include <nlohmann/json_fwd.hpp>
#include <string>

#include "models/architecture.hpp"

namespace tokwatt::cli {

nlohmann::ordered_json derived_json(const models::Architecture& model);
std::string derived_table(const models::Architecture& model);

}  // namespace tokwatt::cli
