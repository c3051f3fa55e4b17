#pragma once
// Closed loop as recorded: calls that wait for others, as the turns of a session and the calls of an agent do.
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <utility>
#include <vector>

#include "sim/workload/block_lists.hpp"
#include "sim/workload/source.hpp"

namespace tokwatt::sim {

using CallId = uint32_t;  ///< order in the file

/// Why a recorded call is no request. What follows it does not wait for an answer then.
enum class Drop : uint8_t { none, no_output, no_prompt, no_tokens, no_model_call };

/// What a prompt has in common with others: nothing; everything that was said before in a conversation, answers
/// included; or blocks that are named.
enum class Sharing : uint8_t { nothing, conversation, blocks };

/// A file's calls are held in memory whole: 32 bytes each, 8 for what follows it, and 4 for each call that it waits for
/// (8 while the file is read). Blocks that no prompt before had cost 8 each.
struct Call {
  Picoseconds start = 0;  ///< it is sent no sooner,
  Picoseconds pause = 0;  ///< nor sooner than this after the last call that it follows has left
  int32_t prompt = 0, output = 0;
  uint32_t text = 0;  ///< number of the conversation, or of the list of blocks
  Sharing sharing = Sharing::nothing;
  Drop drop = Drop::none;
};

/// A conversation that begins with the first tokens of another one; of none, if those are 0.
struct Conversation {
  uint32_t like = 0;
  int32_t shared = 0;
};

struct CallGraph {
  CallId add(const Call& call) {
    calls.push_back(call);
    return static_cast<CallId>(calls.size() - 1);
  }
  void follow(CallId call, CallId parent) { follows.emplace_back(call, parent); }
  /// A call that waits for itself in the end, if there is one.
  std::optional<CallId> on_a_cycle() const;

  std::vector<Call> calls;
  std::vector<std::pair<CallId, CallId>> follows;  ///< a call and one that it waits for, each pair once
  std::vector<Conversation> conversations;
  BlockLists blocks;
  int64_t block_tokens = 0;
};

/// Replays a graph without cycles.
std::unique_ptr<RequestSource> calls_source(CallGraph graph, StreamKey key);

}  // namespace tokwatt::sim
