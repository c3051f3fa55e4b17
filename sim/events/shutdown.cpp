// Boxes die, and come back.
#include <fmt/format.h>

#include <algorithm>
#include <set>

#include "sim/event_loop.hpp"
#include "sim/serving/macro_replica.hpp"
#include "sim/serving/token_replica.hpp"

namespace tokwatt::sim {

template <class Replica>
std::vector<std::size_t> EventLoop<Replica>::devices_of(std::size_t system) const {
  std::vector<std::size_t> devices;
  for (std::size_t d = 0; d < layout_.devices.size(); ++d) {
    if (layout_.devices[d].system == system) devices.push_back(d);
  }
  return devices;
}

/// Devices go down, and with them every replica that they are part of: all of them, before any request is sent again.
template <class Replica>
void EventLoop<Replica>::shut_down(const std::vector<std::size_t>& devices, double until_up, const std::string& why) {
  std::set<std::size_t> replicas;
  for (const std::size_t d : devices) {
    recorder_.event(now_, EventRecord::shutdown, device_name(input_, layout_.devices[d]), why);
    devices_[d].shut_down(now_ + std::min(picoseconds(until_up), kNever - now_));
    replicas.insert(layout_.devices[d].replicas.begin(), layout_.devices[d].replicas.end());
  }
  std::vector<RequestId> lost;
  for (const std::size_t r : replicas) crash(r, lost);
  for (const RequestId id : lost) fail(id);
  for (const std::size_t r : replicas) note_work(r);
}

/// The model is loaded again as soon as all devices of the replica are up. Appends the requests that it had.
template <class Replica>
void EventLoop<Replica>::crash(std::size_t replica, std::vector<RequestId>& lost) {
  const auto& place = layout_.replicas[replica];
  Picoseconds up = 0;
  for (const std::size_t d : place.devices) up = std::max(up, devices_[d].up_at());
  const Picoseconds reload = picoseconds(input_.deployments[place.deployment].reload_time);
  standing_[replica].is_loaded = false;
  ++standing_[replica].crashes;
  if (reload <= end_ - std::min(up, end_))
    queue_.push({up + reload, EventKind::loaded, static_cast<int>(replica), 0, standing_[replica].crashes});
  const auto had = replicas_[replica].crash(now_);
  queue_.set_step_end(static_cast<int>(replica), kNever);
  lost.insert(lost.end(), had.begin(), had.end());
}

/// Its client is told, or the router sends it again.
template <class Replica>
void EventLoop<Replica>::fail(RequestId id) {
  Request& lost = pool_[id];
  const bool is_answered = lost.given_up();
  if (!is_answered) {
    lost.outcome = Outcome::failed;
    lost.finished = now_;
  }
  const Request request = lost;
  remove(id);
  if (is_answered) return;
  const auto deployment = index(input_.streams[index(request.stream)].deployment);
  if (input_.deployments[deployment].on_failure == OnFailure::fail) return answer(request);
  send_again(request, request.attempt);
}

template <class Replica>
void EventLoop<Replica>::handle_loaded(const Event& event) {
  const int replica = event.subject;
  if (event.detail != standing_[index(replica)].crashes) return;  // its box has died again since
  standing_[index(replica)].is_loaded = true;
  const auto& place = layout_.replicas[index(replica)];
  const auto& deployment = input_.deployments[place.deployment];
  recorder_.event(now_, EventRecord::loaded, deployment.name,
                  fmt::format("{} is loaded on {}", deployment.model.id,
                              device_name(input_, layout_.devices[place.devices.front()])));
  if (replicas_[index(replica)].has_work()) schedule_step_start(replica);
  note_work(index(replica));
}

/// Time counts as an outage while requests wait for a replica that is not up.
template <class Replica>
void EventLoop<Replica>::note_outage(std::size_t replica) {
  Picoseconds& since = standing_[replica].outage_since;
  const bool waits = !standing_[replica].is_loaded && replicas_[replica].has_work();
  if (waits == (since != kNever)) return;
  if (!waits) standing_[replica].outage += now_ - since;
  since = waits ? now_ : kNever;
}

/// What a replica has done up to now, outages included.
template <class Replica>
Meter EventLoop<Replica>::meter_of(std::size_t replica) const {
  Meter meter = replicas_[replica].meter(now_);
  const Picoseconds since = standing_[replica].outage_since;
  meter[Quantity::down_time] = standing_[replica].outage + (since == kNever ? 0 : now_ - since);
  return meter;
}

template class EventLoop<MacroReplica>;
template class EventLoop<TokenReplica>;

}  // namespace tokwatt::sim
