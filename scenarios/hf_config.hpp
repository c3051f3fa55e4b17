#pragma once
// A Hugging Face config.json as a model sheet. The file is foreign: keys that are not asked for are ignored (but those
// of experts where the family is not known), keys that the model's class has a default for may be missing, everything
// else that is needed must be there.
#include <cstdint>
#include <map>
#include <string>
#include <string_view>

#include "models/architecture.hpp"
#include "scenarios/diagnostics.hpp"
#include "scenarios/node.hpp"

namespace tokwatt::scenarios {

/// The dimensions in a config.json, parsed as YAML (which JSON is a part of). What is missing, wrong or of a kind that
/// is not modelled yet is reported; the result is then unusable.
models::Architecture read_hf_config(const Node& root, const std::string& id, Diagnostics& diagnostics);

/// The format that most weights come in, from a config's quantization_config: mxfp4, fp8, nvfp4, int4, awq-int4, ...
std::string hf_native_quant(const Node& quantization_config);

/// Which layers keep only a window, where the config names them by neither layer_types nor a pattern.
enum class Sliding {
  never,
  all,              ///< every layer, where sliding_window is set
  alternate,        ///< layers 0, 2, 4, ...
  after_full,       ///< from layer max_window_layers on (qwen2, qwen3)
  alternate_until,  ///< layers 0, 2, ... below max_window_layers (qwen2_moe)
};

/// What transformers' configuration class of a model_type fills in: hub files leave such keys out.
struct HfFamily {
  /// Flags as 0 and 1; a default of None is left out, and so is num_hidden_layers: every published config gives it, and
  /// one without it would be read as some other model of the family.
  std::map<std::string_view, int64_t> defaults;
  Sliding sliding = Sliding::never;
  bool experts_use_intermediate_size = false;  ///< expert width is intermediate_size, there is no key of its own
};
/// Null for a model_type without a table: its configs must give every key. All that have one have gated blocks.
const HfFamily* hf_family(std::string_view model_type);

/// Reports keys of what is not built, whatever the family.
void refuse_unbuilt_keys(const Node& config, Diagnostics& diagnostics);

/// Of a family without a table: reports keys that speak of experts by names that are not read, none of which may be
/// passed over.
void refuse_unknown_expert_keys(const Node& config, const std::string& model_type, Diagnostics& diagnostics);

/// Of a family without a table: matrices of a feed-forward block, 3 with a gate and 2 without, by the activation.
/// Reports one that leaves it open.
int64_t ffn_matrices_of_unknown(const Node& config, const std::string& model_type, Diagnostics& diagnostics);

}  // namespace tokwatt::scenarios
