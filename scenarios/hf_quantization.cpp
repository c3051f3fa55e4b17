// What a config.json's quantization_config is called here: the id of a quant sheet where there is one.
#include "scenarios/hf_config.hpp"

namespace tokwatt::scenarios {
namespace {

std::string scalar(const Node& config, const char* key) {
  const Node* value = config.find(key);
  return value ? value->scalar : "";
}

/// Weights in integers; activations too, in eight bits, or left alone.
std::string packed_integers(const std::string& bits, bool activations) {
  return activations ? "int" + bits + "-w" + bits + "a8" : "w" + bits + "a16-int" + bits;
}

/// The element format that compressed-tensors packs most weights in.
std::string compressed_tensors(const Node& config) {
  const Node* groups = config.find("config_groups");
  if (!groups || groups->entries.empty()) return "compressed-tensors";
  const Node& group = groups->entries.front().second;
  const Node* weights = group.find("weights");
  const Node* bits = weights ? weights->find("num_bits") : nullptr;
  const Node* type = weights ? weights->find("type") : nullptr;
  if (!bits || !type) return "compressed-tensors";
  if (type->scalar != "float") {
    const Node* inputs = group.find("input_activations");
    return packed_integers(bits->scalar, inputs && inputs->kind == Node::Kind::mapping);
  }
  if (bits->scalar != "4") return "fp" + bits->scalar;
  return scalar(*weights, "group_size") == "32" ? "mxfp4" : "nvfp4";
}

/// TensorRT Model Optimizer: NVFP4, FP8, W4A16_AWQ, ...
std::string modelopt(const Node& config) {
  const std::string algorithm = scalar(config, "quant_algo");
  if (algorithm.rfind("NVFP4", 0) == 0) return "nvfp4";
  if (algorithm.rfind("FP8", 0) == 0) return "fp8";
  if (algorithm == "W4A16_AWQ") return "awq-int4";
  return "modelopt";
}

}  // namespace

std::string hf_native_quant(const Node& config) {
  const std::string method = scalar(config, "quant_method"), bits = scalar(config, "bits");
  if (method.empty()) {  // mlx-lm says no method
    const bool is_mlx = !bits.empty() && config.find("group_size");
    const std::string mode = scalar(config, "mode");
    if (!is_mlx) return {};
    return mode.empty() || mode == "affine" ? "mlx-" + bits + "bit" : mode;
  }
  if (method == "compressed-tensors") return compressed_tensors(config);
  if (method == "modelopt" || method == "modelopt_fp4") return modelopt(config);
  if ((method == "awq" || method == "gptq") && !bits.empty()) return method + "-int" + bits;
  if ((method == "auto-round" || method == "auto_round") && !bits.empty()) return "autoround-int" + bits;
  return method;
}

}  // namespace tokwatt::scenarios
