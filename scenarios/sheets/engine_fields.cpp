// Keys of engine sheets (models/engines/*.yaml).
#include "scenarios/sheets/sheet_fields.hpp"

namespace tokwatt::scenarios {
namespace {

constexpr Range kCount{1, 1e9};
constexpr Range kCountOrNone{0, 1e9};
constexpr Range kEfficiency{0.001, 1};  ///< below a thousandth it is a slip
constexpr Range kOverhead{0, 10};       ///< [s]
const Choices kContainers{{"gguf", "safetensors"}, {}};
const Choices kPolicies{{"vllm", "llama-server"}, {}};

}  // namespace

void fields(Fields& f, models::Limits& l) {
  f.count(required("max_num_seqs", "sequences that run at once (slots)", kCount), l.max_num_seqs);
  f.count(required("max_num_batched_tokens", "token budget of a step (n_batch)", kCount), l.max_num_batched_tokens);
  f.count(
      optional("micro_batch", "tokens that pass through the model at once (n_ubatch); 0: the whole step", kCountOrNone),
      l.micro_batch);
  f.count(optional("block_size", "tokens in a KV block", kCount), l.block_size);
  f.number(optional("memory_utilization", "share of the device memory that the engine takes", kPositiveFraction),
           l.memory_utilization);
}

static void fields(Fields& f, models::Kernels& k) {
  f.number(required("attention", "kernels of a layer's attention", kNotNegative), k.attention);
  f.number(required("ffn", "kernels of a layer's dense block", kNotNegative), k.ffn);
  f.number(required("experts", "kernels of a layer's experts", kNotNegative), k.experts);
  f.number(required("step", "kernels once a step: embedding, last norm, head, sampling", kNotNegative), k.step);
}

static void fields(Fields& f, models::Tuning& t) {
  f.number(required("memory_efficiency", "of peak bandwidth, streaming dense weights", kEfficiency),
           t.memory_efficiency);
  f.number(required("memory_efficiency_experts", "of peak bandwidth, gathering experts", kEfficiency),
           t.memory_efficiency_experts);
  f.number(required("memory_efficiency_kv", "of peak bandwidth, reading the KV cache", kEfficiency),
           t.memory_efficiency_kv);
  f.number(required("compute_efficiency", "of peak arithmetic, dense matrices of many rows", kEfficiency),
           t.compute_efficiency);
  f.number(required("compute_efficiency_experts", "the same for experts", kEfficiency), t.compute_efficiency_experts);
  f.number(required("compute_efficiency_attention", "the same for attention", kEfficiency),
           t.compute_efficiency_attention);
  f.number(required("rows_half", "rows at which a matrix reaches half its efficiency", kNotNegative), t.rows_half);
  f.quantity(required("kernel_dispatch", "for each kernel", kOverhead), Dimension::duration, t.kernel_dispatch);
  f.quantity(required("host_per_step", "between steps", kOverhead), Dimension::duration, t.host_per_step);
  f.quantity(required("host_per_sequence", "sampling and bookkeeping for each sequence of a step", kOverhead),
             Dimension::duration, t.host_per_sequence);
  f.number(required("spread_prefill", "standard deviation of log(measured/predicted) in prefill", kNotNegative),
           t.spread_prefill);
  f.number(required("spread_decode", "standard deviation of log(measured/predicted) in decode", kNotNegative),
           t.spread_decode);
}

void fields(Fields& f, EngineSheet& s) {
  head_fields(f, s.head);
  f.text(required("backend", "what a box must offer: cuda, metal, ..."), s.engine.backend);
  f.choice(required("container", "format of the weight files it reads"), kContainers, s.container);
  f.choice(required("policy", "how it schedules"), kPolicies, s.policy);
  f.text_map(required("compute_in", "quant: arithmetic that it is computed in; a quant that is not here does not run"),
             s.compute_in);
  f.texts(required("kv", "formats of the KV cache that it has"), s.kv);
  f.text(required("default_kv", "format of the KV cache where a deployment names none"), s.engine.default_kv);
  f.section(required("limits", "its defaults"), s.engine.limits);
  f.section(required("kernels", "kernels that it launches"), s.engine.kernels);
  f.section(required("tuning", "what it gets out of a device"), s.engine.tuning);
}

models::Engine engine_of(const EngineSheet& s) {
  models::Engine e = s.engine;
  e.id = s.head.id.value;
  e.title = s.head.title.given() ? s.head.title.value : e.id;
  e.container = s.container.value == "gguf" ? models::Container::gguf : models::Container::safetensors;
  e.policy = s.policy.value == "vllm" ? models::Policy::vllm : models::Policy::llama_server;
  for (const auto& [quant, place, dtype] : s.compute_in) e.compute_in[quant] = dtype.value;
  for (const auto& format : s.kv) e.kv[format.value] = true;
  // An engine without paged blocks keeps its cache token by token in all the memory that is left.
  if (e.limits.block_size == 0) e.limits.block_size = 1;
  if (e.limits.memory_utilization == 0) e.limits.memory_utilization = 1;
  return e;
}

}  // namespace tokwatt::scenarios
