#include "sim/serving/cost_model.hpp"

#include <algorithm>
#include <cmath>
#include <stdexcept>

#include "models/graph.hpp"
#include "sim/arithmetic.hpp"

namespace tokwatt::sim {

namespace {

int64_t ps(double s) { return std::llround(s * 1e12); }
int64_t pj(double j) { return std::llround(j * 1e12); }

hardware::Dtype matrix_dtype(const Deployment& deployment, const hardware::Box& box) {
  const auto dtype = arithmetic_of(box, deployment.engine, deployment.quant.id);
  if (!dtype) throw std::invalid_argument(box.id + " has no units for " + deployment.quant.id);
  return *dtype;
}

// What the vendor says of a format, or of the nearest that it says anything of.
double peak_or(const hardware::Compute& compute, hardware::Dtype dtype, hardware::Dtype otherwise) {
  return compute.peak_of(dtype) > 0 ? compute.peak_of(dtype) : compute.peak_of(otherwise);
}

}  // namespace

CostModel::CostModel(StepWork work, const Deployment& deployment, const hardware::Box& box, const hardware::Link& link)
    : tuning_(deployment.engine.tuning),
      micro_batch_(deployment.engine.limits.micro_batch),
      bandwidth_(box.memory.bandwidth),
      byte_energy_(box.power.per_byte),
      clock_(box.clock),
      work_(std::move(work)),
      group_{deployment.tensor_parallel, link, deployment.engine.collective} {
  using hardware::Dtype;
  const auto dtype = matrix_dtype(deployment, box);
  matrix_peak_ = box.compute.peak_of(dtype);
  top_flop_energy_ = box.power.per_flop[static_cast<std::size_t>(dtype)];
  const auto least = box.power.energy_rows.find(deployment.quant.id);
  if (least != box.power.energy_rows.end()) energy_rows_ = least->second;
  // Attention is computed in half precision whatever the weights are in, few rows on the general-purpose units.
  attention_peak_ = peak_or(box.compute, Dtype::bf16, dtype);
  vector_peak_ = box.compute.vector > 0 ? box.compute.vector : peak_or(box.compute, Dtype::fp32, dtype);
  if (work_.attention.size() > kMaxAttentionGroups) {
    throw std::invalid_argument("more than " + std::to_string(kMaxAttentionGroups) + " different kinds of attention");
  }
  for (int level = 0; level < clock_.levels(); ++level)
    slowdown_.push_back(std::llround((1 - clock_.at(level) / clock_.at(clock_.levels() - 1)) * 1024));
  retune(tuning_);
}

void CostModel::retune(const models::Tuning& tuning) {
  tuning_ = tuning;
  const auto levels = static_cast<std::size_t>(clock_.levels());
  token_memo_.assign(levels, {});
  head_memo_.assign(levels, {});
  output_memo_.assign(levels, {});
  decode_memo_.assign(levels, {});
  attention_memo_.assign(levels * groups(), {});
}

double CostModel::clock_share(int level) const { return clock_.at(level) / clock_.of_peak; }

double CostModel::flop_energy(int level) const {
  const double volts = clock_.voltage(level) / clock_.voltage(clock_.levels() - 1);
  return top_flop_energy_ * volts * volts;
}

// t = max(bytes / (bandwidth * eff_m), flops / rate), where rate is the better of two kinds of kernels: those of
// matrices by matrices, which cost as if rows_half rows came on top, and those of matrices by single rows on the fp32
// units.
CostModel::Seconds CostModel::matmul_time(int level, double rows, const Matmul& op, double weight_bytes,
                                          double rows_per_matrix) const {
  const bool experts = op.experts > 0;
  const double efficiency_m = experts ? tuning_.memory_efficiency_experts : tuning_.memory_efficiency;
  const double efficiency_c = experts ? tuning_.compute_efficiency_experts : tuning_.compute_efficiency;
  const double rows_half = experts ? tuning_.rows_half_experts : tuning_.rows_half;
  const double saturation = rows_per_matrix / (rows_per_matrix + rows_half);
  const double rate =
      std::max(matrix_peak_ * efficiency_c * saturation, vector_peak_ * tuning_.vector_efficiency) * clock_share(level);
  const double bytes = weight_bytes + op.activation_bytes_per_row * rows;
  return {bytes / (bandwidth_ * efficiency_m), op.flops_per_row * rows / rate};
}

// Kernels compute whole tiles: a few rows take the energy of more.
double CostModel::energy_rows(double rows, bool experts) const {
  return experts || !energy_rows_.given() ? rows : std::max(rows, energy_rows_.at(rows));
}

CostModel::RowCost CostModel::rows_cost(int level, int64_t rows, const std::vector<Matmul>& operators) const {
  const auto tokens = static_cast<double>(rows);
  double bandwidth = 0, compute = 0, flops_sum = 0, bytes_sum = 0;
  for (const auto& op : operators) {
    double weight_bytes = op.weight_bytes, rows_per_matrix = tokens;
    if (op.experts > 0) {
      const double touched = models::touched_experts(op.experts, op.per_token, tokens);
      weight_bytes *= touched / static_cast<double>(op.experts);
      rows_per_matrix = tokens * static_cast<double>(op.per_token) / touched;
    }
    const Seconds t = matmul_time(level, tokens, op, weight_bytes, rows_per_matrix);
    (t.compute > t.memory ? compute : bandwidth) += op.count * std::max(t.compute, t.memory);
    flops_sum += op.count * op.flops_per_row * energy_rows(tokens, op.experts > 0);
    bytes_sum += op.count * (weight_bytes + op.activation_bytes_per_row * tokens);
  }
  return {ps(bandwidth), ps(compute), 0, 0, pj(flops_sum * flop_energy(level)), pj(bytes_sum * byte_energy_)};
}

// Scans of recurrent states: arithmetic per token, beside the states that each sequence moves (see head_cost).
void CostModel::add_state(int level, int64_t rows, RowCost& sum) const {
  const auto& state = work_.state;
  if (state.flops_per_row <= 0) return;
  const auto tokens = static_cast<double>(rows);
  const double bytes = state.activation_bytes_per_row * tokens, flops = state.flops_per_row * tokens;
  const double memory = bytes / (bandwidth_ * tuning_.memory_efficiency_kv);
  const double compute = flops / (attention_peak_ * clock_share(level) * tuning_.compute_efficiency_state);
  (compute > memory ? sum.compute : sum.bandwidth) += ps(std::max(compute, memory));
  sum.compute_energy += pj(flops * flop_energy(level));
  sum.memory_energy += pj(bytes * byte_energy_);
}

// A step larger than the engine's micro-batch passes through the model in several goes, each reading the weights.
CostModel::RowCost CostModel::token_cost(int level, int64_t tokens) const {
  const int64_t micro = micro_batch_ > 0 ? std::min(micro_batch_, tokens) : tokens;
  const int64_t whole = tokens / micro, rest = tokens % micro;
  RowCost sum;
  const auto add = [&](int64_t times, const RowCost& cost) {
    sum.bandwidth += times * cost.bandwidth;
    sum.compute += times * cost.compute;
    sum.link += times * cost.link;
    sum.compute_energy += times * cost.compute_energy;
    sum.memory_energy += times * cost.memory_energy;
  };
  const auto pass = [&](int64_t rows) {
    RowCost cost = rows_cost(level, rows, work_.per_token);
    add_state(level, rows, cost);
    const auto& collectives = work_.collectives;
    cost.link = ps(collectives.all_reduces * group_.all_reduce(collectives.bytes_per_row * static_cast<double>(rows)));
    return cost;
  };
  add(whole, pass(micro));
  if (rest > 0) add(1, pass(rest));
  const auto passes = static_cast<double>(whole + (rest > 0 ? 1 : 0));
  // At least a picosecond, so that no sheet makes a step that takes no time.
  sum.dispatch = std::max<int64_t>(1, ps(passes * work_.kernels * tuning_.kernel_dispatch + tuning_.host_per_step));
  return sum;
}

// The output head, and what else goes once by sequence: its recurrent states and its bookkeeping.
CostModel::RowCost CostModel::head_cost(int level, int64_t sequences) const {
  RowCost cost = output_cost(level, sequences);
  cost += sequences_cost(sequences, sequences);
  return cost;
}

CostModel::RowCost CostModel::output_cost(int level, int64_t outputs) const {
  RowCost cost = rows_cost(level, outputs, work_.per_sequence);
  cost.link = ps(group_.gather(work_.collectives.gather_bytes_per_row * static_cast<double>(outputs)));
  return cost;
}

CostModel::RowCost CostModel::sequences_cost(int64_t sequences, int64_t states) const {
  RowCost cost;
  // bytes_per_sequence are those of a read and a write
  const double state_bytes = work_.state.bytes_per_sequence / 2 * static_cast<double>(sequences + states);
  cost.bandwidth = ps(state_bytes / (bandwidth_ * tuning_.memory_efficiency_kv));
  cost.memory_energy = pj(state_bytes * byte_energy_);
  cost.dispatch = ps(tuning_.host_per_sequence * static_cast<double>(sequences));
  return cost;
}

template <class Cost>
const CostModel::RowCost& CostModel::memoised(Memo& memo, int64_t rows, Cost cost) {
  constexpr int64_t kMost = 1 << 20;  // steps of servers stay below; roofs of prompts of any length do not
  if (rows >= kMost) return memo.last = cost();
  const auto i = static_cast<std::size_t>(rows);
  if (i >= memo.entries.size()) memo.entries.resize(i + 1);
  auto& entry = memo.entries[i];
  if (!entry.known) entry = {cost(), true};
  return entry.cost;
}

const CostModel::RowCost& CostModel::memoised_token_cost(int level, int64_t tokens) const {
  return memoised(token_memo_[static_cast<std::size_t>(level)], tokens, [&] { return token_cost(level, tokens); });
}

const CostModel::RowCost& CostModel::memoised_head_cost(int level, int64_t sequences) const {
  return memoised(head_memo_[static_cast<std::size_t>(level)], sequences, [&] { return head_cost(level, sequences); });
}

void CostModel::price_attention(int level) const {
  const double per_byte = 1 / (bandwidth_ * tuning_.memory_efficiency_kv);
  const double per_flop = 1 / (attention_peak_ * clock_share(level) * tuning_.compute_efficiency_attention);
  const double energy_per_flop = flop_energy(level);
  for (std::size_t g = 0; g < groups(); ++g) {
    const auto& group = work_.attention[g];
    attention_memo_[static_cast<std::size_t>(level) * groups() + g] = {
        ps(group.activation_bytes_per_row * per_byte), ps(group.bytes_per_kept_token * per_byte),
        ps(group.flops_per_pair * per_flop),           pj(group.activation_bytes_per_row * byte_energy_),
        pj(group.bytes_per_kept_token * byte_energy_), pj(group.flops_per_pair * energy_per_flop)};
  }
}

StepCost CostModel::pass_cost(int level, const PassRows& rows) const {
  RowCost sum = memoised_token_cost(level, rows.tokens);
  sum += sequences_cost(rows.sequences, rows.states);
  if (rows.outputs > 0) {
    sum += memoised(output_memo_[static_cast<std::size_t>(level)], rows.outputs,
                    [&] { return output_cost(level, rows.outputs); });
  }
  return without_attention(sum);
}

StepCost CostModel::without_attention(const RowCost& rows) {
  return {rows.duration(), {},        rows.bandwidth,      rows.compute,
          rows.dispatch,   rows.link, rows.compute_energy, rows.memory_energy};
}

const CostModel::RowCost& CostModel::price_rows(int level, int64_t tokens, int64_t sequences) const {
  const auto sum = [&] {
    RowCost rows = memoised_token_cost(level, tokens);
    rows += memoised_head_cost(level, sequences);
    return rows;
  };
  if (tokens == sequences) return memoised(decode_memo_[static_cast<std::size_t>(level)], tokens, sum);
  return mixed_ = sum();
}

StepCost CostModel::cost(int level, const StepShape& shape) const {
  StepCost step = without_attention(rows_of_step(level, shape.tokens, shape.sequences));
  for (std::size_t g = 0; g < work_.attention.size(); ++g)
    step.forms[g] = add_attention(step, group_forms(level, g, shape.tokens), shape.attention[g]);
  step.duration = step.bandwidth + step.compute + step.dispatch + step.link;
  return step;
}

}  // namespace tokwatt::sim
