// The weights of a model, tensor by tensor: what sums to parameters and file sizes.
#include "models/graph.hpp"

namespace tokwatt::models {

namespace {

double d(int64_t count) { return static_cast<double>(count); }

void add_attention(std::vector<Tensor>& out, const Layer& layer, int i, double hidden) {
  if (layer.latent) {
    const auto& a = *layer.latent;
    const double q_out = d(a.heads) * (d(a.nope_dim) + d(a.rope_dim));
    if (a.q_rank > 0) out.push_back({"q_down", WeightClass::attention_qk, i, hidden * d(a.q_rank)});
    out.push_back({"q_up", WeightClass::attention_qk, i, (a.q_rank > 0 ? d(a.q_rank) : hidden) * q_out});
    out.push_back({"kv_down", WeightClass::attention_qk, i, hidden * (d(a.kv_rank) + d(a.rope_dim))});
    out.push_back({"kv_up", WeightClass::attention_v, i, d(a.kv_rank) * d(a.heads) * (d(a.nope_dim) + d(a.v_dim))});
    out.push_back({"attention_out", WeightClass::attention_out, i, d(a.heads) * d(a.v_dim) * hidden});
    return;
  }
  const auto& a = *layer.grouped;
  const double q = d(a.heads) * d(a.head_dim), kv = d(a.kv_heads) * d(a.head_dim);
  out.push_back({"qk", WeightClass::attention_qk, i, hidden * (q + kv)});
  out.push_back({"v", WeightClass::attention_v, i, hidden * kv});
  out.push_back({"attention_out", WeightClass::attention_out, i, q * hidden});
}

void add_feed_forward(std::vector<Tensor>& out, const Layer& layer, int i, double hidden) {
  const auto dense = [&](double ffn, const char* gate_up, const char* down) {
    out.push_back({gate_up, WeightClass::ffn_gate_up, i, hidden * 2 * ffn});
    out.push_back({down, WeightClass::ffn_down, i, hidden * ffn});
  };
  if (!layer.experts) return dense(d(layer.dense_ffn), "ffn_gate_up", "ffn_down");
  const auto& e = *layer.experts;
  const double share = d(e.per_token) / d(e.count);
  out.push_back({"router", WeightClass::router, i, hidden * d(e.count)});
  out.push_back({"experts_gate_up", WeightClass::experts_gate_up, i, d(e.count) * hidden * 2 * d(e.ffn), share});
  out.push_back({"experts_down", WeightClass::experts_down, i, d(e.count) * hidden * d(e.ffn), share});
  if (e.shared_ffn > 0) dense(d(e.shared_ffn), "shared_gate_up", "shared_down");
}

}  // namespace

std::vector<Tensor> tensors(const Architecture& model) {
  std::vector<Tensor> out;
  const double hidden = d(model.hidden);
  out.push_back({"embedding", WeightClass::embedding, -1, d(model.vocab) * hidden});
  for (int i = 0; i < static_cast<int>(model.layers.size()); ++i) {
    const auto& layer = model.layers[static_cast<std::size_t>(i)];
    add_attention(out, layer, i, hidden);
    add_feed_forward(out, layer, i, hidden);
  }
  if (!model.tied_embeddings) out.push_back({"head", WeightClass::head, -1, d(model.vocab) * hidden});
  return out;
}

double weight_bytes(const Architecture& model, const WeightFormat& format) {
  double sum = 0;
  for (const auto& tensor : tensors(model)) sum += tensor.elements * format.bits_of(tensor.weight_class) / 8;
  return sum;
}

const std::vector<KvFormat>& kv_formats() {
  // q8_0: 34 bytes per 32 elements; q4_0: 18 per 32 (ggml-common.h block structs).
  static const std::vector<KvFormat> formats = {
      {"bf16", 2}, {"f16", 2}, {"fp8", 1}, {"q8_0", 34.0 / 32}, {"q4_0", 18.0 / 32}};
  return formats;
}

}  // namespace tokwatt::models
