#include "scenarios/hf_config.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <optional>
#include <set>
#include <vector>

namespace tokwatt::scenarios {
namespace {

constexpr int64_t kMostLayers = 10'000;
constexpr int64_t kMost = 1'000'000'000;  // any other dimension; products of a few stay far below 2^63 as doubles

using Names = std::vector<std::string_view>;  // spellings of one key, first found wins

std::optional<int64_t> whole_number(const Node& node) {
  int64_t number = 0;
  const char* end = node.scalar.data() + node.scalar.size();
  const auto parsed = std::from_chars(node.scalar.data(), end, number);
  if (node.kind != Node::Kind::scalar || node.quoted || parsed.ec != std::errc() || parsed.ptr != end) return {};
  return number;
}

/// What a key says: a number, null, or nothing.
struct Value {
  std::optional<int64_t> number;
  bool is_null = false;
  const Node* node = nullptr;  // where it was given; a default has none
};

class HfReader {
 public:
  HfReader(const Node& root, Diagnostics& diagnostics) : root_(root), text_(&root), diagnostics_(diagnostics) {}

  models::Architecture read(const std::string& id);

 private:
  const Node* find(std::string_view key) const;
  Value value(const Names& names, int64_t low = 0, int64_t high = kMost);
  int64_t needed(const Names& names, int64_t low = 1, int64_t high = kMost);
  bool needed_flag(std::string_view key);
  bool is_wrong(const Names& keys) const {
    return std::any_of(keys.begin(), keys.end(), [&](std::string_view key) { return wrong_.count(key) > 0; });
  }
  void missing(const Names& names, std::string_view expected);
  void error_at(const Node& node, std::string message) { diagnostics_.error(node.place, std::move(message)); }
  void refuse(const Node& node, std::string_view what, std::string_view key);

  void unwrap();
  void refuse_what_is_not_built();
  std::vector<int64_t> windows(int64_t layers);
  std::vector<bool> windowed_by_type(const Node& types, int64_t layers);
  std::vector<bool> windowed_by_rule(int64_t layers);
  models::LatentAttention latent(int64_t heads);
  models::GroupedAttention grouped(int64_t heads, int64_t hidden);
  std::vector<bool> expert_layers(int64_t layers);
  std::vector<bool> expert_layers_in_between(int64_t layers);
  std::vector<bool> listed_layers(const Node& list, std::string_view key, int64_t layers);
  bool use_latent();
  std::optional<models::Experts> experts();

  const Node& root_;
  const Node* text_;  // root_.text_config, where there is one
  Diagnostics& diagnostics_;
  std::string model_type_;
  const HfFamily* family_ = nullptr;
  std::set<std::string_view> wrong_;  // keys already complained about: what follows from them is not
};

const Node* HfReader::find(std::string_view key) const {
  if (const Node* node = text_->find(key)) return node;
  // Multimodal configs tie the embeddings and quantise at the top.
  const bool of_both = key == "tie_word_embeddings" || key == "quantization_config";
  return of_both ? root_.find(key) : nullptr;
}

Value HfReader::value(const Names& names, int64_t low, int64_t high) {
  for (const auto key : names) {
    const Node* node = find(key);
    if (!node) continue;
    if (node->kind == Node::Kind::null) return {std::nullopt, true, node};
    const auto number = whole_number(*node);
    if (number && *number >= low && *number <= high) return {number, false, node};
    wrong_.insert(names.front());
    const std::string is = node->kind == Node::Kind::scalar ? fmt::format("\"{}\"", node->scalar) : "not a number";
    error_at(*node, fmt::format("{} is {}; expected a whole number from {} to {}", key, is, low, high));
    return {low, false, node};
  }
  if (!family_) return {};
  for (const auto key : names) {
    if (const auto found = family_->defaults.find(key); found != family_->defaults.end())
      return {found->second, false, nullptr};
  }
  return {};
}

int64_t HfReader::needed(const Names& names, int64_t low, int64_t high) {
  const Value read = value(names, low, high);
  if (read.number) return *read.number;
  wrong_.insert(names.front());
  if (read.node) {
    error_at(*read.node, fmt::format("{} is null; expected a whole number from {} to {}", names.front(), low, high));
  } else {
    missing(names, "a whole number");
  }
  return low;
}

void HfReader::missing(const Names& names, std::string_view expected) {
  const std::string why = family_ ? fmt::format("\"{}\" has no default for it", model_type_)
                                  : fmt::format("no defaults are known for model_type \"{}\"", model_type_);
  error_at(*text_, fmt::format("no \"{}\"; expected {} ({})", fmt::join(names, "\" or \""), expected, why));
}

bool HfReader::needed_flag(std::string_view key) {
  const Node* node = find(key);
  if (node && node->kind == Node::Kind::scalar && !node->quoted &&
      (node->scalar == "true" || node->scalar == "false")) {
    return node->scalar == "true";
  }
  if (node) {
    error_at(*node, fmt::format("{} is \"{}\"; expected true or false", key, node->scalar));
    return false;
  }
  if (family_) {
    if (const auto found = family_->defaults.find(key); found != family_->defaults.end()) return found->second != 0;
  }
  missing({key}, "true or false");
  return false;
}

void HfReader::refuse(const Node& node, std::string_view what, std::string_view key) {
  error_at(node, fmt::format("{} (\"{}\") is not built yet", what, key));
}

void HfReader::unwrap() {
  if (const Node* inner = root_.find("text_config"); inner && inner->kind == Node::Kind::mapping) text_ = inner;
  const Node* type = text_->find("model_type");
  if (!type) type = root_.find("model_type");
  if (!type || type->kind != Node::Kind::scalar) {
    error_at(*text_, "no \"model_type\"; expected the name of a model family such as \"llama\"");
    return;
  }
  model_type_ = type->scalar;
  family_ = hf_family(model_type_);
}

void HfReader::refuse_what_is_not_built() {
  if (const Value shared = value({"num_kv_shared_layers"}); shared.number.value_or(0) > 0) {
    refuse(*shared.node, "a KV cache shared between layers", "num_kv_shared_layers");
  }
  if (const Node* node = root_.find("is_encoder_decoder"); node && node->scalar == "true") {
    refuse(*node, "an encoder beside the decoder", "is_encoder_decoder");
  }
}

/// Calls is(i) for each layer.
template <class Is>
std::vector<bool> of_layers(int64_t layers, Is is) {
  std::vector<bool> result;
  for (int64_t i = 0; i < layers; ++i) result.push_back(is(i));
  return result;
}

std::vector<bool> HfReader::windowed_by_type(const Node& types, int64_t layers) {
  std::vector<bool> windowed(static_cast<std::size_t>(layers), false);
  if (types.kind != Node::Kind::sequence || static_cast<int64_t>(types.items.size()) != layers) {
    if (is_wrong({"num_hidden_layers"})) return windowed;
    error_at(types, fmt::format("layer_types does not name each of the {} layers once", layers));
    return windowed;
  }
  for (std::size_t i = 0; i < types.items.size(); ++i) {
    const auto& type = types.items[i];
    if (type.scalar == "sliding_attention") {
      windowed[i] = true;
    } else if (type.scalar != "full_attention") {
      refuse(type, fmt::format("a layer of type \"{}\"", type.scalar), "layer_types");
      break;  // the next ones would say the same
    }
  }
  return windowed;
}

std::vector<bool> HfReader::windowed_by_rule(int64_t layers) {
  const auto none = [](int64_t) { return false; };
  if (const Value pattern = value({"sliding_window_pattern", "_sliding_window_pattern"}, 1); pattern.number) {
    return of_layers(layers, [&](int64_t i) { return (i + 1) % *pattern.number != 0; });
  }
  if (!family_) {
    missing({"layer_types", "sliding_window_pattern"}, "which layers sliding_window is for");
    return of_layers(layers, none);
  }
  switch (family_->sliding) {
    case Sliding::never:
      break;
    case Sliding::all:
      return of_layers(layers, [](int64_t) { return true; });
    case Sliding::alternate:
      return of_layers(layers, [](int64_t i) { return i % 2 == 0; });
    case Sliding::after_full: {
      const int64_t full = needed({"max_window_layers"}, 0);
      return of_layers(layers, [&](int64_t i) { return i >= full; });
    }
    case Sliding::alternate_until: {
      const int64_t end = needed({"max_window_layers"}, 0);
      return of_layers(layers, [&](int64_t i) { return i % 2 == 0 && i < end; });
    }
  }
  return of_layers(layers, none);
}

/// Window of each layer in tokens; 0: full attention.
std::vector<int64_t> HfReader::windows(int64_t layers) {
  const Value window = value({"sliding_window"});
  const bool switchable = find("use_sliding_window") || (family_ && family_->defaults.count("use_sliding_window") > 0);
  const bool on = !switchable || needed_flag("use_sliding_window");
  int64_t size = on ? window.number.value_or(0) : 0;
  std::vector<bool> windowed;
  if (const Node* types = find("layer_types"); types && types->kind != Node::Kind::null) {
    windowed = windowed_by_type(*types, layers);
    const bool any = std::find(windowed.begin(), windowed.end(), true) != windowed.end();
    if (any && on && !window.number && !window.is_null) size = needed({"sliding_window"});
  } else if (size > 0) {
    windowed = windowed_by_rule(layers);
  }
  std::vector<int64_t> result(static_cast<std::size_t>(layers), 0);
  for (std::size_t i = 0; i < windowed.size(); ++i) result[i] = windowed[i] ? size : 0;
  return result;
}

bool HfReader::use_latent() { return value({"kv_lora_rank"}).number.value_or(0) > 0; }

models::LatentAttention HfReader::latent(int64_t heads) {
  models::LatentAttention attention;
  attention.heads = heads;
  const Value q_rank = value({"q_lora_rank"});
  // Null says: one full matrix. Left out by a family without defaults, it could be either.
  if (!q_rank.number && !q_rank.is_null) missing({"q_lora_rank"}, "a whole number, or null for one full matrix");
  attention.q_rank = q_rank.number.value_or(0);
  attention.kv_rank = needed({"kv_lora_rank"});
  attention.nope_dim = needed({"qk_nope_head_dim"});
  attention.rope_dim = needed({"qk_rope_head_dim"});
  attention.v_dim = needed({"v_head_dim"});
  return attention;
}

models::GroupedAttention HfReader::grouped(int64_t heads, int64_t hidden) {
  models::GroupedAttention attention;
  attention.heads = heads;
  const Value kv_heads = value({"num_key_value_heads"}, 1);
  if (!kv_heads.number && !kv_heads.node && !family_) missing({"num_key_value_heads"}, "a whole number");
  attention.kv_heads = kv_heads.number.value_or(heads);
  if (heads % attention.kv_heads != 0 && !is_wrong({"num_attention_heads", "num_key_value_heads"})) {
    error_at(kv_heads.node ? *kv_heads.node : *text_,
             fmt::format("num_attention_heads is {}; expected a multiple of the {} num_key_value_heads", heads,
                         attention.kv_heads));
  }
  const Value head_dim = value({"head_dim"}, 1);
  const bool uneven = hidden % heads != 0 && !is_wrong({"hidden_size", "num_attention_heads"});
  if (!head_dim.number && ((!head_dim.node && !family_) || uneven)) {
    missing({"head_dim"}, fmt::format("a whole number; hidden_size / num_attention_heads is {:.6g}",
                                      static_cast<double>(hidden) / static_cast<double>(heads)));
  }
  attention.head_dim = head_dim.number.value_or(hidden / heads);
  return attention;
}

/// A list of one 0 or 1, or "dense" or "sparse", per layer.
std::vector<bool> HfReader::listed_layers(const Node& list, std::string_view key, int64_t layers) {
  if (static_cast<int64_t>(list.items.size()) != layers) {
    if (!is_wrong({"num_hidden_layers"}))
      error_at(list, fmt::format("{} does not name each of the {} layers once", key, layers));
    return std::vector<bool>(static_cast<std::size_t>(layers), true);
  }
  return of_layers(layers, [&](int64_t i) {
    const auto& item = list.items[static_cast<std::size_t>(i)];
    const bool no = item.scalar == "0" || item.scalar == "dense", yes = item.scalar == "1" || item.scalar == "sparse";
    if (!no && !yes) error_at(item, fmt::format("{} holds \"{}\"; expected 0, 1, dense or sparse", key, item.scalar));
    return yes;
  });
}

/// Ernie 4.5: every so many layers of those from one to another; -1 is the last.
std::vector<bool> HfReader::expert_layers_in_between(int64_t layers) {
  const int64_t start = needed({"moe_layer_start_index"}, 0), every = needed({"moe_layer_interval"});
  const int64_t end = value({"moe_layer_end_index"}, -1).number.value_or(-1);
  return of_layers(layers, [&](int64_t i) { return i >= start && (end < 0 || i <= end) && (i + 1) % every == 0; });
}

/// Which layers have experts, in a model that has some.
std::vector<bool> HfReader::expert_layers(int64_t layers) {
  for (const std::string_view key : {"mlp_layer_types", "moe_layer_freq"}) {
    const Node* list = find(key);
    if (list && list->kind == Node::Kind::sequence) return listed_layers(*list, key, layers);
  }
  if (const Value step = value({"decoder_sparse_step"}, 1); step.number) {
    std::vector<int64_t> dense;
    if (const Node* listed = find("mlp_only_layers")) {
      for (const auto& item : listed->items) {
        const auto number = whole_number(item);
        if (!number)
          error_at(item, fmt::format("mlp_only_layers holds \"{}\"; expected numbers of layers", item.scalar));
        dense.push_back(number.value_or(-1));
      }
    }
    return of_layers(layers, [&](int64_t i) {
      return (i + 1) % *step.number == 0 && std::find(dense.begin(), dense.end(), i) == dense.end();
    });
  }
  if (value({"moe_layer_start_index"}).number) return expert_layers_in_between(layers);
  const Value first = value({"first_k_dense_replace"}), every = value({"moe_layer_freq"}, 1);
  if (!first.number && !every.number) {
    missing({"first_k_dense_replace", "moe_layer_freq", "decoder_sparse_step", "mlp_layer_types"},
            "which layers have experts");
  }
  return of_layers(layers,
                   [&](int64_t i) { return i >= first.number.value_or(0) && i % every.number.value_or(1) == 0; });
}

std::optional<models::Experts> HfReader::experts() {
  const Value count = value({"num_experts", "num_local_experts", "n_routed_experts", "moe_num_experts"});
  if (count.number.value_or(0) == 0) return std::nullopt;
  models::Experts result;
  result.count = *count.number;
  result.per_token = needed({"num_experts_per_tok", "moe_k"}, 1, result.count);
  const bool own_width = !family_ || !family_->experts_use_intermediate_size;
  result.ffn = needed({own_width ? "moe_intermediate_size" : "intermediate_size"});
  if (const Value shared = value({"shared_expert_intermediate_size"}); shared.number) {
    result.shared_ffn = *shared.number;
  } else {
    result.shared_ffn =
        value({"n_shared_experts", "num_shared_experts", "moe_num_shared_experts"}, 0, 1000).number.value_or(0) *
        result.ffn;
  }
  return result;
}

models::Architecture HfReader::read(const std::string& id) {
  models::Architecture model;
  model.id = model.title = id;
  if (root_.kind != Node::Kind::mapping) {
    error_at(root_, "not a config.json; expected an object with keys such as \"num_hidden_layers\"");
    return model;
  }
  unwrap();
  if (model_type_.empty()) return model;
  refuse_unbuilt_keys(*text_, diagnostics_);
  refuse_what_is_not_built();
  model.family = model_type_;
  if (!family_) {
    refuse_unknown_expert_keys(*text_, model_type_, diagnostics_);
    model.ffn_matrices = ffn_matrices_of_unknown(*text_, model_type_, diagnostics_);
  }
  model.hidden = needed({"hidden_size"});
  model.vocab = needed({"vocab_size"});
  model.max_context = needed({"max_position_embeddings"});
  model.tied_embeddings = needed_flag("tie_word_embeddings");
  if (const Node* quantization = find("quantization_config")) model.native_quant = hf_native_quant(*quantization);

  const int64_t layers = needed({"num_hidden_layers"}, 1, kMostLayers), heads = needed({"num_attention_heads"});
  models::Layer layer;
  if (use_latent()) {
    layer.latent = latent(heads);
  } else {
    layer.grouped = grouped(heads, model.hidden);
  }
  const auto windows_of = windows(layers);
  const auto routed = experts();
  const auto has_experts = routed ? expert_layers(layers) : std::vector<bool>(static_cast<std::size_t>(layers), false);
  const bool any_dense = std::find(has_experts.begin(), has_experts.end(), false) != has_experts.end();
  const int64_t dense_ffn = any_dense ? needed({"intermediate_size"}) : 0;
  for (std::size_t i = 0; i < has_experts.size(); ++i) {
    if (layer.grouped) layer.grouped->window = windows_of[i];
    layer.dense_ffn = has_experts[i] ? 0 : dense_ffn;
    layer.experts = has_experts[i] ? routed : std::nullopt;
    model.layers.push_back(layer);
  }
  return model;
}

}  // namespace

models::Architecture read_hf_config(const Node& root, const std::string& id, Diagnostics& diagnostics) {
  return HfReader(root, diagnostics).read(id);
}

}  // namespace tokwatt::scenarios
