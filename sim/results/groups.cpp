// The recorder's columns as groups of the results file; names, units and meanings are those of docs/file-formats.md.
#include <algorithm>
#include <numeric>
#include <utility>

#include "sim/results/recorder.hpp"

namespace tokwatt::sim {

namespace {

std::vector<std::string> names_of(const auto& things) {
  std::vector<std::string> names;
  for (const auto& thing : things) names.push_back(thing.name);
  return names;
}

std::vector<std::string> device_names(const Input& input, const Layout& layout) {
  std::vector<std::string> names;
  for (std::size_t d = 0; d < layout.devices.size(); ++d) names.push_back(device_name(input, layout.devices[d]));
  return names;
}

}  // namespace

std::vector<Group> Recorder::take_groups() {
  std::vector<Group> groups;
  groups.push_back(series_group());
  if (keep_requests_) {
    groups.push_back(requests_group());
    groups.push_back(segments_group());
  }
  groups.push_back(events_group());
  return groups;
}

Group Recorder::series_group() {
  const auto rows = static_cast<int64_t>(times_.size());
  Group g{"series",
          {{"time", rows},
           {"deployment", std::ssize(input_.deployments)},
           {"device", static_cast<int64_t>(layout_.devices.size())}},
          {}};
  std::vector<double> time;
  for (const Picoseconds t : times_) time.push_back(seconds(t));
  const std::vector<std::string> by_deployment = {"time", "deployment"}, by_device = {"time", "device"};
  auto& d = per_deployment_;
  auto& v = per_device_;
  g.variables.push_back({"time", "s", "end of the interval, from the start of the run", {"time"}, std::move(time), {}});
  g.variables.push_back({"deployment", "", "name of the deployment", {"deployment"}, names_of(input_.deployments), {}});
  g.variables.push_back({"device",
                         "",
                         "name of the box; with a number where it has several",
                         {"device"},
                         device_names(input_, layout_),
                         {}});
  g.variables.push_back(
      {"throughput", "s-1", "output tokens per second over the interval", by_deployment, std::move(d.output_rate), {}});
  g.variables.push_back({"prefill_throughput",
                         "s-1",
                         "prompt tokens computed per second over the interval",
                         by_deployment,
                         std::move(d.prompt_rate),
                         {}});
  g.variables.push_back(
      {"batch", "count", "requests running at the end of the interval", by_deployment, std::move(d.batch), {}});
  g.variables.push_back(
      {"queue", "count", "requests waiting at the end of the interval", by_deployment, std::move(d.queue), {}});
  g.variables.push_back({"kv_used",
                         "1",
                         "share of the KV blocks in use at the end of the interval",
                         by_deployment,
                         std::move(d.kv_used),
                         {}});
  g.variables.push_back({"ttft_p95",
                         "s",
                         "95th percentile of the times to first token that ended in the interval",
                         by_deployment,
                         std::move(d.ttft_p95),
                         {}});
  g.variables.push_back({"limited_by",
                         "",
                         "what took most of the interval",
                         by_deployment,
                         std::move(d.limited_by),
                         {kLimitNames.begin(), kLimitNames.end()}});
  g.variables.push_back({"clock", "Hz", "core clock at the end of the interval", by_device, std::move(v.clock), {}});
  g.variables.push_back({"power", "W", "mean wall power over the interval", by_device, std::move(v.wall_power), {}});
  g.variables.push_back({"chip_power",
                         "W",
                         "mean chip power over the interval, as the vendor's sensor sees it",
                         by_device,
                         std::move(v.chip_power),
                         {}});
  g.variables.push_back(
      {"temperature", "degC", "die temperature at the last tick", by_device, std::move(v.temperature), {}});
  g.variables.push_back({"throttled",
                         "",
                         "clock held down by the thermal trip or the power limit",
                         by_device,
                         std::move(v.throttled),
                         {"no", "yes"}});
  g.variables.push_back({"energy", "J", "wall energy since the start", by_device, std::move(v.energy), {}});
  g.variables.push_back({"cost", "USD", "electricity bill since the start", by_device, std::move(v.bill), {}});
  add_fans_and_room(g);
  return g;
}

void Recorder::add_fans_and_room(Group& series) {
  const std::vector<std::string> by_device = {"time", "device"};
  auto& v = per_device_;
  if (has_fan_) {
    series.variables.push_back(
        {"fan", "1", "speed of the fan at the end of the interval, of its top speed", by_device, std::move(v.fan), {}});
    series.variables.push_back(
        {"noise", "dBA", "of the fan at the end of the interval", by_device, std::move(v.noise), {}});
  }
  if (input_.room) {
    series.variables.push_back({"room_temperature",
                                "degC",
                                "temperature of the room at its last tick",
                                {"time"},
                                std::move(room_temperature_),
                                {}});
  }
}

Group Recorder::requests_group() {
  auto& r = requests_;
  Group g{"requests", {{"request", std::ssize(r.stream)}}, {}};
  const std::vector<std::string> dims = {"request"};
  g.variables.push_back({"stream", "", "stream of the workload, by its place", dims, std::move(r.stream), {}});
  g.variables.push_back(
      {"replica", "", "replica that it was sent to, by its place; -1: none, rejected", dims, std::move(r.replica), {}});
  g.variables.push_back({"arrival", "s", "when the client sent it", dims, std::move(r.arrival), {}});
  g.variables.push_back({"admitted", "s", "when it first joined a step", dims, std::move(r.admitted), {}});
  g.variables.push_back({"first_token", "s", "when its first token was out", dims, std::move(r.first_token), {}});
  g.variables.push_back(
      {"first_answer", "s", "when the first token behind its thinking was out", dims, std::move(r.first_answer), {}});
  g.variables.push_back({"finish", "s", "when its last token was out", dims, std::move(r.finish), {}});
  g.variables.push_back({"prompt", "count", "prompt tokens", dims, std::move(r.prompt), {}});
  g.variables.push_back({"output", "count", "output tokens asked for", dims, std::move(r.output), {}});
  g.variables.push_back({"cached", "count", "prompt tokens found in the prefix cache", dims, std::move(r.cached), {}});
  g.variables.push_back(
      {"preemptions", "count", "times it was preempted and recomputed", dims, std::move(r.preemptions), {}});
  g.variables.push_back({"outcome",
                         "",
                         "how it ended",
                         dims,
                         std::move(r.outcome),
                         {"unfinished", "completed", "rejected", "timed_out", "cancelled", "failed"}});
  return g;
}

// A plan is recorded when it ends and a step when it ends, so that rows of several replicas interleave differently in
// the two steppings; by start and replica there is one order.
void Recorder::sort_segments() {
  auto& s = segments_;
  std::vector<std::size_t> order(s.start.size());
  std::iota(order.begin(), order.end(), std::size_t{0});
  std::sort(order.begin(), order.end(), [&](std::size_t a, std::size_t b) {
    return std::pair(s.start[a], s.replica[a]) < std::pair(s.start[b], s.replica[b]);
  });
  const auto reorder = [&](auto& column) {
    auto sorted = column;
    for (std::size_t i = 0; i < order.size(); ++i) sorted[i] = column[order[i]];
    column = std::move(sorted);
  };
  reorder(s.replica);
  for (auto* column : {&s.start, &s.steps, &s.duration, &s.growth, &s.decoding, &s.chunk_tokens}) reorder(*column);
  if (speculates_) {
    for (auto* column : {&s.start_rest, &s.duration_rest, &s.growth_rest, &s.progress}) reorder(*column);
  }
  reorder(s.clock);
  reorder(s.forms);
}

Group Recorder::segments_group() {
  if (layout_.replicas.size() > 1) sort_segments();
  auto& s = segments_;
  Group g{"segments", {{"segment", std::ssize(s.start)}}, {}};
  const std::vector<std::string> dims = {"segment"};
  g.variables.push_back({"replica",
                         "",
                         "replica, by its place: those of the first deployment come first",
                         dims,
                         std::move(s.replica),
                         {}});
  g.variables.push_back({"start", "ps", "start of the first step", dims, std::move(s.start), {}});
  g.variables.push_back({"steps",
                         "count",
                         "steps, one token per decoding sequence each unless progress says more",
                         dims,
                         std::move(s.steps),
                         {}});
  g.variables.push_back({"duration", "ps", "duration of the first step", dims, std::move(s.duration), {}});
  g.variables.push_back(
      {"growth", "ps", "by how much each step is longer than the one before", dims, std::move(s.growth), {}});
  g.variables.push_back({"decoding", "count", "sequences that decode", dims, std::move(s.decoding), {}});
  g.variables.push_back({"chunk_tokens",
                         "count",
                         "prompt tokens prefilled; a segment with any is one step",
                         dims,
                         std::move(s.chunk_tokens),
                         {}});
  g.variables.push_back({"clock", "Hz", "core clock", dims, std::move(s.clock), {}});
  g.variables.push_back({"forms",
                         "",
                         "bit g set: attention group g is bound by compute, not by bandwidth",
                         dims,
                         std::move(s.forms),
                         {}});
  if (!speculates_) return g;
  g.variables.push_back({"start_rest", "", "what start leaves over, in 2^-16 ps", dims, std::move(s.start_rest), {}});
  g.variables.push_back(
      {"duration_rest", "", "what duration leaves over, in 2^-16 ps", dims, std::move(s.duration_rest), {}});
  g.variables.push_back(
      {"growth_rest", "", "what growth leaves over, in 2^-16 ps", dims, std::move(s.growth_rest), {}});
  g.variables.push_back({"progress",
                         "",
                         "by how much a step moves each decoding sequence on, in 2^-16 tokens",
                         dims,
                         std::move(s.progress),
                         {}});
  return g;
}

Group Recorder::events_group() {
  auto& e = events_;
  Group g{"events", {{"event", std::ssize(e.time)}}, {}};
  const std::vector<std::string> dims = {"event"};
  g.variables.push_back({"time", "s", "when", dims, std::move(e.time), {}});
  g.variables.push_back(
      {"kind",
       "",
       "what",
       dims,
       std::move(e.kind),
       {"preemption", "rejection", "change", "throttle", "recovery", "loaded", "shutdown", "failure"}});
  g.variables.push_back({"subject", "", "whom it concerns", dims, std::move(e.subject), {}});
  g.variables.push_back({"text", "", "in words", dims, std::move(e.text), {}});
  return g;
}

}  // namespace tokwatt::sim
