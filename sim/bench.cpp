#include "sim/bench.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cmath>

#include "sim/serving/kv_capacity.hpp"
#include "sim/serving/serving.hpp"

namespace tokwatt::sim {

namespace {

constexpr double kNormal90 = 1.6448536269514722;  // 95 % quantile of the standard normal: both sides leave 90 %

struct Spent {
  Picoseconds bandwidth = 0, compute = 0, dispatch = 0;
  int128 energy = 0;  // dynamic, of the chip
  void add(const StepCost& step) {
    bandwidth += step.bandwidth;
    compute += step.compute;
    dispatch += step.dispatch;
    energy += step.compute_energy + step.memory_energy;
  }
  Picoseconds total() const { return bandwidth + compute + dispatch; }
};

// llama-batched-bench: the sequences' prompts one after the other through batches of n_batch tokens.
Spent prefill(const CostModel& model, int level, const BenchTest& test, int64_t batch) {
  Spent spent;
  int64_t sequence = 0, done = 0;  // prompt tokens of this sequence that are in
  while (sequence < test.sequences) {
    StepShape shape;
    while (shape.tokens < batch && sequence < test.sequences) {
      const int64_t tokens = std::min(batch - shape.tokens, test.prompt - done);
      for (std::size_t g = 0; g < model.groups(); ++g) {
        const auto chunk = chunk_attention(test.depth + done, tokens, model.window(g));
        shape.attention[g].kept_tokens += chunk.kept_tokens;
        shape.attention[g].pairs += chunk.pairs;
      }
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

Spent decode(const CostModel& model, int level, const BenchTest& test) {
  Spent spent;
  for (int64_t j = 0; j < test.generate; ++j) {
    StepShape shape;
    shape.tokens = shape.sequences = test.sequences;
    for (std::size_t g = 0; g < model.groups(); ++g) {
      const int64_t context = test.depth + test.prompt + j + 1;
      const int64_t seen = model.window(g) == 0 ? context : std::min(context, model.window(g));
      shape.attention[g] = {seen * test.sequences, seen * test.sequences};
    }
    spent.add(model.cost(level, shape));
  }
  return spent;
}

// The same deployment on the same box with nothing lost: vendor peaks, no dispatch, as few experts and as cheap an
// attention as there can be. Bounds come from here alone.
CostModel roofline(Deployment deployment, hardware::Box box) {
  deployment.engine.limits.micro_batch = 0;
  auto& tuning = deployment.engine.tuning;
  tuning.memory_efficiency = tuning.memory_efficiency_experts = tuning.memory_efficiency_kv = 1;
  tuning.compute_efficiency = tuning.compute_efficiency_experts = tuning.compute_efficiency_attention = 1;
  tuning.rows_half = tuning.kernel_dispatch = tuning.host_per_step = tuning.host_per_sequence = 0;
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
  return CostModel(deployment, box);
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
Spent within_power_limit(const hardware::Box& box, Test spent_at) {
  const auto fits = [&](int level) { return chip_power(spent_at(level), box, level) <= box.power.limit; };
  int high = box.clock.levels() - 1, low = 0;
  if (fits(high)) return spent_at(high);
  while (low < high) {  // power grows with the clock
    const int middle = (low + high + 1) / 2;
    if (fits(middle)) {
      low = middle;
    } else {
      high = middle - 1;
    }
  }
  return spent_at(low);
}

BenchRate rate(const Spent& predicted, const Spent& bound, int64_t tokens, double spread) {
  BenchRate out;
  if (tokens == 0) return out;
  out.seconds = seconds(std::max(predicted.total(), bound.total()));  // never above the roofline
  out.tokens_per_second = static_cast<double>(tokens) / out.seconds;
  const double most = static_cast<double>(tokens) / seconds(bound.total());
  out.low = out.tokens_per_second * std::exp(-kNormal90 * spread);
  out.high = std::min(out.tokens_per_second * std::exp(kNormal90 * spread), most);
  const std::array parts = {predicted.bandwidth, predicted.compute, predicted.dispatch};
  out.bound = static_cast<Bound>(std::max_element(parts.begin(), parts.end()) - parts.begin());
  return out;
}

void check_fit(const Deployment& deployment, const hardware::Box& box, const BenchTest& test) {
  const int64_t context = test.depth + test.prompt + test.generate;
  if (context > deployment.model.max_context) {
    throw ContextTooLong(fmt::format("{} takes at most {} tokens of context; the test has {}", deployment.model.id,
                                     deployment.model.max_context, context));
  }
  const auto plan = memory_plan(deployment, box.memory);
  const double needed = static_cast<double>(test.sequences) *
                        models::kv_bytes_of_sequence(deployment.model, deployment.kv.element_bytes, context);
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
  const CostModel model(deployment, box);
  const CostModel peak = roofline(deployment, box);
  const int top = box.clock.levels() - 1;
  const int64_t batch = deployment.engine.limits.max_num_batched_tokens;
  const auto& tuning = deployment.engine.tuning;
  BenchResult result;
  if (test.prompt > 0) {
    const auto spent = within_power_limit(box, [&](int level) { return prefill(model, level, test, batch); });
    result.prefill = rate(spent, prefill(peak, top, test, test.prompt * test.sequences), test.prompt * test.sequences,
                          tuning.spread_prefill);
  }
  if (test.generate > 0) {
    const auto spent = within_power_limit(box, [&](int level) { return decode(model, level, test); });
    result.decode = rate(spent, decode(peak, top, test), test.generate * test.sequences, tuning.spread_decode);
  }
  return result;
}

}  // namespace tokwatt::sim
