// Clients who lose patience, and requests that take too long.
#include <algorithm>

#include "sim/event_loop.hpp"
#include "sim/serving/macro_replica.hpp"
#include "sim/serving/token_replica.hpp"

namespace tokwatt::sim {

template <class Replica>
void EventLoop<Replica>::schedule_give_up(RequestId id) {
  Request& r = pool_[id];
  const auto& stream = input_.streams[index(r.stream)];
  Picoseconds wait = stream.timeout ? picoseconds(*stream.timeout) : kNever;
  if (stream.patience) {
    const Picoseconds patience = picoseconds(draw(*stream.patience, stream.key, Purpose::patience, r.number));
    if (patience < wait) r.gives_up_as = Outcome::cancelled;
    wait = std::min(wait, patience);
  }
  if (wait < end_ - now_) queue_.push({now_ + wait, EventKind::give_up, id, 0, static_cast<uint64_t>(r.record)});
}

template <class Replica>
void EventLoop<Replica>::give_up_on_replica(int number, RequestId id) {
  auto& replica = replicas_[index(number)];
  const uint64_t version = replica.version();
  const bool has_left = replica.give_up(id, now_);
  if (replica.version() != version) schedule_step_end(number);
  if (has_left) remove(id);
  if (!replica.busy() && replica.has_work()) schedule_step_start(number);  // it may have held what others wait for
  note_work(index(number));
}

template <class Replica>
void EventLoop<Replica>::handle_give_up(const Event& event) {
  const RequestId id = event.subject;
  if (static_cast<uint64_t>(pool_[id].record) != event.detail || pool_[id].outcome != Outcome::unfinished) return;
  pool_[id].outcome = pool_[id].gives_up_as;
  pool_[id].finished = now_;
  Request request = pool_[id];
  const auto& stream = input_.streams[index(request.stream)];
  if (request.replica < 0) {
    const auto& service = hosted_[index(stream.deployment)];
    request.produced = service->produced(id, now_);
    leave_hosted(id);
  } else {
    request.produced = replicas_[index(request.replica)].produced(id, now_);
    give_up_on_replica(request.replica, id);
  }
  if (request.outcome == Outcome::timed_out && request.attempt < stream.retries) {
    send_again(request, request.attempt + 1);
  } else {
    answer(request);
  }
}

template class EventLoop<MacroReplica>;
template class EventLoop<TokenReplica>;

}  // namespace tokwatt::sim
