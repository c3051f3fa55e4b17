#pragma once
// The event loop. Read run() first; what each event does is in sim/events, in a file named after it.
#include <memory>
#include <optional>
#include <vector>

#include "sim/cluster/layout.hpp"
#include "sim/cluster/sharing.hpp"
#include "sim/event_queue.hpp"
#include "sim/heat/device.hpp"
#include "sim/heat/power_peaks.hpp"
#include "sim/heat/room_air.hpp"
#include "sim/pool.hpp"
#include "sim/results/recorder.hpp"
#include "sim/serving/hosted_service.hpp"
#include "sim/serving/serving.hpp"
#include "sim/simulation.hpp"

namespace tokwatt::sim {

/// What a replica was like over the run.
struct ReplicaEnding {
  Meter meter;
  int64_t blocks = 0;
  Peaks peaks;
  int64_t stored = 0, loaded_host = 0, loaded_disk = 0;  ///< tokens of KV blocks copied out and brought back
  int64_t found_outside_slots = 0;                       ///< tokens of prompts that came from cache_ram
  int64_t out_of_context = 0;  ///< requests that failed because the context that slots share was full
};

/// What is left when the loop has ended, for the summary.
struct HostedEnding {
  Meter meter;
  int64_t batch_max = 0;
  double cost_usd = 0;
};

struct Ending {
  Picoseconds at = 0;
  std::vector<ReplicaEnding> replicas;
  std::vector<HostedEnding> hosted;  ///< by deployment; of those on boxes, nothing
};

template <class Replica>
class EventLoop : private ReplicaObserver {
 public:
  EventLoop(Input& input, const Progress& progress);

  Ending run();

  Recorder& recorder() { return recorder_; }
  const std::vector<Device>& devices() const { return devices_; }
  const std::optional<RoomAir>& room() const { return room_; }
  /// Of the devices of each deployment, and behind them of all.
  const PowerPeaks& power_peaks() const { return power_peaks_; }
  const Layout& layout() const { return layout_; }

 private:
  static std::size_t index(int i) { return static_cast<std::size_t>(i); }

  struct Standing {        // of a replica
    OperatingPoint point;  // of steps that start
    bool start_pending = false;
    bool is_loaded = false;            // its model is in memory
    Picoseconds transfer_at = kNever;  // of the last such event
    uint64_t crashes = 0;
    Picoseconds outage = 0;             // so long requests have waited for it to be up
    Picoseconds outage_since = kNever;  // never: none waits, or it is up
  };

  void schedule_first_events();
  void handle(const Event& event);
  void handle_tell(int replica);
  void handle_step_end(int replica);
  void handle_transfer(int replica);
  void handle_loaded(const Event& event);
  void handle_tick(int device);
  void handle_room_tick();
  Picoseconds room_tick() const;
  void handle_sample();
  void handle_change(const Change& change);
  void handle_give_up(const Event& event);
  std::vector<std::size_t> devices_of(std::size_t system) const;
  void shut_down(const std::vector<std::size_t>& devices, double until_up, const std::string& why);
  void crash(std::size_t replica, std::vector<RequestId>& lost);
  bool is_rented(std::size_t device) const { return input_.systems[layout_.devices[device].system].is_rented; }
  void fail(RequestId id);
  void note_failed(int replica);
  void handle_failed(int replica);
  void operating_point_changed(std::size_t device);
  void handle_arrival(const Event& event);
  void handle_hosted(const Event& event);
  void handle_divide();
  void handle_step_start(int replica);
  Ending finish();

  void take_hosted(std::size_t deployment);
  void leave_hosted(RequestId id);
  void send(int stream, const Arrival& arrival, int64_t attempt = 0);
  void send_again(const Request& request, int64_t attempt);
  void reject(RequestId id, int64_t longest);
  std::size_t route(std::size_t deployment, const Request& request);
  void schedule_give_up(RequestId id);
  void give_up_on_replica(int number, RequestId id);
  Picoseconds pause_of(const Stream& stream) const;
  void answer(const Request& request);
  void remove(RequestId id);
  bool schedule_next_arrival(int stream);
  void note_work(std::size_t replica);
  void note_outage(std::size_t replica);
  Meter meter_of(std::size_t replica) const;
  void schedule_step_start(int replica);
  void schedule_step_end(int replica);
  void schedule_tell(int replica);
  void schedule_transfer(int replica);
  void leave(const std::vector<RequestId>& requests);
  void sample();
  void take_readings(int device);
  OperatingPoint operating_point(std::size_t replica) const;
  DeviceWork work_of(std::size_t device) const;
  int pace_of(std::size_t device) const;
  bool drained() const { return !end_is_fixed_ && arrivals_.empty() && live_ == 0; }
  void report_progress();

  // ReplicaObserver
  bool keeps_runs() const override { return input_.record_requests; }
  void ran(int replica, const StepRun& run) override;
  void token_gaps(int stream, const Progression& gaps, int64_t steps, int64_t sequences, int fraction_bits) override;
  void first_token(int replica, Picoseconds ttft) override;
  void preempted(int replica, Picoseconds now, const Request& request) override;

  Input& input_;
  const Progress& progress_;
  Picoseconds now_ = 0, end_;
  bool end_is_fixed_;
  Layout layout_;
  EventQueue queue_;
  Sharing sharing_;
  bool divide_pending_ = false;
  std::vector<Device> devices_;  // as the layout has them
  PowerPeaks power_peaks_;
  std::optional<RoomAir> room_;    // its ticks are those of the device behind the last
  std::vector<Serving> servings_;  // of each deployment, by kind of box
  RequestPool pool_;
  std::vector<RequestId> live_requests_;  // by place in the pool: id + 1, or 0 when the place is free
  std::vector<Replica> replicas_;
  std::vector<Standing> standing_;                      // by replica
  std::vector<std::unique_ptr<HostedService>> hosted_;  // by deployment; nothing: on boxes of our own
  std::vector<int32_t> bandwidth_;                      // by device, in 2^-16 of its sheet's
  std::vector<std::vector<RequestId>> failed_;          // by replica, whose clients are to be told
  std::size_t link_changes_ = 0;                        // so far
  std::vector<std::size_t> candidates_;                 // of route()
  std::vector<std::size_t> next_turn_;                  // by deployment, of round-robin
  Pool<Arrival> arrivals_;                              // that are in the queue
  Recorder recorder_;
  std::vector<Reading> readings_;
  int64_t live_ = 0, completed_ = 0, handled_ = 0;
  std::vector<ReplicaEnding> ending_;  // by replica; meters come last
};

}  // namespace tokwatt::sim
