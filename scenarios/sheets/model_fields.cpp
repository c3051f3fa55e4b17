// Keys of model sheets (models/sheets/*.yaml).
#include "scenarios/sheets/sheet_fields.hpp"

namespace tokwatt::scenarios {
namespace {

constexpr Range kCount{1, 1e9};
constexpr Range kCountOrNone{0, 1e9};
constexpr Range kLayerCount{1, 10'000};

std::size_t at(int64_t layer, std::size_t size) { return static_cast<std::size_t>(layer) % size; }

std::string mixer_kind(const AttentionSheet& a, int64_t layer) {
  return a.pattern.empty() ? "full" : a.pattern[at(layer, a.pattern.size())].value;
}

std::string ffn_kind(const ModelSheet& s, int64_t layer) {
  if (!s.ffn_pattern.empty()) return s.ffn_pattern[at(layer, s.ffn_pattern.size())].value;
  if (!s.experts || layer < s.experts->first_dense) return "dense";
  return (layer + 1 - s.experts->first_dense) % s.experts->every == 0 ? "experts" : "dense";
}

models::GroupedAttention grouped(const ModelSheet& s, const std::string& kind, int64_t layer) {
  const auto& a = *s.attention;
  const auto& own = kind == "sliding" ? a.sliding : kind == "chunked" ? a.chunked : a.full;
  const auto either = [](int64_t special, int64_t common) { return special > 0 ? special : common; };
  models::GroupedAttention g;
  g.heads = either(own.heads, a.heads);
  g.kv_heads = either(own.kv_heads, a.kv_heads);
  g.head_dim = either(own.head_dim, a.head_dim);
  g.v_dim = either(own.v_dim, a.v_dim);
  g.v_is_k = own.v_is_k;
  if (kind == "sliding") g.window = a.window;
  if (kind == "chunked") g.chunk = a.chunk;
  if (a.output_gate.value == "per_head") g.gate = g.heads;
  if (a.output_gate.value == "per_element") g.gate = g.heads * g.value_dim();
  g.shares_kv = layer >= s.layers - a.kv_shared_layers;
  return g;
}

/// What mixes the tokens of a layer; check_model() has seen that each kind's section is there.
void add_mixer(const ModelSheet& s, int64_t i, models::Layer& layer) {
  if (s.attention) {
    const std::string kind = mixer_kind(*s.attention, i);
    if (kind == "linear") layer.linear = s.linear;
    if (kind == "mamba") layer.mamba = s.mamba;
    if (kind == "conv") layer.conv = s.conv;
    if (kind == "full" || kind == "sliding" || kind == "chunked") layer.grouped = grouped(s, kind, i);
    if (kind == "full") layer.indexer = s.indexer;
  }
  if (s.latent) {
    layer.latent = s.latent;
    layer.indexer = s.indexer;
  }
  if (s.compressed) {
    layer.compressed = s.compressed->attention;
    layer.compressed->ratio = static_cast<int64_t>(s.compressed->ratios[at(i, s.compressed->ratios.size())]);
    if (s.indexer && layer.compressed->ratio == s.indexer->block) layer.indexer = s.indexer;
  }
}

void add_feed_forward(const ModelSheet& s, int64_t i, models::Layer& layer) {
  const std::string kind = ffn_kind(s, i);
  if (kind == "dense") layer.dense_ffn = s.ffn;
  if (kind == "experts") {
    const auto& e = *s.experts;
    layer.experts = models::Experts{e.count, e.per_token, e.ffn, e.shared_ffn, e.latent};
  }
}

}  // namespace

static void fields(Fields& f, AttentionKindSheet& k) {
  f.count(optional("heads", "query heads of these layers", kCount), k.heads);
  f.count(optional("kv_heads", "key and value heads of these layers", kCount), k.kv_heads);
  f.count(optional("head_dim", "width of a head of these layers", kCount), k.head_dim);
  f.count(optional("v_dim", "width of a value head of these layers", kCount), k.v_dim);
  f.flag(optional("v_is_k", "these layers project no values: keys before their rotation serve; both are kept"),
         k.v_is_k);
}

static void fields(Fields& f, AttentionSheet& a) {
  f.count(required("heads", "query heads", kCount), a.heads);
  f.count(required("kv_heads", "key and value heads", kCount), a.kv_heads);
  f.count(required("head_dim", "width of a head", kCount), a.head_dim);
  f.count(optional("v_dim", "width of a value head; without it head_dim", kCount), a.v_dim);
  f.count(optional("window", "tokens that a sliding layer sees; 0: none slides", kCountOrNone), a.window);
  f.count(optional("chunk", "tokens of a chunk: a token of a chunked layer sees its own", kCount), a.chunk);
  f.choice(optional("output_gate", "a projection gates what attention gives"), {{"per_element", "per_head"}, {}},
           a.output_gate);
  f.count(optional("kv_shared_layers", "last layers that read the KV cache of earlier ones, and have none", kCount),
          a.kv_shared_layers);
  f.texts(optional("pattern",
                   "kinds of layers, repeated over them: full, sliding, chunked, linear, mamba, conv, none; without it "
                   "all are full"),
          a.pattern);
  f.section(optional("full", "what full layers have instead"), a.full);
  f.section(optional("sliding", "what sliding layers have instead"), a.sliding);
  f.section(optional("chunked", "what chunked layers have instead"), a.chunked);
}

static void fields(Fields& f, CompressedSheet& c) {
  auto& a = c.attention;
  f.count(required("heads", "query heads", kCount), a.heads);
  f.count(required("head_dim", "width of a head; key and value are the same single one", kCount), a.head_dim);
  f.count(required("q_rank", "rank of the queries' projection", kCount), a.q_rank);
  f.count(required("out_groups", "groups of heads with an output projection of their own", kCount), a.out_groups);
  f.count(required("out_rank", "rank of a group's output projection", kCount), a.out_rank);
  f.count(required("window", "tokens that are kept one by one", kCount), a.window);
  f.quantities(required("ratios", "tokens per compressed entry, repeated over the layers; 0: window only", {0, 1e6}),
               Dimension::number, c.ratios);
}

static void fields(Fields& f, models::Indexer& x) {
  f.count(required("top_k", "tokens that a query attends to, at most", kCount), x.top_k);
  f.count(required("heads", "query heads of the index", kCount), x.heads);
  f.count(required("head_dim", "width of an index key", kCount), x.head_dim);
  f.count(optional("block", "tokens per index key; of compressed layers those with this ratio have the index", kCount),
          x.block);
}

static void fields(Fields& f, models::LinearAttention& a) {
  f.count(required("key_heads", "query and key heads", kCount), a.key_heads);
  f.count(required("value_heads", "value heads, each with a state", kCount), a.value_heads);
  f.count(required("head_dim", "width of a head", kCount), a.head_dim);
  f.count(required("conv_kernel", "inputs that the short convolution sees", kCount), a.conv_kernel);
}

static void fields(Fields& f, models::Mamba& m) {
  f.count(required("heads", "heads", kCount), m.heads);
  f.count(required("head_dim", "width of a head", kCount), m.head_dim);
  f.count(required("groups", "groups of heads that share the state's input and output", kCount), m.groups);
  f.count(required("state", "state per element of a head", kCount), m.state);
  f.count(required("conv_kernel", "inputs that the short convolution sees", kCount), m.conv_kernel);
}

static void fields(Fields& f, models::ShortConvolution& c) {
  f.count(required("kernel", "inputs that the convolution sees", kCount), c.kernel);
}

static void fields(Fields& f, models::LookupTable& t) {
  f.count(required("rows", "rows of the table", kCount), t.rows);
  f.count(required("width", "width of a row", kCount), t.width);
  f.count(required("rows_per_token", "rows that a token reads", kCount), t.rows_per_token);
}

static void fields(Fields& f, models::LatentAttention& a) {
  f.count(required("heads", "query heads", kCount), a.heads);
  f.count(optional("q_rank", "rank of the queries' projection; 0: one full matrix", kCountOrNone), a.q_rank);
  f.count(required("kv_rank", "width of the latent that is kept per token", kCount), a.kv_rank);
  f.count(required("nope_dim", "width of a head without position", kCount), a.nope_dim);
  f.count(required("rope_dim", "width of a head with rotary position", kCount), a.rope_dim);
  f.count(required("v_dim", "width of a value head", kCount), a.v_dim);
}

static void fields(Fields& f, ExpertsSheet& e) {
  f.count(required("count", "experts in a layer", kCount), e.count);
  f.count(required("per_token", "experts that a token passes", kCount), e.per_token);
  f.count(required("ffn", "width of an expert", kCount), e.ffn);
  f.count(
      optional("shared_ffn", "total width of the shared experts, or of a dense block beside the experts", kCountOrNone),
      e.shared_ffn);
  f.count(optional("latent", "width that routed experts work in, between two projections; without it hidden", kCount),
          e.latent);
  f.count(optional("first_dense", "leading layers that have none", kCountOrNone), e.first_dense);
  f.count(optional("every", "of the others, every n-th has them", kCount), e.every);
}

void fields(Fields& f, ModelSheet& s) {
  head_fields(f, s.head);
  f.text(required("family", "Hugging Face model_type"), s.family);
  f.text(optional("native_quant", "format that the published weights come in"), s.native_quant);
  f.count(required("layers", "layers", kLayerCount), s.layers);
  f.count(required("hidden", "width", kCount), s.hidden);
  f.count(required("vocab", "tokens in the vocabulary", kCount), s.vocab);
  f.count(required("max_context", "longest context [tokens]", kCount), s.max_context);
  f.flag(optional("tied_embeddings", "the output head is the embedding table"), s.tied_embeddings);
  f.section(optional("attention", "grouped-query attention"), s.attention);
  f.section(optional("latent", "multi-head latent attention, in place of attention"), s.latent);
  f.section(optional("compressed", "a window and compressed tokens beyond, in place of attention"), s.compressed);
  f.section(optional("indexer", "picks the tokens that full, latent or compressed layers attend to"), s.indexer);
  f.section(optional("linear", "gated delta net of the layers that attention.pattern calls linear"), s.linear);
  f.section(optional("mamba", "Mamba-2 of the layers that attention.pattern calls mamba"), s.mamba);
  f.section(optional("conv", "short convolution of the layers that attention.pattern calls conv"), s.conv);
  f.count(optional("ffn", "width of a dense feed-forward block", kCount), s.ffn);
  f.count(optional("ffn_matrices", "of every feed-forward block: 3 with a gate, 2 without", {2, 3}), s.ffn_matrices);
  f.section(optional("experts", "mixture of experts in place of the dense block"), s.experts);
  f.texts(optional("ffn_pattern", "feed-forward blocks, repeated over the layers: dense, experts, none"),
          s.ffn_pattern);
  f.count(optional("per_layer_embedding", "width that each layer gets of a second embedding table", kCount),
          s.per_layer_embedding);
  f.section(optional("ngrams", "a table of n-grams of which each token reads some rows"), s.ngrams);
}

models::Architecture architecture_of(const ModelSheet& s) {
  models::Architecture a;
  a.id = s.head.id.value;
  a.title = s.head.title.given() ? s.head.title.value : a.id;
  a.family = s.family;
  a.native_quant = s.native_quant;
  a.hidden = s.hidden;
  a.vocab = s.vocab;
  a.max_context = s.max_context;
  a.tied_embeddings = s.tied_embeddings;
  a.ffn_matrices = s.ffn_matrices;
  a.per_layer_embedding = s.per_layer_embedding;
  if (s.ngrams) a.ngrams = *s.ngrams;
  for (int64_t i = 0; i < s.layers; ++i) {
    models::Layer layer;
    add_mixer(s, i, layer);
    add_feed_forward(s, i, layer);
    a.layers.push_back(layer);
  }
  return a;
}

}  // namespace tokwatt::scenarios
