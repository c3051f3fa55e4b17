#pragma once
// The benchmarks' deployment: Llama-3.1-8B in bf16 with vLLM's rules on something like an H100. The numbers shape the
// work (batches of tens, steps of milliseconds); sheets are read elsewhere.
#include "sim/input.hpp"

namespace tokwatt::bench {

inline models::Architecture llama_8b() {
  models::Architecture llama;
  llama.id = "llama-3.1-8b";
  llama.family = "llama";
  llama.hidden = 4096;
  llama.vocab = 128256;
  llama.max_context = 131072;
  models::Layer layer;
  layer.grouped = models::GroupedAttention{32, 8, 128, 0};
  layer.dense_ffn = 14336;
  llama.layers.assign(32, layer);
  return llama;
}

inline models::Quant bf16() {
  models::Quant quant;
  quant.id = "bf16";
  quant.safetensors.bits.fill(16);
  return quant;
}

inline models::Engine vllm() {
  models::Engine engine;
  engine.id = "vllm";
  engine.backends = {"cuda"};
  engine.container = models::Container::safetensors;
  engine.policy = models::Policy::vllm;
  engine.compute_in = {{"bf16", {"bf16"}}};
  engine.kv = {{"bf16", true}};
  engine.default_kv = "bf16";
  engine.limits = {256, 8192, 0, 16, 0.9};
  engine.kernels = {10, 5, 9, 8};
  engine.tuning.memory_efficiency = 0.86;
  engine.tuning.memory_efficiency_kv = 0.4;
  engine.tuning.compute_efficiency = 0.6;
  engine.tuning.compute_efficiency_attention = 0.35;
  engine.tuning.rows_half = 100;
  engine.tuning.kernel_dispatch = 1.5e-6;
  engine.tuning.host_per_step = 1.2e-3;
  engine.tuning.host_per_sequence = 24e-6;
  return engine;
}

inline hardware::Box h100() {
  hardware::Box box;
  box.id = "h100";
  box.backends = {"cuda"};
  box.compute.peak = {67e12, 989e12, 1979e12, 1979e12, 0};
  box.memory = {80e9, 1, 0.6e9, 3.35e12};
  box.clock = {345e6, 1980e6, 15e6, 1829e6, 0.65, 1.0, 1089e6};
  box.power.idle = 53;
  box.power.active = 350;
  box.power.leakage = 40;
  box.power.per_byte = 40e-12;
  box.power.per_flop = {7e-12, 0.5e-12, 0.25e-12, 0.25e-12, 0};
  box.power.limit = 700;
  box.power.rest_idle = 150;
  box.power.rest_busy = 300;
  box.power.psu_efficiency = 0.94;
  box.thermal.stages = {{"die", 150, 0.03}, {"heatsink", 2000, 0.025}};
  box.governor = {1, 85, 0, 87, 3, 4};
  box.price = {28500, 0.56};
  return box;
}

inline sim::Deployment llama_on_h100() {
  sim::Deployment deployment;
  deployment.name = "chat";
  deployment.model = llama_8b();
  deployment.quant = bf16();
  deployment.kv = {"bf16", 2};
  deployment.engine = vllm();
  return deployment;
}

}  // namespace tokwatt::bench
