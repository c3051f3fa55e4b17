#include "sim/serving/step_work.hpp"

#include "models/graph.hpp"

namespace tokwatt::sim {

namespace {

// Equal operators of different layers become one with a count: the maximum of each is the same, so sums are exact.
void merge(std::vector<Matmul>& operators, const models::Operator& op) {
  Matmul matmul{1, op.flops_per_row, op.weight_bytes, op.activation_bytes_per_row, op.experts, op.per_token};
  const auto same = std::find_if(operators.begin(), operators.end(), [&](Matmul other) {
    other.count = 1;
    return other == matmul;
  });
  if (same == operators.end()) {
    operators.push_back(matmul);
  } else {
    same->count += 1;
  }
}

// A query that picks its top_k tokens attends to as many as one with a window.
Reach reach_of(const models::Operator& op) { return {std::max(op.window, op.top_k), op.chunk}; }

void merge(std::vector<AttentionGroup>& groups, const models::Operator& op) {
  auto group = std::find_if(groups.begin(), groups.end(), [&](const auto& g) { return g.reach == reach_of(op); });
  if (group == groups.end()) group = groups.insert(group, AttentionGroup{reach_of(op), 0, 0, 0});
  group->flops_per_pair += op.flops_per_pair;
  group->bytes_per_kept_token += op.bytes_per_kept_token;
  group->activation_bytes_per_row += op.activation_bytes_per_row;
}

// What one of k devices does of an operator. Heads that do not divide are counted as if they did; the scenario's reader
// refuses them.
models::Operator share_of(models::Operator op, int64_t devices) {
  const auto k = static_cast<double>(devices);
  const bool attends = op.kind == models::OperatorKind::attention;
  if (attends) op.bytes_per_kept_token /= static_cast<double>(std::min(op.kept_parts, devices));
  if (op.replicated) return op;
  op.flops_per_row /= k;
  op.flops_per_pair /= k;
  op.weight_bytes /= k;
  op.activation_bytes_per_row = op.shared_bytes_per_row + (op.activation_bytes_per_row - op.shared_bytes_per_row) / k;
  op.state_bytes_per_sequence /= k;
  return op;
}

Collectives collectives_of(const models::Architecture& model) {
  constexpr double kActivationBytes = 2;
  Collectives out;
  out.all_reduces = 1;
  for (const auto& layer : model.layers) {
    const bool mixes = layer.grouped || layer.latent || layer.compressed || layer.linear || layer.mamba || layer.conv;
    const bool feeds = layer.experts || layer.dense_ffn > 0;
    out.all_reduces += (mixes ? 1 : 0) + (feeds ? 1 : 0);
  }
  out.bytes_per_row = static_cast<double>(model.hidden) * kActivationBytes;
  out.gather_bytes_per_row = static_cast<double>(model.vocab) * kActivationBytes;
  return out;
}

double kernels_of(const models::Architecture& model, const models::Kernels& kernels) {
  double sum = kernels.step;
  for (const auto& layer : model.layers) {
    const bool mixes = layer.grouped || layer.latent || layer.compressed || layer.linear || layer.mamba || layer.conv;
    if (mixes) sum += kernels.attention;
    if (layer.experts) sum += kernels.experts;
    if (layer.dense_ffn > 0) sum += kernels.ffn;
  }
  return sum;
}

}  // namespace

StepWork step_work(const Deployment& deployment) {
  const auto& format =
      deployment.engine.container == models::Container::gguf ? deployment.quant.gguf : deployment.quant.safetensors;
  StepWork work;
  const int64_t devices = deployment.tensor_parallel;
  if (devices > 1) work.collectives = collectives_of(deployment.model);
  for (const auto& whole : models::operators(deployment.model, format, deployment.kv.element_bytes)) {
    const auto op = devices > 1 ? share_of(whole, devices) : whole;
    if (op.kind == models::OperatorKind::attention) {
      merge(work.attention, op);
    } else if (op.kind == models::OperatorKind::state) {
      work.state.bytes_per_sequence += op.state_bytes_per_sequence;
      work.state.flops_per_row += op.flops_per_row;
      work.state.activation_bytes_per_row += op.activation_bytes_per_row;
    } else {
      merge(op.per_sequence ? work.per_sequence : work.per_token, op);
    }
  }
  work.kernels = kernels_of(deployment.model, deployment.engine.kernels);
  return work;
}

}  // namespace tokwatt::sim
