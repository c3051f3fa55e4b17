#include "sim/workload/calls.hpp"

#include <algorithm>
#include <cassert>
#include <deque>

namespace tokwatt::sim {
namespace {

const char* name_of(Drop drop) {
  switch (drop) {
    case Drop::no_output:
      return "no_output";
    case Drop::no_prompt:
      return "no_prompt";
    case Drop::no_tokens:
      return "no_tokens";
    case Drop::no_model_call:
      return "no_model_call";
    case Drop::none:
      break;
  }
  return nullptr;
}

// Who waits for whom, by the one that is waited for.
class Followers {
 public:
  explicit Followers(const CallGraph& graph) : first_(graph.calls.size() + 1), waiting_for_(graph.calls.size()) {
    for (const auto& [call, parent] : graph.follows) {
      ++first_[parent + 1];
      ++waiting_for_[call];
    }
    for (std::size_t i = 1; i < first_.size(); ++i) first_[i] += first_[i - 1];
    std::vector<uint32_t> next(first_.begin(), first_.end() - 1);
    followers_.resize(graph.follows.size());
    for (const auto& [call, parent] : graph.follows) followers_[next[parent]++] = call;
  }

  std::span<const CallId> of(CallId call) const {
    return std::span(followers_).subspan(first_[call], first_[call + 1] - first_[call]);
  }
  /// How many calls a call still waits for.
  uint32_t& waiting_for(CallId call) { return waiting_for_[call]; }

 private:
  std::vector<uint32_t> first_;  // by call: place of its first follower
  std::vector<CallId> followers_;
  std::vector<uint32_t> waiting_for_;
};

class CallsSource final : public RequestSource {
 public:
  CallsSource(CallGraph graph, StreamKey key) : graph_(std::move(graph)), key_(key), followers_(graph_) {
    graph_.follows = {};
    for (CallId call = 0; call < graph_.calls.size(); ++call) {
      if (followers_.waiting_for(call) == 0) ready_.push_back(call);
    }
  }

  bool closed() const override { return true; }

  std::optional<Arrival> next(Picoseconds end) override {
    while (!ready_.empty()) {
      const CallId id = ready_.front();
      ready_.pop_front();
      const Call& call = graph_.calls[id];
      if (call.start >= end) continue;
      ++rows_.read;
      if (call.drop == Drop::none) return Arrival{call.start, call.prompt, call.output, id, content(call)};
      ++rows_.dropped_by[name_of(call.drop)];
      left(id, call.start, 0, 0);
    }
    return std::nullopt;
  }

  void left(uint64_t number, Picoseconds now, Picoseconds pause, int64_t) override {
    for (const CallId id : followers_.of(static_cast<CallId>(number))) {
      Call& call = graph_.calls[id];
      const Picoseconds rest = std::max(pause, call.pause);
      call.start = std::max(call.start, rest < kNever - now ? now + rest : kNever - 1);
      if (--followers_.waiting_for(id) == 0) ready_.push_back(id);
    }
  }

  RowCounts rows() const override { return rows_; }

 private:
  std::shared_ptr<const Content> content(const Call& call) const {
    switch (call.sharing) {
      case Sharing::conversation:
        return std::make_shared<const Content>(Content{conversation_parts(call), true});
      case Sharing::blocks:
        return std::make_shared<const Content>(Content{block_parts(call), false});
      case Sharing::nothing:
        break;
    }
    return nullptr;
  }

  Part part(uint64_t text, int64_t tokens) const { return {draw_id(key_, Purpose::text, text), tokens}; }

  // The last part may have no tokens of the prompt: then the answer alone is what others do not have.
  std::vector<Part> conversation_parts(const Call& call) const {
    std::vector<Part> parts;
    int64_t end = call.prompt;
    for (uint32_t text = call.text; end > 0; text = graph_.conversations[text].like) {
      const int64_t begin = graph_.conversations[text].shared;
      parts.push_back(part(text, end - begin));
      end = begin;
    }
    std::reverse(parts.begin(), parts.end());
    return parts;
  }

  std::vector<Part> block_parts(const Call& call) const {
    std::vector<Part> parts;
    for (const uint64_t id : graph_.blocks.ids(call.text)) parts.push_back(part(id, graph_.block_tokens));
    return parts;
  }

  CallGraph graph_;  // its calls' start is moved to when they may be sent, as that becomes known
  StreamKey key_;
  Followers followers_;
  std::deque<CallId> ready_;  // to be handed out
  RowCounts rows_;
};

}  // namespace

// Takes away whatever waits for nothing, over and over (Kahn: Topological sorting of large networks; CACM 5, 1962).
// What is left waits for something left: going from one to what it waits for, as often as there are calls, ends on a
// cycle.
std::optional<CallId> CallGraph::on_a_cycle() const {
  Followers followers(*this);
  std::vector<CallId> free;
  for (CallId call = 0; call < calls.size(); ++call) {
    if (followers.waiting_for(call) == 0) free.push_back(call);
  }
  for (std::size_t i = 0; i < free.size(); ++i) {
    for (const CallId call : followers.of(free[i])) {
      if (--followers.waiting_for(call) == 0) free.push_back(call);
    }
  }
  if (free.size() == calls.size()) return std::nullopt;
  std::vector<CallId> waits_for(calls.size());
  CallId call = 0;
  for (const auto& [child, parent] : follows) {
    if (followers.waiting_for(child) == 0 || followers.waiting_for(parent) == 0) continue;
    waits_for[child] = parent;
    call = child;
  }
  for (std::size_t i = 0; i < calls.size(); ++i) call = waits_for[call];
  return call;
}

std::unique_ptr<RequestSource> calls_source(CallGraph graph, StreamKey key) {
  assert(!graph.on_a_cycle());
  return std::make_unique<CallsSource>(std::move(graph), key);
}

}  // namespace tokwatt::sim
