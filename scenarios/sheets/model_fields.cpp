// Keys of model and quant sheets (models/sheets/*.yaml, models/quants/*.yaml).
#include "scenarios/sheets/sheet_fields.hpp"

namespace tokwatt::scenarios {
namespace {

constexpr Range kCount{1, 1e9};
constexpr Range kCountOrNone{0, 1e9};
constexpr Range kLayerCount{1, 10'000};
const Choices kUnpack{{"float", "legacy", "k", "i", "mxfp4", "nvfp4", "fp8", "int8", "int4", "mlx"}, {}};

}  // namespace

static void fields(Fields& f, AttentionSheet& a) {
  f.count(required("heads", "query heads", kCount), a.heads);
  f.count(required("kv_heads", "key and value heads", kCount), a.kv_heads);
  f.count(required("head_dim", "width of a head", kCount), a.head_dim);
  f.count(optional("window", "tokens that a sliding layer sees; 0: none slides", kCountOrNone), a.window);
  f.texts(optional("pattern", "full and sliding, repeated over the layers; without it all are full"), a.pattern);
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
  f.count(optional("shared_ffn", "total width of the shared experts", kCountOrNone), e.shared_ffn);
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
  f.count(optional("ffn", "width of a dense feed-forward block", kCount), s.ffn);
  f.section(optional("experts", "mixture of experts in place of the dense block"), s.experts);
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
  for (int64_t i = 0; i < s.layers; ++i) {
    models::Layer layer;
    layer.latent = s.latent;
    if (s.attention) {
      const auto& pattern = s.attention->pattern;
      const bool slides = !pattern.empty() && pattern[static_cast<std::size_t>(i) % pattern.size()].value == "sliding";
      layer.grouped = models::GroupedAttention{s.attention->heads, s.attention->kv_heads, s.attention->head_dim,
                                               slides ? s.attention->window : 0};
    }
    const bool sparse =
        s.experts && i >= s.experts->first_dense && (i + 1 - s.experts->first_dense) % s.experts->every == 0;
    if (sparse) {
      layer.experts = models::Experts{s.experts->count, s.experts->per_token, s.experts->ffn, s.experts->shared_ffn};
    } else {
      layer.dense_ffn = s.ffn;
    }
    a.layers.push_back(layer);
  }
  return a;
}

static void fields(Fields& f, models::WeightFormat& w) {
  struct Class {
    models::WeightClass of;
    const char *key, *doc;
  };
  using enum models::WeightClass;
  constexpr Range kBits{0.5, 64};
  constexpr Class kClasses[] = {
      {embedding, "embedding", "embedding table"},
      {head, "head", "output head"},
      {attention_qk, "attention_qk", "query and key projections"},
      {attention_v, "attention_v", "value projection"},
      {attention_out, "attention_out", "output projection of attention"},
      {ffn_gate_up, "ffn_gate_up", "gate and up matrices of dense blocks and shared experts"},
      {ffn_down, "ffn_down", "down matrices of dense blocks and shared experts"},
      {experts_gate_up, "experts_gate_up", "gate and up matrices of experts"},
      {experts_down, "experts_down", "down matrices of experts"},
      {router, "router", "expert router"},
  };
  static_assert(std::size(kClasses) == models::kWeightClasses);
  for (const auto& c : kClasses)
    f.quantity(required(c.key, c.doc, kBits), Dimension::weight_bits, w.bits[static_cast<std::size_t>(c.of)]);
}

void fields(Fields& f, QuantSheet& s) {
  head_fields(f, s.head);
  f.choice(required("unpack", "family of kernels that unpack its weights; what an engine reaches is shared within one"),
           kUnpack, s.unpack);
  f.flag(optional("experts_only", "only experts are stored in it; a model without experts does not come in it"),
         s.experts_only);
  f.section(optional("gguf", "bits per weight in a GGUF file, scales included"), s.gguf);
  f.section(optional("safetensors", "bits per weight in a safetensors checkpoint, scales included"), s.safetensors);
}

models::Quant quant_of(const QuantSheet& s) {
  return {s.head.id.value, s.head.title.given() ? s.head.title.value : s.head.id.value,
          s.gguf,          s.safetensors,
          s.experts_only,  s.unpack.value};
}

}  // namespace tokwatt::scenarios
