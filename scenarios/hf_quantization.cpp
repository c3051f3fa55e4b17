#include "scenarios/hf_config.hpp"

namespace tokwatt::scenarios {
namespace {

/// The element format that compressed-tensors packs most weights in.
std::string compressed_tensors(const Node& config) {
  const Node* groups = config.find("config_groups");
  if (!groups || groups->entries.empty()) return "compressed-tensors";
  const Node* weights = groups->entries.front().second.find("weights");
  const Node* bits = weights ? weights->find("num_bits") : nullptr;
  const Node* type = weights ? weights->find("type") : nullptr;
  if (!bits || !type) return "compressed-tensors";
  if (type->scalar != "float") return "int" + bits->scalar;
  if (bits->scalar != "4") return "fp" + bits->scalar;
  const Node* group = weights->find("group_size");
  return group && group->scalar == "32" ? "mxfp4" : "nvfp4";
}

}  // namespace

std::string hf_native_quant(const Node& config) {
  const Node* method = config.find("quant_method");
  if (!method) return {};
  if (method->scalar == "compressed-tensors") return compressed_tensors(config);
  const Node* bits = config.find("bits");
  if ((method->scalar == "awq" || method->scalar == "gptq") && bits) return method->scalar + "-int" + bits->scalar;
  return method->scalar;
}

}  // namespace tokwatt::scenarios
