#pragma once
// How weights are stored: bits per weight by class of tensor, since every real format mixes several.
#include <array>
#include <map>
#include <string>
#include <vector>

namespace tokwatt::models {

enum class WeightClass {
  embedding,
  head,
  attention_qk,
  attention_v,
  attention_out,
  ffn_gate_up,
  ffn_down,
  experts_gate_up,
  experts_down,
  router
};
inline constexpr std::size_t kWeightClasses = 10;

/// One container format (gguf, safetensors) of a quant: true bits per weight, scales included.
struct WeightFormat {
  std::array<double, kWeightClasses> bits{};
  double bits_of(WeightClass c) const { return bits[static_cast<std::size_t>(c)]; }
};

/// The two containers; all bits zero: does not exist in it.
struct WeightFormats {
  WeightFormat gguf, safetensors;
};

struct Quant {
  std::string id;
  std::string title;
  WeightFormat gguf;  ///< all zero: does not exist in this container
  WeightFormat safetensors;
  bool experts_only = false;  ///< on a model without experts it would change nothing, under a name that says it did
  std::string unpack;         ///< family of kernels that unpack its weights: what engines reach is shared within one
  /// Model id -> bits of the classes that this model's published files store otherwise (the others are zero).
  std::map<std::string, WeightFormats> files;
};

/// The quant as the published files of a model have it: what `files` says of the model laid over the rest.
Quant quant_of_model(const Quant& quant, const std::string& model);

/// KV cache element formats of deployments' `kv` key: bytes per element.
struct KvFormat {
  std::string id;
  double element_bytes = 2;
};
const std::vector<KvFormat>& kv_formats();

}  // namespace tokwatt::models
