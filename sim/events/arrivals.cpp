// Requests come, are routed to a replica, and leave.
#include <fmt/format.h>

#include <algorithm>
#include <iterator>

#include "sim/cluster/routing.hpp"
#include "sim/event_loop.hpp"
#include "sim/serving/kv_capacity.hpp"
#include "sim/serving/macro_replica.hpp"
#include "sim/serving/own_text.hpp"
#include "sim/serving/token_replica.hpp"

namespace tokwatt::sim {

namespace {

constexpr int64_t kMostAtOnce = 20'000'000;  // 4 GB

constexpr Picoseconds kPauseOfHosted = 1'000'000'000'000;  // before a client that was refused tries something else

}  // namespace

/// Puts the stream's next request into the queue, if one is known.
template <class Replica>
bool EventLoop<Replica>::schedule_next_arrival(int stream) {
  const auto next = input_.streams[index(stream)].source->next(end_is_fixed_ ? end_ : kNever);
  if (!next) return false;
  queue_.push({next->at, EventKind::arrival, stream, 0, static_cast<uint64_t>(arrivals_.add(*next))});
  return true;
}

template <class Replica>
void EventLoop<Replica>::handle_arrival(const Event& event) {
  const auto place = static_cast<PoolId>(event.detail);
  const Arrival arrival = arrivals_[place];
  arrivals_.remove(place);
  send(event.subject, arrival);
  if (!input_.streams[index(event.subject)].source->closed()) schedule_next_arrival(event.subject);
}

template <class Replica>
void EventLoop<Replica>::send(int stream, const Arrival& arrival, int64_t attempt) {
  if (live_ == kMostAtOnce) {
    throw DoesNotFit(
        fmt::format("{:.0f} s after its start {} million requests of the run have come and not left: they come faster "
                    "than they are "
                    "served, and there is no more room to remember them; expected a lower rate or a shorter run",
                    seconds(now_), kMostAtOnce / 1'000'000));
  }
  const RequestId id = pool_.add();
  Request& request = pool_[id];
  request.stream = stream;
  request.attempt = attempt;
  request.priority = arrival.priority ? *arrival.priority : input_.streams[index(stream)].priority;
  request.number = arrival.number;
  request.prompt = arrival.prompt;
  request.output = arrival.output;
  request.thinking = arrival.thinking;
  request.content = arrival.content;
  request.sent = now_;
  request.record = recorder_.sent(request);
  ++live_;
  if (index(id) >= live_requests_.size()) live_requests_.resize(index(id) + 1);
  live_requests_[index(id)] = id + 1;
  const auto deployment = index(input_.streams[index(stream)].deployment);
  if (hosted_[deployment]) {
    schedule_give_up(id);
    hosted_[deployment]->arrive(id);
    return take_hosted(deployment);
  }
  const std::size_t r = route(deployment, request);
  auto& replica = replicas_[r];
  if (arrival.prompt + arrival.output > replica.serving().kv.max_model_len)
    return reject(id, replica.serving().kv.max_model_len);
  request.replica = static_cast<int>(r);
  // What nobody else sends is worth keeping where it may be sent again.
  const bool may_come_again = input_.streams[index(stream)].retries > 0 && replica.serving().prefix_cache;
  if (replica.serving().offload || may_come_again) request.content = with_own_text(request);
  request.window_blocks = replica.serving().window_blocks_of(arrival.prompt + arrival.output);
  schedule_give_up(id);
  const uint64_t version = replica.version();
  replica.arrive(id, now_);
  if (replica.version() != version) schedule_step_end(static_cast<int>(r));
  if (!replica.busy()) schedule_step_start(static_cast<int>(r));
  note_work(r);
}

/// The same request once more, by its client or by the router.
template <class Replica>
void EventLoop<Replica>::send_again(const Request& r, int64_t attempt) {
  recorder_.tally(r.stream).retried += 1;
  send(r.stream, {now_, r.prompt, r.output, r.number, r.content, r.thinking, static_cast<int32_t>(r.priority)},
       attempt);
}

template <class Replica>
void EventLoop<Replica>::reject(RequestId id, int64_t longest) {
  Request& request = pool_[id];
  request.outcome = Outcome::rejected;
  request.finished = now_;
  recorder_.event(
      now_, EventRecord::rejection, fmt::format("request {}", request.record),
      fmt::format("{} + {} tokens are more than max_model_len {}", request.prompt, request.output, longest));
  answer(request);
  remove(id);
}

template <class Replica>
std::size_t EventLoop<Replica>::route(std::size_t deployment, const Request& request) {
  const auto& all = layout_.replicas_of[deployment];
  if (all.size() == 1) return all.front();
  candidates_.clear();
  std::copy_if(all.begin(), all.end(), std::back_inserter(candidates_),
               [&](std::size_t r) { return standing_[r].is_loaded; });
  const auto& candidates = candidates_.empty() ? all : candidates_;  // where none can serve yet, any will do
  return tokwatt::sim::route(
      input_.deployments[deployment].routing, candidates, next_turn_[deployment], request.prompt,
      [&](std::size_t r) { return replicas_[r].requests(); },
      [&](std::size_t r) { return replicas_[r].cached_tokens(request, now_); });
}

// What a client does when it knows how its request ended: what follows it, if anything does. What follows a rejected
// one does not come at the same instant: of a user without thinking time that would go on for ever.
template <class Replica>
Picoseconds EventLoop<Replica>::pause_of(const Stream& stream) const {
  const auto& replicas = layout_.replicas_of[index(stream.deployment)];
  return replicas.empty() ? kPauseOfHosted : devices_[layout_.replicas[replicas.front()].devices.front()].tick_length();
}

template <class Replica>
void EventLoop<Replica>::answer(const Request& request) {
  const auto& stream = input_.streams[index(request.stream)];
  if (!stream.source->closed()) return;
  stream.source->left(request.number, now_, request.outcome == Outcome::completed ? 0 : pause_of(stream),
                      request.produced);
  while (schedule_next_arrival(request.stream)) {
  }
}

// A request has left its replica.
template <class Replica>
void EventLoop<Replica>::remove(RequestId id) {
  if (pool_[id].outcome == Outcome::completed) ++completed_;
  recorder_.left(pool_[id]);
  pool_[id].content.reset();
  pool_.remove(id);
  live_requests_[index(id)] = 0;
  --live_;
}

template class EventLoop<MacroReplica>;
template class EventLoop<TokenReplica>;

}  // namespace tokwatt::sim
