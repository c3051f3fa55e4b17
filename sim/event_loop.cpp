#include "sim/event_loop.hpp"

#include <algorithm>
#include <numeric>

#include "sim/serving/macro_replica.hpp"
#include "sim/serving/token_replica.hpp"

namespace tokwatt::sim {

template <class Replica>
Ending EventLoop<Replica>::run() {
  schedule_first_events();
  while (!drained()) {
    const auto event = queue_.pop_until(end_);
    if (!event && !end_is_fixed_)
      throw DoesNotFit("the workload is not drained after 106 simulated days, the longest run there is");
    if (!event) break;
    now_ = event->time;  // never backwards: the queue is in order and nothing is scheduled in the past
    handle(*event);
    report_progress();
  }
  return finish();
}

template <class Replica>
void EventLoop<Replica>::handle(const Event& event) {
  switch (event.kind) {
    case EventKind::tell:
      return handle_tell(event.subject);
    case EventKind::failed:
      return handle_failed(event.subject);
    case EventKind::step_end:
      return handle_step_end(event.subject);
    case EventKind::transfer:
      return handle_transfer(event.subject);
    case EventKind::hosted_take:
      return take_hosted(static_cast<std::size_t>(event.subject));
    case EventKind::hosted_first:
    case EventKind::hosted_end:
      return handle_hosted(event);
    case EventKind::loaded:
      return handle_loaded(event);
    case EventKind::tick:
      return static_cast<std::size_t>(event.subject) < devices_.size() ? handle_tick(event.subject)
                                                                       : handle_room_tick();
    case EventKind::sample:
      return handle_sample();
    case EventKind::change:
      return handle_change(input_.changes[static_cast<std::size_t>(event.subject)]);
    case EventKind::give_up:
      return handle_give_up(event);
    case EventKind::arrival:
      return handle_arrival(event);
    case EventKind::divide:
      return handle_divide();
    case EventKind::step_start:
      return handle_step_start(event.subject);
  }
}

namespace {

/// The devices of each deployment, and behind them all.
std::vector<std::vector<std::size_t>> groups_of_devices(const Layout& layout) {
  std::vector<std::vector<std::size_t>> groups;
  for (const auto& replicas : layout.replicas_of) {
    std::vector<std::size_t>& group = groups.emplace_back();
    for (const std::size_t r : replicas)
      group.insert(group.end(), layout.replicas[r].devices.begin(), layout.replicas[r].devices.end());
  }
  std::vector<std::size_t>& all = groups.emplace_back(layout.devices.size());
  std::iota(all.begin(), all.end(), std::size_t{0});
  return groups;
}

}  // namespace

template <class Replica>
EventLoop<Replica>::EventLoop(Input& input, const Progress& progress)
    : input_(input),
      progress_(progress),
      end_(input.duration.value_or(kLongestDuration)),
      end_is_fixed_(input.duration.has_value()),
      layout_(tokwatt::sim::layout(input)),
      queue_(layout_.replicas.size()),
      sharing_(input, layout_),
      power_peaks_(groups_of_devices(layout_), layout_.devices.size()),
      standing_(layout_.replicas.size()),
      bandwidth_(layout_.devices.size(), kWholeDevice),
      failed_(layout_.replicas.size()),
      next_turn_(input.deployments.size()),
      recorder_(input, layout_),
      ending_(layout_.replicas.size()) {
  if (input.room) room_.emplace(*input.room, input.ambient, input.prices.electricity);
  for (std::size_t d = 0; d < layout_.devices.size(); ++d) {
    const System& system = input.systems[layout_.devices[d].system];
    devices_.emplace_back(system, room_ ? room_->temperature() : input.ambient,
                          system.is_rented ? 0 : input.prices.electricity);
  }
  servings_.reserve(layout_.replicas.size());  // replicas keep references
  const auto system_of = [&](const ReplicaPlace& place) { return layout_.devices[place.devices.front()].system; };
  const ReplicaPlace* before = nullptr;
  for (std::size_t r = 0; r < layout_.replicas.size(); ++r) {
    const auto& place = layout_.replicas[r];
    const bool as_before = before && before->deployment == place.deployment && before->links == place.links &&
                           system_of(*before) == system_of(place);
    if (!as_before)
      servings_.emplace_back(input.deployments[place.deployment], input.systems[system_of(place)].box, place.links);
    before = &place;
    replicas_.emplace_back(static_cast<int>(r), servings_.back(), pool_, static_cast<ReplicaObserver&>(*this));
    standing_[r].point = operating_point(r);
    ending_[r].blocks = servings_.back().kv.blocks;
  }
  for (const auto& deployment : input.deployments) {
    hosted_.push_back(deployment.hosted ? std::make_unique<HostedService>(*deployment.hosted, input.streams, pool_)
                                        : nullptr);
  }
}

template <class Replica>
void EventLoop<Replica>::schedule_first_events() {
  for (std::size_t d = 0; d < devices_.size(); ++d)
    queue_.push({devices_[d].tick_length(), EventKind::tick, static_cast<int>(d)});
  if (room_) queue_.push({room_tick(), EventKind::tick, static_cast<int>(devices_.size())});
  for (std::size_t r = 0; r < replicas_.size(); ++r) {
    const Picoseconds load_time = picoseconds(input_.deployments[layout_.replicas[r].deployment].load_time);
    standing_[r].is_loaded = load_time == 0;
    if (!standing_[r].is_loaded) queue_.push({load_time, EventKind::loaded, static_cast<int>(r)});
  }
  queue_.push({input_.record_every, EventKind::sample});
  for (std::size_t c = 0; c < input_.changes.size(); ++c)
    queue_.push({input_.changes[c].at, EventKind::change, static_cast<int>(c)});
  for (std::size_t s = 0; s < input_.streams.size(); ++s) {
    while (schedule_next_arrival(static_cast<int>(s)) && input_.streams[s].source->closed()) {
    }
  }
}

template <class Replica>
void EventLoop<Replica>::report_progress() {
  constexpr int64_t kEvery = 4096;
  if (!progress_ || ++handled_ % kEvery != 0) return;
  progress_({now_, end_is_fixed_ ? std::optional(end_) : std::nullopt, completed_});
}

template <class Replica>
Ending EventLoop<Replica>::finish() {
  if (end_is_fixed_) now_ = end_;
  if (now_ > recorder_.last_row_at()) sample();
  for (std::size_t d = 0; d < devices_.size(); ++d) take_readings(static_cast<int>(d));
  power_peaks_.close();
  if (room_) room_->tick(now_);
  Ending ending;
  ending.at = now_;
  for (std::size_t r = 0; r < replicas_.size(); ++r) {
    ending_[r].meter = meter_of(r);
    replicas_[r].stop(now_);
    ending_[r].peaks = replicas_[r].peaks();
    ending_[r].found_outside_slots = replicas_[r].slots().found_outside();
    if (const auto* offload = replicas_[r].offload()) {
      const int64_t tokens = replicas_[r].serving().kv.block_size;
      ending_[r].stored = offload->stored() * tokens;
      ending_[r].loaded_host = offload->loaded_host() * tokens;
      ending_[r].loaded_disk = offload->loaded_disk() * tokens;
    }
  }
  for (std::size_t s = 0; end_is_fixed_ && s < input_.streams.size(); ++s)
    recorder_.tally(static_cast<int>(s)).held_back = input_.streams[s].source->held_back(end_);
  ending.replicas = ending_;
  ending.hosted.resize(hosted_.size());
  for (const RequestId id : live_requests_) {
    if (id == 0) continue;
    if (pool_[id - 1].replica < 0) {
      const int stream = pool_[id - 1].stream;
      hosted_[index(input_.streams[index(stream)].deployment)]->leave(id - 1, now_, recorder_.tally(stream).itl);
    }
    const Request& request = pool_[id - 1];
    recorder_.left(request);
    recorder_.tally(request.stream).last_finished = now_;
  }
  for (std::size_t d = 0; d < hosted_.size(); ++d) {
    if (hosted_[d]) ending.hosted[d] = {hosted_[d]->meter(now_), hosted_[d]->batch_max(), hosted_[d]->cost_usd()};
  }
  return ending;
}

template class EventLoop<MacroReplica>;
template class EventLoop<TokenReplica>;

}  // namespace tokwatt::sim
