// Rows of the series.
#include <fmt/format.h>

#include "sim/event_loop.hpp"
#include "sim/serving/macro_replica.hpp"
#include "sim/serving/token_replica.hpp"

namespace tokwatt::sim {

namespace {

constexpr std::size_t kMostSamples = 20'000'000;  // a gigabyte of series

}  // namespace

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
      meter += meter_of(r);
      blocks += ending_[r].blocks;
    }
    if (hosted_[d]) {
      load = hosted_[d]->load();
      meter = hosted_[d]->meter(now_);
    }
    recorder_.deployment_row(d, load, blocks, meter);
  }
  for (std::size_t d = 0; d < devices_.size(); ++d) {
    recorder_.device_row(devices_[d]);
    devices_[d].mark(now_, work_of(d), row);
  }
  if (room_) recorder_.room_row(room_->temperature());
}

template class EventLoop<MacroReplica>;
template class EventLoop<TokenReplica>;

}  // namespace tokwatt::sim
