// Speculative decoding: closed forms of one request, by hand (docs/theory/speculation.md).
#include <rapidcheck.h>

#include <algorithm>
#include <cmath>
#include <numeric>

#include "sim/serving/floor_sum.hpp"
#include "sim/serving/step_pricer.hpp"
#include "tests/catch.hpp"
#include "tests/sim/support/toy.hpp"

using namespace tokwatt;
using namespace tokwatt::sim;
using tokwatt::test::values;

namespace {

constexpr Picoseconds kSecond = 1'000'000'000'000;

// A head drafts for the toy, whose steps take a millisecond on the host; nothing else takes long.
Input speculating(int64_t tokens, double acceptance, std::vector<Arrival> arrivals) {
  Input input = test::toy_input();
  auto& d = input.deployments[0];
  Speculation s;
  s.draft = models::drafting_head(d.model);
  s.quant = d.quant;
  s.tuning = d.engine.tuning;
  s.is_head = true;
  s.tokens = tokens;
  s.acceptance = acceptance;
  d.speculation = s;
  input.streams.push_back(test::fixed_stream(std::move(arrivals)));
  return input;
}

Results run(Input input) { return simulate(std::move(input), GENERATE(Stepping::macro, Stepping::token)); }

// Steps without a prompt in them.
int64_t decode_steps(const Results& r) {
  const auto& steps = values<int64_t>(r, "segments", "steps");
  const auto& chunks = values<int64_t>(r, "segments", "chunk_tokens");
  int64_t sum = 0;
  for (std::size_t s = 0; s < steps.size(); ++s) sum += chunks[s] == 0 ? steps[s] : 0;
  return sum;
}

}  // namespace

TEST_CASE("expected tokens of a step are those of Leviathan et al. 2023, table 1", "[sim][speculation]") {
  const auto rounded = [](int64_t drafted, double acceptance) {
    return std::round(tokens_per_step(drafted, acceptance) * 100) / 100;
  };
  CHECK(rounded(2, 0.6) == 1.96);
  CHECK(rounded(3, 0.7) == 2.53);
  CHECK(rounded(2, 0.8) == 2.44);
  CHECK(rounded(5, 0.8) == 3.69);
  CHECK(rounded(2, 0.9) == 2.71);
  CHECK(rounded(10, 0.9) == 6.86);
}

TEST_CASE("the pace is the expectation in 2^-16 tokens, from one token to all of them", "[sim][speculation]") {
  const auto pace = [](int64_t tokens, double acceptance) {
    return pace_of(speculating(tokens, acceptance, {}).deployments[0]);
  };
  CHECK(pace(4, 0).per_step == 65'536);
  CHECK(pace(1, 0.5).per_step == 98'304);
  CHECK(pace(4, 0.7).per_step == std::llround(65'536 * (1 + 0.7 + 0.49 + 0.343 + 0.2401)));
  CHECK(pace(4, 1 - 1e-12).per_step == 5 * 65'536);
  CHECK(pace(4, 0.7).rows() == 5);
  CHECK(pace_of(test::toy_input().deployments[0]).per_step == 1);
}

TEST_CASE("a draft that is never right gives a token a step and costs its passes", "[sim][speculation]") {
  const Results plain = [] {
    Input input = test::toy_input();
    input.streams.push_back(test::fixed_stream({{kSecond, 100, 50}}));
    return run(std::move(input));
  }();
  const Results r = run(speculating(3, 0, {{kSecond, 100, 50}}));
  CHECK(decode_steps(r) == 49);
  CHECK(r.summary["tokens"]["output"] == 50);
  CHECK(r.summary["tpot_s"]["mean"].get<double>() > 1.05 * plain.summary["tpot_s"]["mean"].get<double>());
  CHECK(r.summary["energy_j"]["memory"].get<double>() > plain.summary["energy_j"]["memory"].get<double>());
}

TEST_CASE("a step is the model's pass over all rows and a pass of the draft for each token",
          "[sim][speculation][cost]") {
  const Input input = speculating(4, 0.5, {});
  const auto& d = input.deployments[0];
  const auto& box = input.systems[0].box;
  Deployment head = d;
  head.model = d.speculation->draft;
  head.engine.tuning.host_per_step = 0;
  const CostModel model(d, box), draft(head, box);
  const StepPricer pricer(d, box);
  // Three sequences with 100 tokens each: rows 1 to 5 see 101 to 105 of them, and the draft's passes 101 to 104.
  StepBatch batch{3, 0, 0, {}};
  for (std::size_t g = 0; g < 2; ++g) {
    const auto one = decode_attention(100 << 16, pricer.attention(g), pricer.pace());
    batch.attention[g] = {3 * one.kept_tokens, 3 * one.pairs};
  }
  CHECK(batch.attention[0].kept_tokens == 3 * 105 << 16);
  CHECK(batch.attention[0].pairs == 3 * 515 << 16);
  CHECK(batch.attention[1].pairs == 3 * 410 << 16);
  StepShape verified{15, 15, {}};
  verified.attention[0] = {3 * 105, 3 * 515};
  const StepCost pass = model.cost(0, verified), drafted = draft.cost(0, {3, 3, {}});
  const auto forms = draft.group_forms(0, 0, 3);
  const StepPrice price = pricer.price({}, batch);
  CHECK(price.duration >> 16 == pass.duration + 4 * drafted.duration + forms.memory.slope * 3 * 410);
  CHECK(price.dispatch >> 16 == pass.dispatch + 4 * drafted.dispatch);
  const bool same_energy = price.memory_energy >> 16 ==
                           pass.memory_energy + 4 * drafted.memory_energy + forms.memory_energy_per_token * 3 * 410;
  CHECK(same_energy);
}

TEST_CASE("prompts pass through the draft too, without its output head", "[sim][speculation][cost]") {
  const Input input = speculating(4, 0.5, {});
  const auto& box = input.systems[0].box;
  const StepPrice price = StepPricer(input.deployments[0], box).price({}, {0, 200, 1, {}});
  const StepCost alone = CostModel(input.deployments[0], box).cost(0, {200, 1, {}});
  const double more = seconds((price.bandwidth >> 16) - alone.bandwidth);
  const double layer = 2.0 * (64 * (64 + 64 + 64) + 3 * 64 * 256), head = 2.0 * 64 * 1000;
  CHECK(more > layer / box.memory.bandwidth);
  CHECK(more < (layer + head) / box.memory.bandwidth + 200 * 4e3 / box.memory.bandwidth);
}

TEST_CASE("after j steps floor(j e) tokens are out, and the last step gives what is left", "[sim][speculation]") {
  for (const int64_t output : {2, 3, 4, 50, 51, 52, 53, 400}) {
    const Results r = run(speculating(4, 0.7, {{kSecond, 100, output}}));
    const int64_t e = std::llround(65'536 * tokens_per_step(4, 0.7));
    int64_t j = 0;  // one token comes with the prompt
    while ((j * e >> 16) < output - 1) ++j;
    CHECK(decode_steps(r) == j);
    CHECK(r.summary["tokens"]["output"] == output);
    CHECK(r.summary["requests"]["completed"] == 1);
  }
}

TEST_CASE("tokens of one step come at one instant: gaps are steps or nothing", "[sim][speculation]") {
  const Results r = run(speculating(1, 0.5, {{kSecond, 100, 301}}));  // three tokens in two steps
  const auto& itl = r.summary["itl_s"];
  CHECK(decode_steps(r) == 200);
  CHECK(itl["p50"] > 1e-3);                                                    // 200 steps and 100 more tokens
  const Results more = run(speculating(4, 1 - 1e-12, {{kSecond, 100, 301}}));  // five a step
  CHECK(more.summary["itl_s"]["p50"] == 0.0);
  const auto generation = values<double>(r, "requests", "finish")[0] - values<double>(r, "requests", "first_token")[0];
  CHECK(itl["mean"].get<double>() * 300 == Approx(generation).epsilon(1e-12));
}

TEST_CASE("steps end at the floor of their exact ends", "[sim][speculation]") {
  const Results r = run(speculating(4, 0.7, {{kSecond, 100, 400}}));
  const auto& start = values<int64_t>(r, "segments", "start");
  const auto& start_rest = values<int64_t>(r, "segments", "start_rest");
  const auto& growth_rest = values<int64_t>(r, "segments", "growth_rest");
  CHECK(values<int64_t>(r, "segments", "progress")[0] == std::llround(65'536 * tokens_per_step(4, 0.7)));
  CHECK(start_rest[0] == 0);
  CHECK(std::any_of(growth_rest.begin(), growth_rest.end(), [](int64_t rest) { return rest != 0; }));
  CHECK(start.size() > 1);
  CHECK(test::step_ends(r).back() == values<double>(r, "requests", "finish")[0]);
}

TEST_CASE("what a step drafts takes slots of the cache", "[sim][speculation][kv]") {
  Input input = speculating(15, 0.5, {{kSecond, 16, 2}});
  input.deployments[0].engine.limits.max_num_batched_tokens = 4096;
  input.deployments[0].kv_blocks = 100;
  input.deployments[0].max_model_len = 200;
  // 16 tokens and 16 rows: two blocks of 16, though the request ends with 17 tokens.
  CHECK(run(std::move(input)).summary["kv"]["peak_fraction"] == 2.0 / 100);
}

TEST_CASE("the longest request leaves room for what its last step drafts", "[sim][speculation][kv]") {
  Input input = speculating(4, 0.5, {{kSecond, 10, 10}});
  input.deployments[0].kv_blocks = 10;
  const auto& box = input.systems[0].box;
  CHECK(kv_capacity(input.deployments[0], box).max_model_len == 160 - 4);
  input.deployments[0].max_model_len = 157;
  CHECK_THROWS_AS(kv_capacity(input.deployments[0], box), DoesNotFit);
}

TEST_CASE("what drafts takes its weights and its part of every block", "[sim][speculation][kv]") {
  Input input = speculating(4, 0.5, {});
  auto& d = input.deployments[0];
  const auto& box = input.systems[0].box;
  const auto with = memory_plan(d, box.memory);
  const double with_kv = kv_bytes(d).per_token;
  d.speculation->is_head = false;
  const auto with_model = memory_plan(d, box.memory);
  d.speculation.reset();
  const auto without = memory_plan(d, box.memory);
  CHECK(with_kv == 2 * kv_bytes(d).per_token);
  const double layer = 2.0 * (64 * (64 + 64 + 64) + 3 * 64 * 256), table = 2.0 * 64 * 1000;
  CHECK(with.weights - without.weights == layer);
  CHECK(with_model.weights - without.weights == layer + table);
}

TEST_CASE("a step too long to be counted in fractions is refused", "[sim][speculation]") {
  Input input = speculating(4, 0.5, {{kSecond, 500, 10}});
  input.systems[0].box.compute.peak.fill(1e5);
  CHECK_THROWS_WITH(simulate(std::move(input)), Catch::Contains("steps may take at most 70 s"));
}

TEST_CASE("a sum of floors is that of its numbers", "[sim][speculation]") {
  CHECK(rc::check([] {
    const auto unit = *rc::gen::inRange<int64_t>(1, 1000);
    const auto numbers = *rc::gen::container<std::vector<int64_t>>(rc::gen::inRange<int64_t>(-5000, 5000));
    FloorSum sum(unit);
    for (const int64_t x : numbers) sum.add(x);
    sum.add(17);
    sum.remove(17);
    const auto y = *rc::gen::inRange<int64_t>(-20'000, 20'000);
    int64_t counted = 0;
    for (const int64_t x : numbers)
      counted += static_cast<int64_t>(std::floor(static_cast<double>(x + y) / static_cast<double>(unit)));
    RC_ASSERT(sum.at(y) == counted);
  }));
}
