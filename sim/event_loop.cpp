#include "sim/event_loop.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <iterator>

#include "sim/cluster/routing.hpp"
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
    case EventKind::step_end:
      return handle_step_end(event);
    case EventKind::hosted_take:
      return take_hosted(static_cast<std::size_t>(event.subject));
    case EventKind::hosted_first:
    case EventKind::hosted_end:
      return handle_hosted(event);
    case EventKind::loaded:
      return handle_loaded(event);
    case EventKind::tick:
      return handle_tick(event.subject);
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

constexpr Picoseconds kPauseOfHosted = 1'000'000'000'000;  // before a client that was refused tries something else
constexpr std::size_t kMostSamples = 20'000'000;  // a gigabyte of series

std::size_t index(int i) { return static_cast<std::size_t>(i); }

int32_t part_of_sheet(double value, double of_sheet) {
  return static_cast<int32_t>(std::lround(value / of_sheet * kWholeDevice));
}

Arrival sent_again(const Request& r, Picoseconds now) {
  return {now, r.prompt, r.output, r.number, r.content, r.thinking, static_cast<int32_t>(r.priority)};
}

}  // namespace

template <class Replica>
EventLoop<Replica>::EventLoop(Input& input, const Progress& progress)
    : input_(input),
      progress_(progress),
      end_(input.duration.value_or(kLongestDuration)),
      end_is_fixed_(input.duration.has_value()),
      layout_(tokwatt::sim::layout(input)),
      sharing_(input, layout_),
      start_pending_(layout_.replicas.size()),
      loaded_(layout_.replicas.size()),
      crashes_(layout_.replicas.size()),
      up_at_(layout_.devices()),
      bandwidth_(layout_.devices(), kWholeDevice),
      next_turn_(input.deployments.size()),
      recorder_(input, layout_),
      ending_(layout_.replicas.size()) {
  for (std::size_t d = 0; d < layout_.devices(); ++d)
    devices_.emplace_back(input.systems[layout_.topology[d].system], input.ambient, input.prices.electricity);
  servings_.reserve(layout_.replicas.size());               // replicas keep references
  std::optional<std::pair<std::size_t, std::size_t>> made;  // of a deployment and a box
  for (std::size_t r = 0; r < layout_.replicas.size(); ++r) {
    const auto& place = layout_.replicas[r];
    const std::size_t system = layout_.topology[place.devices.front()].system;
    if (made != std::pair(place.deployment, system))
      servings_.emplace_back(input.deployments[place.deployment], input.systems[system].box, place.link);
    made = {place.deployment, system};
    replicas_.emplace_back(static_cast<int>(r), servings_.back(), pool_, static_cast<ReplicaObserver&>(*this));
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
  for (std::size_t r = 0; r < replicas_.size(); ++r) {
    const Picoseconds load_time = picoseconds(input_.deployments[layout_.replicas[r].deployment].load_time);
    loaded_[r] = load_time == 0;
    if (!loaded_[r]) queue_.push({load_time, EventKind::loaded, static_cast<int>(r)});
  }
  queue_.push({input_.record_every, EventKind::sample});
  for (std::size_t c = 0; c < input_.changes.size(); ++c)
    queue_.push({input_.changes[c].at, EventKind::change, static_cast<int>(c)});
  for (std::size_t s = 0; s < input_.streams.size(); ++s) {
    while (schedule_next_arrival(static_cast<int>(s)) && input_.streams[s].source->closed()) {
    }
  }
}

// --- arrivals ------------------------------------------------------------------------------------------------------

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
  Request request;
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
  const RequestId id = pool_.add(request);
  if (index(id) >= live_requests_.size()) live_requests_.resize(index(id) + 1);
  live_requests_[index(id)] = id + 1;
  const auto deployment = index(input_.streams[index(stream)].deployment);
  if (hosted_[deployment]) {
    schedule_give_up(id);
    hosted_[deployment]->arrive(id);
    return take_hosted(deployment);
  }
  const std::size_t r = route(deployment, pool_[id]);
  auto& replica = replicas_[r];
  if (arrival.prompt + arrival.output > replica.serving().kv.max_model_len)
    return reject(id, replica.serving().kv.max_model_len);
  pool_[id].replica = static_cast<int>(r);
  pool_[id].window_blocks = replica.serving().window_blocks_of(arrival.prompt + arrival.output);
  schedule_give_up(id);
  const uint64_t version = replica.version();
  replica.arrive(id, now_);
  if (replica.version() != version) schedule_step_end(static_cast<int>(r));
  if (!replica.busy()) schedule_step_start(static_cast<int>(r));
  note_work(r);
}

template <class Replica>
void EventLoop<Replica>::reject(RequestId id, int64_t longest) {
  Request& request = pool_[id];
  request.outcome = Outcome::rejected;
  request.finished = now_;
  recorder_.event(
      now_, EventRecord::rejection, fmt::format("request {}", request.record),
      fmt::format("{} + {} tokens are more than max_model_len {}", request.prompt, request.output, longest));
  const Request rejected = request;
  remove(id);
  answer(rejected);
}

template <class Replica>
std::size_t EventLoop<Replica>::route(std::size_t deployment, const Request& request) {
  const auto& all = layout_.replicas_of[deployment];
  if (all.size() == 1) return all.front();
  candidates_.clear();
  std::copy_if(all.begin(), all.end(), std::back_inserter(candidates_), [&](std::size_t r) { return loaded_[r]; });
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
  return replicas.empty() ? kPauseOfHosted
                          : devices_[layout_.replicas[replicas.front()].devices.front()].tick_length();
}

template <class Replica>
void EventLoop<Replica>::answer(const Request& request) {
  const auto& stream = input_.streams[index(request.stream)];
  if (!stream.source->closed()) return;
  stream.source->left(request.number, now_, request.outcome == Outcome::completed ? 0 : pause_of(stream));
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

// --- clients who give up -------------------------------------------------------------------------------------------

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
  note_work(index(number));
}

template <class Replica>
void EventLoop<Replica>::handle_give_up(const Event& event) {
  const RequestId id = event.subject;
  if (static_cast<uint64_t>(pool_[id].record) != event.detail || pool_[id].outcome != Outcome::unfinished) return;
  pool_[id].outcome = pool_[id].gives_up_as;
  pool_[id].finished = now_;
  const Request request = pool_[id];
  const auto& stream = input_.streams[index(request.stream)];
  if (request.replica < 0) {
    leave_hosted(id);
  } else {
    give_up_on_replica(request.replica, id);
  }
  if (request.outcome == Outcome::timed_out && request.attempt < stream.retries) {
    recorder_.tally(request.stream).retried += 1;
    send(request.stream, sent_again(request, now_), request.attempt + 1);
  } else {
    answer(request);
  }
}

// --- deployments that are hosted elsewhere --------------------------------------------------------------------------

/// The provider takes what its rate limits let pass.
template <class Replica>
void EventLoop<Replica>::take_hosted(std::size_t deployment) {
  auto& service = *hosted_[deployment];
  for (const RequestId id : service.take(now_)) {
    const auto record = static_cast<uint64_t>(pool_[id].record);
    queue_.push({service.first_token_at(id), EventKind::hosted_first, id, 0, record});
    queue_.push({service.ends_at(id), EventKind::hosted_end, id, 0, record});
  }
  if (const auto at = service.next_take(now_))
    queue_.push({*at, EventKind::hosted_take, static_cast<int>(deployment)});
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

// --- steps ---------------------------------------------------------------------------------------------------------

template <class Replica>
void EventLoop<Replica>::schedule_step_start(int replica) {
  if (start_pending_[index(replica)] || !loaded_[index(replica)]) return;
  start_pending_[index(replica)] = true;
  queue_.push({now_, EventKind::step_start, replica});
}

template <class Replica>
void EventLoop<Replica>::schedule_step_end(int replica) {
  const auto& r = replicas_[index(replica)];
  queue_.push({r.ends_at(), EventKind::step_end, replica, 0, r.version()});
}

template <class Replica>
void EventLoop<Replica>::handle_step_start(int replica) {
  if (now_ == end_) return;  // it would only be thrown away
  start_pending_[index(replica)] = false;
  if (!loaded_[index(replica)]) return;  // its box has died at this instant
  auto& r = replicas_[index(replica)];
  if (!r.has_work()) return leave(r.tell(now_));  // whoever waited has given up
  r.start(now_, operating_point(index(replica)));
  schedule_step_end(replica);
  schedule_tell(replica);
}

template <class Replica>
void EventLoop<Replica>::schedule_tell(int replica) {
  if (const auto at = replicas_[index(replica)].tells_at()) queue_.push({*at, EventKind::tell, replica});
}

template <class Replica>
void EventLoop<Replica>::handle_tell(int replica) {
  auto& r = replicas_[index(replica)];
  if (r.tells_at() == now_) leave(r.tell(now_));  // else its share has changed, and with it when the step ends
}

template <class Replica>
void EventLoop<Replica>::leave(const std::vector<RequestId>& requests) {
  for (const RequestId id : requests) {
    const Request request = pool_[id];
    remove(id);
    if (!request.given_up()) answer(request);
  }
}

template <class Replica>
void EventLoop<Replica>::handle_step_end(const Event& event) {
  auto& replica = replicas_[index(event.subject)];
  if (event.detail != replica.version() || !replica.busy()) return;  // the plan was cut since
  leave(replica.end(now_));
  if (replica.has_work()) schedule_step_start(event.subject);
  note_work(index(event.subject));
}

template <class Replica>
void EventLoop<Replica>::handle_loaded(const Event& event) {
  const int replica = event.subject;
  if (event.detail != crashes_[index(replica)]) return;  // its box has died again since
  loaded_[index(replica)] = true;
  const auto& place = layout_.replicas[index(replica)];
  const auto& deployment = input_.deployments[place.deployment];
  recorder_.event(now_, EventRecord::loaded, deployment.name,
                  fmt::format("{} is loaded on {}", deployment.model.id,
                              device_name(input_, layout_.topology[place.devices.front()])));
  if (replicas_[index(replica)].has_work()) schedule_step_start(replica);
  note_work(index(replica));
}

// --- boxes that die --------------------------------------------------------------------------------------------------

/// A device goes down, and with it every replica that it is part of.
template <class Replica>
void EventLoop<Replica>::shut_down(std::size_t device, double until_up, const std::string& why) {
  recorder_.event(now_, EventRecord::shutdown, device_name(input_, layout_.topology[device]), why);
  up_at_[device] = now_ + std::min(picoseconds(until_up), kNever - now_);
  for (const std::size_t r : layout_.topology[device].replicas) crash(r);
}

/// The model is loaded again as soon as all devices of the replica are up.
template <class Replica>
void EventLoop<Replica>::crash(std::size_t replica) {
  const auto& place = layout_.replicas[replica];
  Picoseconds up = 0;
  for (const std::size_t d : place.devices) up = std::max(up, up_at_[d]);
  const Picoseconds reload = picoseconds(input_.deployments[place.deployment].reload_time);
  loaded_[replica] = false;
  ++crashes_[replica];
  if (reload <= end_ - std::min(up, end_))
    queue_.push({up + reload, EventKind::loaded, static_cast<int>(replica), 0, crashes_[replica]});
  for (const RequestId id : replicas_[replica].crash(now_)) fail(id);
  note_work(replica);
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
  recorder_.tally(request.stream).retried += 1;
  send(request.stream, sent_again(request, now_), request.attempt);
}

// --- devices that are shared ----------------------------------------------------------------------------------------

/// A replica has got work, or has none left, perhaps: its device is divided anew when all of the instant is known.
template <class Replica>
void EventLoop<Replica>::note_work(std::size_t replica) {
  if (!sharing_.shares(replica) || divide_pending_) return;
  if (sharing_.busy(replica) == (loaded_[replica] && replicas_[replica].has_work())) return;
  divide_pending_ = true;
  queue_.push({now_, EventKind::divide});
}

template <class Replica>
void EventLoop<Replica>::handle_divide() {
  divide_pending_ = false;
  for (std::size_t r = 0; r < replicas_.size(); ++r) sharing_.set_busy(r, loaded_[r] && replicas_[r].has_work());
  for (const std::size_t r : sharing_.divide()) {
    const uint64_t version = replicas_[r].version();
    replicas_[r].share_changed(now_, operating_point(r));
    if (replicas_[r].version() == version) continue;
    schedule_step_end(static_cast<int>(r));
    schedule_tell(static_cast<int>(r));
  }
}

// --- ticks, samples, changes --------------------------------------------------------------------------------------

template <class Replica>
void EventLoop<Replica>::handle_tick(int device) {
  auto& d = devices_[index(device)];
  const bool was_throttled = d.throttled();
  take_readings(device);
  if (d.throttled() != was_throttled) {
    recorder_.event(now_, was_throttled ? EventRecord::recovery : EventRecord::throttle,
                    device_name(input_, layout_.topology[index(device)]),
                    fmt::format("{:.1f} degC, {:.0f} MHz", d.temperature(), d.clock_hz() / 1e6));
  }
  operating_point_changed(index(device));
  if (d.too_hot() && now_ >= up_at_[index(device)]) {
    const auto& governor = input_.systems[layout_.topology[index(device)].system].box.governor;
    shut_down(index(device), governor.reboot, fmt::format("{:.1f} degC: emergency shutdown", d.temperature()));
  }
  queue_.push({now_ + d.tick_length(), EventKind::tick, device});
}

/// Steps that start from now on see it.
template <class Replica>
void EventLoop<Replica>::operating_point_changed(std::size_t device) {
  for (const std::size_t r : layout_.topology[device].replicas) {
    const uint64_t version = replicas_[r].version();
    replicas_[r].clock_changed(now_, operating_point(r));
    if (replicas_[r].version() != version) schedule_step_end(static_cast<int>(r));
  }
}

/// Devices of a replica wait for their slowest in every layer, so that it sets the pace: by its clock, its bandwidth or
/// its share.
template <class Replica>
OperatingPoint EventLoop<Replica>::operating_point(std::size_t replica) const {
  const auto& devices = layout_.replicas[replica].devices;
  OperatingPoint slowest = devices_[devices.front()].point();
  for (const std::size_t d : devices) {
    if (devices_[d].point().level < slowest.level) slowest = devices_[d].point();
  }
  slowest.bandwidth = bandwidth_[devices.front()];
  for (const std::size_t d : devices) slowest.bandwidth = std::min(slowest.bandwidth, bandwidth_[d]);
  slowest.share = sharing_.share(replica);
  return slowest;
}

/// What a device has done up to now.
template <class Replica>
Meter EventLoop<Replica>::work_of(std::size_t device) const {
  Meter sum;
  for (const std::size_t r : layout_.topology[device].replicas) sum += replicas_[r].meter(now_);
  return sum;
}

/// Ends the tick in progress of a device and records the readings that were asked for within it.
template <class Replica>
void EventLoop<Replica>::take_readings(int device) {
  readings_.clear();
  devices_[index(device)].tick(now_, work_of(index(device)), readings_);
  for (const auto& reading : readings_) recorder_.reading(index(device), reading);
}

template <class Replica>
void EventLoop<Replica>::handle_sample() {
  sample();
  if (input_.record_every <= end_ - now_) queue_.push({now_ + input_.record_every, EventKind::sample});
}

template <class Replica>
void EventLoop<Replica>::sample() {
  if (recorder_.rows() == kMostSamples) {
    throw DoesNotFit(fmt::format("record.every {} s makes more than {} samples until the workload is drained",
                                 seconds(input_.record_every), kMostSamples));
  }
  const std::size_t row = recorder_.start_row(now_);
  for (std::size_t d = 0; d < layout_.replicas_of.size(); ++d) {
    Load load;
    Meter meter;
    int64_t blocks = 0;
    for (const std::size_t r : layout_.replicas_of[d]) {
      load += replicas_[r].load(now_);
      meter += replicas_[r].meter(now_);
      blocks += ending_[r].blocks;
    }
    if (hosted_[d]) {
      load = hosted_[d]->load();
      meter = hosted_[d]->meter(now_);
    }
    recorder_.deployment_row(d, load, blocks, meter);
  }
  for (std::size_t d = 0; d < devices_.size(); ++d) {
    recorder_.device_row(devices_[d].clock_hz(), devices_[d].temperature(), devices_[d].throttled());
    devices_[d].mark(now_, work_of(d), row);
  }
}

template <class Replica>
void EventLoop<Replica>::handle_change(const Change& change) {
  recorder_.event(now_, EventRecord::change, change.system >= 0 ? input_.systems[index(change.system)].name : "",
                  change.text);
  for (std::size_t d = 0; d < devices_.size(); ++d) {
    if (change.system >= 0 && index(change.system) != layout_.topology[d].system) continue;
    switch (change.kind) {
      case Change::Kind::ambient:
        devices_[d].set_ambient(now_, change.value);
        break;
      case Change::Kind::power_limit:
        devices_[d].set_power_limit(change.value);
        break;
      case Change::Kind::electricity:
        devices_[d].set_electricity(now_, work_of(d), change.value);
        break;
      case Change::Kind::clock:
        devices_[d].limit_clock(change.value);
        operating_point_changed(d);
        break;
      case Change::Kind::bandwidth:
        bandwidth_[d] = part_of_sheet(change.value, input_.systems[index(change.system)].box.memory.bandwidth);
        operating_point_changed(d);
        break;
      case Change::Kind::shutdown:
        shut_down(d, change.value, change.text);
        break;
    }
  }
}

template <class Replica>
void EventLoop<Replica>::report_progress() {
  constexpr int64_t kEvery = 4096;
  if (!progress_ || ++handled_ % kEvery != 0) return;
  progress_({now_, end_is_fixed_ ? std::optional(end_) : std::nullopt, completed_});
}

// --- the end ---------------------------------------------------------------------------------------------------------

template <class Replica>
Ending EventLoop<Replica>::finish() {
  if (end_is_fixed_) now_ = end_;
  if (now_ > recorder_.last_row_at()) sample();
  for (std::size_t d = 0; d < devices_.size(); ++d) take_readings(static_cast<int>(d));
  Ending ending;
  ending.at = now_;
  for (std::size_t r = 0; r < replicas_.size(); ++r) {
    ending_[r].meter = replicas_[r].meter(now_);
    replicas_[r].stop(now_);
  }
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

// --- what replicas report ------------------------------------------------------------------------------------------

template <class Replica>
void EventLoop<Replica>::ran(int replica, const StepRun& run) {
  const std::size_t device = layout_.replicas[index(replica)].devices.front();
  recorder_.segment(replica, run, input_.systems[layout_.topology[device].system].box.clock.at(run.point.level));
}

template <class Replica>
void EventLoop<Replica>::token_gaps(int stream, const Progression& gaps, int64_t steps, int64_t sequences,
                                    int fraction_bits) {
  auto& gaps_so_far = recorder_.tally(stream).itl;
  if (fraction_bits == 0) return gaps_so_far.add(gaps, steps, sequences);
  gaps_so_far.add_fractions(gaps, steps, sequences, fraction_bits);
}

template <class Replica>
void EventLoop<Replica>::first_token(int replica, Picoseconds ttft) {
  recorder_.first_token(layout_.replicas[index(replica)].deployment, ttft);
}

template <class Replica>
void EventLoop<Replica>::preempted(int, Picoseconds now, const Request& request) {
  recorder_.event(now, EventRecord::preemption, fmt::format("request {}", request.record),
                  fmt::format("KV blocks ran out; {} tokens to compute again", request.target));
}

template <class Replica>
void EventLoop<Replica>::step_started(int replica, int64_t running, int64_t used_blocks) {
  auto& ending = ending_[index(replica)];
  ending.batch_max = std::max(ending.batch_max, running);
  ending.used_blocks_max = std::max(ending.used_blocks_max, used_blocks);
}

template class EventLoop<MacroReplica>;
template class EventLoop<TokenReplica>;

}  // namespace tokwatt::sim
