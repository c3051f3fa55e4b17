// Steps start and end, clients are told of them, and devices are divided among those who have work.
#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "sim/event_loop.hpp"
#include "sim/serving/macro_replica.hpp"
#include "sim/serving/token_replica.hpp"

namespace tokwatt::sim {

template <class Replica>
void EventLoop<Replica>::schedule_step_start(int replica) {
  auto& standing = standing_[index(replica)];
  if (standing.start_pending || !standing.is_loaded) return;
  standing.start_pending = true;
  queue_.push_last({now_, EventKind::step_start, replica});
}

template <class Replica>
void EventLoop<Replica>::schedule_step_end(int replica) {
  queue_.set_step_end(replica, replicas_[index(replica)].ends_at());
}

template <class Replica>
void EventLoop<Replica>::handle_step_start(int replica) {
  if (now_ == end_) return;  // it would only be thrown away
  auto& standing = standing_[index(replica)];
  standing.start_pending = false;
  if (!standing.is_loaded) return;  // its box has died at this instant
  auto& r = replicas_[index(replica)];
  if (!r.has_work()) return leave(r.tell(now_));  // whoever waited has given up
  const bool started = r.start(now_, standing.point);
  if (r.any_failed()) note_failed(replica);
  schedule_transfer(replica);
  if (!started) return leave(r.tell(now_));
  schedule_step_end(replica);
  schedule_tell(replica);
}

/// Slots shared a context that had no room for the step. Steps start last of an instant: what follows for clients comes
/// a picosecond later.
template <class Replica>
void EventLoop<Replica>::note_failed(int replica) {
  const auto failed = replicas_[index(replica)].take_failed();
  for (const RequestId id : failed) {
    pool_[id].outcome = Outcome::failed;
    pool_[id].finished = now_;
  }
  auto& to_tell = failed_[index(replica)];
  if (to_tell.empty()) queue_.push({now_ + 1, EventKind::failed, replica});
  to_tell.insert(to_tell.end(), failed.begin(), failed.end());
  ending_[index(replica)].out_of_context += std::ssize(failed);
}

/// Clients are told, and may send again.
template <class Replica>
void EventLoop<Replica>::handle_failed(int replica) {
  auto failed = std::exchange(failed_[index(replica)], {});
  std::sort(failed.begin(), failed.end(),
            [this](RequestId a, RequestId b) { return pool_[a].record < pool_[b].record; });
  std::vector<Request> lost;
  for (const RequestId id : failed) {
    lost.push_back(pool_[id]);
    remove(id);
  }
  const int64_t shared = replicas_[index(replica)].serving().kv.max_model_len;
  for (const Request& request : lost) {
    recorder_.event(
        request.finished, EventRecord::failure, fmt::format("request {}", request.record),
        fmt::format("the {} tokens of context that slots share are full: whoever has a slot fails", shared));
    if (request.attempt < input_.streams[index(request.stream)].retries) {
      send_again(request, request.attempt + 1);
    } else {
      answer(request);
    }
  }
  note_work(index(replica));
}

template <class Replica>
void EventLoop<Replica>::schedule_transfer(int replica) {
  const auto at = replicas_[index(replica)].loads_at();
  auto& last_at = standing_[index(replica)].transfer_at;
  if (!at || *at == last_at) return;
  last_at = *at;
  queue_.push({*at, EventKind::transfer, replica});
}

/// KV blocks have come from outside, unless who waited for them is gone.
template <class Replica>
void EventLoop<Replica>::handle_transfer(int replica) {
  auto& r = replicas_[index(replica)];
  const uint64_t version = r.version();
  r.loaded(now_);
  schedule_transfer(replica);
  if (r.version() != version) schedule_step_end(replica);
  if (!r.busy() && r.has_work()) schedule_step_start(replica);
  note_work(index(replica));
}

template <class Replica>
void EventLoop<Replica>::schedule_tell(int replica) {
  if (const auto at = replicas_[index(replica)].tells_at()) queue_.push({*at, EventKind::tell, replica});
}

template <class Replica>
void EventLoop<Replica>::handle_tell(int replica) {
  auto& r = replicas_[index(replica)];
  if (r.tells_at() == now_) leave(r.tell(now_));  // else its pace has changed, and with it when the step ends
}

template <class Replica>
void EventLoop<Replica>::leave(const std::vector<RequestId>& requests) {
  for (const RequestId id : requests) {
    if (!pool_[id].given_up()) answer(pool_[id]);
    remove(id);
  }
}

template <class Replica>
void EventLoop<Replica>::handle_step_end(int number) {
  auto& replica = replicas_[index(number)];
  leave(replica.end(now_));
  note_work(index(number));
  if (!replica.has_work()) return;
  if (queue_.is_over(now_)) return handle_step_start(number);  // as it would be next
  schedule_step_start(number);
}

/// A replica has got work, or has none left, perhaps: its device is divided anew when all of the instant is known.
template <class Replica>
void EventLoop<Replica>::note_work(std::size_t replica) {
  const auto& standing = standing_[replica];
  if (!standing.is_loaded || standing.outage_since != kNever) note_outage(replica);
  if (!sharing_.shares(replica) || divide_pending_) return;
  if (sharing_.busy(replica) == (standing.is_loaded && replicas_[replica].has_work())) return;
  divide_pending_ = true;
  queue_.push_last({now_, EventKind::divide});
}

template <class Replica>
void EventLoop<Replica>::handle_divide() {
  divide_pending_ = false;
  for (std::size_t r = 0; r < replicas_.size(); ++r)
    sharing_.set_busy(r, standing_[r].is_loaded && replicas_[r].has_work());
  for (const std::size_t r : sharing_.divide()) {
    const uint64_t version = replicas_[r].version();
    standing_[r].point = operating_point(r);
    replicas_[r].share_changed(now_, standing_[r].point);
    if (replicas_[r].version() == version) continue;
    schedule_step_end(static_cast<int>(r));
    schedule_tell(static_cast<int>(r));
  }
}

template <class Replica>
void EventLoop<Replica>::ran(int replica, const StepRun& run) {
  const std::size_t device = layout_.replicas[index(replica)].devices.front();
  recorder_.segment(replica, run, input_.systems[layout_.devices[device].system].box.clock.at(run.point.level));
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

template class EventLoop<MacroReplica>;
template class EventLoop<TokenReplica>;

}  // namespace tokwatt::sim
