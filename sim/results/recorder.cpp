#include "sim/results/recorder.hpp"

#include <algorithm>
#include <cmath>
#include <limits>

namespace tokwatt::sim {

namespace {

constexpr double kNone = std::numeric_limits<double>::quiet_NaN();

double seconds_or_none(Picoseconds t) { return t == kNever ? kNone : seconds(t); }

double p95(std::vector<Picoseconds>& values) {
  if (values.empty()) return kNone;
  Latencies latencies;
  for (const Picoseconds v : values) latencies.add(v);
  values.clear();
  return latencies.summary().p95;
}

// Whether a run only carries on what the one before it did (rule 11).
bool continues(const StepRun& before, const StepRun& run, int fraction_bits) {
  return !before.pace_changed && !run.pace_changed && before.chunk_tokens == 0 && run.chunk_tokens == 0 &&
         before.composition == run.composition && before.growing == run.growing &&
         before.chunks_passed == run.chunks_passed && before.forms == run.forms && before.point == run.point &&
         before.start.after(before.duration.sum(before.steps), fraction_bits) == run.start;
}

}  // namespace

const std::array<const char*, kLimits> kLimitNames = {"bandwidth", "compute", "dispatch", "link", "heat",
                                                      "power",     "queue",   "idle",     "down"};

std::array<double, kLimits> time_by_limit(const Meter& from, const Meter& to, Picoseconds span) {
  const auto spent = [&](Quantity q) { return as_double(to[q] - from[q]); };
  constexpr double kLossUnit = 1024;
  const double heat = spent(Quantity::heat_loss) / kLossUnit, power = spent(Quantity::power_loss) / kLossUnit;
  return {spent(Quantity::bandwidth_time),
          spent(Quantity::compute_time) - heat - power,
          spent(Quantity::dispatch_time),
          spent(Quantity::link_time),
          heat,
          power,
          spent(Quantity::queue_time),
          static_cast<double>(span) - spent(Quantity::busy_time) - spent(Quantity::down_time),
          spent(Quantity::down_time)};
}

Recorder::Recorder(const Input& input, const Layout& layout)
    : input_(input),
      layout_(layout),
      keep_requests_(input.record_requests),
      tallies_(input.streams.size(), Tally(input.record_requests)),
      last_run_(layout.replicas.size()),
      last_row_of_replica_(layout.replicas.size()),
      intervals_(input.deployments.size()),
      last_energy_(layout.devices.size()),
      last_reading_(layout.devices.size()) {
  for (const auto& place : layout.replicas) {
    paces_.push_back(pace_of(input.deployments[place.deployment]));
    speculates_ = speculates_ || paces_.back().drafted > 0;
  }
  has_fan_ = std::any_of(input.systems.begin(), input.systems.end(), [](const System& s) { return s.box.fan; });
  reserve_rows();
}

int64_t Recorder::sent(const Request& request) {
  if (keep_requests_) {
    requests_.stream.push_back(request.stream);
    requests_.replica.push_back(-1);
    requests_.arrival.push_back(seconds(request.sent));
    requests_.prompt.push_back(request.prompt);
    requests_.output.push_back(request.output);
    for (auto* column : {&requests_.admitted, &requests_.first_token, &requests_.first_answer, &requests_.finish})
      column->push_back(kNone);
    requests_.cached.push_back(0);
    requests_.preemptions.push_back(0);
    requests_.outcome.push_back(0);
  }
  return next_record_++;
}

void Recorder::left(const Request& request) {
  const auto stream = static_cast<std::size_t>(request.stream);
  tallies_[stream].count(request, input_.streams[stream].objective);
  if (!keep_requests_) return;
  const auto row = static_cast<std::size_t>(request.record);
  requests_.replica[row] = request.replica;
  requests_.admitted[row] = seconds_or_none(request.admitted);
  requests_.first_token[row] = seconds_or_none(request.first_token);
  requests_.first_answer[row] = seconds_or_none(request.first_answer);
  requests_.finish[row] = seconds_or_none(request.finished);
  requests_.cached[row] = request.cached;
  requests_.preemptions[row] = request.preemptions;
  requests_.outcome[row] = static_cast<int8_t>(request.outcome);
}

void Recorder::first_token(std::size_t deployment, Picoseconds ttft) { intervals_[deployment].ttft.push_back(ttft); }

void Recorder::segment(int replica, const StepRun& run, double clock_hz) {
  if (!keep_requests_) return;
  const Pace& pace = paces_[static_cast<std::size_t>(replica)];
  auto& last = last_run_[static_cast<std::size_t>(replica)];
  if (last.open && continues(last.run, run, pace.fraction_bits)) {
    const std::size_t row = last_row_of_replica_[static_cast<std::size_t>(replica)];
    if (last.run.steps == 1) last.run.duration.slope = run.duration.base - last.run.duration.base;
    last.run.steps += run.steps;
    segments_.steps[row] = last.run.steps;
    segments_.growth[row] = pace.whole(last.run.duration.slope);
    if (speculates_) segments_.growth_rest[row] = pace.rest(last.run.duration.slope);
    return;
  }
  last = {run, true};
  if (run.steps == 1) last.run.duration.slope = 0;  // one step tells no growth
  last_row_of_replica_[static_cast<std::size_t>(replica)] = segments_.start.size();
  segments_.replica.push_back(replica);
  segments_.start.push_back(run.start.at);
  segments_.steps.push_back(run.steps);
  segments_.duration.push_back(pace.whole(run.duration.base));
  segments_.growth.push_back(pace.whole(last.run.duration.slope));
  if (speculates_) {
    segments_.start_rest.push_back(run.start.rest);
    segments_.duration_rest.push_back(pace.rest(run.duration.base));
    segments_.growth_rest.push_back(pace.rest(last.run.duration.slope));
    segments_.progress.push_back(pace.per_step << (kFractionBits - pace.fraction_bits));
  }
  segments_.decoding.push_back(run.decoding);
  segments_.chunk_tokens.push_back(run.chunk_tokens);
  segments_.clock.push_back(clock_hz);
  int32_t bits = 0;
  for (std::size_t g = 0; g < run.forms.size(); ++g) bits |= run.forms[g] == Form::compute ? 1 << g : 0;
  segments_.forms.push_back(bits);
}

void Recorder::event(Picoseconds now, EventRecord kind, const std::string& subject, const std::string& text) {
  events_.time.push_back(seconds(now));
  events_.kind.push_back(static_cast<int8_t>(kind));
  events_.subject.push_back(subject);
  events_.text.push_back(text);
}

/// Where it is known how long the run will be, its series need not grow.
void Recorder::reserve_rows() {
  constexpr Picoseconds kMost = 1'000'000;
  if (!input_.duration) return;
  const auto rows = static_cast<std::size_t>(std::min(*input_.duration / input_.record_every + 2, kMost));
  const auto reserve = [](std::size_t cells, auto&... columns) { (columns.reserve(cells), ...); };
  auto& deployments = per_deployment_;
  auto& devices = per_device_;
  reserve(rows, times_);
  reserve(rows * input_.deployments.size(), deployments.output_rate, deployments.prompt_rate, deployments.ttft_p95,
          deployments.kv_used, deployments.batch, deployments.queue, deployments.limited_by);
  reserve(rows * layout_.devices.size(), devices.clock, devices.temperature, devices.wall_power, devices.chip_power,
          devices.energy, devices.bill, devices.throttled);
  if (has_fan_) reserve(rows * layout_.devices.size(), devices.fan, devices.noise);
}

std::size_t Recorder::start_row(Picoseconds now) {
  times_.push_back(now);
  const std::size_t cells = times_.size() * layout_.devices.size();
  for (auto* column : {&per_device_.wall_power, &per_device_.chip_power, &per_device_.energy, &per_device_.bill})
    column->resize(cells, kNone);
  return times_.size() - 1;
}

void Recorder::deployment_row(std::size_t deployment, const Load& load, int64_t kv_blocks, const Meter& meter) {
  auto& interval = intervals_[deployment];
  const Picoseconds span = times_.size() > 1 ? times_.back() - times_[times_.size() - 2] : times_.back();
  const auto rate = [&](Quantity q) { return std::max(as_double(meter[q] - interval.meter[q]), 0.0) / seconds(span); };
  per_deployment_.output_rate.push_back(rate(Quantity::output_tokens));
  per_deployment_.prompt_rate.push_back(rate(Quantity::prompt_tokens));
  per_deployment_.ttft_p95.push_back(p95(interval.ttft));
  per_deployment_.kv_used.push_back(static_cast<double>(load.used_blocks) / static_cast<double>(kv_blocks));
  per_deployment_.batch.push_back(load.running);
  per_deployment_.queue.push_back(load.waiting);
  const auto replicas = static_cast<Picoseconds>(layout_.replicas_of[deployment].size());
  const auto spent = time_by_limit(interval.meter, meter, span * replicas);
  auto most = static_cast<Limit>(std::max_element(spent.begin(), spent.end()) - spent.begin());
  if (replicas == 0) most = load.waiting > 0 ? Limit::queue : Limit::idle;  // hosted: all that is known of it
  per_deployment_.limited_by.push_back(static_cast<int8_t>(most));
  const Meter before = interval.meter;
  interval.meter = meter;
  // Tokens of a step in flight were counted as far as it had come. Where the step was lost they are not taken back, but
  // set off against those that follow.
  for (const Quantity q : {Quantity::output_tokens, Quantity::prompt_tokens})
    interval.meter[q] = std::max(interval.meter[q], before[q]);
}

void Recorder::device_row(const Device& device) {
  per_device_.clock.push_back(device.clock_hz());
  per_device_.temperature.push_back(device.temperature());
  per_device_.throttled.push_back(device.throttled() ? 1 : 0);
  if (!has_fan_) return;
  per_device_.fan.push_back(device.fan_speed());
  per_device_.noise.push_back(device.noise());
}

void Recorder::room_row(double temperature) { room_temperature_.push_back(temperature); }

void Recorder::reading(std::size_t device, const Reading& reading) {
  const std::size_t cell = reading.row * layout_.devices.size() + device;
  const Picoseconds at = times_[reading.row];
  const double span = seconds(at - last_reading_[device]);
  per_device_.wall_power[cell] = joules(reading.energy.wall() - last_energy_[device].wall()) / span;
  per_device_.chip_power[cell] = joules(reading.energy.chip() - last_energy_[device].chip()) / span;
  per_device_.energy[cell] = joules(reading.energy.wall());
  per_device_.bill[cell] = reading.electricity_usd;
  last_energy_[device] = reading.energy;
  last_reading_[device] = at;
}

}  // namespace tokwatt::sim
