#include "sim/results/summary.hpp"

#include <algorithm>
#include <cmath>
#include <limits>
#include <map>
#include <nlohmann/json.hpp>
#include <numeric>
#include <utility>

namespace tokwatt::sim {

namespace {

using Json = nlohmann::ordered_json;

constexpr double kInfinity = std::numeric_limits<double>::infinity();
constexpr double kUnknown = std::numeric_limits<double>::quiet_NaN();

Json number(double value) { return std::isfinite(value) ? Json(value) : Json(nullptr); }
Json ratio(double a, double b) { return b != 0 ? number(a / b) : Json(nullptr); }

Json latency(const LatencySummary& s) {
  return {{"mean", number(s.mean)}, {"p50", number(s.p50)}, {"p90", number(s.p90)},
          {"p95", number(s.p95)},   {"p99", number(s.p99)}, {"max", number(s.max)}};
}

// Rows of traces, over some streams.
Json rows(const Outcomes& o, const std::vector<std::size_t>& streams) {
  RowCounts sum;
  for (const std::size_t s : streams) {
    const auto counts = o.input.streams[s].source->rows();
    sum.read += counts.read;
    if (counts.read > 0 && o.tallies[s]->held_back > 0) sum.dropped_by["held_back"] += o.tallies[s]->held_back;
    for (const auto& [reason, count] : counts.dropped_by) sum.dropped_by[reason] += count;
  }
  int64_t dropped = 0;
  Json by = Json::object();
  for (const auto& [reason, count] : sum.dropped_by) {
    dropped += count;
    by[reason] = count;
  }
  return {{"read", sum.read}, {"dropped", dropped}, {"dropped_by", by}};
}

double duration_of(const Tally& t) { return t.last_finished < 0 ? 0 : seconds(t.last_finished - t.first_sent); }

// The part that a stream, a deployment and the whole box share.
Json requests_of(const Outcomes& o, const std::vector<std::size_t>& streams) {
  Tally merged(o.input.record_requests);
  if (streams.size() != 1) {
    for (const std::size_t s : streams) merged.merge(*o.tallies[s]);
  }
  const Tally& all = streams.size() == 1 ? *o.tallies[streams.front()] : merged;  // many values are not copied in vain
  Json out;
  const double duration = duration_of(all);
  out["duration_s"] = number(duration);
  out["rows"] = rows(o, streams);
  out["requests"] = {{"submitted", all.submitted},  {"completed", all.completed}, {"rejected", all.rejected},
                     {"cancelled", all.cancelled},  {"timed_out", all.timed_out}, {"failed", all.failed},
                     {"unfinished", all.unfinished}};
  out["requests_retried"] = all.retried;
  out["requests_held_back"] = all.held_back;
  out["tokens"] = {{"prompt", all.prompt_tokens}, {"output", all.output_tokens}, {"cached", all.cached_tokens}};
  const auto output = static_cast<double>(all.output_tokens), prompt = static_cast<double>(all.prompt_tokens);
  out["throughput_tok_s"] = {{"output", ratio(output, duration)}, {"total", ratio(output + prompt, duration)}};
  out["request_rate_per_s"] = ratio(static_cast<double>(all.completed), duration);
  out["goodput_per_s"] = all.has_objective ? ratio(static_cast<double>(all.good), duration) : Json(nullptr);
  out["ttft_s"] = latency(all.ttft.summary());
  out["ttfa_s"] = latency(all.ttfa.summary());
  out["tpot_s"] = latency(all.tpot.summary());
  out["itl_s"] = latency(summary(all.itl));
  out["e2e_s"] = latency(all.e2e.summary());
  out["queue_s"] = latency(all.queue.summary());
  return out;
}

// What the time of the devices of some replicas went into. Replicas that share a device have its time once, together:
// of each that part counts which it had of the device, and of an outage the part of those that it keeps, as far as the
// others leave time.
Json limited_by(const Outcomes& o, const std::vector<std::size_t>& replicas) {
  constexpr auto kIdle = static_cast<std::size_t>(Limit::idle), kDown = static_cast<std::size_t>(Limit::down);
  std::map<std::size_t, std::vector<std::size_t>> on;  // by device
  for (const std::size_t r : replicas) {
    for (const std::size_t device : o.layout.replicas[r].devices) on[device].push_back(r);
  }
  const auto span = static_cast<double>(o.ending.at);
  std::array<double, kLimits> limits{};
  for (const auto& [device, sharers] : on) {
    std::array<double, kLimits> here{};
    for (const std::size_t r : sharers) {
      const Meter& meter = o.ending.replicas[r].meter;
      const double worked = static_cast<double>(meter[Quantity::busy_time]) * kWholeDevice;
      const double part = worked > 0 ? static_cast<double>(meter[Quantity::device_time]) / worked : 1;
      const auto spent = time_by_limit({}, meter, o.ending.at);
      for (std::size_t k = 0; k < kLimits; ++k)
        here[k] += std::max(spent[k], 0.0) * (sharers.size() > 1 && k != kDown ? part : 1);
    }
    here[kIdle] = 0;
    const double down = std::exchange(here[kDown], 0) / static_cast<double>(sharers.size());
    const double work = std::accumulate(here.begin(), here.end(), 0.0);
    here[kDown] = std::clamp(span - work, 0.0, down);
    here[kIdle] = std::max(span - work - here[kDown], 0.0);
    for (std::size_t k = 0; k < kLimits; ++k) limits[k] += here[k];
  }
  Json out = Json::object();
  const double whole = span * static_cast<double>(on.size());
  for (std::size_t k = 0; k < kLimits; ++k) out[kLimitNames[k]] = ratio(limits[k], whole);
  return out;
}

// Batch, KV cache and what limited it, over some replicas.
void add_serving(Json& out, const Outcomes& o, const std::vector<std::size_t>& replicas,
                 const std::vector<std::size_t>& streams, const std::vector<std::size_t>& deployments) {
  double running = 0, busy = 0, peak = 0;
  int64_t batch_max = 0, preemptions = 0, prompt = 0, cached = 0;
  int64_t out_to = 0, from_host = 0, from_disk = 0, from_cache_ram = 0, out_of_context = 0;
  bool offloads = false, has_cache_ram = false, shares_context = false;
  for (const std::size_t r : replicas) {
    const auto& [meter, blocks, most, stored, loaded_host, loaded_disk, found_outside_slots, failed] =
        o.ending.replicas[r];
    const auto& deployment = o.input.deployments[o.layout.replicas[r].deployment];
    offloads = offloads || deployment.kv_offload;
    has_cache_ram = has_cache_ram || deployment.cache_ram > 0;
    from_cache_ram += found_outside_slots;
    shares_context = shares_context || deployment.engine.kv_unified;
    out_of_context += failed;
    out_to += stored;
    from_host += loaded_host;
    from_disk += loaded_disk;
    running += static_cast<double>(meter[Quantity::running_time]);
    busy += static_cast<double>(meter[Quantity::busy_time]);
    batch_max = std::max(batch_max, most.running);
    peak = std::max(peak, static_cast<double>(most.used_blocks) / static_cast<double>(blocks));
  }
  for (const std::size_t d : deployments) {
    const auto& hosted = o.ending.hosted[d];
    running += static_cast<double>(hosted.meter[Quantity::running_time]);
    busy += static_cast<double>(hosted.meter[Quantity::busy_time]);
    batch_max = std::max(batch_max, hosted.batch_max);
  }
  for (const std::size_t s : streams) {
    preemptions += o.tallies[s]->preemptions;
    prompt += o.tallies[s]->prompt_tokens;
    cached += o.tallies[s]->cached_tokens;
  }
  out["batch"] = {{"mean", ratio(running, busy)}, {"max", batch_max}};
  out["kv"] = {{"peak_fraction", number(peak)},
               {"preemptions", preemptions},
               {"prefix_hit_fraction", prompt > 0 ? static_cast<double>(cached) / static_cast<double>(prompt) : 0.0}};
  if (offloads)
    out["kv"]["offload"] = {{"stored_tokens", out_to}, {"host_tokens", from_host}, {"disk_tokens", from_disk}};
  if (has_cache_ram) out["kv"]["cache_ram_tokens"] = from_cache_ram;
  if (shares_context) out["kv"]["out_of_context"] = out_of_context;
  out["limited_by"] = limited_by(o, replicas);
}

/// A device, or a deployment's part of it.
struct DevicePart {
  std::size_t device;
  Energy energy;
  double part = 1;  ///< of the hardware's cost
};

/// What the providers of hosted deployments charge.
double api_usd(const Outcomes& o, const std::vector<std::size_t>& deployments) {
  return std::accumulate(deployments.begin(), deployments.end(), 0.0,
                         [&](double sum, std::size_t d) { return sum + o.ending.hosted[d].cost_usd; });
}

// Of the loudest box, where one has a fan; the mean is that of the sound's power.
void add_noise(Json& out, const Outcomes& o, const std::vector<DevicePart>& devices) {
  double mean = kUnknown, max = kUnknown;
  bool has_fan = false;
  for (const auto& [i, energy, part] : devices) {
    has_fan = has_fan || o.input.systems[o.layout.devices[i].system].box.fan;
    const auto& s = o.devices[i].statistics();
    if (s.loudness_integral == 0) continue;
    mean = std::fmax(mean, 10 * std::log10(s.loudness_integral / seconds(o.ending.at)));
    max = std::fmax(max, s.noise_max);
  }
  if (has_fan) out["noise_dba"] = {{"mean", number(mean)}, {"max", number(max)}};
}

// The room is everybody's: its cooling counts for the whole only.
void add_room(Json& out, const Outcomes& o) {
  if (!o.room) return;
  const auto& s = o.room->statistics();
  out["room"] = {{"temperature_c",
                  {{"mean", ratio(s.temperature_integral, seconds(o.ending.at))},
                   {"max", number(s.temperature_max)},
                   {"final", number(o.room->temperature())}}},
                 {"cooling_j", number(s.cooling_energy)},
                 {"cooling_usd", number(s.cooling_usd)}};
  auto& cost = out["cost_usd"];
  const double total = cost["total"].is_number() ? cost["total"].get<double>() + s.cooling_usd : kUnknown;
  cost["cooling"] = number(s.cooling_usd);
  cost["total"] = number(total);
  if (cost["whole_days"].is_number()) cost["whole_days"] = number(cost["whole_days"].get<double>() + s.cooling_usd);
  out["usd_per_mtok_output"] = ratio(total, out["tokens"]["output"].get<double>() / 1e6);
}

/// Output tokens that come from boxes.
double output_of_boxes(const Outcomes& o, const std::vector<std::size_t>& streams) {
  int64_t tokens = 0;
  for (const std::size_t s : streams) {
    const auto deployment = static_cast<std::size_t>(o.input.streams[s].deployment);
    if (!o.input.deployments[deployment].hosted) tokens += o.tallies[s]->output_tokens;
  }
  return static_cast<double>(tokens);
}

// Energy, heat and money, over some devices or parts of them. What is bought is paid for while any request of the run
// is out [s], whosever it is; `api`: beside what devices cost.
void add_physics(Json& out, const Outcomes& o, const std::vector<DevicePart>& devices, const PowerPeak& peak,
                 double in_use, double api, const std::vector<std::size_t>& streams) {
  const double span = seconds(o.ending.at);
  Energy sum;
  double over_limit = 0, temperature = 0, temperature_max = -kInfinity, final_temperature = -kInfinity, clock = 0,
         clock_min = kInfinity;
  double throttled = 0, electricity = 0, hardware = 0, rent = 0, rented = 0;
  for (const auto& [i, e, part] : devices) {
    const Device& device = o.devices[i];
    const System& system = o.input.systems[o.layout.devices[i].system];
    const auto& s = device.statistics();
    sum = {sum.compute + e.compute, sum.memory + e.memory, sum.fixed + e.fixed, sum.rest + e.rest};
    over_limit = std::max(over_limit, seconds(s.over_limit));
    temperature += s.temperature_integral / span / static_cast<double>(devices.size());
    temperature_max = std::max(temperature_max, s.temperature_max);
    final_temperature = std::max(final_temperature, device.temperature());
    clock += s.clock_integral / span / static_cast<double>(devices.size());
    clock_min = std::min(clock_min, s.clock_min);
    throttled += seconds(s.throttled) / static_cast<double>(devices.size());
    electricity += part == 1 ? device.electricity_usd()
                             : device.electricity_usd() * joules(e.wall()) / joules(device.energy().wall());
    if (system.is_rented) rented += joules(e.wall());
    const auto& price = system.box.price;
    const bool priced = !std::isnan(price.purchase) && o.input.prices.horizon > 0;
    (system.is_rented ? rent : hardware) +=
        priced ? part * price.paid() * (1 - price.left(o.input.prices.horizon, o.input.prices.horizon)) /
                     o.input.prices.horizon
               : kUnknown;
  }
  constexpr double kDay = 86'400;
  const double idle_else = hardware * (std::ceil(in_use / kDay) * kDay - in_use);
  hardware = hardware * in_use + rent * span;  // what is rented is paid for as long as it is kept, from 0 to the end
  out["energy_j"] = {{"wall", joules(sum.wall())},   {"chip", joules(sum.chip())},  {"compute", joules(sum.compute)},
                     {"memory", joules(sum.memory)}, {"static", joules(sum.fixed)}, {"rest", joules(sum.rest)}};
  if (rented > 0) out["energy_j"]["rented"] = rented;  // of the wall's: part of the rent
  const auto power = [&](int128 energy, double max) {
    if (devices.empty()) return Json({{"mean", nullptr}, {"max", nullptr}});  // of a provider's it is not known
    return Json({{"mean", ratio(joules(energy), span)}, {"max", max}});
  };
  out["power_w"] = {{"wall", power(sum.wall(), peak.wall)}, {"chip", power(sum.chip(), peak.chip)}};
  if (devices.empty()) temperature = clock = kUnknown;
  out["temperature_c"] = {
      {"mean", number(temperature)}, {"max", number(temperature_max)}, {"final", number(final_temperature)}};
  out["clock_hz"] = {{"mean", number(clock)}, {"min", number(clock_min)}};
  out["throttled_s"] = number(throttled);
  out["over_limit_s"] = over_limit;
  const double total = electricity + hardware + api;
  out["cost_usd"] = {{"electricity", number(electricity)},
                     {"hardware", number(hardware)},
                     {"api", api},
                     {"total", number(total)},
                     {"whole_days", number(total + idle_else)}};
  const auto tokens = out["tokens"]["output"].get<double>();
  out["usd_per_mtok_output"] = ratio(total, tokens / 1e6);
  const double of_boxes = output_of_boxes(o, streams);
  out["j_per_tok_output"] = devices.empty() ? Json(nullptr) : ratio(joules(sum.wall()), of_boxes);
  add_noise(out, o, devices);
}

std::vector<DevicePart> whole_devices(const Outcomes& o) {
  std::vector<DevicePart> parts;
  for (std::size_t d = 0; d < o.layout.devices.size(); ++d) parts.push_back({d, o.devices[d].energy()});
  return parts;
}

/// A replica's part of a device that it shares: the energy of its own work, and of the rest as much as it had of the
/// device's time.
DevicePart part_of(const Outcomes& o, std::size_t device, std::size_t replica) {
  const auto& sharers = o.layout.devices[device].replicas;
  const Energy& whole = o.devices[device].energy();
  if (sharers.size() == 1) return {device, whole};
  const auto time_of = [&](std::size_t r) { return as_double(o.ending.replicas[r].meter[Quantity::device_time]); };
  double all = 0;
  for (const std::size_t r : sharers) all += time_of(r);
  const double part = all > 0 ? time_of(replica) / all : 1 / static_cast<double>(sharers.size());
  const auto scaled = [&](int128 energy) { return static_cast<int128>(std::llround(as_double(energy) * part)); };
  const Meter& own = o.ending.replicas[replica].meter;
  return {device,
          {own[Quantity::compute_energy], own[Quantity::memory_energy], scaled(whole.fixed), scaled(whole.rest)},
          part};
}

/// What a deployment has of the boxes that it runs on.
std::vector<DevicePart> parts_of(const Outcomes& o, std::size_t deployment) {
  std::vector<DevicePart> parts;
  for (const std::size_t r : o.layout.replicas_of[deployment]) {
    for (const std::size_t d : o.layout.replicas[r].devices) parts.push_back(part_of(o, d, r));
  }
  return parts;
}

std::vector<std::size_t> all_of(std::size_t count) {
  std::vector<std::size_t> indices(count);
  std::iota(indices.begin(), indices.end(), std::size_t{0});
  return indices;
}

}  // namespace

nlohmann::ordered_json summarise(const Outcomes& o) {
  const auto streams = all_of(o.input.streams.size());
  std::map<std::vector<std::size_t>, Json> known;  // where all serve one deployment, its part is that of the whole
  const auto requests = [&](const std::vector<std::size_t>& some) -> const Json& {
    const auto found = known.find(some);
    return found != known.end() ? found->second : known.emplace(some, requests_of(o, some)).first->second;
  };
  Json out = requests(streams);
  const auto deployments = all_of(o.input.deployments.size());
  add_serving(out, o, all_of(o.layout.replicas.size()), streams, deployments);
  const double in_use = out["duration_s"].is_number() ? out["duration_s"].get<double>() : 0;
  add_physics(out, o, whole_devices(o), o.power_peaks.of(deployments.size()), in_use, api_usd(o, deployments), streams);
  add_room(out, o);
  Json per_deployment = Json::object();
  for (std::size_t d = 0; d < o.input.deployments.size(); ++d) {
    std::vector<std::size_t> mine;
    for (const std::size_t s : streams) {
      if (static_cast<std::size_t>(o.input.streams[s].deployment) == d) mine.push_back(s);
    }
    Json part = requests(mine);
    add_serving(part, o, o.layout.replicas_of[d], mine, {d});
    add_physics(part, o, parts_of(o, d), o.power_peaks.of(d), in_use, api_usd(o, {d}), mine);
    per_deployment[o.input.deployments[d].name] = std::move(part);
  }
  out["deployments"] = std::move(per_deployment);
  Json per_stream = Json::object();
  for (const std::size_t s : streams) per_stream[o.input.streams[s].name] = requests({s});
  out["workload"] = std::move(per_stream);
  return out;
}

}  // namespace tokwatt::sim
