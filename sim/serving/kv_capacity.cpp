#include "sim/serving/kv_capacity.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <limits>

#include "models/graph.hpp"

namespace tokwatt::sim {

namespace {

std::string gb(double bytes) { return fmt::format("{:.1f} GB", bytes / 1e9); }

const models::WeightFormat& weight_format(const Deployment& d, const models::Quant& quant) {
  return d.engine.container == models::Container::gguf ? quant.gguf : quant.safetensors;
}

// On each device: its share, and all of what is too narrow to share.
double weights_per_device(const Deployment& d, const models::Architecture& model, const models::WeightFormat& format) {
  const double all = models::weight_bytes(model, format);
  if (d.tensor_parallel == 1) return all;
  double replicated = 0;
  for (const auto& op : models::operators(model, format, d.kv.element_bytes))
    replicated += op.replicated ? op.weight_bytes : 0;
  return replicated + (all - replicated) / static_cast<double>(d.tensor_parallel);
}

// Of what drafts too; a head shares the embedding and the output head.
double weights_per_device(const Deployment& d) {
  const double own = weights_per_device(d, d.model, weight_format(d, d.quant));
  if (!d.speculation) return own;
  models::Architecture draft = d.speculation->draft;
  if (d.speculation->is_head) draft.vocab = 0;
  return own + weights_per_device(d, draft, weight_format(d, d.speculation->quant));
}

// Activations of the largest step (widest operator in and out, bf16) and the logits it samples from (fp32), of every
// row that a sequence has in a step; of what is between a block's products each device has its share. Passes of a draft
// use the same room.
double workspace_bytes(const Deployment& d) {
  double widest = 0;
  const auto devices = static_cast<double>(d.tensor_parallel);
  for (const auto& layer : d.model.layers) {
    const double ffn =
        layer.experts ? static_cast<double>(layer.experts->per_token * layer.experts->ffn + layer.experts->shared_ffn)
                      : static_cast<double>(layer.dense_ffn);
    widest = std::max(widest, 4 * static_cast<double>(d.model.hidden) + 3 * ffn / devices);
  }
  const auto& limits = d.engine.limits;
  const int64_t rows = limits.micro_batch > 0 ? limits.micro_batch : limits.max_num_batched_tokens;
  return 2 * widest * static_cast<double>(rows) +
         4 * static_cast<double>(d.model.vocab * std::min(limits.max_num_seqs * (d.drafted() + 1), rows));
}

[[noreturn]] void refuse_weights(const Deployment& d, const hardware::Memory& memory, const MemoryPlan& plan) {
  const std::string draft = d.speculation ? fmt::format(" with {} to draft", d.speculation->draft.id) : "";
  throw DoesNotFit(fmt::format(
      "{} as {}{} does not fit{}: weights {} + workspace {} = {}, but {} of {} can be used", d.model.id, d.quant.id,
      draft, d.tensor_parallel > 1 ? fmt::format(" {} devices", d.tensor_parallel) : "", gb(plan.weights),
      gb(plan.workspace), gb(plan.weights + plan.workspace), gb(plan.usable), gb(memory.capacity)));
}

[[noreturn]] void refuse_context(const Deployment& d, int64_t asked, int64_t possible, const MemoryPlan& plan,
                                 double per_token) {
  possible = std::max<int64_t>(possible, 0);
  if (d.kv_blocks) {
    throw DoesNotFit(fmt::format("{}: max_model_len {} does not fit: kv_blocks {} hold {} tokens per sequence", d.name,
                                 asked, *d.kv_blocks, possible));
  }
  throw DoesNotFit(
      fmt::format("{}: max_model_len {} does not fit: {} usable - {} weights - {} workspace = {} for the KV cache, at "
                  "{:.1f} kB per token "
                  "that is {} tokens per sequence",
                  d.name, asked, gb(plan.usable), gb(plan.weights), gb(plan.workspace), gb(plan.left()),
                  per_token / 1e3, possible));
}

}  // namespace

MemoryPlan memory_plan(const Deployment& d, const hardware::Memory& memory) {
  const double engine_share = memory.capacity * memory.usable_fraction * d.engine.limits.memory_utilization;
  return {std::min(engine_share, memory.usable() - d.memory_of_others), weights_per_device(d), workspace_bytes(d)};
}

namespace {

models::KvBytes kept_of(models::Architecture model, const Deployment& d) {
  for (auto& layer : model.layers) {
    if (d.engine.keeps_chunks && layer.grouped) layer.grouped->chunk = 0;
  }
  return models::kv_bytes(model, d.kv.element_bytes, d.tensor_parallel);
}

}  // namespace

models::KvBytes kv_bytes(const Deployment& d) {
  models::KvBytes sum = kept_of(d.model, d);
  if (!d.speculation) return sum;
  const auto draft = kept_of(d.speculation->draft, d);
  // Of rows that may be rejected each keeps the recurrent states as they are behind it.
  const auto rows = static_cast<double>(d.drafted() + 1);
  models::KvBytes both{sum.per_token + draft.per_token, sum.window_fixed + draft.window_fixed,
                       (sum.state_fixed + draft.state_fixed) * rows, sum.windows};
  both.windows.insert(both.windows.end(), draft.windows.begin(), draft.windows.end());
  return both;
}

int64_t contexts(const Deployment& d) {
  const bool is_one = d.engine.kv_unified && kv_bytes(d).per_token > 0;  // recurrent states are each slot's own
  return is_one ? 1 : d.engine.limits.max_num_seqs;
}

int64_t KvCapacity::window_blocks_of(int64_t tokens) const {
  if (window_blocks == 0) return 0;
  double bytes = windows.state_fixed;
  for (const auto& window : windows.windows)
    bytes += window.per_token * static_cast<double>(std::min(blocks_of(tokens) * block_size, window.tokens));
  return std::min(static_cast<int64_t>(std::ceil(bytes / block_bytes)), window_blocks);
}

namespace {

// What a sequence holds at most however long it gets: full windows and recurrent states.
double fixed_bytes(const models::KvBytes& kv) { return kv.window_fixed + kv.state_fixed; }

// The last step of the longest sequence drafts tokens beyond it: they need slots too.
// Paged: any sequence may take any block; windowed and recurrent layers hold a fixed number of blocks per sequence.
// Where nothing grows, a sequence takes one block that holds all its windows and states, however long it gets.
KvCapacity paged_capacity(const Deployment& d, const models::KvBytes& kv, double left) {
  KvCapacity out;
  if (kv.per_token == 0) {
    out.block_size = d.model.max_context + d.drafted();
    const double fixed = std::max(1.0, fixed_bytes(kv));  // a model that keeps nothing at all takes any number
    const auto most = static_cast<double>(std::numeric_limits<int32_t>::max());
    out.blocks = d.kv_blocks ? *d.kv_blocks : static_cast<int64_t>(std::min(left / fixed, most));
    out.max_model_len = out.blocks > 0 ? d.model.max_context : 0;
    return out;
  }
  out.block_size = d.engine.limits.block_size;
  out.block_bytes = kv.per_token * static_cast<double>(out.block_size);
  out.windows = kv;
  out.window_blocks = static_cast<int64_t>(std::ceil(fixed_bytes(kv) / out.block_bytes));
  out.blocks = d.kv_blocks ? *d.kv_blocks : static_cast<int64_t>(left / out.block_bytes);
  out.max_model_len = (out.blocks - out.window_blocks) * out.block_size - d.drafted();
  return out;
}

// llama-server: slots share the context, or it is split evenly over them when it starts. A token is a block of its own.
KvCapacity slot_capacity(const Deployment& d, const models::KvBytes& kv, double left) {
  const int64_t slots = d.engine.limits.max_num_seqs, parts = contexts(d);
  const auto slots_of_part = static_cast<double>(slots / parts);
  const double per_part = left / static_cast<double>(parts) - fixed_bytes(kv) * slots_of_part;
  KvCapacity out;
  if (d.kv_blocks) {
    out.max_model_len = *d.kv_blocks / parts - d.drafted();
  } else if (per_part >= 0) {
    out.max_model_len =
        kv.per_token > 0 ? static_cast<int64_t>(per_part / kv.per_token) - d.drafted() : d.model.max_context;
  }
  return out;
}

/// Whoever gives their number knows what a server took, which may be more than an engine's share; not more than there
/// is.
void check_kv_blocks(const Deployment& d, const hardware::Memory& memory, const MemoryPlan& plan,
                     const KvCapacity& asked) {
  const double cache = static_cast<double>(asked.blocks) * asked.block_bytes, room = memory.capacity - plan.weights;
  if (cache <= room) return;
  throw DoesNotFit(fmt::format("{}: kv_blocks {} do not fit: {} of {}, but {} - {} weights = {}", d.name, *d.kv_blocks,
                               gb(cache), gb(asked.block_bytes), gb(memory.capacity), gb(plan.weights), gb(room)));
}

}  // namespace

KvCapacity kv_capacity(const Deployment& d, const hardware::Box& box) {
  const auto plan = memory_plan(d, box.memory);
  if (plan.left() <= 0) refuse_weights(d, box.memory, plan);
  const auto kv = kv_bytes(d);
  const bool paged = d.engine.policy == models::Policy::vllm;
  KvCapacity out = paged ? paged_capacity(d, kv, plan.left()) : slot_capacity(d, kv, plan.left());
  if (d.kv_blocks) check_kv_blocks(d, box.memory, plan, out);
  const int64_t longest = out.max_model_len;
  out.max_model_len = d.max_model_len.value_or(std::min(d.model.max_context, longest));
  if (longest <= 0 || out.max_model_len > longest) refuse_context(d, out.max_model_len, longest, plan, kv.per_token);
  if (!paged) out.blocks = (out.max_model_len + d.drafted()) * contexts(d);
  return out;
}

}  // namespace tokwatt::sim
