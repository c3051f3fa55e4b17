// Which bits a GGUF file's weights have.
#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <map>
#include <string_view>

#include "models/graph.hpp"
#include "scenarios/gguf_model.hpp"

namespace tokwatt::scenarios {
namespace {

using models::WeightClass;
using Sums = std::array<double, models::kWeightClasses>;

double& at(Sums& sums, WeightClass c) { return sums[static_cast<std::size_t>(c)]; }

/// llama_ftype (include/llama.h), as ids of quants.
const char* quant_of_file_type(int64_t type) {
  static const std::map<int64_t, const char*> kQuants = {
      {1, "f16"},     {2, "q4_0"},     {3, "q4_1"},    {7, "q8_0"},    {8, "q5_0"},    {9, "q5_1"},     {10, "q2_k"},
      {11, "q3_k_s"}, {12, "q3_k_m"},  {13, "q3_k_l"}, {14, "q4_k_s"}, {15, "q4_k_m"}, {16, "q5_k_s"},  {17, "q5_k_m"},
      {18, "q6_k"},   {19, "iq2_xxs"}, {20, "iq2_xs"}, {21, "q2_k_s"}, {22, "iq3_xs"}, {23, "iq3_xxs"}, {24, "iq1_s"},
      {25, "iq4_nl"}, {26, "iq3_s"},   {27, "iq3_m"},  {28, "iq2_s"},  {29, "iq2_m"},  {30, "iq4_xs"},  {31, "iq1_m"},
      {32, "bf16"},   {38, "mxfp4"},   {39, "nvfp4"}};
  const auto found = kQuants.find(type);
  return found == kQuants.end() ? "" : found->second;
}

/// Families of formats that kernels unpack alike: "k" of Q4_K, "i" of IQ2_XS, the name itself of others.
std::string kind_of(std::string_view quant) {
  if (quant.substr(0, 2) == "iq") return "i";
  if (quant.find("_k") != std::string_view::npos) return "k";
  if (quant.substr(0, 1) == "q") return "legacy";
  return std::string(quant);
}

/// The type that most of the bytes are of.
std::string main_quant(const GgufHeader& header) {
  std::map<std::string, double> bytes;
  for (const auto& tensor : header.tensors) bytes[tensor.type->quant] += tensor.bytes();
  bytes.erase("");
  const auto less = [](const auto& a, const auto& b) { return a.second < b.second; };
  const auto most = std::max_element(bytes.begin(), bytes.end(), less);
  return most == bytes.end() ? "" : most->first;
}

constexpr std::pair<std::string_view, WeightClass> kClasses[] = {
    {"attn_q", WeightClass::attention_qk},
    {"attn_k", WeightClass::attention_qk},
    {"attn_qkv", WeightClass::attention_qk},
    {"attn_gate", WeightClass::attention_qk},
    {"attn_q_a", WeightClass::attention_qk},
    {"attn_q_b", WeightClass::attention_qk},
    {"attn_kv_a_mqa", WeightClass::attention_qk},
    {"indexer.attn_q_b", WeightClass::attention_qk},
    {"indexer.attn_k", WeightClass::attention_qk},
    {"indexer.proj", WeightClass::attention_qk},
    {"ssm_in", WeightClass::attention_qk},
    {"ssm_ba", WeightClass::attention_qk},
    {"ssm_alpha", WeightClass::attention_qk},
    {"ssm_beta", WeightClass::attention_qk},
    {"shortconv.in_proj", WeightClass::attention_qk},
    {"attn_v", WeightClass::attention_v},
    {"attn_kv_b", WeightClass::attention_v},
    {"attn_k_b", WeightClass::attention_v},
    {"attn_v_b", WeightClass::attention_v},
    {"attn_output", WeightClass::attention_out},
    {"ssm_out", WeightClass::attention_out},
    {"shortconv.out_proj", WeightClass::attention_out},
    {"ffn_gate", WeightClass::ffn_gate_up},
    {"ffn_up", WeightClass::ffn_gate_up},
    {"ffn_gate_shexp", WeightClass::ffn_gate_up},
    {"ffn_up_shexp", WeightClass::ffn_gate_up},
    {"ffn_latent_down", WeightClass::ffn_gate_up},
    {"inp_gate", WeightClass::ffn_gate_up},
    {"ffn_down", WeightClass::ffn_down},
    {"ffn_down_shexp", WeightClass::ffn_down},
    {"ffn_latent_up", WeightClass::ffn_down},
    {"proj", WeightClass::ffn_down},
    {"ffn_gate_exps", WeightClass::experts_gate_up},
    {"ffn_up_exps", WeightClass::experts_gate_up},
    {"ffn_gate_up_exps", WeightClass::experts_gate_up},
    {"ffn_down_exps", WeightClass::experts_down},
    {"ffn_gate_inp", WeightClass::router},
};

/// "blk.12.attn_q.weight" (or .bias) as {12, "attn_q"}; {-1, "output"} of "output.weight".
std::pair<int64_t, std::string_view> parts_of(std::string_view name) {
  constexpr std::string_view kBlock = "blk.";
  const auto end = name.rfind('.');
  if (end == std::string_view::npos || (name.substr(end) != ".weight" && name.substr(end) != ".bias")) return {-1, {}};
  name = name.substr(0, end);
  if (name.substr(0, kBlock.size()) != kBlock) return {-1, name};
  int64_t layer = 0;
  std::size_t i = kBlock.size();
  for (; i < name.size() && name[i] >= '0' && name[i] <= '9' && layer < 1'000'000; ++i)
    layer = layer * 10 + name[i] - '0';
  return {layer, name.substr(std::min(i + 1, name.size()))};
}

/// Of the block that a tensor is in, whatever is behind the name; -1: outside the blocks.
int64_t block_of(const std::string& name) {
  return name.substr(0, 4) == "blk." ? parts_of(name.substr(0, name.find('.', 4)) + ".x.weight").first : -1;
}

/// Bytes of the file's tensors by class.
class Bytes {
 public:
  explicit Bytes(const models::Architecture& model) : model_(model) {}

  void add(const GgufTensor& tensor) {
    if (block_of(tensor.name) >= static_cast<int64_t>(model_.layers.size())) return;
    const auto [layer, name] = parts_of(tensor.name);
    const auto found = std::find_if(std::begin(kClasses), std::end(kClasses),
                                    [&n = name](const auto& entry) { return entry.first == n; });
    const auto table = model_.tied_embeddings ? WeightClass::head : WeightClass::embedding;
    if (tensor.shape.size() < 2) {
      rest += tensor.bytes();
    } else if (name == "token_embd" || name == "per_layer_token_embd") {
      at(sums, table) += tensor.bytes();
    } else if (name == "output") {
      at(sums, WeightClass::head) += tensor.bytes();
    } else if (name == "per_layer_model_proj") {
      at(sums, WeightClass::ffn_gate_up) += tensor.bytes();
    } else if (layer >= 0 && name == "attn_qkv") {
      add_fused(tensor, model_.layers[static_cast<std::size_t>(layer)]);
    } else if (layer >= 0 && found != std::end(kClasses)) {
      at(sums, found->second) += tensor.bytes();
    } else {
      rest += tensor.bytes();
    }
  }

  Sums sums{};
  double rest = 0;  ///< of no class

 private:
  void add_fused(const GgufTensor& tensor, const models::Layer& layer) {
    double values = 0;
    if (layer.grouped)
      values = static_cast<double>(layer.grouped->kv_heads * layer.grouped->value_dim()) /
               static_cast<double>(tensor.shape[1]);
    at(sums, WeightClass::attention_v) += tensor.bytes() * values;
    at(sums, WeightClass::attention_qk) += tensor.bytes() * (1 - values);
  }
  const models::Architecture& model_;
};

}  // namespace

std::string gguf_quant(const GgufHeader& header) {
  const std::string said = quant_of_file_type(header.number("general.file_type").value_or(-1));
  const std::string main = main_quant(header);
  return said.empty() || (!main.empty() && kind_of(said) != kind_of(main)) ? main : said;
}

models::WeightFormat gguf_format(const GgufHeader& header, const models::Architecture& model) {
  Bytes bytes(model);
  for (const auto& tensor : header.tensors) bytes.add(tensor);
  Sums elements{};
  for (const auto& tensor : models::tensors(model)) at(elements, tensor.weight_class) += tensor.elements;

  double all_bytes = bytes.rest, all_elements = 0;
  for (std::size_t i = 0; i < elements.size(); ++i) {
    all_bytes += bytes.sums[i];
    all_elements += elements[i];
    if (elements[i] > 0) continue;
    bytes.rest += bytes.sums[i];
    bytes.sums[i] = 0;
  }
  // All tokens pass through these in every model that has them.
  for (const auto c : {WeightClass::attention_out, WeightClass::ffn_down, WeightClass::head, WeightClass::embedding}) {
    if (at(elements, c) <= 0) continue;
    at(bytes.sums, c) += bytes.rest;
    break;
  }
  models::WeightFormat out;
  for (std::size_t i = 0; i < elements.size(); ++i) {
    // A class that the model does not have counts for nothing; it only shows that the format exists.
    out.bits[i] = elements[i] > 0 ? bytes.sums[i] * 8 / elements[i] : all_bytes * 8 / all_elements;
  }
  return out;
}

std::string why_too_small(const models::Architecture& model, const models::WeightFormat& format) {
  constexpr double kFewestBits = 0.5;
  models::WeightFormat byte_each;
  byte_each.bits.fill(8);
  const double bytes = models::weight_bytes(model, format), weights = models::weight_bytes(model, byte_each);
  if (bytes * 8 >= kFewestBits * weights) return {};
  return fmt::format(
      "its tensors have {:.3g} bytes, but its metadata says {:.3g} weights; expected at least {} bits each", bytes,
      weights, kFewestBits);
}

std::string gguf_text(const GgufHeader& header, const GgufModel& model) {
  constexpr std::array kNames = {"embedding",   "head",     "attention_qk",    "attention_v",  "attention_out",
                                 "ffn_gate_up", "ffn_down", "experts_gate_up", "experts_down", "router"};
  static_assert(kNames.size() == models::kWeightClasses);
  std::string out = fmt::format(
      "# What the header of {} says.\nid: {}\ngguf_architecture: {}\nfamily: {}\nquant: {}\nlayers: {}\nhidden: {}\n"
      "vocab: {}\nmax_context: {}\nparameters: {}\nweight_bytes: {:.0f}\nbits_per_weight:\n",
      header.path, model.architecture.id, header.text("general.architecture").value_or(""), model.architecture.family,
      model.quant, model.architecture.layers.size(), model.architecture.hidden, model.architecture.vocab,
      model.architecture.max_context, models::parameters(model.architecture),
      models::weight_bytes(model.architecture, model.format));
  Sums elements{};
  for (const auto& tensor : models::tensors(model.architecture)) at(elements, tensor.weight_class) += tensor.elements;
  for (std::size_t i = 0; i < kNames.size(); ++i) {
    if (elements[i] > 0) out += fmt::format("  {}: {:.6g}\n", kNames[i], model.format.bits[i]);
  }
  return out;
}

}  // namespace tokwatt::scenarios
