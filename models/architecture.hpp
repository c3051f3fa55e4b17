#pragma once
// What a model is made of: dimensions only. Read from model sheets or Hugging Face config.json by `scenarios`.
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace tokwatt::models {

/// Grouped-query attention (Ainslie et al., 2023): per KV head a K of head_dim and a V of v_dim are kept per token.
struct GroupedAttention {
  int64_t heads = 0, kv_heads = 0, head_dim = 0;
  int64_t window = 0;      ///< only the last so many tokens are kept and read; 0: all
  int64_t chunk = 0;       ///< a token sees only the chunk of so many tokens that it is in (Llama 4); 0: all
  int64_t v_dim = 0;       ///< width of a value head; 0: head_dim
  int64_t gate = 0;        ///< outputs of the projection that gates the attention's output; 0: no gate
  bool v_is_k = false;     ///< no value projection: V is K before its rotation; both are kept (Gemma 4, full layers)
  bool shares_kv = false;  ///< reads the K and V of an earlier layer: projects and keeps none (Gemma 4 E models)

  int64_t value_dim() const { return v_dim > 0 ? v_dim : head_dim; }
};

/// Multi-head latent attention (DeepSeek-V2, 2024): one latent of kv_rank + rope_dim elements is kept per token.
struct LatentAttention {
  int64_t heads = 0;
  int64_t q_rank = 0;  ///< 0: queries are projected in one matrix
  int64_t kv_rank = 0, nope_dim = 0, rope_dim = 0, v_dim = 0;
};

/// Attention to a window of tokens and to compressed ones beyond (DeepSeek-V4, 2026): K and V are the same single
/// head, one entry per token in the window and one per `ratio` tokens of the whole context.
struct CompressedAttention {
  int64_t heads = 0, head_dim = 0;
  int64_t q_rank = 0;
  int64_t out_groups = 0, out_rank = 0;  ///< the output passes out_groups projections to out_rank, then one to hidden
  int64_t window = 0;
  int64_t ratio = 0;  ///< tokens that one compressed entry stands for; 0: the layer has its window only
};

/// Picks the tokens that a layer attends to (DeepSeek-V3.2, 2025): scores every key of its own small cache.
struct Indexer {
  int64_t top_k = 0;                ///< tokens that a query then attends to, at most
  int64_t heads = 0, head_dim = 0;  ///< 0: takes what an earlier layer picked, and keeps no keys (GLM-5.2)
  int64_t block = 1;                ///< tokens that one index key stands for
};

/// Gated delta net (Yang et al., 2024): a state of head_dim x head_dim per value head, no KV cache.
struct LinearAttention {
  int64_t key_heads = 0, value_heads = 0, head_dim = 0, conv_kernel = 0;

  int64_t channels() const { return (2 * key_heads + value_heads) * head_dim; }  ///< of the short convolution
};

/// Mamba-2 (Dao and Gu, 2024): a state of head_dim x state per head, no KV cache.
struct Mamba {
  int64_t heads = 0, head_dim = 0, groups = 0, state = 0, conv_kernel = 0;

  int64_t inner() const { return heads * head_dim; }
  int64_t channels() const { return inner() + 2 * groups * state; }  ///< of the short convolution
};

/// Gated short convolution (LFM2, 2025): keeps the last kernel - 1 inputs, no KV cache.
struct ShortConvolution {
  int64_t kernel = 0;
};

/// Mixture of experts in place of a dense feed-forward block.
struct Experts {
  int64_t count = 0, per_token = 0, ffn = 0;
  int64_t shared_ffn = 0;  ///< total width of the shared experts, or of a dense block beside the experts; 0: none
  int64_t latent = 0;      ///< routed experts work in this width, between two projections; 0: in the model's own
};

/// One layer: what mixes tokens (at most one of the first six; none in layers that are feed-forward only), and a
/// feed-forward block (dense, experts or none).
struct Layer {
  std::optional<GroupedAttention> grouped;
  std::optional<LatentAttention> latent;
  std::optional<CompressedAttention> compressed;
  std::optional<LinearAttention> linear;
  std::optional<Mamba> mamba;
  std::optional<ShortConvolution> conv;
  std::optional<Indexer> indexer;  ///< of grouped, latent or compressed attention
  int64_t dense_ffn = 0;           ///< 0 where experts is set, or where there is no feed-forward block
  std::optional<Experts> experts;
};

/// A table of which a token reads a few rows, and which may stay in slow memory.
struct LookupTable {
  int64_t rows = 0, width = 0, rows_per_token = 0;
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
  int64_t ffn_matrices = 3;         ///< of every feed-forward block and expert: 3 with a gate (SwiGLU), 2 without
  int64_t per_layer_embedding = 0;  ///< width that each layer gets of a second embedding table (Gemma 4 E models)
  LookupTable ngrams;               ///< rows == 0: none
};

/// A head that drafts tokens for a model (multi-token prediction, EAGLE), where nothing else is known of it: one layer
/// like the model's last with a KV cache of its own, and the model's own embedding and output head. No layers where the
/// model has no such layer.
Architecture drafting_head(const Architecture& model);

/// KV cache of one sequence with elements of element_bytes (bf16: 2): bytes that grow with every token, the bytes that
/// windowed and chunked layers hold once their window is full, and the states of layers without a KV cache, which are
/// always there and always kStateElementBytes an element.
struct KvBytes {
  struct Window {
    int64_t tokens = 0;    ///< that it holds at most
    double per_token = 0;  ///< [B], of all layers with this window
  };

  double per_token = 0;
  double window_fixed = 0;
  double state_fixed = 0;
  std::vector<Window> windows = {};  ///< each length once; full they are window_fixed

  /// Of so many tokens, windows that are not full yet and states included [B].
  double of(int64_t tokens) const;
};
/// Of `devices` that share the sequence by tensor parallelism, what each of them holds: its KV heads, but all of a
/// latent or an indexer's keys.
KvBytes kv_bytes(const Architecture& architecture, double element_bytes, int64_t devices = 1);

/// Recurrent states are kept in fp32: llama.cpp keeps all of them so, vLLM those of delta nets and Mamba-2.
inline constexpr double kStateElementBytes = 4;
/// Elements of the state that a layer keeps per sequence, inputs of its short convolution included; 0: none.
double state_elements(const Layer& layer, int64_t hidden);

/// All weights, counted per class (see quant.hpp), without norms, biases and short convolutions (below 0.1 %).
int64_t parameters(const Architecture& architecture);
/// Weights that one token passes through; tables of which it reads a few rows are left out (the embedding table too,
/// unless it is also the head).
int64_t active_parameters(const Architecture& architecture);

}  // namespace tokwatt::models
