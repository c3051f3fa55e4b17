// Room for the output of those who run: SGLang's new_token_ratio.
#include "sim/serving/new_token_ratio.hpp"

#include "sim/simulation.hpp"
#include "tests/catch.hpp"
#include "tests/sim/support/toy.hpp"

using namespace tokwatt;
using namespace tokwatt::sim;
using tokwatt::test::values;

namespace {

constexpr Picoseconds kSecond = 1'000'000'000'000;
constexpr Picoseconds kMoment = 1'000'000'000;
constexpr models::NewTokenRatio kSglang{0.7, 0.14, 600, 4096, 20};

/// Tokens that are kept free for decoding requests which are expected to ask for so many.
int64_t held(NewTokenRatio ratio, int64_t expected) {
  constexpr int64_t kFree = 1'000'000'000;
  int64_t needed = kFree;
  while (!ratio.admits(needed, kFree, expected)) --needed;
  return kFree - needed - 1;  // what is needed must be less than what is free
}

/// A toy with so many tokens of KV cache.
Input toy(const models::NewTokenRatio& rules, int64_t tokens) {
  Input input = test::toy_input();
  auto& d = input.deployments[0];
  d.engine.prefill_apart = true;
  d.engine.new_token_ratio = rules;
  d.engine.limits.block_size = 1;
  d.engine.limits.max_num_seqs = 8;
  d.kv_blocks = tokens;
  d.max_model_len = 200;
  return input;
}

Results run(Input input, std::vector<Arrival> arrivals) {
  input.streams.push_back(test::fixed_stream(std::move(arrivals)));
  return simulate(std::move(input), GENERATE(Stepping::macro, Stepping::token));
}

}  // namespace

TEST_CASE("the share decays with steps of decoding from 0.7 to a seventh of it", "[sim][serving][ratio]") {
  NewTokenRatio ratio(kSglang);
  ratio.begin_step(false, false, false);
  CHECK(held(ratio, 100'000) == 69'999);  // the share is in 2^-20, rounded
  ratio.decay(300);
  CHECK(held(ratio, 100'000) == Approx(100'000 * (0.7 + 0.098) / 2).margin(60));
  ratio.decay(299);
  CHECK(held(ratio, 100'000) > 9'800);
  for (int i = 0; i < 1000; ++i) ratio.decay(1);
  CHECK(held(ratio, 100'000) == 9'799);
  ratio.begin_step(true, true, false);
  CHECK(held(ratio, 100'000) == 9'799);
  ratio.begin_step(false, false, false);  // after a pause
  CHECK(held(ratio, 100'000) == 69'999);
}

TEST_CASE("after a preemption the share follows from what the others have produced", "[sim][serving][ratio]") {
  NewTokenRatio ratio(kSglang);
  ratio.set(300, 999, 10);  // (300 + 20 * 10) / (999 + 1)
  CHECK(held(ratio, 100'000) == 50'000);
  ratio.decay(1);  // the step in which they were preempted does not count
  CHECK(held(ratio, 100'000) == 50'000);
  ratio.decay(1);
  CHECK(held(ratio, 100'000) == Approx(50'000 - 100'000 * (0.7 - 0.098) / 600).margin(1));
  ratio.set(900, 999, 10);
  CHECK(held(ratio, 100'000) == 100'000);  // never more than all
  NewTokenRatio stepwise = ratio;          // from above where it begins, many steps at once are as many by themselves
  ratio.decay(1000);
  for (int i = 0; i < 1000; ++i) stepwise.decay(1);
  CHECK(held(ratio, 100'000) == held(stepwise, 100'000));
  CHECK(held(ratio, 100'000) == 9'799);
}

TEST_CASE("who is admitted in a step counts with all that he may ask for", "[sim][serving][ratio]") {
  NewTokenRatio ratio(kSglang);
  ratio.promise(ratio.expected(10'000, 0));
  CHECK(held(ratio, 0) == 4096);
  ratio.promise(ratio.expected(500, 100));
  CHECK(held(ratio, 0) == 4496);
  ratio.begin_step(true, true, false);
  CHECK(held(ratio, 0) == 0);
}

// The first holds its prompt and what it has produced, and all that it may still ask for is kept free: 149 and one
// token of a block that is not full. The second needs 50 + 100 + 1, and more than that must be left.
TEST_CASE("a request is admitted when all that may be asked for has room", "[sim][serving][ratio]") {
  const auto waited = [](int64_t tokens) {
    const auto r = run(toy({1, 1, 1, 4096, 20}, tokens), {{kSecond, 50, 100}, {kSecond + 30 * kMoment, 50, 100}});
    CHECK(values<int64_t>(r, "requests", "preemptions") == std::vector<int64_t>{0, 0});
    const auto& finish = values<double>(r, "requests", "finish");
    return values<double>(r, "requests", "admitted")[1] >= finish[0];
  };
  CHECK(waited(300));
  CHECK(!waited(301));
}

TEST_CASE("who found no room is not tried again before somebody leaves", "[sim][serving][ratio]") {
  // The share falls to half in 40 steps; then the second would have room, and has if it comes only then.
  const auto waited = [](Picoseconds at) {
    const auto r = run(toy({1, 0.5, 40, 4096, 20}, 280), {{kSecond, 50, 100}, {kSecond + at, 50, 100}});
    const auto& produced = test::step_ends(r);
    CHECK(seconds(kSecond + at) < produced[60]);
    const auto& finish = values<double>(r, "requests", "finish");
    return values<double>(r, "requests", "admitted")[1] >= finish[0];
  };
  const Picoseconds step = [] {
    const auto ends = test::step_ends(run(toy({1, 0.5, 40, 4096, 20}, 280), {{kSecond, 50, 100}}));
    return picoseconds((ends[50] - ends[1]) / 49);
  }();
  CHECK(waited(5 * step));
  CHECK(!waited(50 * step));
}

TEST_CASE("when somebody has left, those who decode go on for a step before others are tried",
          "[sim][serving][ratio]") {
  const auto r =
      run(toy({1, 1, 1, 4096, 20}, 400), {{kSecond, 50, 20}, {kSecond, 50, 100}, {kSecond + 5 * kMoment, 50, 145}});
  const double left = values<double>(r, "requests", "finish")[0],
               admitted = values<double>(r, "requests", "admitted")[2];
  int64_t steps = 0;
  for (const double end : test::step_ends(r)) steps += end > left && end <= admitted;
  CHECK(steps == 1);
}

TEST_CASE("who has produced least gives way, of equals the longest prompt, and waits behind all others",
          "[sim][serving][ratio]") {
  Input input = toy({0.01, 1, 1, 4096, 20}, 380);
  const std::vector<Arrival> arrivals = {{kSecond, 60, 99},
                                         {kSecond + 10 * kMoment, 50, 99},  // of two that came together
                                         {kSecond + 10 * kMoment, 30, 99},
                                         {kSecond + 40 * kMoment, 90, 99}};  // finds no room
  const auto r = run(std::move(input), arrivals);
  const auto& preemptions = values<int64_t>(r, "requests", "preemptions");
  CHECK(preemptions[0] == 0);
  CHECK(preemptions[1] == 1);
  CHECK(preemptions[2] == 0);
  CHECK(values<double>(r, "requests", "admitted")[3] < values<double>(r, "requests", "finish")[1]);

  input = toy({0.01, 1, 1, 4096, 20}, 380);
  input.deployments[0].engine.new_token_ratio.reset();
  CHECK(values<int64_t>(run(std::move(input), arrivals), "requests", "preemptions")[2] > 0);  // the last admitted
}
