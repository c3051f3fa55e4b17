#pragma once
// What a model is made of: dimensions only. Read from model sheets or Hugging Face config.json by `scenarios`.
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace tokwatt::models {

/// Grouped-query attention (Ainslie et al., 2023): K and V of kv_heads * head_dim each are kept per token.
/// With a window only the last `window` tokens are kept and read.
struct GroupedAttention {
  int64_t heads = 0, kv_heads = 0, head_dim = 0;
  int64_t window = 0;  ///< 0: full attention
};

/// Multi-head latent attention (DeepSeek-V2, 2024): one latent of kv_rank + rope_dim elements is kept per token.
struct LatentAttention {
  int64_t heads = 0;
  int64_t q_rank = 0;  ///< 0: queries are projected in one matrix
  int64_t kv_rank = 0, nope_dim = 0, rope_dim = 0, v_dim = 0;
};

/// Mixture of experts in place of a dense feed-forward block; every matrix triple is gated (gate, up, down).
struct Experts {
  int64_t count = 0, per_token = 0, ffn = 0;
  int64_t shared_ffn = 0;  ///< total width of the shared experts; 0: none
};

struct Layer {
  std::optional<GroupedAttention> grouped;  ///< exactly one of grouped and latent is set
  std::optional<LatentAttention> latent;
  int64_t dense_ffn = 0;  ///< 0 where experts is set
  std::optional<Experts> experts;
};

struct Architecture {
  std::string id;
  std::string title;
  std::string family;  ///< Hugging Face model_type, e.g. gpt_oss
  int64_t hidden = 0, vocab = 0, max_context = 0;
  bool tied_embeddings = false;
  std::vector<Layer> layers;
  /// Format that the weights come in, where the config says so (quantization_config): mxfp4, fp8, ...; else empty.
  std::string native_quant;
};

/// KV cache of one sequence with elements of element_bytes (bf16: 2): bytes that grow with every token,
/// and the bytes that windowed layers hold once their window is full.
struct KvBytes {
  double per_token = 0;
  double window_fixed = 0;
};
KvBytes kv_bytes(const Architecture& architecture, double element_bytes);
/// KV cache of one sequence of so many tokens [B], windows that are not full yet included.
double kv_bytes_of_sequence(const Architecture& architecture, double element_bytes, int64_t tokens);

/// All weights, counted per class (see quant.hpp), without norms and biases (below 0.1 %).
int64_t parameters(const Architecture& architecture);
/// Weights that one token passes through, embedding table excluded when untied.
int64_t active_parameters(const Architecture& architecture);

}  // namespace tokwatt::models
