// Keys of engine sheets (models/engines/*.yaml).
#include <limits>

#include "scenarios/sheets/sheet_fields.hpp"

namespace tokwatt::scenarios {
namespace {

constexpr Range kCount{1, 1e9};
constexpr Range kCountOrNone{0, 1e9};
constexpr Range kEfficiency{0.0001, 0.9999};  ///< nothing reaches its peak; below a ten-thousandth it is a slip
constexpr Range kRows{0.001, 1e6};
constexpr Range kCacheRam{0, 1e15};
constexpr Range kOverhead{1e-12, 10};  ///< [s]
const Choices kContainers{{"gguf", "safetensors"}, {}};
const Choices kPolicies{{"vllm", "llama-server"}, {}};

}  // namespace

void fields(Fields& f, models::Limits& l) {
  f.count(required("max_num_seqs", "sequences that run at once (slots)", kCount), l.max_num_seqs);
  f.count(required("max_num_batched_tokens", "token budget of a step (n_batch)", kCount), l.max_num_batched_tokens);
  f.count(
      optional("micro_batch", "tokens that pass through the model at once (n_ubatch); 0: the whole step", kCountOrNone),
      l.micro_batch);
  f.count(optional("prompt_concurrency",
                   "so many prompts go through a step together, each with a token budget of its own and padded to the "
                   "longest, and between two such steps everybody who decodes gets a token (mlx_lm); 0: prompts share "
                   "the budget",
                   kCountOrNone),
          l.prompt_concurrency);
  f.count(optional("block_size", "tokens in a KV block", kCount), l.block_size);
  f.number(optional("memory_utilization", "share of the device memory that the engine takes", kPositiveFraction),
           l.memory_utilization);
}

const std::vector<std::string>& drafting_methods() {
  static const std::vector<std::string> methods = {"draft", "mtp", "eagle"};
  return methods;
}

static void fields(Fields& f, SpeculatingSheet& s) {
  f.texts(required("methods", "how it drafts tokens: draft (a smaller model), mtp, eagle (a head of the model)"),
          s.methods);
  f.count(optional("max_num_seqs", "sequences that run at once when it does; without it as ever", kCount),
          s.max_num_seqs);
}

static void fields(Fields& f, models::NewTokenRatio& r) {
  f.number(required("initial", "of what a running request may still ask for, the share that is kept free for it",
                    kPositiveFraction),
           r.initial);
  f.number(required("least", "of that share, what is left of it when nobody was preempted for long", kPositiveFraction),
           r.least);
  f.count(required("decay_steps", "steps of decoding from the one to the other", kCount), r.decay_steps);
  f.count(required("clip", "tokens; no request is expected to ask for more", kCount), r.clip);
  f.count(required("retract_steps",
                   "when somebody was preempted, steps that the others are expected to need before they have all",
                   kCountOrNone),
          r.retract_steps);
}

static void fields(Fields& f, models::Kernels& k) {
  f.number(required("attention", "kernels of a layer's attention", kNotNegative), k.attention);
  f.number(required("ffn", "kernels of a layer's dense block", kNotNegative), k.ffn);
  f.number(required("experts", "kernels of a layer's experts", kNotNegative), k.experts);
  f.number(required("step", "kernels once a step: embedding, last norm, head, sampling", kNotNegative), k.step);
}

TuningSheet::TuningSheet() {
  constexpr double kNotGiven = std::numeric_limits<double>::quiet_NaN();
  for (const auto& parameter : models::kTuning) given.*parameter.value = kNotGiven;
  given.spread_prefill = given.spread_decode = kNotGiven;
}

static void fields(Fields& f, AddedTuning& s) {
  f.text_map(required("added", "parameter: what is added to it, on the scale of its link (docs/theory/calibration.md)"),
             s.added);
  f.text_map(optional("draws", "parameter: what is not known about that"), s.draws);
}

static void fields(Fields& f, TuningSheet& s) {
  auto& t = s.given;
  f.number(optional("memory_efficiency", "of peak bandwidth, streaming dense weights", kEfficiency),
           t.memory_efficiency);
  f.number(optional("memory_efficiency_experts", "of peak bandwidth, gathering experts", kEfficiency),
           t.memory_efficiency_experts);
  f.number(
      optional("memory_efficiency_kv", "of peak bandwidth, reading the KV cache and recurrent states", kEfficiency),
      t.memory_efficiency_kv);
  f.number(optional("compute_efficiency", "of peak arithmetic, dense matrices of many rows", kEfficiency),
           t.compute_efficiency);
  f.number(optional("compute_efficiency_experts", "the same for experts", kEfficiency), t.compute_efficiency_experts);
  f.number(optional("compute_efficiency_attention", "the same for attention", kEfficiency),
           t.compute_efficiency_attention);
  f.number(optional("compute_efficiency_state", "the same for recurrent states (delta nets, Mamba)", kEfficiency),
           t.compute_efficiency_state);
  f.number(optional("rows_half", "rows at which a matrix reaches half its efficiency", kRows), t.rows_half);
  f.number(optional("rows_half_experts", "the same for each expert", kRows), t.rows_half_experts);
  f.number(optional("vector_efficiency", "of the fp32 peak, kernels for few rows", kEfficiency), t.vector_efficiency);
  f.quantity(optional("kernel_dispatch", "for each kernel", kOverhead), Dimension::duration, t.kernel_dispatch);
  f.quantity(optional("host_per_step", "between steps", kOverhead), Dimension::duration, t.host_per_step);
  f.quantity(optional("host_per_sequence", "sampling and bookkeeping for each sequence of a step", kOverhead),
             Dimension::duration, t.host_per_sequence);
  f.number(optional("spread_prefill", "standard deviation of log(measured/predicted) in prefill", kNotNegative),
           t.spread_prefill);
  f.number(optional("spread_decode", "standard deviation of log(measured/predicted) in decode", kNotNegative),
           t.spread_decode);
  f.text_map(optional("draws", "parameter: what is not known about it, as `tokwatt calibrate` writes it"), s.draws);
  f.named(optional("by_unpack", "what weights of a family of kernels (`unpack` of their quant) add to the parameters"),
          s.by_unpack);
  f.named(optional("by_family", "what models of a family add to the parameters"), s.by_family);
}

void fields(Fields& f, EngineSheet& s) {
  head_fields(f, s.head);
  f.text(required("family", "engines of one family share kernels, and so what they reach: llama.cpp, vllm, ..."),
         s.engine.family);
  f.texts(required("backends", "a box must offer one of them: cuda, metal, ..."), s.backends);
  f.choice(required("container", "format of the weight files it reads"), kContainers, s.container);
  f.choice(required("policy", "how it schedules"), kPolicies, s.policy);
  f.texts_map(required("compute_in",
                       "quant: arithmetic that it is computed in, or a list of them, best first (the first one that "
                       "the box has units for counts); a quant that is not here does not run"),
              s.compute_in);
  f.texts(required("kv", "formats of the KV cache that it has"), s.kv);
  f.text(required("default_kv", "format of the KV cache where a deployment names none"), s.engine.default_kv);
  f.section(required("limits", "its defaults"), s.engine.limits);
  f.section(required("kernels", "kernels that it launches"), s.engine.kernels);
  f.flag(
      optional("keeps_chunks", "layers of chunked attention keep the KV cache of chunks that are over (default false)"),
      s.engine.keeps_chunks);
  f.flag(optional("async_scheduling", "puts a step together when the one before it starts (default false)"),
         s.engine.async_scheduling);
  f.flag(optional("tells_late", "what a step gives goes out when the decode step behind it ends (default false)"),
         s.engine.tells_late);
  f.flag(optional("reserve_full_isl",
                  "admits a request when there is room for its whole prompt, of which it takes what its first chunk "
                  "needs; false: when there is room for that (default false)"),
         s.engine.reserve_full_isl);
  f.flag(optional("kv_unified",
                  "slots share one context unless a deployment says how many there are (llama-server; default false: "
                  "each has its part of it)"),
         s.engine.kv_unified);
  f.flag(optional("prefill_apart", "computes prompts in steps of their own, before anybody decodes on (default false)"),
         s.engine.prefill_apart);
  f.section(optional("new_token_ratio",
                     "admits a request only where the output of all is expected to have room (SGLang's rule); "
                     "without it where its prompt has"),
            s.engine.new_token_ratio);
  f.flag(optional("tensor_parallel", "splits a model over devices (default false)"), s.engine.tensor_parallel);
  f.quantity(optional("startup", "of a server, besides loading the weights (default 0 s)", {0, 86'400}),
             Dimension::duration, s.engine.startup);
  f.quantity(
      optional("collective", "of an all-reduce between devices, beside its time on the link (default 0 s)", {0, 1}),
      Dimension::duration, s.engine.collective);
  f.flag(optional("prefix_cache", "reuses equal prefixes unless a deployment says otherwise (default false)"),
         s.engine.prefix_cache);
  f.quantity(
      optional("cache_ram", "of the host, for what slots held before another text came (default 0 B)", kCacheRam),
      Dimension::bytes, s.engine.cache_ram);
  f.section(optional("speculative", "what it can do about speculative decoding; without it nothing"), s.speculative);
  f.flag(optional("flash_attention", "false: attention writes its scores to memory"), s.engine.flash_attention);
  f.section(optional("tuning", "what it gets out of a device, in place of what the calibration says"), s.tuning);
}

models::Engine engine_of(const EngineSheet& s) {
  models::Engine e = s.engine;
  e.id = s.head.id.value;
  e.title = s.head.title.given() ? s.head.title.value : e.id;
  e.container = s.container.value == "gguf" ? models::Container::gguf : models::Container::safetensors;
  e.policy = s.policy.value == "vllm" ? models::Policy::vllm : models::Policy::llama_server;
  for (const auto& backend : s.backends) e.backends.push_back(backend.value);
  for (const auto& [quant, place, dtypes] : s.compute_in) {
    for (const auto& dtype : dtypes) e.compute_in[quant].push_back(dtype.value);
  }
  for (const auto& format : s.kv) e.kv[format.value] = true;
  if (s.speculative) {
    e.speculative.max_num_seqs = s.speculative->max_num_seqs;
    for (const auto& method : s.speculative->methods) e.speculative.methods.push_back(method.value);
  }
  // An engine without paged blocks keeps its cache token by token in all the memory that is left.
  if (e.limits.block_size == 0) e.limits.block_size = 1;
  if (e.limits.memory_utilization == 0) e.limits.memory_utilization = 1;
  return e;
}

}  // namespace tokwatt::scenarios
