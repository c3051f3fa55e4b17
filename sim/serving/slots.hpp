#pragma once
// The slots of llama-server: each keeps the tokens of the request it had last, and a new one goes to the free slot whose
// tokens it begins with most, or else to the one that was free for the longest (server_context::get_available_slot).
// Shared by both steppings.
#include <cstdint>
#include <memory>
#include <vector>

#include "sim/workload/source.hpp"

namespace tokwatt::sim {

/// How many tokens two texts have in common from their start on, the first so many of each.
int64_t common_prefix(const Content& a, int64_t tokens_a, const Content& b, int64_t tokens_b);

class Slots {
 public:
  /// All free, in order. Without `keeps_prompts` nothing is found again.
  Slots(int64_t count, bool keeps_prompts);

  struct Choice {
    int64_t slot = -1;
    int64_t cached = 0;  ///< tokens that it holds of the request's first, at least one less than all
  };
  /// Of the free slots, for a request with so many tokens to prefill; where none is free, no slot and nothing cached.
  Choice choose(const Content* content, int64_t tokens) const;
  void take(int64_t slot);
  /// A slot is free again; it holds the first `tokens` of a text.
  void give_back(int64_t slot, std::shared_ptr<const Content> content, int64_t tokens);
  /// All free, and empty.
  void forget();

 private:
  struct Kept {
    std::shared_ptr<const Content> content;
    int64_t tokens = 0;
  };
  bool keeps_prompts_;
  std::vector<int64_t> free_;  // the least recently used first
  std::vector<Kept> kept_;     // by slot
};

}  // namespace tokwatt::sim
