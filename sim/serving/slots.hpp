#pragma once
// The slots of llama-server: each keeps the tokens of the request it had last, and a new one goes to the free slot
// whose tokens it begins with most, or else to the one that was free for the longest
// (server_context::get_available_slot). Shared by both steppings.
#include <vector>

#include "sim/serving/prompt_cache.hpp"

namespace tokwatt::sim {

class Slots {
 public:
  /// All free, in order. Without `keeps_prompts` nothing is found again.
  Slots(int64_t count, bool keeps_prompts, PromptCache outside);

  struct Choice {
    int64_t slot = -1;
    int64_t cached = 0;      ///< tokens of the request that need not be computed: one less than all, at most
    bool puts_away = false;  ///< what it holds goes to the cache outside
    std::optional<PromptCache::Found> brings;  ///< and this comes from there
  };
  /// Of the free slots, for a request with so many tokens to prefill; where none is free, no slot and nothing cached.
  Choice choose(const Content* content, int64_t tokens) const;
  void take(const Choice& choice);
  /// A slot is free again; it holds the first `tokens` of a text.
  void give_back(int64_t slot, std::shared_ptr<const Content> content, int64_t tokens);
  /// All free, and empty.
  void forget();
  /// Tokens of requests that were found in the cache outside, over all of the run.
  int64_t found_outside() const { return found_outside_; }

 private:
  const KeptText& kept(int64_t slot) const { return kept_[static_cast<std::size_t>(slot)]; }

  bool keeps_prompts_;
  PromptCache outside_;
  std::vector<int64_t> free_;   // the least recently used first
  std::vector<KeptText> kept_;  // by slot
  int64_t found_outside_ = 0;
};

}  // namespace tokwatt::sim
