#include "sim/serving/text_place.hpp"

#include <algorithm>
#include <limits>

#include "sim/random/mix.hpp"

namespace tokwatt::sim {
namespace {

constexpr int64_t kNoEnd = std::numeric_limits<int64_t>::max();

/// Tokens from a place to the end of its part; 0 at the end of the text. At the end of a part it moves to the next.
int64_t rest_of_part(const Content& text, TextPlace& at) {
  for (; at.part < text.parts.size(); ++at.part, at.offset = 0) {
    if (text.output_continues && at.part + 1 == text.parts.size()) return kNoEnd;
    if (const int64_t rest = text.parts[at.part].tokens - at.offset; rest > 0) return rest;
  }
  return 0;
}

}  // namespace

int64_t pass(const Content& text, TextPlace& at, int64_t most) {
  int64_t passed = 0;
  while (passed < most) {
    const int64_t taken = std::min(rest_of_part(text, at), most - passed);
    if (taken == 0) break;
    at.offset += taken;
    passed += taken;
  }
  return passed;
}

int64_t pass_common(const Content& a, TextPlace& at_a, int64_t most, const Content& b, TextPlace at_b) {
  int64_t common = 0;
  while (common < most) {
    const int64_t taken = std::min({rest_of_part(a, at_a), rest_of_part(b, at_b), most - common});
    if (taken == 0 || a.parts[at_a.part].id != b.parts[at_b.part].id || at_a.offset != at_b.offset) break;
    at_a.offset += taken;
    at_b.offset += taken;
    common += taken;
  }
  return common;
}

std::optional<uint64_t> name_of_block(uint64_t before, const Content& text, TextPlace& at, int64_t block_size) {
  uint64_t name = before;
  for (int64_t left = block_size; left > 0;) {
    const int64_t taken = std::min(rest_of_part(text, at), left);
    if (taken == 0) return std::nullopt;
    name = mix(name, text.parts[at.part].id, static_cast<uint64_t>(at.offset), static_cast<uint64_t>(taken));
    at.offset += taken;
    left -= taken;
  }
  return name;
}

}  // namespace tokwatt::sim
