#pragma once
// What is left of a request once it is gone: its first tokens, and what text they are.
#include <cstdint>
#include <memory>

#include "sim/workload/source.hpp"

namespace tokwatt::sim {

/// How many tokens two texts have in common from their start on, the first so many of each.
int64_t common_prefix(const Content& a, int64_t tokens_a, const Content& b, int64_t tokens_b);

struct KeptText {
  std::shared_ptr<const Content> content;  ///< nothing: shares with nobody
  int64_t tokens = 0;

  /// Tokens that it has in common with the first so many of a text.
  int64_t common_with(const Content* other, int64_t other_tokens) const {
    return content && other ? common_prefix(*content, tokens, *other, other_tokens) : 0;
  }
};

}  // namespace tokwatt::sim
