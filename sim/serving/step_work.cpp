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
  for (const auto& op : models::in_order(models::build_graph(deployment.model, format, deployment.kv.element_bytes))) {
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
