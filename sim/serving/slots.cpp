#include "sim/serving/slots.hpp"

#include <algorithm>
#include <numeric>

namespace tokwatt::sim {
namespace {

/// --slot-prompt-similarity: the share of a prompt that a slot must hold to be chosen for it.
constexpr double kLeastSimilarity = 0.1;

/// A slot of which a request uses less than this is put away first.
constexpr double kLeastUse = 0.5;

}  // namespace

Slots::Slots(int64_t count, bool keeps_prompts, PromptCache outside)
    : keeps_prompts_(keeps_prompts), outside_(std::move(outside)), kept_(static_cast<std::size_t>(count)) {
  forget();
}

void Slots::forget() {
  free_.resize(kept_.size());
  std::iota(free_.begin(), free_.end(), int64_t{0});
  std::fill(kept_.begin(), kept_.end(), KeptText{});
  outside_.forget();
}

Slots::Choice Slots::choose(const Content* content, int64_t tokens) const {
  if (free_.empty()) return {};
  Choice best{free_.front(), 0, false, {}};
  if (!keeps_prompts_) return best;
  auto longest = static_cast<int64_t>(kLeastSimilarity * static_cast<double>(tokens));
  bool found = false;
  for (const int64_t slot : free_) {
    if (!kept(slot).content || content == nullptr) continue;
    const int64_t common = kept(slot).common_with(content, tokens);
    if (common < longest || (common == longest && !(found && slot < best.slot))) continue;
    longest = common;
    found = true;
    best.slot = slot;
  }
  const KeptText& held = kept(best.slot);
  int64_t common = held.common_with(content, tokens);  // what the oldest one holds may help a little all the same
  const bool much_is_lost = !found || kLeastUse * static_cast<double>(held.tokens) > static_cast<double>(common);
  best.puts_away = outside_.keeps() && held.tokens > 0 && much_is_lost;
  if (best.puts_away) best.brings = outside_.find(content, tokens, held);
  if (best.brings) common = best.brings->common;
  best.cached = std::min(common, tokens - 1);
  return best;
}

void Slots::take(const Choice& choice) {
  if (choice.puts_away) outside_.exchange(kept(choice.slot), choice.brings);
  if (choice.brings) found_outside_ += choice.cached;
  std::erase(free_, choice.slot);
}

void Slots::give_back(int64_t slot, std::shared_ptr<const Content> content, int64_t tokens) {
  free_.push_back(slot);
  kept_[static_cast<std::size_t>(slot)] = {std::move(content), tokens};
}

}  // namespace tokwatt::sim
