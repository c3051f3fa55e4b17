#include "models/graph.hpp"

#include <algorithm>
#include <array>
#include <boost/graph/topological_sort.hpp>
#include <cmath>

namespace tokwatt::models {

namespace {

constexpr double kActivationBytes = 2;  // bf16 between operators, in every engine here

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
    return op;
  }

  Operator attention(int layer, const Layer& shape) const {
    Operator op;
    op.kind = OperatorKind::attention;
    op.name = "attention";
    op.layer = layer;
    if (shape.latent) {  // weights absorbed: scores over rank + rope, values over rank (DeepSeek-V2, section 2.1.2)
      const auto& a = *shape.latent;
      op.flops_per_pair = 2 * d(a.heads) * (2 * d(a.kv_rank) + d(a.rope_dim));
      op.bytes_per_kept_token = (d(a.kv_rank) + d(a.rope_dim)) * kv_element_bytes_;
      op.activation_bytes_per_row = d(a.heads) * (2 * d(a.kv_rank) + d(a.rope_dim)) * kActivationBytes;
    } else {
      const auto& a = *shape.grouped;
      op.flops_per_pair = 4 * d(a.heads) * d(a.head_dim);
      op.bytes_per_kept_token = 2 * d(a.kv_heads) * d(a.head_dim) * kv_element_bytes_;
      op.activation_bytes_per_row = 2 * d(a.heads) * d(a.head_dim) * kActivationBytes;
      op.window = a.window;
    }
    return op;
  }

  OperatorGraph take() { return graph_; }

 private:
  const WeightFormat& format_;
  double kv_element_bytes_;
  OperatorGraph graph_;
};

using Vertex = GraphBuilder::Vertex;

Vertex add_attention(GraphBuilder& g, const Architecture& model, int i, Vertex input) {
  const Layer& layer = model.layers[static_cast<std::size_t>(i)];
  const double hidden = d(model.hidden);
  if (layer.latent) {
    const auto& a = *layer.latent;
    const double q_out = d(a.heads) * (d(a.nope_dim) + d(a.rope_dim));
    Vertex q = input;
    if (a.q_rank > 0) q = g.add(g.matmul("q_down", i, hidden, d(a.q_rank), WeightClass::attention_qk), {q});
    q = g.add(g.matmul("q_up", i, a.q_rank > 0 ? d(a.q_rank) : hidden, q_out, WeightClass::attention_qk), {q});
    const Vertex kv =
        g.add(g.matmul("kv_down", i, hidden, d(a.kv_rank) + d(a.rope_dim), WeightClass::attention_qk), {input});
    // The up-projections of keys and values, absorbed into query and output when attending to the latent.
    const Vertex absorb =
        g.add(g.matmul("kv_up", i, d(a.kv_rank), d(a.heads) * (d(a.nope_dim) + d(a.v_dim)), WeightClass::attention_v),
              {q, kv});
    const Vertex attend = g.add(g.attention(i, layer), {absorb});
    return g.add(g.matmul("attention_out", i, d(a.heads) * d(a.v_dim), hidden, WeightClass::attention_out), {attend});
  }
  const auto& a = *layer.grouped;
  const double kv_out = d(a.kv_heads) * d(a.head_dim);
  const Vertex qk =
      g.add(g.matmul("qk", i, hidden, d(a.heads) * d(a.head_dim) + kv_out, WeightClass::attention_qk), {input});
  const Vertex v = g.add(g.matmul("v", i, hidden, kv_out, WeightClass::attention_v), {input});
  const Vertex attend = g.add(g.attention(i, layer), {qk, v});
  return g.add(g.matmul("attention_out", i, d(a.heads) * d(a.head_dim), hidden, WeightClass::attention_out), {attend});
}

Vertex add_dense(GraphBuilder& g, int i, double hidden, double ffn, Vertex input, const char* gate_up,
                 const char* down) {
  const Vertex wide = g.add(g.matmul(gate_up, i, hidden, 2 * ffn, WeightClass::ffn_gate_up), {input});
  return g.add(g.matmul(down, i, ffn, hidden, WeightClass::ffn_down), {wide});
}

Vertex add_experts(GraphBuilder& g, const Architecture& model, int i, Vertex input) {
  const auto& e = *model.layers[static_cast<std::size_t>(i)].experts;
  const double hidden = d(model.hidden);
  const Vertex router = g.add(g.matmul("router", i, hidden, d(e.count), WeightClass::router), {input});
  const auto routed = [&](const char* name, double in, double out, WeightClass weight_class) {
    Operator op = g.matmul(name, i, in, out, weight_class);
    op.kind = OperatorKind::experts;
    op.flops_per_row *= d(e.per_token);
    op.activation_bytes_per_row *= d(e.per_token);
    op.weight_bytes *= d(e.count);
    op.experts = e.count;
    op.per_token = e.per_token;
    return op;
  };
  const Vertex wide =
      g.add(routed("experts_gate_up", hidden, 2 * d(e.ffn), WeightClass::experts_gate_up), {router, input});
  const Vertex out = g.add(routed("experts_down", d(e.ffn), hidden, WeightClass::experts_down), {wide});
  if (e.shared_ffn == 0) return out;
  const Vertex shared = add_dense(g, i, hidden, d(e.shared_ffn), input, "shared_gate_up", "shared_down");
  Operator sum;  // routed and shared outputs are added by whoever runs last
  sum.name = "experts_sum";
  sum.layer = i;
  sum.activation_bytes_per_row = 3 * hidden * kActivationBytes;
  return g.add(sum, {out, shared});
}

}  // namespace

OperatorGraph build_graph(const Architecture& model, const WeightFormat& format, double kv_element_bytes) {
  GraphBuilder g(format, kv_element_bytes);
  Operator embed;
  embed.kind = OperatorKind::embedding;
  embed.name = "embedding";
  embed.activation_bytes_per_row = d(model.hidden) * (kActivationBytes + format.bits_of(WeightClass::embedding) / 8);
  Vertex stream = g.add(embed, {});
  for (int i = 0; i < static_cast<int>(model.layers.size()); ++i) {
    const Vertex attended = add_attention(g, model, i, stream);
    const auto& layer = model.layers[static_cast<std::size_t>(i)];
    stream = layer.experts ? add_experts(g, model, i, attended)
                           : add_dense(g, i, d(model.hidden), d(layer.dense_ffn), attended, "ffn_gate_up", "ffn_down");
  }
  Operator head = g.matmul("head", -1, d(model.hidden), d(model.vocab),
                           model.tied_embeddings ? WeightClass::embedding : WeightClass::head);
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
