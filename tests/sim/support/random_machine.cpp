#include "tests/sim/support/random_machine.hpp"

#include <algorithm>
#include <set>
#include <utility>

#include "sim/serving/cost_model.hpp"

namespace tokwatt::test {

using namespace sim;

hardware::Box random_box(Dice& dice) {
  hardware::Box box;
  box.id = "toy";
  for (double& peak : box.compute.peak) peak = dice.pick({2e9, 2e10, 1e12});
  box.memory = {64e9, 1, 0, dice.pick({2e8, 1e9, 5e10})};
  const double step = 50e6;
  box.clock = {200e6, 200e6 + step * static_cast<double>(dice.in(0, 12)), step, 800e6, 0.6, 1.0, 400e6};
  box.power.idle = 3;
  box.power.active = dice.real(0, 8);
  if (dice.chance(0.5)) box.power.ready = dice.real(0, 4);
  if (dice.chance(0.3)) box.power.energy_rows["toy"].points = {{1, 40}, {2, 8}, {8, 8}, {9, dice.real(16, 80)}};
  box.power.leakage = dice.real(0, 2);
  box.power.per_byte = 5e-9;
  box.power.per_flop.fill(2e-9);
  box.power.limit = dice.chance(0.5) ? dice.real(4, 10) : 1000;
  box.power.rest_idle = 5;
  box.power.rest_busy = 9;
  box.power.psu_efficiency = 0.9;
  box.thermal.stages = {{"die", dice.real(0.5, 4), dice.real(0.3, 2)}, {"sink", dice.real(5, 30), dice.real(0.5, 2)}};
  box.thermal.rest_to_die = dice.pick({0.0, 0.5, 1.0});
  box.governor = {dice.pick({0.1, 0.25, 1.0}),    dice.real(25, 45), dice.chance(0.5) ? 3e6 : 0, dice.real(35, 70), 2,
                  static_cast<int>(dice.in(1, 3))};
  if (dice.chance(0.2)) box.governor.shutdown = box.governor.trip + dice.real(-5, 5);
  box.governor.reboot = dice.pick({0.5, 2.0});
  box.price = {4000, 0.5};
  return box;
}

void add_fan(Dice& dice, hardware::Box& box) {
  hardware::Fan fan;
  if (dice.chance(0.5)) fan.stage = "die";
  fan.levels = static_cast<int>(dice.in(1, 12));
  fan.speed.points = {{dice.real(20, 35), dice.real(0, 0.3)}, {dice.real(40, 60), 1}};
  fan.conductance.points = {{0, 0}, {0.5, dice.real(0.1, 1)}, {1, dice.real(0.5, 2)}};
  if (dice.chance(0.7)) fan.power.points = {{0, 0}, {1, dice.real(0, 3)}};
  if (dice.chance(0.7)) fan.noise.points = {{0, 20}, {1, 45}};
  box.fan = fan;
}

namespace {

models::Layer random_layer(Dice& dice, int64_t window) {
  models::Layer layer;
  if (dice.chance(0.25)) {
    layer.latent = models::LatentAttention{dice.in(1, 16), dice.pick<int64_t>({0, 16}), 16, 8, 4, 8};
  } else {
    const int64_t kv_heads = dice.in(1, 4);
    layer.grouped = models::GroupedAttention{kv_heads * dice.in(1, 8), kv_heads, dice.pick<int64_t>({4, 8, 16}),
                                             dice.chance(0.4) ? window : 0};
    if (layer.grouped->window == 0 && dice.chance(0.3)) layer.grouped->chunk = window;
  }
  if (dice.chance(0.2)) {
    layer.grouped.reset();
    layer.latent.reset();
    layer.linear = models::LinearAttention{2, 4, 8, 4};
  }
  if (dice.chance(0.4)) {
    layer.experts = models::Experts{8, dice.in(1, 3), 16, dice.pick<int64_t>({0, 16})};
  } else {
    layer.dense_ffn = 64;
  }
  return layer;
}

}  // namespace

models::Architecture random_model(Dice& dice) {
  models::Architecture model;
  model.id = "toy";
  model.hidden = 32;
  model.vocab = 500;
  model.max_context = 100'000;
  model.tied_embeddings = dice.chance(0.5);
  const int64_t window = dice.in(2, 60);
  for (int64_t n = dice.in(1, 4); n > 0; --n) model.layers.push_back(random_layer(dice, window));
  if (dice.chance(0.5)) model.layers.push_back(random_layer(dice, dice.in(2, 60)));  // another window
  // Mostly one full layer at least, so that the KV cache grows.
  model.layers.front().grouped = models::GroupedAttention{4, 2, 8, dice.chance(0.1) ? window : 0};
  model.layers.front().latent.reset();
  return model;
}

models::Engine random_engine(Dice& dice) {
  models::Engine engine;
  engine.id = "toy";
  engine.policy = dice.chance(0.7) ? models::Policy::vllm : models::Policy::llama_server;
  engine.prefill_apart = engine.policy == models::Policy::vllm && dice.chance(0.25);
  if (engine.prefill_apart && dice.chance(0.5)) {
    engine.new_token_ratio =
        models::NewTokenRatio{dice.real(0.1, 1), dice.real(0.05, 1), dice.in(1, 200), dice.in(5, 100), dice.in(0, 40)};
  }
  const bool together = engine.prefill_apart && !engine.new_token_ratio && dice.chance(0.7);
  engine.limits.prompt_concurrency = together ? dice.in(1, 5) : 0;
  engine.reserve_full_isl = engine.policy == models::Policy::vllm && dice.chance(0.5);
  engine.kv_unified = engine.policy == models::Policy::llama_server && dice.chance(0.5);
  engine.async_scheduling = engine.policy == models::Policy::vllm && dice.chance(0.4);
  engine.tells_late = engine.policy == models::Policy::vllm && dice.chance(0.4);
  engine.compute_in = {{"toy", {"bf16"}}};
  engine.limits.max_num_seqs = dice.in(1, 12);
  engine.limits.max_num_batched_tokens = engine.limits.max_num_seqs + dice.in(0, 200);
  engine.limits.micro_batch = dice.chance(0.3) ? dice.in(4, 64) : 0;
  engine.limits.block_size = dice.pick<int64_t>({1, 4, 16});
  engine.limits.memory_utilization = 0.9;
  engine.collective = dice.pick({0.0, 1e-4});
  engine.kernels = {3, 2, 4, 5};
  const double rows_half = dice.real(0, 30);
  engine.tuning = {0.8,
                   0.7,
                   0.75,
                   0.6,
                   0.5,
                   0.4,
                   0.2,
                   rows_half,
                   rows_half / 3,
                   dice.real(0, 0.5),
                   dice.pick({0.0, 2e-6, 1e-4}),
                   dice.real(0, 2e-3),
                   1e-5,
                   0.1,
                   0.1};
  return engine;
}

namespace {

std::size_t kinds_of_attention(const models::Architecture& model) {
  std::set<std::pair<int64_t, int64_t>> kinds;
  for (const auto& layer : model.layers) {
    if (layer.grouped) kinds.insert({layer.grouped->window, layer.grouped->chunk});
    if (layer.latent) kinds.insert({0, 0});
  }
  return kinds.size();
}

}  // namespace

void speculate(Dice& dice, Deployment& d) {
  Speculation s;
  s.is_head = dice.chance(0.4);
  s.draft = random_model(dice);
  s.draft.hidden = 16;
  s.quant = d.quant;
  s.tuning = d.engine.tuning;
  s.tokens = dice.in(1, 5);
  s.acceptance = dice.pick({0.0, 0.5, dice.real(0, 1), dice.real(0.9, 0.999999)});
  while (kinds_of_attention(d.model) + kinds_of_attention(s.draft) > kMaxAttentionGroups)
    (s.draft.layers.size() > 1 ? s.draft : d.model).layers.pop_back();
  if (s.is_head) s.draft = models::drafting_head(d.model);
  if (kinds_of_attention(d.model) == kMaxAttentionGroups) return;
  auto& limits = d.engine.limits;
  limits.max_num_batched_tokens = std::max(limits.max_num_batched_tokens, limits.max_num_seqs * (s.tokens + 1));
  d.speculation = s;
}

}  // namespace tokwatt::test
