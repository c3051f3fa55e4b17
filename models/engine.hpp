#pragma once
// What an inference engine does: how it schedules, and what it gets out of a device.
#include <cstdint>
#include <map>
#include <string>

namespace tokwatt::models {

enum class Container { gguf, safetensors };

/// Order of admission and of work inside a step.
enum class Policy {
  vllm,          ///< vLLM v1: running first in order of admission, then waiting ones; paged blocks; preempt the last
  llama_server,  ///< decode tokens first, then prompts slot by slot; context split over the slots, no preemption
};

/// What this engine reaches on a kind of device; a box sheet may override each under `engines:`.
struct Tuning {
  double memory_efficiency = 1;          ///< of peak bandwidth, streaming dense weights
  double memory_efficiency_experts = 1;  ///< gathering experts
  double memory_efficiency_kv = 1;       ///< reading the KV cache
  double compute_efficiency = 1;         ///< of peak, dense matmuls of many rows
  double compute_efficiency_experts = 1;
  double compute_efficiency_attention = 1;
  double rows_half = 0;          ///< rows at which a matmul reaches half its efficiency (per expert for MoE)
  double kernel_dispatch = 0;    ///< per kernel [s]
  double host_per_step = 0;      ///< between steps [s]
  double host_per_sequence = 0;  ///< sampling and bookkeeping per sequence in the step [s]
  double spread_prefill = 0;     ///< standard deviation of log(measured/predicted)
  double spread_decode = 0;
};

/// Kernels launched per layer and per step.
struct Kernels {
  double attention = 0, ffn = 0, experts = 0;  ///< per layer
  double step = 0;                             ///< once: embedding, final norm, head, sampling
};

struct Limits {
  int64_t max_num_seqs = 0;            ///< running sequences (slots)
  int64_t max_num_batched_tokens = 0;  ///< token budget of a step (n_batch)
  int64_t micro_batch = 0;             ///< tokens that pass through the model at once (n_ubatch); 0: the whole step
  int64_t block_size = 0;              ///< tokens per KV block
  double memory_utilization = 0;       ///< share of the device memory that the engine takes
};

struct Engine {
  std::string id;
  std::string title;
  std::string backend;  ///< cuda, metal: a box must offer it
  Container container = Container::gguf;
  Policy policy = Policy::vllm;
  /// Quant id -> arithmetic it is computed in (bf16, int8, ...). A quant that is not here does not run.
  std::map<std::string, std::string> compute_in;
  /// KV formats it has ("bf16", "f16", "fp8", "q8_0", "q4_0").
  std::map<std::string, bool> kv;
  std::string default_kv;
  Limits limits;
  Kernels kernels;
  Tuning tuning;
};

}  // namespace tokwatt::models
