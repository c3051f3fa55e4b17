#pragma once
// What else a model could be stored in, on the box and the engine that it has.
#include <string>
#include <vector>

#include "sim/input.hpp"

namespace tokwatt::cli {

/// The format of a deployment's weights in its engine's files.
const models::WeightFormat& weight_format(const sim::Deployment& deployment);

/// Why the deployment's engine cannot run its model in its quant on this box; empty when it can.
std::string why_not(const sim::Deployment& deployment, const hardware::Box& box);

/// Whether a model's files in a quant are what the quant's sheet says, and may be proposed: K- and I-quants store rows
/// in blocks of 256 weights, and of a model whose rows are no multiple of that there is no such file, or one that mixes
/// in other formats and whose size only `files` of the sheet can tell.
bool has_files(const models::Architecture& model, const models::Quant& quant);

/// The quants that come with the program which the deployment's engine runs on this box, with the deployment's own and
/// those without files left out; the most bytes first.
std::vector<models::Quant> other_quants(const sim::Deployment& deployment, const hardware::Box& box);

}  // namespace tokwatt::cli
