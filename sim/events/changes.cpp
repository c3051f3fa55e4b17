// What a timeline changes while the simulation runs.
#include <cmath>

#include "sim/event_loop.hpp"
#include "sim/serving/macro_replica.hpp"
#include "sim/serving/token_replica.hpp"

namespace tokwatt::sim {

namespace {

int32_t part_of_sheet(double value, double of_sheet) {
  return static_cast<int32_t>(std::lround(value / of_sheet * kWholeDevice));
}

}  // namespace

template <class Replica>
void EventLoop<Replica>::handle_change(const Change& change) {
  recorder_.event(now_, EventRecord::change, change.system >= 0 ? input_.systems[index(change.system)].name : "",
                  change.text);
  if (room_ && change.kind == Change::Kind::ambient) return room_->set_outside(now_, change.value, change.ramp);
  if (room_ && change.kind == Change::Kind::electricity) room_->set_electricity(now_, change.value);
  if (change.kind == Change::Kind::link) {
    ++link_changes_;
    for (std::size_t d = 0; d < devices_.size(); ++d) operating_point_changed(d);
    return;
  }
  std::vector<std::size_t> down;
  for (std::size_t d = 0; d < devices_.size(); ++d) {
    if (change.system >= 0 && index(change.system) != layout_.devices[d].system) continue;
    switch (change.kind) {
      case Change::Kind::ambient:
        if (!is_rented(d)) devices_[d].set_ambient(now_, change.value, change.ramp);
        break;
      case Change::Kind::power_limit:
        devices_[d].set_power_limit(change.value);
        break;
      case Change::Kind::electricity:
        if (!is_rented(d)) devices_[d].set_electricity(now_, work_of(d), change.value);
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
        down.push_back(d);
        break;
      case Change::Kind::supply:
        devices_[d].set_supply(change.value);
        break;
      case Change::Kind::power_cap:
        devices_[d].set_power_cap(change.value);
        break;
      case Change::Kind::fan_speed:
        devices_[d].set_fan_speed(now_, change.value);
        break;
      case Change::Kind::fan_stop:
        devices_[d].stop_fan(now_, change.value != 0);
        break;
      case Change::Kind::link:  // is between devices
        break;
    }
  }
  if (!down.empty()) shut_down(down, change.value, change.text);
}

template class EventLoop<MacroReplica>;
template class EventLoop<TokenReplica>;

}  // namespace tokwatt::sim
