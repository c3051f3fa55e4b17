#include "models/graph.hpp"

#include <algorithm>
#include <array>
#include <boost/graph/adjacency_list.hpp>
#include <boost/graph/topological_sort.hpp>
#include <cmath>

namespace tokwatt::models {

namespace {

constexpr double kActivationBytes = 2;  // bf16 between operators, in every engine here

using OperatorGraph = boost::adjacency_list<boost::vecS, boost::vecS, boost::bidirectionalS, Operator>;

double d(int64_t count) { return static_cast<double>(count); }

// Adds operators in order; `after` names the ones that must have run.
class GraphBuilder {
 public:
  GraphBuilder(const WeightFormat& format, double kv_element_bytes)
      : format_(format), kv_element_bytes_(kv_element_bytes) {}

  using Vertex = OperatorGraph::vertex_descriptor;

  Vertex add(const Operator& op, std::initializer_list<Vertex> after) {
    const Vertex v = boost::add_vertex(op, graph_);
    for (Vertex before : after) boost::add_edge(before, v, graph_);
    return v;
  }

  Operator matmul(std::string name, int layer, double in, double out, WeightClass weight_class) const {
    Operator op;
    op.name = std::move(name);
    op.layer = layer;
    op.flops_per_row = 2 * in * out;
    op.weight_bytes = in * out * format_.bits_of(weight_class) / 8;
    op.activation_bytes_per_row = (in + out) * kActivationBytes;
    // Megatron-LM (Shoeybi et al. 2019): what narrows is split by rows, so that each device has a part of its input and
    // a sum over all of them is the output; what widens is split by columns.
    const bool by_rows = weight_class == WeightClass::attention_out || weight_class == WeightClass::ffn_down ||
                         weight_class == WeightClass::experts_down;
    op.shared_bytes_per_row = (by_rows ? out : in) * kActivationBytes;
    op.replicated = weight_class == WeightClass::router;
    return op;
  }

  /// A product that is too narrow to split: its output is needed in full by every device.
  Operator narrow(std::string name, int layer, double in, double out, WeightClass weight_class) const {
    Operator op = matmul(std::move(name), layer, in, out, weight_class);
    op.replicated = true;
    return op;
  }

  /// Scores of `heads` heads over score_dim elements a key, values of value_dim, and what is kept of a token.
  Operator attention(std::string name, int layer, double heads, double score_dim, double value_dim, double kept) const {
    Operator op;
    op.kind = OperatorKind::attention;
    op.name = std::move(name);
    op.layer = layer;
    op.flops_per_pair = 2 * heads * (score_dim + value_dim);
    op.bytes_per_kept_token = kept * kv_element_bytes_;
    op.activation_bytes_per_row = heads * (score_dim + value_dim) * kActivationBytes;
    return op;
  }

  /// A recurrence: reads and writes its state once a step and sequence, whatever the context.
  static Operator state(int layer, double elements, double flops_per_row, double activations_per_row) {
    Operator op;
    op.kind = OperatorKind::state;
    op.name = "state";
    op.layer = layer;
    op.flops_per_row = flops_per_row;
    op.activation_bytes_per_row = activations_per_row * kActivationBytes;
    op.state_bytes_per_sequence = 2 * elements * kStateElementBytes;
    return op;
  }

  OperatorGraph take() { return graph_; }

 private:
  const WeightFormat& format_;
  double kv_element_bytes_;
  OperatorGraph graph_;
};

using Vertex = GraphBuilder::Vertex;

// The operators of one layer, from its input on.
class LayerGraph {
 public:
  LayerGraph(GraphBuilder& g, const Architecture& model, int i)
      : g_(g), model_(model), layer_(model.layers[static_cast<std::size_t>(i)]), i_(i), hidden_(d(model.hidden)) {
    wide_ = d(model.ffn_matrices - 1);
  }

  Vertex mixer(Vertex input) {
    if (layer_.grouped) return grouped(*layer_.grouped, input);
    if (layer_.latent) return latent(*layer_.latent, input);
    if (layer_.compressed) return compressed(*layer_.compressed, input);
    if (layer_.linear) return linear(*layer_.linear, input);
    if (layer_.mamba) return mamba(*layer_.mamba, input);
    if (layer_.conv) return conv(*layer_.conv, input);
    return input;
  }

  Vertex feed_forward(Vertex input) {
    if (layer_.experts) return experts(*layer_.experts, input);
    return layer_.dense_ffn > 0 ? dense(d(layer_.dense_ffn), input, "ffn_gate_up", "ffn_down") : input;
  }

  Vertex per_layer_embedding(double width, Vertex input) {
    const Vertex gate = narrow("per_layer_gate", hidden_, width, WeightClass::ffn_gate_up, {input});
    return narrow("per_layer_up", width, hidden_, WeightClass::ffn_down, {gate});
  }

 private:
  Vertex matmul(const char* name, double in, double out, WeightClass weight_class,
                std::initializer_list<Vertex> after) {
    return g_.add(g_.matmul(name, i_, in, out, weight_class), after);
  }

  Vertex narrow(const char* name, double in, double out, WeightClass weight_class,
                std::initializer_list<Vertex> after) {
    return g_.add(g_.narrow(name, i_, in, out, weight_class), after);
  }

  /// The indexer's own attention, over the keys of the whole context; without one, its input.
  Vertex index(Vertex input) {
    if (!layer_.indexer || layer_.indexer->heads == 0) return input;
    const auto& x = *layer_.indexer;
    const double block = d(x.block);
    const Vertex q = matmul("index_q", index_query_width(layer_, hidden_), d(x.heads * x.head_dim),
                            WeightClass::attention_qk, {input});
    const Vertex k = narrow("index_k", hidden_, d(x.head_dim + x.heads), WeightClass::attention_qk, {input});
    Operator scores = g_.attention("index", i_, d(x.heads), d(x.head_dim), 0, d(x.head_dim) / block);
    scores.flops_per_pair /= block;
    return g_.add(scores, {q, k});
  }

  int64_t top_k() const { return layer_.indexer ? layer_.indexer->top_k : 0; }

  Vertex grouped(const GroupedAttention& a, Vertex input) {
    const double q = d(a.heads * a.head_dim), kv_heads = d(a.kv_heads);
    const double k = a.shares_kv ? 0 : kv_heads * d(a.head_dim);
    const Vertex qk = matmul("qk", hidden_, q + d(a.gate) + k, WeightClass::attention_qk, {input});
    Vertex v = qk;
    if (!a.shares_kv && !a.v_is_k)
      v = matmul("v", hidden_, kv_heads * d(a.value_dim()), WeightClass::attention_v, {input});
    Operator op = g_.attention("attention", i_, d(a.heads), d(a.head_dim), d(a.value_dim()),
                               kv_heads * d(a.head_dim + a.value_dim()));
    op.kept_parts = a.kv_heads;
    op.window = a.window;
    op.chunk = a.chunk;
    op.top_k = top_k();
    const Vertex attend = g_.add(op, {qk, v, index(input)});
    return matmul("attention_out", d(a.heads * a.value_dim()), hidden_, WeightClass::attention_out, {attend});
  }

  Vertex latent(const LatentAttention& a, Vertex input) {
    const double q_out = d(a.heads) * (d(a.nope_dim) + d(a.rope_dim));
    Vertex q = input;
    if (a.q_rank > 0) q = narrow("q_down", hidden_, d(a.q_rank), WeightClass::attention_qk, {q});
    const Vertex picked = index(q);
    q = matmul("q_up", a.q_rank > 0 ? d(a.q_rank) : hidden_, q_out, WeightClass::attention_qk, {q});
    const double kept = d(a.kv_rank + a.rope_dim);
    const Vertex kv = narrow("kv_down", hidden_, kept, WeightClass::attention_qk, {input});
    // The up-projections of keys and values, absorbed into query and output when attending to the latent.
    const Vertex absorb =
        matmul("kv_up", d(a.kv_rank), d(a.heads) * (d(a.nope_dim) + d(a.v_dim)), WeightClass::attention_v, {q, kv});
    // Weights absorbed: scores over rank + rope, values over rank (DeepSeek-V2, section 2.1.2).
    Operator op = g_.attention("attention", i_, d(a.heads), kept, d(a.kv_rank), kept);
    op.top_k = top_k();
    const Vertex attend = g_.add(op, {absorb, picked});
    return matmul("attention_out", d(a.heads) * d(a.v_dim), hidden_, WeightClass::attention_out, {attend});
  }

  Vertex compressed(const CompressedAttention& a, Vertex input) {
    const double inner = d(a.heads * a.head_dim), dim = d(a.head_dim), groups = d(a.out_groups);
    const Vertex down = narrow("q_down", hidden_, d(a.q_rank), WeightClass::attention_qk, {input});
    const Vertex q = matmul("q_up", d(a.q_rank), inner, WeightClass::attention_qk, {down});
    const Vertex kv = narrow("kv", hidden_, dim, WeightClass::attention_qk, {input});
    Operator near = g_.attention("attention", i_, d(a.heads), dim, dim, dim);  // K and V are one tensor
    near.window = a.window;
    Vertex attend = g_.add(near, {q, kv});
    if (a.ratio > 0) {
      const Vertex compressor = narrow("compressor", hidden_, 2 * dim, WeightClass::attention_qk, {input});
      Operator far = g_.attention("attention_compressed", i_, d(a.heads), dim, dim, dim / d(a.ratio));
      far.flops_per_pair /= d(a.ratio);
      far.activation_bytes_per_row = 0;  // queries and outputs are those of the window's
      far.top_k = top_k();
      attend = g_.add(far, {attend, compressor, index(down)});
    }
    // Each of the groups projects its own share of the heads.
    const Vertex out = matmul("out_down", inner / groups, groups * d(a.out_rank), WeightClass::attention_out, {attend});
    return matmul("attention_out", groups * d(a.out_rank), hidden_, WeightClass::attention_out, {out});
  }

  Vertex linear(const LinearAttention& a, Vertex input) {
    const double values = d(a.value_heads * a.head_dim), channels = d(a.channels());
    const Vertex in =
        matmul("linear_in", hidden_, channels + values + 2 * d(a.value_heads), WeightClass::attention_qk, {input});
    // Per element of the state: decay (1), read by key (2), write (2), read by query (2).
    const double flops = 7 * values * d(a.head_dim) + 2 * d(a.conv_kernel) * channels;
    const Vertex state =
        g_.add(GraphBuilder::state(i_, state_elements(layer_, model_.hidden), flops, channels + 2 * values), {in});
    return matmul("linear_out", values, hidden_, WeightClass::attention_out, {state});
  }

  Vertex mamba(const Mamba& m, Vertex input) {
    const double inner = d(m.inner()), channels = d(m.channels());
    const Vertex in = matmul("mamba_in", hidden_, inner + channels + d(m.heads), WeightClass::attention_qk, {input});
    // Per element of the state: decay (1), write (2), read (2).
    const double flops = 5 * inner * d(m.state) + 2 * d(m.conv_kernel) * channels;
    const Vertex state =
        g_.add(GraphBuilder::state(i_, state_elements(layer_, model_.hidden), flops, channels + 2 * inner), {in});
    return matmul("mamba_out", inner, hidden_, WeightClass::attention_out, {state});
  }

  Vertex conv(const ShortConvolution& c, Vertex input) {
    const Vertex in = matmul("conv_in", hidden_, 3 * hidden_, WeightClass::attention_qk, {input});
    const double flops = (2 * d(c.kernel) + 2) * hidden_;  // two gates beside the convolution
    const Vertex state =
        g_.add(GraphBuilder::state(i_, state_elements(layer_, model_.hidden), flops, 4 * hidden_), {in});
    return matmul("conv_out", hidden_, hidden_, WeightClass::attention_out, {state});
  }

  Vertex dense(double ffn, Vertex input, const char* gate_up, const char* down) {
    const Vertex wide = matmul(gate_up, hidden_, wide_ * ffn, WeightClass::ffn_gate_up, {input});
    return matmul(down, ffn, hidden_, WeightClass::ffn_down, {wide});
  }

  Operator routed(const Experts& e, const char* name, double in, double out, WeightClass weight_class) const {
    Operator op = g_.matmul(name, i_, in, out, weight_class);
    op.kind = OperatorKind::experts;
    op.flops_per_row *= d(e.per_token);
    op.activation_bytes_per_row *= d(e.per_token);
    op.weight_bytes *= d(e.count);
    op.experts = e.count;
    op.per_token = e.per_token;
    return op;
  }

  Vertex experts(const Experts& e, Vertex input) {
    const double width = e.latent > 0 ? d(e.latent) : hidden_;
    const Vertex router = matmul("router", hidden_, d(e.count), WeightClass::router, {input});
    Vertex to = input;
    if (e.latent > 0) to = narrow("latent_down", hidden_, width, WeightClass::ffn_gate_up, {input});
    const Vertex wide =
        g_.add(routed(e, "experts_gate_up", width, wide_ * d(e.ffn), WeightClass::experts_gate_up), {router, to});
    Vertex out = g_.add(routed(e, "experts_down", d(e.ffn), width, WeightClass::experts_down), {wide});
    if (e.latent > 0) out = narrow("latent_up", width, hidden_, WeightClass::ffn_down, {out});
    if (e.shared_ffn == 0) return out;
    const Vertex shared = dense(d(e.shared_ffn), input, "shared_gate_up", "shared_down");
    Operator sum;  // routed and shared outputs are added by whoever runs last
    sum.name = "experts_sum";
    sum.layer = i_;
    sum.activation_bytes_per_row = 3 * hidden_ * kActivationBytes;
    sum.shared_bytes_per_row = sum.activation_bytes_per_row;
    return g_.add(sum, {out, shared});
  }

  GraphBuilder& g_;
  const Architecture& model_;
  const Layer& layer_;
  int i_;
  double hidden_;
  double wide_;  // matrices that widen: gate and up, or up alone
};

OperatorGraph build_graph(const Architecture& model, const WeightFormat& format, double kv_element_bytes) {
  GraphBuilder g(format, kv_element_bytes);
  const double own = d(model.per_layer_embedding), all_own = own * static_cast<double>(model.layers.size());
  const double looked_up = d(model.hidden) + all_own + d(model.ngrams.rows_per_token * model.ngrams.width);
  Operator embed;
  embed.kind = OperatorKind::embedding;
  embed.name = "embedding";
  embed.activation_bytes_per_row =
      (d(model.hidden) + all_own) * kActivationBytes + looked_up * format.bits_of(WeightClass::embedding) / 8;
  embed.shared_bytes_per_row = embed.activation_bytes_per_row;
  Vertex stream = g.add(embed, {});
  if (own > 0) {
    stream = g.add(g.narrow("per_layer_projection", -1, d(model.hidden), all_own, WeightClass::ffn_gate_up), {stream});
  }
  for (int i = 0; i < static_cast<int>(model.layers.size()); ++i) {
    LayerGraph layer(g, model, i);
    stream = layer.feed_forward(layer.mixer(stream));
    if (own > 0) stream = layer.per_layer_embedding(own, stream);
  }
  Operator head = g.matmul("head", -1, d(model.hidden), d(model.vocab), WeightClass::head);
  head.kind = OperatorKind::head;
  head.per_sequence = true;
  g.add(head, {stream});
  return g.take();
}

std::vector<Operator> in_order(const OperatorGraph& graph) {
  std::vector<OperatorGraph::vertex_descriptor> reversed;
  boost::topological_sort(graph, std::back_inserter(reversed));
  std::vector<Operator> operators;
  operators.reserve(reversed.size());
  for (auto v = reversed.rbegin(); v != reversed.rend(); ++v) operators.push_back(graph[*v]);
  return operators;
}

}  // namespace

std::vector<Operator> operators(const Architecture& architecture, const WeightFormat& format, double kv_element_bytes) {
  return in_order(build_graph(architecture, format, kv_element_bytes));
}

double touched_experts(int64_t experts, int64_t per_token, double tokens) {
  struct Point {
    double log2_tokens, exponent;
  };
  constexpr std::array points = {Point{2, 1.0}, Point{3, 0.86}, Point{4, 0.78}, Point{5, 0.75}};
  const double x = std::log2(std::max(tokens, 1.0));
  double g = x <= points.front().log2_tokens ? points.front().exponent : points.back().exponent;
  for (std::size_t i = 0; i + 1 < points.size(); ++i) {
    const auto [x0, g0] = points[i];
    const auto [x1, g1] = points[i + 1];
    if (x >= x0 && x < x1) g = g0 + (g1 - g0) * (x - x0) / (x1 - x0);
  }
  const double N = d(experts);
  return N * (1 - std::pow(1 - d(per_token) / N, std::pow(std::max(tokens, 1.0), g)));
}

}  // namespace tokwatt::models
