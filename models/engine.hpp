#pragma once
// What an inference engine does: how it schedules, and what it gets out of a device.
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "models/tuning.hpp"

namespace tokwatt::models {

enum class Container { gguf, safetensors };

/// Order of admission and of work inside a step.
enum class Policy {
  vllm,          ///< vLLM v1: running first in order of admission, then waiting ones; paged blocks; preempt the last
  llama_server,  ///< decode tokens first, then prompts slot by slot; no preemption
};

/// Kernels launched per layer and per step.
struct Kernels {
  double attention = 0, ffn = 0, experts = 0;  ///< per layer; attention stands for recurrent layers too
  double step = 0;                             ///< once: embedding, final norm, head, sampling
};

struct Limits {
  int64_t max_num_seqs = 0;            ///< running sequences (slots)
  int64_t max_num_batched_tokens = 0;  ///< token budget of a step (n_batch)
  int64_t micro_batch = 0;             ///< tokens that pass through the model at once (n_ubatch); 0: the whole step
  int64_t block_size = 0;              ///< tokens per KV block
  double memory_utilization = 0;       ///< share of the device memory that the engine takes
  int64_t prompt_concurrency = 0;  ///< prompts in a step, with a token budget each, padded; 0: they share the budget
};

/// What an engine can do about tokens that are drafted and then verified.
struct Speculating {
  std::vector<std::string> methods;  ///< draft (a smaller model), mtp, eagle (heads of the model); none: it cannot
  int64_t max_num_seqs = 0;          ///< running sequences when it does, unless told otherwise; 0: as ever
};

/// By what an engine judges whether the output of those who run will have room (SGLang's new_token_ratio).
struct NewTokenRatio {
  double initial = 1;         ///< share of what a request may still ask for that is kept free for it, after a pause
  double least = 1;           ///< of that share, what is left of it in the end
  int64_t decay_steps = 1;    ///< steps of decoding from the one to the other
  int64_t clip = 0;           ///< no request is expected to ask for more [tokens]
  int64_t retract_steps = 0;  ///< after a preemption the others are expected to stop where they are in so many steps
};

struct Engine {
  std::string id;
  std::string title;
  std::string family;  ///< engines of one family share kernels, and so what they reach: llama.cpp, vllm, ...
  std::vector<std::string> backends;  ///< cuda, metal, ...: a box must offer one of them
  Container container = Container::gguf;
  Policy policy = Policy::vllm;
  /// Quant id -> arithmetics it has kernels for (bf16, int8, ...), best first: it computes in the first one that the
  /// box has units for. A quant that is not here does not run.
  std::map<std::string, std::vector<std::string>> compute_in;
  /// KV formats it has ("bf16", "f16", "fp8", "q8_0", "q4_0").
  std::map<std::string, bool> kv;
  std::string default_kv;
  Limits limits;
  Kernels kernels;
  bool keeps_chunks = false;                     ///< of chunked attention, keys and values of chunks that are over
  bool async_scheduling = false;                 ///< puts a step together when the one before it starts
  bool tells_late = false;                       ///< what a step gives goes out when the decode step behind it ends
  bool prefill_apart = false;                    ///< computes prompts in steps of their own, before anybody decodes on
  bool reserve_full_isl = false;                 ///< admits a request when there is room for its whole prompt
  std::optional<NewTokenRatio> new_token_ratio;  ///< nothing: output finds room or somebody gives way
  bool kv_unified = false;       ///< slots share one context (llama-server); false: each has its part of it
  bool tensor_parallel = false;  ///< splits a model over devices
  double startup = 0;            ///< of a server, besides loading the weights [s]
  double collective = 0;         ///< of an all-reduce, beside its time on the link [s]
  bool prefix_cache = false;     ///< reuses equal prefixes unless a deployment says otherwise
  double cache_ram = 0;          ///< for what slots held before, in the host's memory [B]
  Speculating speculative;
  bool flash_attention = true;  ///< false: attention writes its scores to memory
  Calibration calibration;      ///< on this box
  Tuning tuning;                ///< on this box, for the deployment's quant and model
  std::vector<Tuning> draws;    ///< of the tuning, from what is not known about it
};

/// Fills tuning and draws from the calibration, for weights of a family of kernels (Quant::unpack) and a family of
/// models (Architecture::family).
void tune(Engine& engine, const std::string& unpack, const std::string& family);

}  // namespace tokwatt::models
