// Deployments that are hosted elsewhere.
#include "sim/event_loop.hpp"
#include "sim/serving/macro_replica.hpp"
#include "sim/serving/token_replica.hpp"

namespace tokwatt::sim {

/// The provider takes what its rate limits let pass.
template <class Replica>
void EventLoop<Replica>::take_hosted(std::size_t deployment) {
  auto& service = *hosted_[deployment];
  for (const RequestId id : service.take(now_)) {
    const auto record = static_cast<uint64_t>(pool_[id].record);
    queue_.push({service.first_token_at(id), EventKind::hosted_first, id, 0, record});
    queue_.push({service.ends_at(id), EventKind::hosted_end, id, 0, record});
  }
  if (const auto at = service.next_take(now_)) queue_.push({*at, EventKind::hosted_take, static_cast<int>(deployment)});
}

template <class Replica>
void EventLoop<Replica>::handle_hosted(const Event& event) {
  const RequestId id = event.subject;
  if (live_requests_[index(id)] == 0 || static_cast<uint64_t>(pool_[id].record) != event.detail) return;  // gave up
  const auto deployment = index(input_.streams[index(pool_[id].stream)].deployment);
  if (event.kind == EventKind::hosted_first) {
    hosted_[deployment]->give_first_token(id);
    return recorder_.first_token(deployment, now_ - pool_[id].sent);
  }
  pool_[id].outcome = Outcome::completed;
  pool_[id].finished = now_;
  leave_hosted(id);
}

/// A request leaves its provider, at the end of its answer or because its client gave up.
template <class Replica>
void EventLoop<Replica>::leave_hosted(RequestId id) {
  const int stream = pool_[id].stream;
  const auto deployment = index(input_.streams[index(stream)].deployment);
  hosted_[deployment]->leave(id, now_, recorder_.tally(stream).itl);
  const Request request = pool_[id];
  remove(id);
  take_hosted(deployment);
  if (request.outcome == Outcome::completed) answer(request);
}

template class EventLoop<MacroReplica>;
template class EventLoop<TokenReplica>;

}  // namespace tokwatt::sim
