#include "models/graph.hpp"

#include <cmath>

#include "tests/catch.hpp"

using namespace tokwatt::models;

namespace {

Architecture llama_8b() {
  Architecture m;
  m.hidden = 4096;
  m.vocab = 128256;
  Layer layer;
  layer.grouped = GroupedAttention{32, 8, 128, 0};
  layer.dense_ffn = 14336;
  m.layers.assign(32, layer);
  return m;
}

Architecture gpt_oss_120b() {
  Architecture m;
  m.hidden = 2880;
  m.vocab = 201088;
  for (int i = 0; i < 36; ++i) {
    Layer layer;
    layer.grouped = GroupedAttention{64, 8, 64, i % 2 == 0 ? 128 : 0};
    layer.experts = Experts{128, 4, 2880, 0};
    m.layers.push_back(layer);
  }
  return m;
}

WeightFormat format(double bits) {
  WeightFormat f;
  f.bits.fill(bits);
  return f;
}

}  // namespace

TEST_CASE("parameters are the published ones", "[models]") {
  CHECK(static_cast<double>(parameters(llama_8b())) == Approx(8.03e9).epsilon(0.002));
  CHECK(static_cast<double>(parameters(gpt_oss_120b())) == Approx(116.83e9).epsilon(0.002));
  CHECK(static_cast<double>(active_parameters(gpt_oss_120b())) == Approx(5.1e9).epsilon(0.03));
}

TEST_CASE("KV bytes grow on full layers and stop at the window on sliding ones", "[models][kv]") {
  CHECK(kv_bytes(llama_8b(), 2).per_token == 131072);
  CHECK(kv_bytes(gpt_oss_120b(), 2).per_token == 36864);
  CHECK(kv_bytes(gpt_oss_120b(), 2).window_fixed == 4718592);
}

TEST_CASE("the graph's weights are the tensors', and its FLOPs twice the active weights per token", "[models]") {
  for (const auto& model : {llama_8b(), gpt_oss_120b()}) {
    double bytes = 0, flops = 0;
    for (const auto& op : operators(model, format(8), 2)) {
      bytes += op.weight_bytes;
      if (op.kind != OperatorKind::attention) flops += op.flops_per_row;
    }
    const double embedding =
        static_cast<double>(model.vocab * model.hidden);  // a lookup: neither read whole nor multiplied
    CHECK(bytes == Approx(weight_bytes(model, format(8)) - embedding));
    CHECK(flops == Approx(2.0 * static_cast<double>(active_parameters(model))));
  }
}

TEST_CASE("operators come in an order in which they can run", "[models]") {
  const auto order = operators(gpt_oss_120b(), format(4.25), 2);
  CHECK(order.front().name == "embedding");
  CHECK(order.back().name == "head");
  int layer = 0;
  for (const auto& op : order) {
    if (op.layer < 0) continue;
    CHECK(op.layer >= layer);
    layer = op.layer;
  }
}

TEST_CASE("one token touches k experts, a crowd nearly all, and correlation makes it fewer than chance",
          "[models][moe]") {
  CHECK(touched_experts(128, 4, 1) == Approx(4));
  CHECK(touched_experts(128, 4, 8) < 128 * (1 - std::pow(1 - 4.0 / 128, 8)));
  CHECK(touched_experts(128, 4, 4) == Approx(128 * (1 - std::pow(1 - 4.0 / 128, 4))));
  CHECK(touched_experts(128, 4, 4096) == Approx(128).epsilon(0.01));
  for (double tokens = 1; tokens < 300; ++tokens)
    CHECK(touched_experts(128, 8, tokens + 1) > touched_experts(128, 8, tokens));
}

TEST_CASE("a state of absurd dimensions is counted, not wrapped around", "[models][kv]") {
  Layer linear, mamba, conv;
  linear.linear = LinearAttention{1, 3000, 1'000'000'000, 1'000'000'000};
  mamba.mamba = Mamba{1'000'000'000, 1'000'000'000, 1, 1'000'000'000, 1'000'000'000};
  conv.conv = ShortConvolution{1'000'000'000};
  CHECK(state_elements(linear, 1) == Approx(3000e18 + 3002e9 * 1e9));
  CHECK(state_elements(mamba, 1) == Approx(1e27 + 1e27).epsilon(1e-6));
  CHECK(state_elements(conv, 1'000'000'000) == Approx(1e18));
}
