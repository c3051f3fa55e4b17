#pragma once
// What becomes of the first request in the queue (docs/theory/scheduling.md). Shared by both steppings: it looks at
// blocks, slots and copies outside, which are shared too, and at nothing that they count differently.
#include <optional>

#include "sim/serving/kv_blocks.hpp"
#include "sim/serving/kv_loading.hpp"
#include "sim/serving/new_token_ratio.hpp"
#include "sim/serving/serving.hpp"
#include "sim/serving/slots.hpp"

namespace tokwatt::sim {

/// Of one replica, what a request asks on its way in.
struct Entrance {
  const Serving& serving;
  KvBlocks& blocks;
  Slots& slots;
  NewTokenRatio& ratio;
  KvLoading& loading;

  enum class Answer {
    admitted,
    loads,          ///< it waits for blocks that are brought back from outside
    waits,          ///< for room, and all behind it
    out_of_context  ///< slots that share a context have no room for its prompt
  };
  struct Entry {
    Answer answer;
    int64_t tokens = 0;          ///< of its prompt in this step
    int64_t slot = -1;           ///< llama-server's
    bool room_may_grow = false;  ///< it asks for less when cached blocks that it would hold go
  };
  /// `others_expect`: what those who decode may still ask for (SGLang); nothing where nobody runs, who is let in
  /// anyway.
  Entry first(RequestId id, Request& r, const PromptBudget& budget, std::optional<int64_t> others_expect,
              Picoseconds now) const;

 private:
  bool output_has_room(const Request& r, const PrefixCache::Hit& hit, std::optional<int64_t> others_expect) const;
};

}  // namespace tokwatt::sim
