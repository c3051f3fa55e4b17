#include "sim/serving/cost_model.hpp"

#include <algorithm>
#include <cmath>
#include <stdexcept>

#include "models/graph.hpp"

namespace tokwatt::sim {

namespace {

int64_t ps(double s) { return std::llround(s * 1e12); }
int64_t pj(double j) { return std::llround(j * 1e12); }

hardware::Dtype dtype_of(const Deployment& deployment) {
  const auto& arithmetic = deployment.engine.compute_in.at(deployment.quant.id);
  for (const auto dtype : hardware::kDtypes) {
    if (arithmetic == hardware::name(dtype)) return dtype;
  }
  throw std::invalid_argument("unknown arithmetic " + arithmetic);
}

double kernels_of(const models::Architecture& model, const models::Kernels& kernels) {
  double sum = kernels.step;
  for (const auto& layer : model.layers) sum += kernels.attention + (layer.experts ? kernels.experts : kernels.ffn);
  return sum;
}

}  // namespace

CostModel::CostModel(const Deployment& deployment, const hardware::Box& box)
    : tuning_(deployment.engine.tuning),
      micro_batch_(deployment.engine.limits.micro_batch),
      bandwidth_(box.memory.bandwidth),
      byte_energy_(box.power.per_byte),
      clock_(box.clock),
      kernels_(kernels_of(deployment.model, deployment.engine.kernels)) {
  const auto dtype = dtype_of(deployment);
  peak_ = box.compute.peak_of(dtype);
  top_flop_energy_ = box.power.per_flop[static_cast<std::size_t>(dtype)];
  const auto levels = static_cast<std::size_t>(clock_.levels());
  token_memo_.resize(levels);
  head_memo_.resize(levels);
  for (int level = 0; level < clock_.levels(); ++level) {
    slowdown_.push_back(std::llround((1 - clock_.at(level) / clock_.at(clock_.levels() - 1)) * 1024));
  }
  add_operators(deployment);
}

// Equal operators of different layers become one with a count: the maximum of each is the same, so sums are exact.
void CostModel::add_operators(const Deployment& deployment) {
  const auto& format =
      deployment.engine.container == models::Container::gguf ? deployment.quant.gguf : deployment.quant.safetensors;
  for (const auto& op : models::in_order(models::build_graph(deployment.model, format, deployment.kv.element_bytes))) {
    if (op.kind == models::OperatorKind::attention) {
      auto group = std::find_if(groups_.begin(), groups_.end(), [&](const auto& g) { return g.window == op.window; });
      if (group == groups_.end()) group = groups_.insert(group, AttentionGroup{op.window, 0, 0, 0});
      group->flops_per_pair += op.flops_per_pair;
      group->bytes_per_kept_token += op.bytes_per_kept_token;
      group->activation_bytes_per_row += op.activation_bytes_per_row;
      continue;
    }
    Matmul matmul{1, op.flops_per_row, op.weight_bytes, op.activation_bytes_per_row, op.experts, op.per_token};
    auto& operators = op.per_sequence ? per_sequence_ : per_token_;
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
  if (groups_.size() > kMaxAttentionGroups) {
    throw std::invalid_argument("more than " + std::to_string(kMaxAttentionGroups) + " different attention windows");
  }
}

double CostModel::flop_rate(int level) const { return peak_ * clock_.at(level) / clock_.of_peak; }

double CostModel::flop_energy(int level) const {
  const double volts = clock_.voltage(level) / clock_.voltage(clock_.levels() - 1);
  return top_flop_energy_ * volts * volts;
}

// t = max(flops / (peak * eff_c(M)), bytes / (bandwidth * eff_m)) with eff_c(M) = eff * M / (M + M_half)
CostModel::RowCost CostModel::rows_cost(int level, int64_t rows, const std::vector<Matmul>& operators) const {
  const auto tokens = static_cast<double>(rows);
  double bandwidth = 0, compute = 0, flops_sum = 0, bytes_sum = 0;
  for (const auto& op : operators) {
    double weight_bytes = op.weight_bytes, rows_per_matrix = tokens;
    double efficiency_m = tuning_.memory_efficiency, efficiency_c = tuning_.compute_efficiency;
    if (op.experts > 0) {
      const double touched = models::touched_experts(op.experts, op.per_token, tokens);
      weight_bytes *= touched / static_cast<double>(op.experts);
      rows_per_matrix = tokens * static_cast<double>(op.per_token) / touched;
      efficiency_m = tuning_.memory_efficiency_experts;
      efficiency_c = tuning_.compute_efficiency_experts;
    }
    const double flops = op.flops_per_row * tokens;
    const double bytes = weight_bytes + op.activation_bytes_per_row * tokens;
    const double saturation = rows_per_matrix / (rows_per_matrix + tuning_.rows_half);
    const double t_compute = flops / (flop_rate(level) * efficiency_c * saturation);
    const double t_memory = bytes / (bandwidth_ * efficiency_m);
    (t_compute > t_memory ? compute : bandwidth) += op.count * std::max(t_compute, t_memory);
    flops_sum += op.count * flops;
    bytes_sum += op.count * bytes;
  }
  return {ps(bandwidth), ps(compute), 0, pj(flops_sum * flop_energy(level)), pj(bytes_sum * byte_energy_)};
}

// A step larger than the engine's micro-batch passes through the model in several goes, each reading the weights.
CostModel::RowCost CostModel::token_cost(int level, int64_t tokens) const {
  const int64_t micro = micro_batch_ > 0 ? std::min(micro_batch_, tokens) : tokens;
  const int64_t whole = tokens / micro, rest = tokens % micro;
  RowCost sum;
  const auto add = [&](int64_t times, const RowCost& cost) {
    sum.bandwidth += times * cost.bandwidth;
    sum.compute += times * cost.compute;
    sum.compute_energy += times * cost.compute_energy;
    sum.memory_energy += times * cost.memory_energy;
  };
  add(whole, rows_cost(level, micro, per_token_));
  if (rest > 0) add(1, rows_cost(level, rest, per_token_));
  const auto passes = static_cast<double>(whole + (rest > 0 ? 1 : 0));
  // At least a picosecond, so that no sheet makes a step that takes no time.
  sum.dispatch = std::max<int64_t>(1, ps(passes * kernels_ * tuning_.kernel_dispatch + tuning_.host_per_step));
  return sum;
}

const CostModel::RowCost& CostModel::memoised_token_cost(int level, int64_t tokens) const {
  auto& memo = token_memo_[static_cast<std::size_t>(level)];
  const auto i = static_cast<std::size_t>(tokens);
  if (i >= memo.cost.size()) {
    memo.cost.resize(i + 1);
    memo.known.resize(i + 1);
  }
  if (!memo.known[i]) {
    memo.cost[i] = token_cost(level, tokens);
    memo.known[i] = 1;
  }
  return memo.cost[i];
}

const CostModel::RowCost& CostModel::memoised_head_cost(int level, int64_t sequences) const {
  auto& memo = head_memo_[static_cast<std::size_t>(level)];
  const auto i = static_cast<std::size_t>(sequences);
  if (i >= memo.cost.size()) {
    memo.cost.resize(i + 1);
    memo.known.resize(i + 1);
  }
  if (!memo.known[i]) {
    memo.cost[i] = rows_cost(level, sequences, per_sequence_);
    memo.cost[i].dispatch = ps(tuning_.host_per_sequence * static_cast<double>(sequences));
    memo.known[i] = 1;
  }
  return memo.cost[i];
}

CostModel::GroupForms CostModel::group_forms(int level, std::size_t index, int64_t tokens) const {
  const auto& group = groups_[index];
  const double per_byte = 1 / (bandwidth_ * tuning_.memory_efficiency_kv);
  const double activations = group.activation_bytes_per_row * static_cast<double>(tokens);
  GroupForms forms;
  forms.memory = {ps(activations * per_byte), ps(group.bytes_per_kept_token * per_byte)};
  forms.compute_per_pair = ps(group.flops_per_pair / (flop_rate(level) * tuning_.compute_efficiency_attention));
  forms.compute_energy_per_pair = pj(group.flops_per_pair * flop_energy(level));
  forms.memory_energy_base = pj(activations * byte_energy_);
  forms.memory_energy_per_token = pj(group.bytes_per_kept_token * byte_energy_);
  return forms;
}

StepCost CostModel::cost(int level, const StepShape& shape) const {
  StepCost step;
  const auto add_rows = [&](const RowCost& rows) {
    step.bandwidth += rows.bandwidth;
    step.compute += rows.compute;
    step.dispatch += rows.dispatch;
    step.compute_energy += rows.compute_energy;
    step.memory_energy += rows.memory_energy;
  };
  add_rows(memoised_token_cost(level, shape.tokens));
  add_rows(memoised_head_cost(level, shape.sequences));
  for (std::size_t g = 0; g < groups_.size(); ++g) {
    const auto forms = group_forms(level, g, shape.tokens);
    const auto& sums = shape.attention[g];
    const int64_t memory = forms.memory.base + forms.memory.slope * sums.kept_tokens;
    const int64_t compute = forms.compute_per_pair * sums.pairs;
    step.forms[g] = compute > memory ? Form::compute : Form::memory;
    (compute > memory ? step.compute : step.bandwidth) += std::max(compute, memory);
    step.compute_energy += forms.compute_energy_per_pair * sums.pairs;
    step.memory_energy += forms.memory_energy_base + forms.memory_energy_per_token * sums.kept_tokens;
  }
  step.duration = step.bandwidth + step.compute + step.dispatch;
  return step;
}

}  // namespace tokwatt::sim
