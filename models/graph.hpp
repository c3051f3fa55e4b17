#pragma once
// From dimensions to operators: the graph of one forward pass, each operator with its FLOPs and bytes
// (docs/theory/cost.md).
#include <cstdint>
#include <string>
#include <vector>

#include "models/architecture.hpp"
#include "models/quant.hpp"

namespace tokwatt::models {

/// One weight tensor (or the same tensor of all experts of a layer).
struct Tensor {
  std::string name;
  WeightClass weight_class = WeightClass::embedding;
  int layer = -1;  ///< -1: outside the layers
  double elements = 0;
  double share_per_token = 1;  ///< of the elements that one token passes through (experts: k/N, tables: 0)
};
std::vector<Tensor> tensors(const Architecture& architecture);

/// Inputs of an indexer's query projection: the queries' latent where there is one.
double index_query_width(const Layer& layer, double hidden);

/// Bytes that all weights take in memory in a format.
double weight_bytes(const Architecture& architecture, const WeightFormat& format);

enum class OperatorKind { embedding, matmul, experts, attention, state, head };

/// What an operator does as a function of a step: rows are the step's tokens, or its sequences where per_sequence is
/// set; pairs and kept tokens are sums over the step's attention: of each query's context, or of its last `window`
/// tokens, or of its own chunk of `chunk` tokens, or of at most `top_k` of them (at most one of the three is set).
struct Operator {
  std::string name;
  OperatorKind kind = OperatorKind::matmul;
  int layer = -1;
  bool per_sequence = false;
  double flops_per_row = 0;
  double weight_bytes = 0;  ///< read once per step; of experts: all of them
  double activation_bytes_per_row = 0;
  double shared_bytes_per_row = 0;           ///< of those, what every device of a tensor-parallel group moves in full
  bool replicated = false;                   ///< every device of such a group computes all of it
  int64_t kept_parts = 1;                    ///< attention only: devices that can share what it keeps of a token
  int64_t experts = 0, per_token = 0;        ///< experts only
  double flops_per_pair = 0;                 ///< attention only: per (query, key) pair
  double bytes_per_kept_token = 0;           ///< attention only: KV cache read per token in context
  int64_t window = 0, chunk = 0, top_k = 0;  ///< attention only; 0: none
  double state_bytes_per_sequence = 0;       ///< state only: read and written (both counted), once a step and sequence
};

/// The operators of one forward pass in an order in which they can run: the graph of what waits for what (residual
/// connections are edges too), sorted.
std::vector<Operator> operators(const Architecture& architecture, const WeightFormat& format, double kv_element_bytes);

/// Expected number of N experts that T tokens of k experts each touch: N (1 - (1 - k/N)^T'), where T' = T^g follows
/// correlated routing: g = 1 up to 4 tokens, 0.86 at 8, 0.78 at 16, 0.75 from 32 on, linear in log2 T between
/// (fitted to llama.cpp batch rows of gpt-oss-120b and Qwen3-Coder-30B on a DGX Spark; docs/theory/cost.md).
double touched_experts(int64_t experts, int64_t per_token, double tokens);

}  // namespace tokwatt::models
