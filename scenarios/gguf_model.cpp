// The names are llama.cpp's (src/llama-arch.cpp), and so is what follows from them (load_arch_hparams in src/models).
#include "scenarios/gguf_model.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cstdio>
#include <set>

#include "scenarios/read/reader.hpp"
#include "scenarios/utf8.hpp"

namespace tokwatt::scenarios {
namespace {

constexpr int64_t kMostLayers = 10'000;
constexpr int64_t kMost = 1'000'000'000;  // any other dimension

enum class Window {
  none,
  last_full,   ///< of each `period` layers all but the last slide
  first_full,  ///< of each `period` layers all but the first slide
  chunked,     ///< as last_full, in chunks
};

/// What is not in the file but in llama.cpp's code for an architecture.
struct Family {
  const char* name;  ///< general.architecture
  const char* hf;    ///< model_type of the same models in transformers
  Window window = Window::none;
  int64_t period = 0;
  int64_t size = 0;            ///< of the window, where the file does not say
  bool has_delta_net = false;  ///< its recurrent layers are gated delta nets, else Mamba-2
};

constexpr Family kFamilies[] = {
    {"apertus", "apertus"},
    {"arcee", "arcee"},
    {"bailingmoe", "bailing_moe"},
    {"bailingmoe2", "bailing_moe_v2"},
    {"chatglm", "chatglm"},
    {"cohere2", "cohere2", Window::last_full, 4},
    {"command-r", "cohere"},
    {"deci", "nemotron-nas"},
    {"deepseek", "deepseek"},
    {"deepseek2", "deepseek_v3"},
    {"deepseek32", "deepseek_v32"},
    {"dots1", "dots1"},
    {"ernie4_5", "ernie4_5"},
    {"ernie4_5-moe", "ernie4_5_moe"},
    {"exaone", "exaone"},
    {"exaone-moe", "exaone_moe", Window::last_full, 4},
    {"exaone4", "exaone4", Window::last_full, 4},
    {"gemma", "gemma"},
    {"gemma2", "gemma2", Window::last_full, 2, 4096},
    {"gemma3", "gemma3_text", Window::last_full, 6},
    {"gemma4", "gemma4_text", Window::last_full, 6},
    {"glm-dsa", "glm_moe_dsa"},
    {"glm4", "glm4"},
    {"glm4moe", "glm4_moe"},
    {"gpt-oss", "gpt_oss", Window::last_full, 2},
    {"granite", "granite"},
    {"granitehybrid", "granitemoehybrid"},
    {"granitemoe", "granitemoe"},
    {"hunyuan-dense", "hunyuan_v1_dense"},
    {"hunyuan-moe", "hunyuan_v1_moe"},
    {"internlm2", "internlm2"},
    {"laguna", "laguna", Window::first_full, 4},
    {"lfm2", "lfm2"},
    {"lfm2moe", "lfm2_moe"},
    {"llama", "llama"},
    {"llama4", "llama4_text", Window::chunked, 4, 8192},
    {"mimo2", "mimo_v2_flash", Window::first_full, 6},
    {"minicpm", "minicpm"},
    {"minimax-m2", "minimax_m2"},
    {"mistral3", "ministral3"},
    {"mistral4", "mistral4"},
    {"nemotron", "nemotron"},
    {"nemotron_h", "nemotron_h"},
    {"nemotron_h_moe", "nemotron_h"},
    {"olmo2", "olmo2", Window::last_full, 4},
    {"olmoe", "olmoe"},
    {"phi3", "phi3"},
    {"phimoe", "phimoe"},
    {"qwen2", "qwen2"},
    {"qwen2moe", "qwen2_moe"},
    {"qwen2vl", "qwen2_vl_text"},
    {"qwen3", "qwen3"},
    {"qwen35", "qwen3_5_text", Window::none, 0, 0, true},
    {"qwen35moe", "qwen3_5_moe_text", Window::none, 0, 0, true},
    {"qwen3moe", "qwen3_moe"},
    {"qwen3next", "qwen3_next", Window::none, 0, 0, true},
    {"qwen3vl", "qwen3_vl_text"},
    {"qwen3vlmoe", "qwen3_vl_moe_text"},
    {"seed_oss", "seed_oss"},
    {"smollm3", "smollm3"},
    {"stablelm", "stablelm"},
    {"starcoder2", "starcoder2"},
};

/// What is wrong was reported.
struct Refused {};

[[noreturn]] void refuse_file(const GgufHeader& header, const std::string& why, Diagnostics& diagnostics) {
  diagnostics.error({std::make_shared<Source>(Source{header.path, ""}), 0, 0, 1}, why);
  throw Refused();
}

class ModelReader {
 public:
  ModelReader(const GgufHeader& header, Diagnostics& diagnostics) : header_(header), diagnostics_(diagnostics) {
    for (const auto& tensor : header.tensors) tensors_.emplace(tensor.name, &tensor);
  }

  models::Architecture read(const std::string& id);

 private:
  [[noreturn]] void refuse(const std::string& why) { refuse_file(header_, why, diagnostics_); }
  std::string full(const std::string& key) const { return arch_ + "." + key; }
  int64_t checked(const std::string& key, int64_t number, int64_t low, int64_t high = kMost) {
    if (number < low || number > high)
      refuse(fmt::format("{} is {}; expected a whole number from {} to {}", full(key), number, low, high));
    return number;
  }
  /// A key of the architecture; null where it is missing or says nothing.
  std::optional<int64_t> value(const std::string& key, int64_t low = 0, int64_t high = kMost);
  int64_t needed(const std::string& key, int64_t high = kMost);
  /// The same where layers may differ: one number, or one for each.
  std::optional<int64_t> of_layer(const std::string& key, int64_t layer, int64_t low = 0);

  const GgufTensor* tensor(const std::string& name) const;
  const GgufTensor* tensor(int64_t layer, const std::string& name) const {
    return tensor(fmt::format("blk.{}.{}.weight", layer, name));
  }
  /// A size of a tensor; 0 of one that is not there.
  int64_t size(const GgufTensor* tensor, std::size_t dimension);

  void find_family();
  void check_all_blocks();
  int64_t window(int64_t layer);
  models::GroupedAttention grouped(int64_t layer);
  void check_queries(int64_t layer, models::GroupedAttention& attention);
  models::LatentAttention latent(int64_t layer);
  std::optional<models::Indexer> indexer();
  models::LinearAttention delta_net();
  models::Mamba mamba();
  void mixer(int64_t layer, models::Layer& out);
  void feed_forward(int64_t layer, models::Layer& out);

  const GgufHeader& header_;
  Diagnostics& diagnostics_;
  std::map<std::string, const GgufTensor*> tensors_;
  std::string arch_;
  const Family* family_ = nullptr;
  int64_t hidden_ = 0;
  int64_t blocks_ = 0, layers_ = 0;  // those of multi-token prediction are blocks too
  std::set<int64_t> ffn_matrices_;   // of the blocks seen
};

std::optional<int64_t> ModelReader::value(const std::string& key, int64_t low, int64_t high) {
  const auto number = header_.number(full(key));
  return number ? std::optional(checked(key, *number, low, high)) : std::nullopt;
}

int64_t ModelReader::needed(const std::string& key, int64_t high) {
  const auto number = value(key, 1, high);
  if (!number) refuse(fmt::format("no {}; expected a whole number", full(key)));
  return *number;
}

std::optional<int64_t> ModelReader::of_layer(const std::string& key, int64_t layer, int64_t low) {
  const auto* found = header_.find(full(key));
  const auto* list = found ? std::get_if<GgufArray>(found) : nullptr;
  if (!list) return value(key, low);
  if (static_cast<int64_t>(list->numbers.size()) != blocks_) {
    refuse(fmt::format("{} has {} whole numbers; expected one for each of {} blocks", full(key), list->numbers.size(),
                       blocks_));
  }
  return checked(key, list->numbers[static_cast<std::size_t>(layer)], low);
}

const GgufTensor* ModelReader::tensor(const std::string& name) const {
  const auto found = tensors_.find(name);
  return found == tensors_.end() ? nullptr : found->second;
}

int64_t ModelReader::size(const GgufTensor* tensor, std::size_t dimension) {
  if (!tensor) return 0;
  if (dimension >= tensor->shape.size() || tensor->shape[dimension] > kMost)
    refuse(fmt::format("tensor {} has the wrong shape", in_quotes(tensor->name)));
  return tensor->shape[dimension];
}

void ModelReader::find_family() {
  const auto name = header_.text("general.architecture");
  if (!name) refuse("no general.architecture; expected the name of one, such as llama");
  arch_ = *name;
  const auto found =
      std::find_if(std::begin(kFamilies), std::end(kFamilies), [&](const Family& f) { return f.name == arch_; });
  if (found == std::end(kFamilies)) {
    const auto known = gguf_architectures();
    refuse(fmt::format("general.architecture is {}, which is not known{}; expected {}", in_quotes(arch_),
                       did_you_mean(arch_, known), one_of(known)));
  }
  family_ = &*found;
}

/// Tokens that a layer keeps; 0: all.
int64_t ModelReader::window(int64_t layer) {
  const int64_t size = value("attention.sliding_window").value_or(family_->size);
  const std::string key = "attention.sliding_window_pattern";
  const auto* pattern = header_.find(full(key));
  if (size == 0) return 0;
  if (pattern && std::holds_alternative<GgufArray>(*pattern)) return *of_layer(key, layer) != 0 ? size : 0;
  const int64_t period = value(key).value_or(family_->period);
  if (family_->window == Window::none || period == 0) return 0;
  const bool is_full = layer % period == (family_->window == Window::first_full ? 0 : period - 1);
  return is_full ? 0 : size;
}

/// Against the shapes: a gate is projected together with the queries or beside them.
void ModelReader::check_queries(int64_t layer, models::GroupedAttention& a) {
  const int64_t queries = a.heads * a.head_dim;
  const auto* fused = tensor(layer, "attn_qkv");
  const int64_t rest = fused ? a.kv_heads * (a.head_dim + a.value_dim()) : 0;
  const int64_t out = size(fused ? fused : tensor(layer, "attn_q"), 1) - rest;
  if (out == 2 * queries) {
    a.gate = queries;
  } else if (out != queries) {
    refuse(fmt::format("blk.{}: the queries have {} outputs; expected {} heads x {}", layer, out, a.heads, a.head_dim));
  }
  a.gate += size(tensor(layer, "attn_gate"), 1);
}

models::GroupedAttention ModelReader::grouped(int64_t layer) {
  models::GroupedAttention a;
  const int64_t kept = window(layer);
  (family_->window == Window::chunked ? a.chunk : a.window) = kept;
  const auto heads = of_layer("attention.head_count", layer, 1);
  if (!heads) refuse(fmt::format("no {}; expected a whole number", full("attention.head_count")));
  a.heads = *heads;
  a.kv_heads = of_layer("attention.head_count_kv", layer, 1).value_or(a.heads);
  if (a.heads % a.kv_heads != 0)
    refuse(fmt::format("blk.{}: {} KV heads do not divide {} heads", layer, a.kv_heads, a.heads));
  const auto width = [&](const std::string& key) {
    const auto sliding = kept > 0 ? value(key + "_swa", 1) : std::nullopt;
    return sliding ? sliding : value(key, 1);
  };
  a.head_dim = width("attention.key_length").value_or(hidden_ / a.heads);
  const int64_t v_dim = width("attention.value_length").value_or(a.head_dim);
  a.v_dim = v_dim == a.head_dim ? 0 : v_dim;
  const bool is_fused = tensor(layer, "attn_qkv") != nullptr;
  const bool has_k = is_fused || tensor(layer, "attn_k"), has_v = is_fused || tensor(layer, "attn_v");
  a.shares_kv = !has_k || layer >= layers_ - value("attention.shared_kv_layers").value_or(0);
  a.v_is_k = has_k && !has_v;
  check_queries(layer, a);
  return a;
}

models::LatentAttention ModelReader::latent(int64_t layer) {
  models::LatentAttention a;
  a.heads = of_layer("attention.head_count", layer, 1).value_or(0);
  if (a.heads == 0) refuse(fmt::format("no {}; expected a whole number", full("attention.head_count")));
  a.q_rank = tensor(layer, "attn_q_a") ? needed("attention.q_lora_rank") : 0;
  a.kv_rank = needed("attention.kv_lora_rank");
  a.rope_dim = needed("rope.dimension_count");
  // Files from 2025-04 on have the latent's own width as key_length, and these in keys of their own.
  const auto key = value("attention.key_length_mla", 1), v = value("attention.value_length_mla", 1);
  a.nope_dim = (key ? *key : needed("attention.key_length")) - a.rope_dim;
  a.v_dim = v ? *v : needed("attention.value_length");
  if (a.nope_dim < 1) refuse(fmt::format("{} is not above the {} of rope", full("attention.key_length"), a.rope_dim));
  return a;
}

std::optional<models::Indexer> ModelReader::indexer() {
  if (!value("attention.indexer.top_k", 1)) return {};
  models::Indexer out;
  out.top_k = needed("attention.indexer.top_k");
  out.heads = needed("attention.indexer.head_count");
  out.head_dim = needed("attention.indexer.key_length");
  return out;
}

models::LinearAttention ModelReader::delta_net() {
  models::LinearAttention a;
  a.key_heads = needed("ssm.group_count");
  a.value_heads = needed("ssm.time_step_rank");
  a.head_dim = needed("ssm.state_size");
  a.conv_kernel = needed("ssm.conv_kernel");
  return a;
}

models::Mamba ModelReader::mamba() {
  models::Mamba m;
  m.heads = needed("ssm.time_step_rank");
  m.head_dim = needed("ssm.inner_size") / m.heads;
  m.groups = needed("ssm.group_count");
  m.state = needed("ssm.state_size");
  m.conv_kernel = needed("ssm.conv_kernel");
  if (m.head_dim < 1) refuse(fmt::format("{} is below {}", full("ssm.inner_size"), full("ssm.time_step_rank")));
  return m;
}

void ModelReader::mixer(int64_t layer, models::Layer& out) {
  if (tensor(layer, "ssm_conv1d")) {
    if (family_->has_delta_net) {
      out.linear = delta_net();
    } else {
      out.mamba = mamba();
    }
  } else if (tensor(layer, "shortconv.conv")) {
    out.conv = models::ShortConvolution{needed("shortconv.l_cache")};
  } else if (tensor(layer, "attn_kv_a_mqa")) {
    out.latent = latent(layer);
    out.indexer = indexer();
  } else if (tensor(layer, "attn_q") || tensor(layer, "attn_qkv")) {
    out.grouped = grouped(layer);
  }
}

void ModelReader::feed_forward(int64_t layer, models::Layer& out) {
  const auto* down = tensor(layer, "ffn_down");
  const auto* experts_down = tensor(layer, "ffn_down_exps");
  const int64_t dense = size(down, 0);
  if (down) {
    const bool is_gated = tensor(layer, "ffn_gate") || size(tensor(layer, "ffn_up"), 1) == 2 * dense;
    ffn_matrices_.insert(is_gated ? 3 : 2);
  }
  if (tensor(layer, "ffn_down.0")) refuse("its experts are tensors of their own (a file from before 2024-04)");
  if (!experts_down) {
    out.dense_ffn = dense;
    return;
  }
  const bool is_gated = tensor(layer, "ffn_gate_exps") || tensor(layer, "ffn_gate_up_exps");
  ffn_matrices_.insert(is_gated ? 3 : 2);
  models::Experts e;
  e.count = size(experts_down, 2);
  e.ffn = size(experts_down, 0);
  e.per_token = needed("expert_used_count", e.count);
  e.shared_ffn = size(tensor(layer, "ffn_down_shexp"), 0) + dense;  // a dense block may run beside the experts
  if (tensor(layer, "ffn_latent_down")) e.latent = needed("moe_latent_size");
  out.experts = e;
}

/// A part of a split file, under another name, would pass for a smaller model.
void ModelReader::check_all_blocks() {
  std::vector<bool> is_there(static_cast<std::size_t>(layers_));
  for (const auto& tensor : header_.tensors) {
    int block = -1;
    if (std::sscanf(tensor.name.c_str(), "blk.%9d.", &block) == 1 && block >= 0 && block < layers_)
      is_there[static_cast<std::size_t>(block)] = true;
  }
  const auto found = std::count(is_there.begin(), is_there.end(), true);
  if (found < layers_) {
    refuse(
        fmt::format("it has tensors of {} of its {} blocks; expected a whole file, or all parts of a split one under "
                    "their own names (-00001-of-0000N.gguf)",
                    found, layers_));
  }
}

models::Architecture ModelReader::read(const std::string& id) {
  find_family();
  models::Architecture out;
  out.id = id;
  out.title = escaped(header_.text("general.name").value_or(id));
  out.family = family_->hf;
  blocks_ = needed("block_count", kMostLayers);
  layers_ = blocks_ - value("nextn_predict_layers").value_or(0);
  if (layers_ < 1) refuse(fmt::format("{} leaves no layers of {}", full("nextn_predict_layers"), blocks_));
  out.hidden = hidden_ = needed("embedding_length");
  out.max_context = needed("context_length");
  const auto* table = tensor("token_embd.weight");
  if (!table) refuse("no tensor token_embd.weight; expected a language model's weights");
  out.vocab = size(table, 1);
  if (size(table, 0) != hidden_)
    refuse(fmt::format("token_embd.weight is {} wide; {} is {}", table->shape[0], full("embedding_length"), hidden_));
  out.tied_embeddings = tensor("output.weight") == nullptr;
  out.per_layer_embedding = value("embedding_length_per_layer_input").value_or(0);
  check_all_blocks();
  bool any = false;
  for (int64_t i = 0; i < layers_; ++i) {
    models::Layer layer;
    mixer(i, layer);
    feed_forward(i, layer);
    any = any || layer.grouped || layer.latent || layer.linear || layer.mamba || layer.conv;
    out.layers.push_back(layer);
  }
  if (!any) refuse("none of its layers has an attention that is known");
  if (ffn_matrices_.size() > 1) refuse("some of its feed-forward blocks have a gate and some have none");
  if (!ffn_matrices_.empty()) out.ffn_matrices = *ffn_matrices_.begin();
  return out;
}

}  // namespace

std::vector<std::string> gguf_architectures() {
  std::vector<std::string> out;
  for (const auto& family : kFamilies) out.emplace_back(family.name);
  return out;
}

std::optional<GgufModel> gguf_model(const GgufHeader& header, const std::string& id, Diagnostics& diagnostics) {
  try {
    GgufModel out;
    out.architecture = ModelReader(header, diagnostics).read(id);
    out.quant = gguf_quant(header);
    if (out.quant.empty()) refuse_file(header, "its weights are of types that no quant has", diagnostics);
    out.architecture.native_quant = out.quant;
    out.format = gguf_format(header, out.architecture);
    const std::string why = why_too_small(out.architecture, out.format);
    if (!why.empty()) refuse_file(header, why, diagnostics);
    return out;
  } catch (const Refused&) {
    return {};
  }
}

}  // namespace tokwatt::scenarios
