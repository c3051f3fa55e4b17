#pragma once
// Places in texts: how far two texts go on alike, and names for the blocks of one. Work grows with the parts of a text,
// not with its tokens.
#include <cstdint>
#include <optional>

#include "sim/workload/source.hpp"

namespace tokwatt::sim {

/// In front of a token of a text.
struct TextPlace {
  std::size_t part = 0;
  int64_t offset = 0;  ///< within the part
};

/// Moves on by up to `most` tokens, as far as the text is known; returns by how many.
int64_t pass(const Content& text, TextPlace& at, int64_t most);

/// Moves on in `a` by as many of its next `most` tokens as are the same from `at_b` on in `b`; returns how many.
int64_t pass_common(const Content& a, TextPlace& at_a, int64_t most, const Content& b, TextPlace at_b);

/// A name for the next `block_size` tokens behind whatever `before` names: equal names mean equal tokens. Nothing where
/// the text is not known so far. Moves on by them.
std::optional<uint64_t> name_of_block(uint64_t before, const Content& text, TextPlace& at, int64_t block_size);

}  // namespace tokwatt::sim
