#include "sim/bench.hpp"

#include "sim/arithmetic.hpp"
#include "sim/serving/kv_capacity.hpp"
#include "tests/catch.hpp"
#include "tests/sim/support/random_input.hpp"
#include "tests/sim/support/toy.hpp"

using namespace tokwatt;
using namespace tokwatt::sim;

TEST_CASE("no rate is above the roofline, whatever a sheet says it reaches", "[sim][bench]") {
  for (uint64_t seed = 1; seed <= 100; ++seed) {
    auto input = test::random_input(seed);
    auto& d = input.deployments[0];
    d.tensor_parallel = 1;  // the roof is that of one device
    d.engine.tuning = {1, 1, 1, 1, 1, 1, 1, 0, 0, 1, 0, 0, 0, 0.2, 0.2};
    const auto& box = input.systems[0].box;
    const auto result = bench(d, box, {300, 20, 50, 2});
    CAPTURE(seed);
    for (const auto& rate : {result.prefill, result.decode}) {
      CHECK(rate.low < rate.tokens_per_second);
      CHECK(rate.tokens_per_second <= rate.high * (1 + 1e-12));
    }
    // Every step reads the active weights of at least one token; no model of the engine is needed to see that.
    const double steps_per_second =
        box.memory.bandwidth / (static_cast<double>(models::active_parameters(d.model)) * 4.5 / 8);
    CHECK(result.decode.high <= 2 * steps_per_second * 1.001);
    // And every token of a prompt is multiplied by them at the peak of the weights' arithmetic, whatever else there is.
    const auto dtype = arithmetic_of(box, d.engine, d.quant.id);
    REQUIRE(dtype);
    const double clock = box.clock.at(box.clock.levels() - 1) / box.clock.of_peak;
    const double peak = std::max(box.compute.peak_of(*dtype), box.compute.peak_of(hardware::Dtype::fp32)) * clock;
    const double head = static_cast<double>(d.model.vocab * d.model.hidden);  // once by sequence
    const double flops = 2 * (static_cast<double>(models::active_parameters(d.model)) - head);
    CHECK(result.prefill.high <= peak / flops * 1.001);
  }
}

TEST_CASE("decode of several sequences takes hardly longer than of one", "[sim][bench]") {
  const auto input = test::toy_input();
  const auto& box = input.systems[0].box;
  const auto one = bench(input.deployments[0], box, {0, 16, 0, 1}).decode;
  const auto four = bench(input.deployments[0], box, {0, 16, 0, 4}).decode;
  CHECK(four.tokens_per_second > 3.5 * one.tokens_per_second);
  CHECK(four.tokens_per_second < 4 * one.tokens_per_second);
}

TEST_CASE("a power limit lowers what bench promises", "[sim][bench]") {
  auto input = test::toy_input();
  auto& box = input.systems[0].box;
  box.clock = {2e8, 1e9, 5e7, 1e9, 0.6, 1.0, 4e8};
  box.compute.peak.fill(2e10);
  box.power.per_flop.fill(4e-9);
  const auto free = bench(input.deployments[0], box, {500, 0, 0, 1}).prefill;
  box.power.limit = 40;
  const auto held = bench(input.deployments[0], box, {500, 0, 0, 1}).prefill;
  CHECK(held.tokens_per_second < 0.9 * free.tokens_per_second);
}

TEST_CASE("a context longer than the model's is refused", "[sim][bench]") {
  const auto input = test::toy_input();
  CHECK_THROWS_WITH(bench(input.deployments[0], input.systems[0].box, {0, 10, 100'000, 1}),
                    Catch::Contains("at most 100000 tokens"));
}
