#pragma once
// What is left of a request once it is gone: its first tokens, and what text they are.
#include <algorithm>
#include <cstdint>
#include <memory>

#include "sim/serving/text_place.hpp"

namespace tokwatt::sim {

struct KeptText {
  std::shared_ptr<const Content> content;  ///< nothing: shares with nobody
  int64_t tokens = 0;

  /// Tokens that it has in common with the first so many of a text, from the start on.
  int64_t common_with(const Content* other, int64_t other_tokens) const {
    if (!content || other == nullptr) return 0;
    TextPlace at;
    return pass_common(*content, at, std::min(tokens, other_tokens), *other, {});
  }
};

}  // namespace tokwatt::sim
