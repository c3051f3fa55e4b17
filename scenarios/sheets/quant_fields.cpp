// Keys of quant sheets (models/quants/*.yaml).
#include "scenarios/sheets/sheet_fields.hpp"

namespace tokwatt::scenarios {
namespace {

const Choices kUnpack{{"bf16", "f16", "legacy", "k", "i", "mxfp4", "nvfp4", "fp8", "int8", "int4", "mlx"}, {}};

void bits_fields(Fields& f, models::WeightFormat& w, bool all_required) {
  struct Class {
    models::WeightClass of;
    const char *key, *doc;
  };
  using enum models::WeightClass;
  constexpr Range kBits{0.5, 64};
  constexpr Class kClasses[] = {
      {embedding, "embedding", "embedding table, where it is not the head too"},
      {head, "head", "output head; the embedding table too where they are one"},
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
  for (const auto& c : kClasses) {
    const Key key = all_required ? required(c.key, c.doc, kBits) : optional(c.key, c.doc, kBits);
    f.quantity(key, Dimension::weight_bits, w.bits[static_cast<std::size_t>(c.of)]);
  }
}

}  // namespace

static void fields(Fields& f, models::WeightFormat& w) { bits_fields(f, w, true); }

static void fields(Fields& f, SomeBits& s) { bits_fields(f, s.of, false); }

static void fields(Fields& f, FilesSheet& s) {
  f.section(optional("gguf", "bits per weight of its GGUF file"), s.gguf);
  f.section(optional("safetensors", "bits per weight of its checkpoint"), s.safetensors);
}

void fields(Fields& f, QuantSheet& s) {
  head_fields(f, s.head);
  f.choice(required("unpack", "family of kernels that unpack its weights; what an engine reaches is shared within one"),
           kUnpack, s.unpack);
  f.flag(optional("experts_only", "only experts are stored in it; a model without experts does not come in it"),
         s.experts_only);
  f.section(optional("gguf", "bits per weight in a GGUF file, scales included"), s.gguf);
  f.section(optional("safetensors", "bits per weight in a safetensors checkpoint, scales included"), s.safetensors);
  f.named(optional("files", "what the published files of a model store otherwise, by the model's id"), s.files);
}

const std::vector<std::string>& unpack_families() { return kUnpack.built; }

models::Quant quant_of(const QuantSheet& s) {
  models::Quant q;
  q.id = s.head.id.value;
  q.title = s.head.title.given() ? s.head.title.value : q.id;
  q.gguf = s.gguf;
  q.safetensors = s.safetensors;
  q.experts_only = s.experts_only;
  q.unpack = s.unpack.value;
  for (const auto& files : s.files) q.files[files.name] = {files.value.gguf.of, files.value.safetensors.of};
  return q;
}

}  // namespace tokwatt::scenarios
