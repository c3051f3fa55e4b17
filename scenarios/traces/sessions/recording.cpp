#include "scenarios/traces/sessions/recording.hpp"

#include <algorithm>

#include "scenarios/traces/time_scale.hpp"

namespace tokwatt::scenarios {
namespace {

constexpr sim::Picoseconds kTooLate = sim::kLongestDuration + 1;

// The same as in open traces (docs/file-formats.md).
sim::Drop drop_of(const RecordedCall& call) {
  if (call.prompt > 0 && call.output > 0) return sim::Drop::none;
  if (call.prompt > 0) return sim::Drop::no_output;
  return call.output > 0 ? sim::Drop::no_prompt : sim::Drop::no_tokens;
}

}  // namespace

sim::CallId Recording::add(const RecordedCall& recorded) {
  sim::Call call;
  call.prompt = recorded.prompt;
  call.output = recorded.output;
  call.drop = drop_of(recorded);
  const sim::CallId id = graph.add(call);
  if (recorded.start) starts_.emplace_back(id, *recorded.start);
  pauses_.push_back(recorded.pause);
  return id;
}

void Recording::settle_times() {
  if (graph.calls.empty()) return;
  const sim::Picoseconds start = sim::picoseconds(options_.start);
  for (sim::Call& call : graph.calls) call.start = start;
  if (!starts_.empty()) {
    const auto earlier = [](const auto& a, const auto& b) { return a.second < b.second; };
    const TraceInstant base = std::min_element(starts_.begin(), starts_.end(), earlier)->second;
    const TimeScale scale(base, options_.speed, start);
    for (const auto& [id, at] : starts_) graph.calls[id].start = scale(at).value_or(kTooLate);
  }
  const TimeScale span(0, options_.speed, 0);
  for (std::size_t i = 0; i < pauses_.size(); ++i) graph.calls[i].pause = span(pauses_[i]).value_or(kTooLate);
}

void Chain::add(const RecordedCall& recorded) {
  const sim::CallId id = recording_.add(recorded);
  if (last_) recording_.graph.follow(id, *last_);
  last_ = id;
  sim::Call& call = recording_.graph.calls[id];
  if (call.drop != sim::Drop::none) return;
  call.text = conversation_of(call);
  call.sharing = sim::Sharing::conversation;
  said_ = call;
}

uint32_t Chain::conversation_of(const sim::Call& call) {
  const bool goes_on = said_.prompt > 0 && call.prompt >= said_.prompt;
  if (goes_on && call.prompt - said_.prompt >= said_.output) return said_.text;
  const bool forks = goes_on && forks_ < kMostForks;
  forks_ = forks ? forks_ + 1 : 0;
  auto& conversations = recording_.graph.conversations;
  conversations.push_back(forks ? sim::Conversation{said_.text, said_.prompt} : sim::Conversation{});
  return static_cast<uint32_t>(conversations.size() - 1);
}

}  // namespace tokwatt::scenarios
