// The weights of a model, tensor by tensor: what sums to parameters and file sizes.
#include "models/graph.hpp"

namespace tokwatt::models {

namespace {

double d(int64_t count) { return static_cast<double>(count); }

// Adds the tensors of one layer.
class LayerTensors {
 public:
  LayerTensors(std::vector<Tensor>& out, const Architecture& model, int i)
      : out_(out), layer_(model.layers[static_cast<std::size_t>(i)]), i_(i), hidden_(d(model.hidden)) {
    wide_ = d(model.ffn_matrices - 1);
  }

  void mixer() {
    if (layer_.grouped) grouped(*layer_.grouped);
    if (layer_.latent) latent(*layer_.latent);
    if (layer_.compressed) compressed(*layer_.compressed);
    if (layer_.indexer && layer_.indexer->heads > 0) indexer(*layer_.indexer);
    if (layer_.linear) linear(*layer_.linear);
    if (layer_.mamba) mamba(*layer_.mamba);
    if (layer_.conv) {
      add("conv_in", WeightClass::attention_qk, hidden_ * 3 * hidden_);
      add("conv_out", WeightClass::attention_out, hidden_ * hidden_);
    }
  }

  void feed_forward() {
    if (layer_.experts) return experts(*layer_.experts);
    if (layer_.dense_ffn > 0) dense(d(layer_.dense_ffn), "ffn_gate_up", "ffn_down");
  }

  void per_layer_embedding(double width) {
    add("per_layer_gate", WeightClass::ffn_gate_up, hidden_ * width);
    add("per_layer_up", WeightClass::ffn_down, width * hidden_);
  }

 private:
  void add(const char* name, WeightClass weight_class, double elements, double share = 1) {
    out_.push_back({name, weight_class, i_, elements, share});
  }

  void grouped(const GroupedAttention& a) {
    const double k = a.shares_kv ? 0 : d(a.kv_heads * a.head_dim);
    add("qk", WeightClass::attention_qk, hidden_ * (d(a.heads * a.head_dim + a.gate) + k));
    if (!a.shares_kv && !a.v_is_k) add("v", WeightClass::attention_v, hidden_ * d(a.kv_heads * a.value_dim()));
    add("attention_out", WeightClass::attention_out, d(a.heads * a.value_dim()) * hidden_);
  }

  void latent(const LatentAttention& a) {
    const double q_out = d(a.heads) * (d(a.nope_dim) + d(a.rope_dim));
    if (a.q_rank > 0) add("q_down", WeightClass::attention_qk, hidden_ * d(a.q_rank));
    add("q_up", WeightClass::attention_qk, (a.q_rank > 0 ? d(a.q_rank) : hidden_) * q_out);
    add("kv_down", WeightClass::attention_qk, hidden_ * (d(a.kv_rank) + d(a.rope_dim)));
    add("kv_up", WeightClass::attention_v, d(a.kv_rank) * d(a.heads) * (d(a.nope_dim) + d(a.v_dim)));
    add("attention_out", WeightClass::attention_out, d(a.heads) * d(a.v_dim) * hidden_);
  }

  void compressed(const CompressedAttention& a) {
    const double inner = d(a.heads * a.head_dim);
    add("q_down", WeightClass::attention_qk, hidden_ * d(a.q_rank));
    add("q_up", WeightClass::attention_qk, d(a.q_rank) * inner);
    add("kv", WeightClass::attention_qk, hidden_ * d(a.head_dim));
    if (a.ratio > 0) add("compressor", WeightClass::attention_qk, hidden_ * 2 * d(a.head_dim));
    add("out_down", WeightClass::attention_out, inner * d(a.out_rank));
    add("attention_out", WeightClass::attention_out, d(a.out_groups * a.out_rank) * hidden_);
  }

  void indexer(const Indexer& x) {
    add("index_q", WeightClass::attention_qk, index_query_width(layer_, hidden_) * d(x.heads * x.head_dim));
    add("index_k", WeightClass::attention_qk, hidden_ * (d(x.head_dim) + d(x.heads)));
  }

  void linear(const LinearAttention& a) {
    const double values = d(a.value_heads * a.head_dim);
    // Queries, keys, values and the output's gate; decay and write strength of each value head.
    add("linear_in", WeightClass::attention_qk, hidden_ * (d(a.channels()) + values + 2 * d(a.value_heads)));
    add("linear_out", WeightClass::attention_out, values * hidden_);
  }

  void mamba(const Mamba& m) {
    add("mamba_in", WeightClass::attention_qk, hidden_ * (d(m.inner() + m.channels() + m.heads)));
    add("mamba_out", WeightClass::attention_out, d(m.inner()) * hidden_);
  }

  void dense(double ffn, const char* gate_up, const char* down) {
    add(gate_up, WeightClass::ffn_gate_up, hidden_ * wide_ * ffn);
    add(down, WeightClass::ffn_down, hidden_ * ffn);
  }

  void experts(const Experts& e) {
    const double share = d(e.per_token) / d(e.count), width = e.latent > 0 ? d(e.latent) : hidden_;
    add("router", WeightClass::router, hidden_ * d(e.count));
    if (e.latent > 0) {
      add("latent_down", WeightClass::ffn_gate_up, hidden_ * width);
      add("latent_up", WeightClass::ffn_down, width * hidden_);
    }
    add("experts_gate_up", WeightClass::experts_gate_up, d(e.count) * width * wide_ * d(e.ffn), share);
    add("experts_down", WeightClass::experts_down, d(e.count) * width * d(e.ffn), share);
    if (e.shared_ffn > 0) dense(d(e.shared_ffn), "shared_gate_up", "shared_down");
  }

  std::vector<Tensor>& out_;
  const Layer& layer_;
  int i_;
  double hidden_;
  double wide_;  // matrices that widen: gate and up, or up alone
};

}  // namespace

double index_query_width(const Layer& layer, double hidden) {
  if (layer.latent && layer.latent->q_rank > 0) return d(layer.latent->q_rank);
  return layer.compressed ? d(layer.compressed->q_rank) : hidden;
}

std::vector<Tensor> tensors(const Architecture& model) {
  std::vector<Tensor> out;
  const double hidden = d(model.hidden), own = d(model.per_layer_embedding);
  const auto layers = static_cast<double>(model.layers.size());
  // A tied table is stored as the head is: llama-quantize gives it the output's type.
  const auto table = model.tied_embeddings ? WeightClass::head : WeightClass::embedding;
  out.push_back({"embedding", table, -1, d(model.vocab) * hidden, model.tied_embeddings ? 1.0 : 0.0});
  if (model.ngrams.rows > 0)
    out.push_back({"ngrams", WeightClass::embedding, -1, d(model.ngrams.rows) * d(model.ngrams.width), 0});
  if (own > 0) {
    out.push_back({"per_layer_embedding", table, -1, d(model.vocab) * layers * own, 0});
    out.push_back({"per_layer_projection", WeightClass::ffn_gate_up, -1, hidden * layers * own});
  }
  for (int i = 0; i < static_cast<int>(model.layers.size()); ++i) {
    LayerTensors layer(out, model, i);
    layer.mixer();
    layer.feed_forward();
    if (own > 0) layer.per_layer_embedding(own);
  }
  if (!model.tied_embeddings) out.push_back({"head", WeightClass::head, -1, d(model.vocab) * hidden});
  return out;
}

double weight_bytes(const Architecture& model, const WeightFormat& format) {
  double sum = 0;
  for (const auto& tensor : tensors(model)) sum += tensor.elements * format.bits_of(tensor.weight_class) / 8;
  return sum;
}

Quant quant_of_model(const Quant& quant, const std::string& model) {
  Quant out = quant;
  const auto found = quant.files.find(model);
  if (found == quant.files.end()) return out;
  const auto lay_over = [](WeightFormat& base, const WeightFormat& over) {
    for (std::size_t i = 0; i < kWeightClasses; ++i) {
      if (over.bits[i] > 0) base.bits[i] = over.bits[i];
    }
  };
  lay_over(out.gguf, found->second.gguf);
  lay_over(out.safetensors, found->second.safetensors);
  return out;
}

const std::vector<KvFormat>& kv_formats() {
  // q8_0: 34 bytes per 32 elements; q4_0: 18 per 32 (ggml-common.h block structs).
  static const std::vector<KvFormat> formats = {
      {"bf16", 2}, {"f16", 2}, {"fp8", 1}, {"q8_0", 34.0 / 32}, {"q4_0", 18.0 / 32}};
  return formats;
}

}  // namespace tokwatt::models
