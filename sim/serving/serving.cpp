#include "sim/serving/serving.hpp"

#include <algorithm>
#include <tuple>

namespace tokwatt::sim {

bool goes_before(Scheduling scheduling, const Request& a, const Request& b) {
  switch (scheduling) {
    case Scheduling::fcfs:
      return false;
    case Scheduling::priority:
      return std::tie(a.priority, a.record) < std::tie(b.priority, b.record);
    case Scheduling::shortest_first:
      break;
  }
  return std::tuple(a.preemptions == 0, a.prompt, a.record) < std::tuple(b.preemptions == 0, b.prompt, b.record);
}

Meter amounts(const Costs& costs, const StepContext& context, const StepPricer& pricer) {
  Meter out;
  const int128 duration = costs.duration();
  out[Quantity::compute_energy] = costs.compute_energy;
  out[Quantity::memory_energy] = costs.memory_energy;
  out[Quantity::output_tokens] = context.output_tokens;
  out[Quantity::prompt_tokens] = context.prompt_tokens;
  out[Quantity::busy_time] = duration;
  out[Quantity::device_time] = duration * context.point.share;
  out[Quantity::running_time] = duration * context.running;
  if (context.queued) {
    out[Quantity::queue_time] = duration;
    return out;
  }
  out[Quantity::bandwidth_time] = costs.bandwidth;
  out[Quantity::compute_time] = costs.compute;
  out[Quantity::dispatch_time] = costs.dispatch;
  out[Quantity::link_time] = costs.link;
  const int128 loss = costs.compute * pricer.slowdown(context.point.level);
  if (context.point.brake == hardware::Brake::heat) out[Quantity::heat_loss] = loss;
  if (context.point.brake == hardware::Brake::power) out[Quantity::power_loss] = loss;
  return out;
}

Meter in_whole(Meter meter, int fraction_bits) {
  if (fraction_bits == 0) return meter;
  for (std::size_t q = 0; q < kQuantities; ++q) {
    const auto quantity = static_cast<Quantity>(q);
    if (quantity != Quantity::output_tokens && quantity != Quantity::prompt_tokens) meter.values[q] >>= fraction_bits;
  }
  return meter;
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
