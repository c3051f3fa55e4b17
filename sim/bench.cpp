#include "sim/bench.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <functional>

#include "sim/serving/kv_capacity.hpp"
#include "sim/serving/serving.hpp"

namespace tokwatt::sim {

namespace {

constexpr double kNormal90 = 1.6448536269514722;  // 95 % quantile of the standard normal: both sides leave 90 %

struct Spent {
  Picoseconds bandwidth = 0, compute = 0, dispatch = 0;
  int128 energy = 0;  // dynamic, of the chip
  void add(const Spent& other) {
    bandwidth += other.bandwidth;
    compute += other.compute;
    dispatch += other.dispatch;
    energy += other.energy;
  }
  void add(const StepCost& step) {
    bandwidth += step.bandwidth;
    compute += step.compute;
    dispatch += step.dispatch;
    energy += step.compute_energy + step.memory_energy;
  }
  Picoseconds total() const { return bandwidth + compute + dispatch; }
};

// A piece of a prompt, in the passes that the engine's micro-batches cut it into: each reads the keys and values in
// front of it again. `room`: tokens that the micro-batch it starts in still takes; becomes what the last one does.
AttentionSums attention_of(const Reach& reach, int64_t front, int64_t tokens, int64_t micro_batch, int64_t& room) {
  AttentionSums sum;
  while (tokens > 0) {
    const int64_t piece = std::min(tokens, room);
    const auto chunk = chunk_attention(front, piece, reach);
    sum.kept_tokens += chunk.kept_tokens;
    sum.pairs += chunk.pairs;
    front += piece;
    tokens -= piece;
    room -= piece;
    if (room == 0) room = micro_batch;
  }
  return sum;
}

// llama-batched-bench: the sequences' prompts one after the other through batches of n_batch tokens.
Spent prefill(const CostModel& model, int level, const BenchTest& test, int64_t batch, int64_t micro_batch) {
  if (micro_batch <= 0) micro_batch = batch;
  Spent spent;
  int64_t sequence = 0, done = 0;  // prompt tokens of this sequence that are in
  while (sequence < test.sequences) {
    StepShape shape;
    int64_t room = micro_batch;
    while (shape.tokens < batch && sequence < test.sequences) {
      const int64_t tokens = std::min(batch - shape.tokens, test.prompt - done);
      int64_t left = room;
      for (std::size_t g = 0; g < model.groups(); ++g) {
        left = room;
        const auto chunk = attention_of(model.reach(g), test.depth + done, tokens, micro_batch, left);
        shape.attention[g].kept_tokens += chunk.kept_tokens;
        shape.attention[g].pairs += chunk.pairs;
      }
      room = left;
      shape.tokens += tokens;
      ++shape.sequences;
      done += tokens;
      if (done == test.prompt) {
        ++sequence;
        done = 0;
      }
    }
    spent.add(model.cost(level, shape));
  }
  return spent;
}

Spent decode_step(const CostModel& model, int level, const BenchTest& test, int64_t j) {
  StepShape shape;
  shape.tokens = shape.sequences = test.sequences;
  for (std::size_t g = 0; g < model.groups(); ++g) {
    const int64_t seen = model.reach(g).seen(test.depth + test.prompt + j + 1);
    shape.attention[g] = {seen * test.sequences, seen * test.sequences};
  }
  Spent spent;
  spent.add(model.cost(level, shape));
  return spent;
}

// Sums the steps; of long tests that are only to be compared with one another, at most `samples` of them.
Spent decode(const CostModel& model, int level, const BenchTest& test, int64_t samples) {
  Spent spent;
  const int64_t steps = std::min(test.generate, samples);
  for (int64_t i = 0; i < steps; ++i)
    spent.add(decode_step(model, level, test, (2 * i + 1) * test.generate / (2 * steps)));
  return spent;
}

// The same deployment on the same box with nothing lost: vendor peaks, no dispatch, activations that never leave the
// chip, as few experts and as cheap an attention as there can be. Bounds come from here alone.
CostModel roofline(Deployment deployment, hardware::Box box) {
  deployment.engine.limits.micro_batch = 0;
  auto& tuning = deployment.engine.tuning;
  tuning.memory_efficiency = tuning.memory_efficiency_experts = tuning.memory_efficiency_kv = 1;
  tuning.compute_efficiency = tuning.compute_efficiency_experts = tuning.compute_efficiency_attention = 1;
  tuning.compute_efficiency_state = tuning.vector_efficiency = 1;
  tuning.rows_half = tuning.rows_half_experts = 0;
  tuning.kernel_dispatch = tuning.host_per_step = tuning.host_per_sequence = 0;
  box.clock.of_peak = box.clock.at(box.clock.levels() - 1);
  for (auto& layer : deployment.model.layers) {
    if (layer.experts) layer.experts->count = layer.experts->per_token;  // all tokens might choose the same ones
    if (!layer.latent) continue;
    // A prompt's keys and values may be expanded from the latent instead of attending to it: fewer FLOPs per pair.
    const auto& a = *layer.latent;
    const auto absorbed = static_cast<double>(2 * a.kv_rank + a.rope_dim);
    const auto expanded = static_cast<double>(a.nope_dim + a.rope_dim + a.v_dim);
    tuning.compute_efficiency_attention = std::max(1.0, absorbed / expanded);
  }
  StepWork work = step_work(deployment);
  for (auto* operators : {&work.per_token, &work.per_sequence})
    for (auto& op : *operators) op.activation_bytes_per_row = 0;
  // Attention may sum in f16, where that is faster than the bf16 that the cost model prices it at.
  using hardware::Dtype;
  const double bf16 = box.compute.peak_of(Dtype::bf16), f16 = box.compute.peak_of(Dtype::f16);
  for (auto& group : work.attention) {
    group.activation_bytes_per_row = 0;
    if (f16 > bf16 && bf16 > 0) group.flops_per_pair *= bf16 / f16;
  }
  work.state.activation_bytes_per_row = 0;
  return CostModel(std::move(work), deployment, box);
}

// Mean chip power of a test at a level, die at the leakage's own temperature [W].
double chip_power(const Spent& spent, const hardware::Box& box, int level) {
  const auto& power = box.power;
  return power.idle + power.leakage + power.active * box.clock.switching(level) +
         joules(spent.energy) / seconds(spent.total());
}

// The highest clock at which the test stays within the power limit, as the governor would settle; the lowest if none
// does.
template <class Test>
int level_within_power_limit(const hardware::Box& box, Test spent_at) {
  const auto fits = [&](int level) { return chip_power(spent_at(level), box, level) <= box.power.limit; };
  int high = box.clock.levels() - 1, low = 0;
  if (fits(high)) return high;
  while (low < high) {  // power grows with the clock
    const int middle = (low + high + 1) / 2;
    if (fits(middle)) {
      low = middle;
    } else {
      high = middle - 1;
    }
  }
  return low;
}

// One part of a test: what it spends by a cost model at a level, whole or as a sample that stands for it.
struct TestPart {
  int64_t tokens = 0, sample_tokens = 0;
  std::function<Spent(const CostModel&, int level)> whole, sample;
  std::function<Spent(const CostModel&, int level)> bound;
  double models::Tuning::*spread;
};

// Standard deviation of the logarithm of a part's time over the draws from what is not known about the tuning.
double spread_of_draws(const TestPart& part, CostModel& model, int level, const std::vector<models::Tuning>& draws) {
  if (draws.empty()) return 0;
  const double point = std::log(seconds(part.sample(model, level).total()));
  double squares = 0;
  for (const auto& tuning : draws) {
    model.retune(tuning);
    const double deviation = std::log(seconds(part.sample(model, level).total())) - point;
    squares += deviation * deviation;
  }
  return std::sqrt(squares / static_cast<double>(draws.size()));
}

BenchRate rate(const TestPart& part, const StepWork& work, const Deployment& deployment, const hardware::Box& box) {
  BenchRate out;
  if (part.tokens == 0) return out;
  CostModel model(work, deployment, box);
  const int level = level_within_power_limit(box, [&](int l) { return part.sample(model, l); });
  const Spent predicted = part.whole(model, level);
  const Spent bound = part.bound(roofline(deployment, box), box.clock.levels() - 1);
  out.seconds = seconds(std::max(predicted.total(), bound.total()));  // never above the roofline
  const auto tokens = static_cast<double>(part.tokens);
  out.tokens_per_second = tokens / out.seconds;
  const auto& engine = deployment.engine;
  const double spread = std::hypot(engine.tuning.*part.spread, spread_of_draws(part, model, level, engine.draws));
  out.low = out.tokens_per_second * std::exp(-kNormal90 * spread);
  out.high = std::min(out.tokens_per_second * std::exp(kNormal90 * spread), tokens / seconds(bound.total()));
  const std::array parts = {predicted.bandwidth, predicted.compute, predicted.dispatch};
  out.bound = static_cast<Bound>(std::max_element(parts.begin(), parts.end()) - parts.begin());
  return out;
}

TestPart prefill_part(const Deployment& deployment, const BenchTest& test) {
  const auto& limits = deployment.engine.limits;
  const int64_t batch = limits.max_num_batched_tokens, micro = limits.micro_batch;
  const int64_t tokens = test.prompt * test.sequences;
  const auto spent = [=](const CostModel& model, int level) { return prefill(model, level, test, batch, micro); };
  const auto bound = [=](const CostModel& model, int level) { return prefill(model, level, test, tokens, tokens); };
  return {tokens, tokens, spent, spent, bound, &models::Tuning::spread_prefill};
}

TestPart decode_part(const BenchTest& test) {
  constexpr int64_t kSamples = 16;
  const auto all = [=](const CostModel& model, int level) { return decode(model, level, test, test.generate); };
  const auto some = [=](const CostModel& model, int level) { return decode(model, level, test, kSamples); };
  return {test.generate * test.sequences, std::min(test.generate, kSamples) * test.sequences, all, some, all,
          &models::Tuning::spread_decode};
}

void check_fit(const Deployment& deployment, const hardware::Box& box, const BenchTest& test) {
  const int64_t context = test.depth + test.prompt + test.generate;
  if (context > deployment.model.max_context) {
    throw ContextTooLong(fmt::format("{} takes at most {} tokens of context; the test has {}", deployment.model.id,
                                     deployment.model.max_context, context));
  }
  const auto plan = memory_plan(deployment, box.memory);
  const double needed = static_cast<double>(test.sequences) * kv_bytes(deployment).of(context);
  if (needed <= plan.left()) return;
  throw DoesNotFit(
      fmt::format("{} as {} does not fit: weights {:.1f} GB + workspace {:.1f} GB + KV cache {:.1f} GB ({} x {} "
                  "tokens) = {:.1f} GB, "
                  "but {:.1f} GB can be used",
                  deployment.model.id, deployment.quant.id, plan.weights / 1e9, plan.workspace / 1e9, needed / 1e9,
                  test.sequences, context, (plan.weights + plan.workspace + needed) / 1e9, plan.usable / 1e9));
}

}  // namespace

BenchResult bench(const Deployment& deployment, const hardware::Box& box, const BenchTest& test) {
  check_fit(deployment, box, test);
  const StepWork work = step_work(deployment);
  BenchResult result;
  result.prefill = rate(prefill_part(deployment, test), work, deployment, box);
  result.decode = rate(decode_part(test), work, deployment, box);
  return result;
}

struct BenchProblem::Parts {
  hardware::Box box;
  TestPart part;
  CostModel model;
  Spent bound;
};

BenchProblem::BenchProblem(const Deployment& deployment, const hardware::Box& box, const BenchTest& test) {
  check_fit(deployment, box, test);
  TestPart part = test.prompt > 0 && test.generate == 0 ? prefill_part(deployment, test) : decode_part(test);
  const Spent bound = part.bound(roofline(deployment, box), box.clock.levels() - 1);
  parts_ = std::make_shared<Parts>(Parts{box, std::move(part), CostModel(deployment, box), bound});
}

double BenchProblem::rate(const models::Tuning& tuning) const {
  parts_->model.retune(tuning);
  const auto spent = [&](int level) { return parts_->part.sample(parts_->model, level); };
  const int level = level_within_power_limit(parts_->box, spent);
  return static_cast<double>(parts_->part.sample_tokens) / seconds(spent(level).total());
}

double BenchProblem::bound() const { return static_cast<double>(tokens()) / seconds(parts_->bound.total()); }
int64_t BenchProblem::tokens() const { return parts_->part.tokens; }
double BenchProblem::bound_memory() const { return seconds(parts_->bound.bandwidth); }
double BenchProblem::bound_compute() const { return seconds(parts_->bound.compute); }

}  // namespace tokwatt::sim
