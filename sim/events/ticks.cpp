// Heat, power and clock move on.
#include <fmt/format.h>

#include <algorithm>

#include "sim/event_loop.hpp"
#include "sim/serving/macro_replica.hpp"
#include "sim/serving/token_replica.hpp"

namespace tokwatt::sim {

template <class Replica>
void EventLoop<Replica>::handle_tick(int device) {
  auto& d = devices_[index(device)];
  const bool was_throttled = d.throttled();
  const OperatingPoint before = d.point();
  take_readings(device);
  if (d.throttled() != was_throttled) {
    recorder_.event(now_, was_throttled ? EventRecord::recovery : EventRecord::throttle,
                    device_name(input_, layout_.devices[index(device)]),
                    fmt::format("{:.1f} degC, {:.0f} MHz", d.temperature(), d.clock_hz() / 1e6));
  }
  if (!(d.point() == before)) operating_point_changed(index(device));
  if (d.too_hot() && now_ >= d.up_at()) {
    const auto& governor = input_.systems[layout_.devices[index(device)].system].box.governor;
    shut_down(devices_of(layout_.devices[index(device)].system), governor.reboot,
              fmt::format("{:.1f} degC: emergency shutdown", d.temperature()));
  }
  queue_.push({now_ + d.tick_length(), EventKind::tick, device});
}

/// The room moves on as often as the slowest of its boxes, behind those that tick at the same instant.
template <class Replica>
Picoseconds EventLoop<Replica>::room_tick() const {
  Picoseconds longest = devices_.empty() ? picoseconds(1) : 0;
  for (const auto& device : devices_) longest = std::max(longest, device.tick_length());
  return longest;
}

template <class Replica>
void EventLoop<Replica>::handle_room_tick() {
  room_->tick(now_);
  for (std::size_t d = 0; d < devices_.size(); ++d) {
    if (!is_rented(d)) devices_[d].set_ambient(now_, room_->temperature());
  }
  queue_.push({now_ + room_tick(), EventKind::tick, static_cast<int>(devices_.size())});
}

/// Steps that start from now on see it. Chips look at heat and power within milliseconds, whatever they compute: so
/// does what is left of a step that is no short part of a tick.
template <class Replica>
void EventLoop<Replica>::operating_point_changed(std::size_t device) {
  constexpr Picoseconds kShortPart = 8;  // an eighth: what it is late by is little
  const Picoseconds long_step = devices_[device].tick_length() / kShortPart;
  for (const std::size_t r : layout_.devices[device].replicas) {
    const uint64_t version = replicas_[r].version();
    standing_[r].point = operating_point(r);
    replicas_[r].clock_changed(now_, standing_[r].point, long_step);
    if (replicas_[r].version() == version) continue;
    schedule_step_end(static_cast<int>(r));
    schedule_tell(static_cast<int>(r));
  }
}

/// Devices of a replica wait for their slowest in every layer, so that it sets the pace: by its clock, its bandwidth,
/// its share or what joins it to the others.
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
  slowest.link = layout_.replicas[replica].link_after[link_changes_];
  return slowest;
}

/// What a device has done up to now.
template <class Replica>
DeviceWork EventLoop<Replica>::work_of(std::size_t device) const {
  DeviceWork sum;
  for (const std::size_t r : layout_.devices[device].replicas) sum += replicas_[r].work(now_);
  return sum;
}

/// The clock level at which a device computes: it waits for the slowest that it works with, and of several replicas the
/// quickest counts. Without any its own.
template <class Replica>
int EventLoop<Replica>::pace_of(std::size_t device) const {
  int pace = -1;
  for (const std::size_t r : layout_.devices[device].replicas) pace = std::max(pace, standing_[r].point.level);
  return pace >= 0 ? pace : devices_[device].point().level;
}

/// Ends the tick in progress of a device and records the readings that were asked for within it.
template <class Replica>
void EventLoop<Replica>::take_readings(int device) {
  readings_.clear();
  devices_[index(device)].tick(now_, work_of(index(device)), pace_of(index(device)), readings_);
  for (const auto& reading : readings_) recorder_.reading(index(device), reading);
  power_peaks_.drew(now_, index(device), devices_[index(device)].drawn());
  const double heat = devices_[index(device)].take_heat();
  if (room_ && !is_rented(index(device))) room_->add_heat(heat);
}

template class EventLoop<MacroReplica>;
template class EventLoop<TokenReplica>;

}  // namespace tokwatt::sim
