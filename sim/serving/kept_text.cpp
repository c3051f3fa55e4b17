#include "sim/serving/kept_text.hpp"

#include <algorithm>

namespace tokwatt::sim {
namespace {

/// Tokens of a part among the first `left` of a text.
int64_t tokens_of(const Content& content, std::size_t part, int64_t left) {
  const bool endless = content.output_continues && part + 1 == content.parts.size();
  return endless ? left : std::min(content.parts[part].tokens, left);
}

}  // namespace

int64_t common_prefix(const Content& a, int64_t tokens_a, const Content& b, int64_t tokens_b) {
  int64_t common = 0;
  for (std::size_t part = 0; part < std::min(a.parts.size(), b.parts.size()); ++part) {
    if (a.parts[part].id != b.parts[part].id) break;
    const int64_t of_a = tokens_of(a, part, tokens_a - common), of_b = tokens_of(b, part, tokens_b - common);
    common += std::min(of_a, of_b);
    if (of_a != of_b) break;
  }
  return common;
}

}  // namespace tokwatt::sim
