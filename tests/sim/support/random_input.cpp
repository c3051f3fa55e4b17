#include "tests/sim/support/random_input.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <random>

#include "sim/serving/kv_capacity.hpp"
#include "sim/workload/arrivals.hpp"
#include "sim/workload/calls.hpp"
#include "sim/workload/in_flight.hpp"
#include "sim/workload/prefix.hpp"
#include "sim/workload/sessions.hpp"
#include "sim/workload/thinking.hpp"
#include "sim/workload/users.hpp"
#include "tests/sim/support/random_machine.hpp"

namespace tokwatt::test {

namespace {

using namespace sim;

Distribution lengths(Dice& dice, double high) {
  Distribution d;
  if (dice.chance(0.5)) {
    d.shape = Uniform{1, high};
  } else {
    d.shape = Lognormal{high / 4, high};
    d.max = high;
  }
  return d;
}

std::unique_ptr<RequestSource> random_sessions(Dice& dice, StreamKey key, bool drain) {
  SessionShape shape;
  shape.turns.shape = Uniform{1, dice.real(1, 8)};
  if (dice.chance(0.8)) shape.think.shape = Exponential{dice.real(0, 5)};
  shape.prompt = lengths(dice, dice.real(1, 60));  // so that some outgrow max_model_len
  shape.output = lengths(dice, dice.real(1, 60));
  if (!drain && dice.chance(0.5)) return user_sessions_source(dice.in(1, 10), shape, key);
  return arriving_sessions_source({GapProcess::poisson, 1, {{dice.real(1, 2), dice.real(5, 15)}}}, shape, key);
}

// Chains, forks and joins, with pauses and without.
std::unique_ptr<RequestSource> random_calls(Dice& dice, StreamKey key) {
  CallGraph graph;
  graph.block_tokens = 4;
  graph.conversations = {{}};
  const int64_t calls = dice.in(1, 40);
  for (int64_t i = 0; i < calls; ++i) {
    Call call;
    if (dice.chance(0.3)) call.start = dice.in(0, 20) * 250'000'000'000;
    if (dice.chance(0.5)) call.pause = dice.in(0, 3'000'000'000'000);
    call.prompt = static_cast<int32_t>(dice.in(1, 300));
    call.output = static_cast<int32_t>(dice.in(1, 100));
    if (dice.chance(0.1)) call.drop = Drop::no_output;
    call.sharing = dice.pick({Sharing::nothing, Sharing::conversation, Sharing::blocks});
    if (call.sharing == Sharing::blocks) {
      std::vector<uint64_t> ids(static_cast<std::size_t>(call.prompt / graph.block_tokens), 7);
      call.text = graph.blocks.add(ids, std::nullopt);
    }
    const CallId id = graph.add(call);
    for (int64_t n = dice.in(0, 2); n > 0 && i > 0; --n)
      graph.follow(id, static_cast<CallId>(dice.in(std::max<int64_t>(0, i - 5), i - 1)));
  }
  return calls_source(std::move(graph), key);
}

Stream random_stream(Dice& dice, int number, int deployment, uint64_t seed, bool drain, Features& features) {
  Stream stream;
  stream.name = fmt::format("stream{}", number);
  stream.deployment = deployment;
  stream.key = stream_key(seed, stream.name);
  const Distribution prompt = lengths(dice, dice.real(1, 300)), output = lengths(dice, dice.real(1, 200));
  if (!drain && dice.chance(0.4)) {
    features.insert("users");
    Distribution think;
    if (dice.chance(0.8)) think.shape = Exponential{dice.real(0, 5)};  // else none at all
    stream.source = users_source(dice.in(1, 15), think, prompt, output, stream.key);
  } else if (dice.chance(0.3)) {
    features.insert("sessions");
    stream.source = random_sessions(dice, stream.key, drain);
  } else if (dice.chance(0.3)) {
    features.insert("recorded calls");
    stream.source = random_calls(dice, stream.key);
  } else {
    ArrivalProcess arrivals;
    arrivals.process = dice.pick({GapProcess::poisson, GapProcess::constant, GapProcess::gamma});
    arrivals.cv = dice.pick({0.5, 1.0, 3.0});
    arrivals.stages = {{dice.real(0.2, 8), dice.real(2, 15)}, {dice.real(0, 2), dice.real(1, 15)}};
    stream.source = synthetic_source(arrivals, prompt, output, stream.key);
  }
  if (dice.chance(0.4)) {
    features.insert("system prompt");
    stream.source = prefixed_source(std::move(stream.source), dice.in(1, 120), dice.in(1, 4), stream.key);
  }
  if (dice.chance(0.3)) {
    features.insert("thinking");
    stream.source = thinking_source(std::move(stream.source), lengths(dice, 60), stream.key);
  }
  if (!stream.source->closed() && dice.chance(0.3)) {
    features.insert("client limit");
    stream.source = in_flight_source(std::move(stream.source), dice.in(1, 10));
  }
  if (dice.chance(0.3)) {
    features.insert("timeout");
    stream.timeout = dice.pick({0.25, 1.0, dice.real(0.01, 5)});  // also at the very instants of ticks
    stream.retries = dice.in(0, 2);
  }
  if (dice.chance(0.2)) {
    features.insert("patience");
    stream.patience = Distribution{Exponential{dice.real(0.05, 5)}, {}, {}};
  }
  stream.priority = dice.in(0, 2);
  if (dice.chance(0.3)) {
    features.insert("objective");
    stream.objective = Objective{0.5, 0.05};
  }
  return stream;
}

void add_changes(Dice& dice, Input& input) {
  for (int64_t n = dice.in(0, 6); n > 0; --n) {
    Change change;
    change.at = dice.in(0, 40) * 250'000'000'000;  // also at the very instants of ticks
    change.kind = dice.pick({Change::Kind::ambient, Change::Kind::electricity, Change::Kind::power_limit,
                             Change::Kind::clock, Change::Kind::bandwidth, Change::Kind::shutdown});
    if (change.kind != Change::Kind::ambient && change.kind != Change::Kind::electricity)
      change.system = static_cast<int>(dice.in(0, std::ssize(input.systems) - 1));
    change.value = dice.real(5, 40);
    if (change.kind == Change::Kind::electricity) change.value = 1e-7;
    if (change.kind == Change::Kind::clock) change.value = dice.real(200e6, 800e6);
    if (change.kind == Change::Kind::bandwidth)
      change.value = input.systems[static_cast<std::size_t>(change.system)].box.memory.bandwidth * dice.real(0.1, 2);
    if (change.kind == Change::Kind::shutdown) change.value = dice.pick({0.0, 0.5, 3.0});
    change.text = "change";
    input.changes.push_back(change);
  }
  std::stable_sort(input.changes.begin(), input.changes.end(),
                   [](const Change& a, const Change& b) { return a.at < b.at; });
}

hardware::Link random_link(Dice& dice) { return {dice.pick({1e6, 1e8, 1e10}), dice.pick({0.0, 1e-5, 1e-3})}; }

// Of boxes and the room around them, whatever else there is.
void add_surroundings(Dice& dice, Input& input) {
  if (dice.chance(0.4)) {
    Room room;
    room.heat_capacity = dice.real(50, 2000);
    room.conductance = dice.real(0.5, 10);
    if (dice.chance(0.3)) room.start_temperature = dice.real(10, 40);
    if (dice.chance(0.6)) room.cooling = Cooling{dice.real(15, 30), dice.real(1, 4), dice.real(0, 10)};
    input.room = room;
  }
  for (std::size_t s = 0; s < input.systems.size(); ++s) {
    auto& box = input.systems[s].box;
    if (dice.chance(0.5)) add_fan(dice, box);
    if (dice.chance(0.4)) box.power.supply = dice.real(8, 30);
    if (dice.chance(0.4)) box.power.psu_curve.points = {{5, 0.6}, {10, 0.9}, {30, 0.85}};
    if (dice.chance(0.4)) box.governor.sticky = hardware::Sticky{dice.real(4, 8), dice.pick({0.25, 1.0, 3.0})};
    if (dice.chance(0.3)) box.clock.limit = dice.real(200e6, 800e6);
    const auto add = [&](Change::Kind kind, double value) {
      input.changes.push_back(
          {dice.in(0, 40) * 250'000'000'000, kind, static_cast<int>(s), value, "change", Picoseconds{0}});
    };
    if (dice.chance(0.3)) add(Change::Kind::supply, dice.real(5, 40));
    if (dice.chance(0.3)) add(Change::Kind::power_cap, dice.real(3.5, 10));
    if (box.fan && dice.chance(0.6)) add(Change::Kind::fan_speed, dice.chance(0.3) ? std::nan("") : dice.real(0, 1));
    if (box.fan && dice.chance(0.6)) add(Change::Kind::fan_stop, static_cast<double>(dice.in(0, 1)));
    for (int64_t n = input.systems[s].link && dice.chance(0.6) ? dice.in(1, 3) : 0; n > 0; --n) {
      add(Change::Kind::link, 0);
      input.changes.back().link = random_link(dice);
    }
  }
  if (dice.chance(0.4))
    input.changes.push_back({dice.in(0, 40) * 250'000'000'000, Change::Kind::ambient, -1, dice.real(5, 40), "ramp",
                             dice.in(1, 10'000) * 1'000'000'000});
  std::stable_sort(input.changes.begin(), input.changes.end(),
                   [](const Change& a, const Change& b) { return a.at < b.at; });
}

Features features_of(const models::Architecture& model) {
  Features features;
  for (const auto& layer : model.layers) {
    if (layer.grouped && layer.grouped->window > 0) features.insert("window");
    if (layer.grouped && layer.grouped->chunk > 0) features.insert("chunked attention");
    if (layer.latent) features.insert("latent attention");
    if (layer.linear) features.insert("recurrent state");
    if (layer.experts) features.insert("experts");
  }
  return features;
}

Features features_of(const Input& input, const Deployment& d) {
  if (d.hosted) return {"hosted"};
  Features features = features_of(d.model);
  features.insert(d.engine.policy == models::Policy::vllm ? "vllm" : "llama-server");
  if (d.engine.prefill_apart) features.insert("prefill apart");
  if (d.engine.reserve_full_isl) features.insert("room for whole prompts");
  if (d.engine.kv_unified) features.insert("shared context");
  if (d.engine.limits.prompt_concurrency > 0) features.insert("prompts together");
  if (d.engine.new_token_ratio) features.insert("new token ratio");
  if (d.engine.async_scheduling) features.insert("asynchronous");
  if (d.engine.tells_late) features.insert("tells late");
  if (d.engine.limits.micro_batch > 0) features.insert("micro-batches");
  if (d.prefix_cache) features.insert("prefix cache");
  if (d.kv_offload && d.kv_offload->host > 0) features.insert("KV blocks on the host");
  if (d.kv_offload && d.kv_offload->disk > 0) features.insert("KV blocks on disk");
  if (d.cache_ram > 0) features.insert("prompts in host memory");
  if (d.speculation) features.insert(d.speculation->is_head ? "drafting head" : "draft model");
  if (d.kv_blocks) features.insert("blocks given");
  if (input.systems[static_cast<std::size_t>(d.systems.front())].start_temperature)
    features.insert("start temperature");
  features.insert(input.duration ? "fixed end" : "drained");
  features.insert(input.record_requests ? "requests recorded" : "requests not recorded");
  if (!input.prices.electricity) features.insert("no price");
  if (input.systems.size() > 1) features.insert("two boxes");
  if (d.scheduling == Scheduling::priority) features.insert("priority");
  if (d.scheduling == Scheduling::shortest_first) features.insert("shortest first");
  if (d.load_time > 0) features.insert("cold start");
  const auto same_box = [&](const Deployment& other) { return other.systems == d.systems; };
  if (std::count_if(input.deployments.begin(), input.deployments.end(), same_box) > 1) features.insert("shared box");
  if (d.tensor_parallel > 1) features.insert("tensor parallel");
  if (d.replicas > 1 && d.routing == Routing::round_robin) features.insert("round-robin replicas");
  if (d.replicas > 1 && d.routing == Routing::least_loaded) features.insert("least-loaded replicas");
  if (d.replicas > 1 && d.routing == Routing::prefix_aware) features.insert("prefix-aware replicas");
  const auto& box = input.systems[static_cast<std::size_t>(d.systems.front())].box;
  if (input.room) features.insert(input.room->cooling ? "cooled room" : "room");
  if (box.fan) features.insert("fan");
  if (std::isfinite(box.power.supply)) features.insert("supply limit");
  if (box.power.psu_curve.given()) features.insert("supply curve");
  if (box.governor.sticky) features.insert("sticky governor");
  if (std::isfinite(box.clock.limit)) features.insert("clock limit");
  for (const Change& change : input.changes) {
    if (change.ramp > 0) features.insert("ambient ramp");
    if (change.kind == Change::Kind::ambient) features.insert("ambient changes");
    if (change.kind == Change::Kind::electricity) features.insert("price changes");
    if (change.system != d.systems.front()) continue;
    if (change.kind == Change::Kind::power_limit) features.insert("power limit changes");
    if (change.kind == Change::Kind::clock) features.insert("clock changes");
    if (change.kind == Change::Kind::bandwidth) features.insert("bandwidth changes");
    if (change.kind == Change::Kind::shutdown) features.insert("shutdown");
    if (change.kind == Change::Kind::supply) features.insert("supply changes");
    if (change.kind == Change::Kind::power_cap) features.insert("power cap");
    if (change.kind == Change::Kind::fan_speed) features.insert("fan changes");
    if (change.kind == Change::Kind::fan_stop) features.insert("fan fault");
    if (change.kind == Change::Kind::link && d.tensor_parallel > 1) features.insert("link changes");
  }
  return features;
}

struct Made {
  Input input;
  std::vector<Features> features;  // by deployment
};

void add_stream(Made& made, Stream stream, const Features& features) {
  auto& mine = made.features[static_cast<std::size_t>(stream.deployment)];
  if (mine.contains("stream")) mine.insert("several streams");
  mine.insert("stream");
  mine.insert(features.begin(), features.end());
  made.input.streams.push_back(std::move(stream));
}

// Room for a few blocks or for many, and copies that take a part of a step or many steps.
void add_kv_offload(Dice& dice, Deployment& d) {
  const double block_bytes = std::max(kv_bytes(d).per_token, 1.0) * static_cast<double>(d.engine.limits.block_size);
  const double whole = block_bytes * static_cast<double>(d.tensor_parallel);
  KvTiers tiers;
  if (dice.chance(0.8)) {
    tiers.host = whole * static_cast<double>(dice.in(1, 200));
    tiers.link = {block_bytes / dice.pick({1e-9, dice.real(1e-5, 1e-2)}), dice.pick({0.0, 0.25, dice.real(0, 0.05)})};
  }
  if (tiers.host == 0 || dice.chance(0.4)) {
    tiers.disk = whole * static_cast<double>(dice.in(1, 200));
    tiers.disk_bandwidth = whole / dice.real(1e-4, 5e-2);
  }
  d.kv_offload = tiers;
}

void add_deployment(Dice& dice, int box, Input& input) {
  System& system = input.systems[static_cast<std::size_t>(box)];
  Deployment d;
  d.name = fmt::format("model{}", input.deployments.size());
  d.systems = {box};
  if (system.count > 1 && dice.chance(0.4)) {
    system.link = random_link(dice);
    d.tensor_parallel = system.count;
  }
  d.replicas = system.count / d.tensor_parallel;
  d.routing = dice.pick({Routing::round_robin, Routing::least_loaded, Routing::prefix_aware});
  d.model = random_model(dice);
  d.quant.id = "toy";
  d.quant.gguf.bits.fill(4.5);
  d.kv = {"bf16", 2};
  d.engine = random_engine(dice);
  if (dice.chance(0.4)) speculate(dice, d);
  d.max_model_len = dice.in(200, 600);
  if (dice.chance(0.5)) d.on_failure = OnFailure::retry;
  d.reload_time = dice.pick({0.0, 0.25, 1.5});
  if (dice.chance(0.2)) d.load_time = dice.pick({1.0, dice.real(0, 5)});  // also at the very instant of a tick
  if (dice.chance(0.7)) {  // tight: room for one long request and a little more, so that sequences are preempted
    const int64_t size = d.engine.limits.block_size;
    const auto kv = kv_bytes(d);
    const double block_bytes = std::max(kv.per_token, 1.0) * static_cast<double>(size);
    const auto window_blocks = static_cast<int64_t>(std::ceil((kv.window_fixed + kv.state_fixed) / block_bytes));
    const int64_t longest = (*d.max_model_len + d.drafted()) / size + 1 + window_blocks;
    const bool paged = d.engine.policy == models::Policy::vllm;
    d.kv_blocks =
        paged ? longest + dice.in(0, longest) : (*d.max_model_len + d.drafted() + dice.in(0, 99)) * contexts(d);
  }
  if (d.engine.policy == models::Policy::vllm && dice.chance(0.5))
    d.scheduling = dice.pick({Scheduling::priority, Scheduling::shortest_first});
  d.prefix_cache = dice.chance(0.6);
  if (d.prefix_cache && d.engine.policy == models::Policy::vllm && dice.chance(0.5)) add_kv_offload(dice, d);
  if (d.prefix_cache && d.engine.policy == models::Policy::llama_server && dice.chance(0.7))
    d.cache_ram = models::kv_bytes(d.model, d.kv.element_bytes).per_token * dice.real(10, 2000);
  d.share = dice.in(1, 4) * 500;
  input.deployments.push_back(std::move(d));
}

void add_hosted(Dice& dice, Input& input) {
  Deployment d;
  d.name = fmt::format("model{}", input.deployments.size());
  d.systems.clear();
  Hosted hosted;
  if (dice.chance(0.5)) {
    hosted.ttft.shape = Lognormal{0.5, 3};
    hosted.speed.shape = Lognormal{80, 300};
  } else {  // at the very instants of ticks and of each other
    hosted.ttft.shape = Constant{dice.pick({0.0, 0.25})};
    hosted.speed.shape = Constant{dice.pick({4.0, 0.1, 1e13})};
  }
  hosted.price = {1e-6, 4e-6, dice.chance(0.5) ? std::optional(1e-7) : std::nullopt};
  if (dice.chance(0.5)) hosted.requests_per_minute = dice.real(5, 200);
  if (dice.chance(0.5)) hosted.tokens_per_minute = dice.real(100, 20'000);
  d.hosted = hosted;
  input.deployments.push_back(std::move(d));
}

Made make(const Draw& draw) {
  Dice dice(draw);
  Made made;
  Input& input = made.input;
  input.seed = static_cast<uint64_t>(dice.in(0, 1'000'000));
  const uint64_t seed = input.seed;
  input.ambient = dice.real(10, 35);
  if (dice.chance(0.8)) input.prices.electricity = 4e-8;
  input.prices.horizon = 6e7;
  input.record_every = dice.pick<Picoseconds>({300'000'000'000, 1'000'000'000'000, 777'777'777});
  if (input.record_every < 1'000'000'000) input.record_every *= 100;
  const bool drain = dice.chance(0.4);
  if (!drain) input.duration = dice.in(2, 25) * 1'000'000'000'000;  // often at the very instant of a tick or a change
  if (!drain && dice.chance(0.6)) *input.duration += dice.in(0, 999'999'999'999);
  const int64_t boxes = dice.chance(0.2) ? 2 : 1;
  for (int64_t b = 0; b < boxes; ++b) {
    System box{fmt::format("box{}", b), random_box(dice),
               dice.chance(0.2) ? std::optional(dice.real(20, 60)) : std::nullopt, 1};
    if (dice.chance(0.4)) box.count = dice.in(2, 3);
    if (drain) box.box.governor.shutdown = std::numeric_limits<double>::infinity();  // one might never be up for long
    input.systems.push_back(box);
    const int64_t deployments = dice.chance(0.25) ? dice.in(2, 3) : 1;
    for (int64_t n = 0; n < deployments; ++n) add_deployment(dice, static_cast<int>(b), input);
  }
  if (dice.chance(0.15)) add_hosted(dice, input);
  made.features.resize(input.deployments.size());
  const int64_t streams = dice.in(1, 3);
  for (int s = 0; s < streams; ++s) {
    Features features;
    auto stream =
        random_stream(dice, s, static_cast<int>(dice.in(0, std::ssize(input.deployments) - 1)), seed, drain, features);
    add_stream(made, std::move(stream), features);
  }
  add_changes(dice, input);
  input.record_requests = dice.chance(0.8);
  add_surroundings(dice, input);
  for (std::size_t d = 0; d < input.deployments.size(); ++d)
    made.features[d].merge(features_of(input, input.deployments[d]));
  return made;
}

Made make(uint64_t seed) {
  std::mt19937_64 engine(seed);
  return make([&](int64_t low, int64_t high) {
    return low + static_cast<int64_t>(engine() % static_cast<uint64_t>(high - low + 1));
  });
}

}  // namespace

Input random_input(const Draw& draw) { return make(draw).input; }
Input random_input(uint64_t seed) { return make(seed).input; }
std::vector<Features> random_features(uint64_t seed) { return make(seed).features; }

std::string describe(const Input& input) {
  const auto& d = input.deployments.front();
  return fmt::format(
      "{} boxes, {} streams, {} changes, {}, max_num_seqs {}, budget {}, micro {}, block {}, kv_blocks {}, layers {}, "
      "duration {}, drafted {} with acceptance {}",
      input.systems.size(), input.streams.size(), input.changes.size(),
      d.engine.policy == models::Policy::vllm ? "vllm" : "llama-server", d.engine.limits.max_num_seqs,
      d.engine.limits.max_num_batched_tokens, d.engine.limits.micro_batch, d.engine.limits.block_size,
      d.kv_blocks.value_or(-1), d.model.layers.size(), input.duration ? seconds(*input.duration) : -1.0, d.drafted(),
      d.speculation ? d.speculation->acceptance : 0);
}

}  // namespace tokwatt::test
