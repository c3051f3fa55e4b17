#include "sim/serving/slots.hpp"

#include <algorithm>
#include <numeric>

namespace tokwatt::sim {
namespace {

/// --slot-prompt-similarity: the share of a prompt that a slot must hold to be chosen for it.
constexpr double kLeastSimilarity = 0.1;

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

Slots::Slots(int64_t count, bool keeps_prompts)
    : keeps_prompts_(keeps_prompts), kept_(static_cast<std::size_t>(count)) {
  forget();
}

void Slots::forget() {
  free_.resize(kept_.size());
  std::iota(free_.begin(), free_.end(), int64_t{0});
  std::fill(kept_.begin(), kept_.end(), Kept{});
}

Slots::Choice Slots::choose(const Content* content, int64_t tokens) const {
  if (free_.empty()) return {};
  Choice best{free_.front(), 0};
  if (!keeps_prompts_ || content == nullptr) return best;
  auto longest = static_cast<int64_t>(kLeastSimilarity * static_cast<double>(tokens));
  bool found = false;
  for (const int64_t slot : free_) {
    const Kept& kept = kept_[static_cast<std::size_t>(slot)];
    if (!kept.content) continue;
    const int64_t common = common_prefix(*content, tokens, *kept.content, kept.tokens);
    if (common < longest || (common == longest && !(found && slot < best.slot))) continue;
    longest = common;
    found = true;
    best = {slot, std::min(common, tokens - 1)};
  }
  if (!found) {  // what the oldest one holds may help a little all the same
    const Kept& kept = kept_[static_cast<std::size_t>(best.slot)];
    if (kept.content)
      best.cached = std::min(common_prefix(*content, tokens, *kept.content, kept.tokens), tokens - 1);
  }
  return best;
}

void Slots::take(int64_t slot) { std::erase(free_, slot); }

void Slots::give_back(int64_t slot, std::shared_ptr<const Content> content, int64_t tokens) {
  free_.push_back(slot);
  kept_[static_cast<std::size_t>(slot)] = {std::move(content), tokens};
}

}  // namespace tokwatt::sim
