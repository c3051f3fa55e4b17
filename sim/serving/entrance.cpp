#include "sim/serving/entrance.hpp"

namespace tokwatt::sim {

Entrance::Entry Entrance::first(RequestId id, Request& r, const PromptBudget& budget,
                                std::optional<int64_t> others_expect, Picoseconds now) const {
  const bool paged = serving.policy == models::Policy::vllm;
  r.target = r.prompt + r.produced;
  const auto choice = paged ? Slots::Choice{} : slots.choose(r.content.get(), r.target);
  const auto hit = paged ? blocks.find(r) : blocks.in_slot(choice.cached);
  const int64_t missing = r.target - blocks.tokens_of(hit);
  const int64_t tokens = budget.of(missing);
  if (!output_has_room(r, hit, others_expect)) return {Answer::waits};
  if (serving.reserve_full_isl && !blocks.has_room(r, hit, missing)) return {Answer::waits};
  if (const int64_t outside = paged ? blocks.outside(id, r, hit, now) : 0; outside > 0) {
    const auto ends = blocks.bring(id, r, hit, outside, now);
    if (!ends) return {Answer::waits};
    loading.begin(id, blocks.tokens_of(hit) + outside * serving.kv.block_size, *ends);
    return {Answer::loads};
  }
  if (!blocks.admit(id, r, hit, serving.reserves_prompts ? missing : tokens)) {
    if (!paged) return {Answer::out_of_context};
    return {Answer::waits, 0, -1, hit.idle > 0 && !serving.reserve_full_isl && !serving.reserves_prompts};
  }
  if (serving.reserves_prompts) r.reserved = r.target;
  if (!paged) slots.take(choice);
  return {Answer::admitted, tokens, choice.slot};
}

// Under SGLang, a request is admitted if what is free holds all that it may ask for, and a share of what those who
// decode may still ask for (PrefillAdder.add_one_req).
bool Entrance::output_has_room(const Request& r, const PrefixCache::Hit& hit,
                               std::optional<int64_t> others_expect) const {
  if (!ratio.in_use() || !others_expect) return true;
  const int64_t needed = r.target - blocks.tokens_of(hit) + ratio.expected(r.output, r.produced);
  return ratio.admits(needed + blocks.beside_tokens(r), blocks.free_tokens(hit), *others_expect);
}

}  // namespace tokwatt::sim
