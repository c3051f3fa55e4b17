// Prompts in steps of their own: who decodes waits for them.
#include "sim/simulation.hpp"
#include "tests/catch.hpp"
#include "tests/sim/support/toy.hpp"

using namespace tokwatt;
using namespace tokwatt::sim;
using tokwatt::test::values;

namespace {

constexpr Picoseconds kSecond = 1'000'000'000'000;

// Two prompts come at once while somebody decodes; each may take 100 tokens of a step.
Results together(std::vector<Arrival> more, Stepping stepping) {
  Input input = test::toy_input();
  auto& engine = input.deployments[0].engine;
  engine.prefill_apart = true;
  engine.limits.max_num_batched_tokens = 100;
  engine.limits.prompt_concurrency = 2;
  std::vector<Arrival> requests{{kSecond, 50, 200}};
  requests.insert(requests.end(), more.begin(), more.end());
  input.streams.push_back(test::fixed_stream(std::move(requests)));
  return simulate(std::move(input), stepping);
}

Results run(bool apart, Stepping stepping) {
  Input input = test::toy_input();
  auto& engine = input.deployments[0].engine;
  engine.prefill_apart = apart;
  engine.limits.max_num_batched_tokens = 100;
  // The second comes while the first decodes; its prompt takes three steps.
  input.streams.push_back(test::fixed_stream({{kSecond, 50, 200}, {kSecond + kSecond / 100, 250, 20}}));
  return simulate(std::move(input), stepping);
}

}  // namespace

TEST_CASE("no step computes a prompt and decodes", "[sim][serving][apart]") {
  const auto stepping = GENERATE(Stepping::macro, Stepping::token);
  const auto mixes = [&](bool apart) {
    const auto r = run(apart, stepping);
    const auto& decoding = values<int64_t>(r, "segments", "decoding");
    const auto& chunk = values<int64_t>(r, "segments", "chunk_tokens");
    int64_t mixed = 0;
    for (std::size_t i = 0; i < decoding.size(); ++i) mixed += decoding[i] > 0 && chunk[i] > 0;
    return mixed;
  };
  CHECK(mixes(true) == 0);
  CHECK(mixes(false) == 3);
}

TEST_CASE("who decodes waits while a prompt is computed, and the gap shows it", "[sim][serving][apart]") {
  const auto stepping = GENERATE(Stepping::macro, Stepping::token);
  const auto apart = run(true, stepping), mixed = run(false, stepping);
  const auto& chunk = values<int64_t>(apart, "segments", "chunk_tokens");
  const auto& start = values<int64_t>(apart, "segments", "start");
  double begins = 0, ends = 0;  // of the second prompt [s]
  for (std::size_t i = 0; i + 1 < chunk.size(); ++i) {
    if (chunk[i] == 0 || start[i] < kSecond + kSecond / 100) continue;
    if (begins == 0) begins = seconds(start[i]);
    ends = seconds(start[i + 1]);
  }
  const double longest = apart.summary["itl_s"]["max"];
  CHECK(longest > ends - begins);
  CHECK(longest < 1.5 * (ends - begins));
  CHECK(longest > 2 * mixed.summary["itl_s"]["max"].get<double>());
  CHECK(values<double>(apart, "requests", "first_token")[1] < values<double>(mixed, "requests", "first_token")[1]);
  CHECK(apart.summary["tokens"]["output"] == 220);
}

TEST_CASE("prompts that go together have a budget each, and who decodes gets a token in between",
          "[sim][serving][apart]") {
  const auto stepping = GENERATE(Stepping::macro, Stepping::token);
  constexpr Picoseconds then = kSecond + kSecond / 100;
  const auto r = together({{then, 250, 20}, {then, 150, 20}, {then, 30, 20}}, stepping);
  const auto& decoding = values<int64_t>(r, "segments", "decoding");
  const auto& chunk = values<int64_t>(r, "segments", "chunk_tokens");
  std::vector<std::pair<int64_t, int64_t>> prompts;  // what the step computed, and how many decoded in the one after it
  for (std::size_t i = 1; i + 1 < chunk.size(); ++i) {
    if (chunk[i] == 0 || prompts.size() == 3) continue;
    CHECK(decoding[i] == 0);
    prompts.emplace_back(chunk[i], decoding[i + 1]);
  }
  // 100 of the first and of the second; 100 and the second's last 50, which then decodes; 50 and the third's 30.
  CHECK(prompts == std::vector<std::pair<int64_t, int64_t>>{{200, 1}, {150, 2}, {80, 4}});
  CHECK(r.summary["tokens"]["output"] == 260);
}

TEST_CASE("a short prompt that goes with a long one costs as much", "[sim][serving][apart]") {
  const auto stepping = GENERATE(Stepping::macro, Stepping::token);
  constexpr Picoseconds then = kSecond + kSecond / 100;
  const auto step = [&](int64_t beside) {
    const auto r = together({{then, 100, 20}, {then, beside, 20}}, stepping);
    const auto& chunk = values<int64_t>(r, "segments", "chunk_tokens");
    const auto& start = values<int64_t>(r, "segments", "start");
    for (std::size_t i = 1; i + 1 < chunk.size(); ++i) {
      if (chunk[i] > 0) return std::pair(chunk[i], start[i + 1] - start[i]);
    }
    return std::pair<int64_t, int64_t>{};
  };
  const auto both = step(100), padded = step(10);
  CHECK(both.first == 200);
  CHECK(padded.first == 110);
  CHECK(padded.second == both.second);
}
