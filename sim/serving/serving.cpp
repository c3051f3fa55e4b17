#include "sim/serving/serving.hpp"

#include <algorithm>

namespace tokwatt::sim {

StepAmounts amounts(const StepCost& cost, const StepContext& context, const CostModel& model) {
  StepAmounts out;
  out[Quantity::compute_energy] = cost.compute_energy;
  out[Quantity::memory_energy] = cost.memory_energy;
  out[Quantity::output_tokens] = context.output_tokens;
  out[Quantity::prompt_tokens] = context.prompt_tokens;
  out[Quantity::busy_time] = cost.duration;
  out[Quantity::running_time] = cost.duration * context.running;
  if (context.queued) {
    out[Quantity::queue_time] = cost.duration;
    return out;
  }
  out[Quantity::bandwidth_time] = cost.bandwidth;
  out[Quantity::compute_time] = cost.compute;
  out[Quantity::dispatch_time] = cost.dispatch;
  out[Quantity::link_time] = cost.link;
  const int64_t loss = cost.compute * model.slowdown(context.clock.level);
  if (context.clock.brake == hardware::Brake::heat) out[Quantity::heat_loss] = loss;
  if (context.clock.brake == hardware::Brake::power) out[Quantity::power_loss] = loss;
  return out;
}

namespace {

/// Sum of i % chunk + 1 over i < tokens.
int64_t chunked_pairs(int64_t tokens, int64_t chunk) {
  const int64_t whole = tokens / chunk, rest = tokens % chunk;
  return whole * (chunk * (chunk + 1) / 2) + rest * (rest + 1) / 2;
}

}  // namespace

AttentionSums chunk_attention(int64_t before, int64_t tokens, const Reach& reach) {
  // Token i of the chunk (1-based) sees before + i tokens, itself included.
  if (reach.chunk > 0) {
    return {before % reach.chunk + tokens,
            chunked_pairs(before + tokens, reach.chunk) - chunked_pairs(before, reach.chunk)};
  }
  if (reach.window == 0) return {before + tokens, before * tokens + tokens * (tokens + 1) / 2};
  const int64_t window = reach.window;
  const int64_t rising =
      std::clamp<int64_t>(window - before, 0, tokens);  // tokens that see less than a window, or just one
  const int64_t pairs = before * rising + rising * (rising + 1) / 2 + (tokens - rising) * window;
  return {std::min(before, window - 1) + tokens, pairs};
}

}  // namespace tokwatt::sim
