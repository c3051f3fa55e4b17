#include <algorithm>
#include <numeric>

#include "sim/progression.hpp"
#include "sim/workload/users.hpp"
#include "tests/catch.hpp"
#include "tests/sim/support/toy.hpp"

using namespace tokwatt;
using namespace tokwatt::sim;
using tokwatt::test::column;
using tokwatt::test::values;

namespace {

constexpr Picoseconds kSecond = 1'000'000'000'000;

Results run(Input input) { return simulate(std::move(input), GENERATE(Stepping::macro, Stepping::token)); }

Input with(std::vector<Arrival> arrivals) {
  Input input = test::toy_input();
  input.streams.push_back(test::fixed_stream(std::move(arrivals)));
  return input;
}

}  // namespace

TEST_CASE("more blocks than the memory has do not fit", "[sim][serving]") {
  Input input = test::toy_input();
  const double block = kv_capacity(input.deployments[0], input.systems[0].box).block_bytes;
  const double room = input.systems[0].box.memory.capacity / block;
  input.streams.push_back(test::fixed_stream({{0, 100, 5}}));
  input.deployments[0].kv_blocks = static_cast<int64_t>(room * 1.01);
  CHECK_THROWS_AS(simulate(std::move(input)), DoesNotFit);
}

TEST_CASE("a lone request takes its prefill and then one step per token", "[sim][serving]") {
  const Results r = run(with({{kSecond, 100, 5}}));
  const auto& steps = values<int64_t>(r, "segments", "steps");
  CHECK(std::accumulate(steps.begin(), steps.end(), int64_t{0}) == 5);
  CHECK(values<int64_t>(r, "segments", "chunk_tokens").front() == 100);
  CHECK(r.summary["tokens"]["output"] == 5);
  CHECK(r.summary["requests"]["completed"] == 1);
  // Weights: 64 * (128 qkv + 64 out) + 3 * 64 * 256 + 64 * 1000 head, 16 bit, at 1 GB/s, and a millisecond of host
  // time.
  const double weights = 2.0 * (64 * (64 + 64 + 64) + 3 * 64 * 256 + 64 * 1000);
  CHECK(r.summary["tpot_s"]["mean"].get<double>() == Approx(1e-3 + weights / 1e9).epsilon(0.1));
  CHECK(r.summary["tpot_s"]["mean"].get<double>() > 1e-3 + weights / 1e9);
}

TEST_CASE("the time to the first token counts from when the client sent", "[sim][serving]") {
  const Results r = run(with({{kSecond, 100, 2}, {kSecond, 50, 2}}));
  const auto& first = values<double>(r, "requests", "first_token");
  CHECK(r.summary["ttft_s"]["max"].get<double>() == Approx(first[1] - 1.0));
  CHECK(first[0] == first[1]);  // both prompts fit one step's token budget
}

TEST_CASE("a long prompt goes in chunks of the token budget, beside what decodes", "[sim][serving]") {
  const Results r = run(with({{kSecond, 10, 50}, {kSecond + 5'000'000'000, 1200, 3}}));
  const auto& chunks = values<int64_t>(r, "segments", "chunk_tokens");
  const auto& decoding = values<int64_t>(r, "segments", "decoding");
  std::vector<int64_t> mixed;
  for (std::size_t i = 0; i < chunks.size(); ++i) {
    if (chunks[i] > 0 && decoding[i] == 1) mixed.push_back(chunks[i]);
  }
  CHECK(mixed == std::vector<int64_t>{511, 511, 178});
}

TEST_CASE("a full KV cache preempts the youngest sequence, which is computed again", "[sim][kv]") {
  Input input = with({{kSecond, 60, 100}, {kSecond, 60, 100}});
  input.deployments[0].kv_blocks = 14;  // 224 tokens; the two need up to 318
  input.deployments[0].max_model_len = 200;
  const Results r = run(std::move(input));
  CHECK(r.summary["kv"]["preemptions"] == 1);
  CHECK(values<int64_t>(r, "requests", "preemptions") == std::vector<int64_t>{0, 1});
  CHECK(r.summary["requests"]["completed"] == 2);
  CHECK(r.summary["tokens"]["output"] == 200);
  CHECK(r.summary["kv"]["peak_fraction"] == 1.0);
}

TEST_CASE("the gap of a preempted sequence lasts until it is computed again", "[sim][kv]") {
  Input input = with({{kSecond, 60, 100}, {kSecond, 60, 100}});
  input.deployments[0].kv_blocks = 14;
  input.deployments[0].max_model_len = 200;
  const Results r = run(std::move(input));
  const auto& first = values<double>(r, "requests", "first_token");
  const auto& finish = values<double>(r, "requests", "finish");
  const auto& s = r.summary;
  // The older one is done first; the younger one waits for its blocks.
  CHECK(s["itl_s"]["max"].get<double>() > (finish[0] - first[0]) / 4);
  CHECK(s["itl_s"]["mean"].get<double>() * (99 + 99) == Approx(finish[0] - first[0] + finish[1] - first[1]));
  // It computes its prompt and what it had produced again; the other one's share is its own prompt.
  const auto& chunks = values<int64_t>(r, "segments", "chunk_tokens");
  const auto ends = test::step_ends(r);
  const auto produced =
      std::count_if(ends.begin(), ends.end(), [&](double t) { return t >= first[1] && t < finish[0]; }) - 1;
  CHECK(chunks.back() <= 60 + produced);
  CHECK(std::accumulate(chunks.begin(), chunks.end(), int64_t{0}) > 60 + 60 + 60 + 20);
}

TEST_CASE("the preempted is served before those who wait", "[sim][kv]") {
  Input input = with({{kSecond, 60, 100}, {kSecond, 60, 100}, {kSecond + 10'000'000'000, 20, 10}});
  input.deployments[0].kv_blocks = 14;
  input.deployments[0].max_model_len = 200;
  input.deployments[0].engine.limits.max_num_seqs = 2;
  const Results r = run(std::move(input));
  CHECK(values<int64_t>(r, "requests", "preemptions") == std::vector<int64_t>{0, 1, 0});
  // There was a slot and room for the short one as soon as the second was preempted.
  const auto& admitted = values<double>(r, "requests", "admitted");
  CHECK(admitted[2] >= values<double>(r, "requests", "finish")[0]);
}

TEST_CASE("who comes at the very end of a step is in the next one", "[sim][serving]") {
  const Results alone = run(with({{kSecond, 100, 50}}));
  const auto& start = values<int64_t>(alone, "segments", "start");
  const auto& steps = values<int64_t>(alone, "segments", "steps");
  const std::size_t s = static_cast<std::size_t>(std::max_element(steps.begin(), steps.end()) - steps.begin());
  REQUIRE(steps[s] > 40);
  const Progression durations{values<int64_t>(alone, "segments", "duration")[s],
                              values<int64_t>(alone, "segments", "growth")[s]};
  for (const int64_t step : {1, 2, 7, 30}) {
    const Picoseconds end = start[s] + static_cast<Picoseconds>(durations.sum(step));
    for (const Picoseconds at : {end - 1, end, end + 1}) {
      const Results r = run(with({{kSecond, 100, 50}, {at, 100, 50}}));
      const Picoseconds next = start[s] + static_cast<Picoseconds>(durations.sum(at > end ? step + 1 : step));
      CHECK(values<double>(r, "requests", "admitted")[1] == seconds(next));
    }
  }
}

TEST_CASE("a step that preempts admits nobody", "[sim][kv]") {
  Input input = with({{kSecond, 60, 100}, {kSecond, 60, 100}});
  auto& d = input.deployments[0];
  d.kv_blocks = 14;
  d.max_model_len = 200;
  d.engine.limits.max_num_batched_tokens = 20;  // the first chunk of the preempted would find room at once
  const Results r = run(std::move(input));
  const auto& kinds = values<int8_t>(r, "events", "kind");
  const auto& times = values<double>(r, "events", "time");
  const auto& start = values<int64_t>(r, "segments", "start");
  const auto& chunks = values<int64_t>(r, "segments", "chunk_tokens");
  int64_t preempting = 0;
  for (std::size_t e = 0; e < kinds.size(); ++e) {
    if (kinds[e] != 0) continue;
    for (std::size_t s = 0; s < start.size(); ++s) {
      if (seconds(start[s]) != times[e]) continue;
      CHECK(chunks[s] == 0);
      ++preempting;
    }
  }
  CHECK(preempting > 0);
}

TEST_CASE("llama-server gives the slot that has been free for longest, and reads prompts slot by slot",
          "[sim][serving]") {
  // The second slot is free first: the third request gets it, the fourth the first slot, and so comes before.
  Input input = with({{kSecond, 20, 200}, {kSecond, 20, 50}, {20 * kSecond, 1000, 5}, {20 * kSecond, 1000, 5}});
  auto& d = input.deployments[0];
  d.engine.policy = models::Policy::llama_server;
  d.engine.limits.max_num_seqs = 2;
  d.max_model_len = 2000;
  const Results r = run(std::move(input));
  const auto& first = values<double>(r, "requests", "first_token");
  CHECK(first[3] < first[2]);
}

TEST_CASE("a request that just fits the context is served", "[sim][serving]") {
  Input input = with({{kSecond, 200, 100}});
  input.deployments[0].max_model_len = 300;
  CHECK(run(std::move(input)).summary["requests"]["completed"] == 1);
}

TEST_CASE("a request longer than the context is rejected, counted and named", "[sim][serving]") {
  Input input = with({{kSecond, 500, 100}, {2 * kSecond, 50, 10}});
  input.deployments[0].max_model_len = 300;
  const Results r = run(std::move(input));
  CHECK(r.summary["requests"]["rejected"] == 1);
  CHECK(r.summary["requests"]["completed"] == 1);
  CHECK(r.summary["requests"]["submitted"] == 2);
  CHECK(values<std::string>(r, "events", "text").front() == "500 + 100 tokens are more than max_model_len 300");
}

TEST_CASE("no more sequences run than max_num_seqs; the rest wait and the queue is named as the limit",
          "[sim][serving]") {
  Input input = with({{kSecond, 10, 400}, {kSecond, 10, 400}, {kSecond, 10, 400}});
  input.deployments[0].engine.limits.max_num_seqs = 2;
  const Results r = run(std::move(input));
  CHECK(r.summary["batch"]["max"] == 2);
  CHECK(r.summary["queue_s"]["max"] > 0.3);
  CHECK(r.summary["limited_by"]["queue"] > 0.0);
}

TEST_CASE("what does not fit says so with the arithmetic", "[sim][kv]") {
  Input input = with({{kSecond, 10, 10}});
  input.systems[0].box.memory.capacity = 1e5;
  CHECK_THROWS_WITH(simulate(std::move(input)),
                    Catch::Contains("does not fit: weights") && Catch::Contains("can be used"));
}

TEST_CASE("a rejected user without thinking time does not stop the clock", "[sim][serving]") {
  Input input = test::toy_input();
  input.deployments[0].max_model_len = 50;
  Stream stream;
  stream.name = "hasty";
  stream.source = users_source(1, {}, {Constant{100}, {}, {}}, {Constant{10}, {}, {}}, stream.key);
  input.streams.push_back(std::move(stream));
  input.duration = 5 * kSecond;
  CHECK(run(std::move(input)).summary["requests"]["rejected"] == 5);  // one a tick
}

TEST_CASE("a model whose every layer slides keeps the same cache however long the sequence", "[sim][kv]") {
  Input input = with({{kSecond, 5000, 10}});
  auto& d = input.deployments[0];
  d.model.layers[0].grouped->window = 100;
  d.engine.policy = GENERATE(models::Policy::vllm, models::Policy::llama_server);
  const double window_bytes = models::kv_bytes(d.model, 2).window_fixed;
  const double weights = 2.0 * (64 * (64 + 64 + 64) + 3 * 64 * 256 + 64 * 1000);
  const int64_t slots = d.engine.limits.max_num_seqs;
  input.systems[0].box.memory.capacity = (weights + 5e6 + window_bytes * static_cast<double>(slots)) / 0.9;
  CHECK(run(std::move(input)).summary["requests"]["completed"] == 1);
}

TEST_CASE("an engine may keep the chunks of chunked attention that are over", "[sim][kv]") {
  auto d = test::toy_input().deployments[0];
  const auto all = kv_bytes(d);
  d.model.layers[0].grouped->chunk = 100;
  CHECK(kv_bytes(d).per_token == 0);
  CHECK(kv_bytes(d).window_fixed == 100 * all.per_token);
  d.engine.keeps_chunks = true;
  CHECK(kv_bytes(d).per_token == all.per_token);
  CHECK(kv_bytes(d).window_fixed == 0);
}

TEST_CASE("recurrent states take their part of the cache of every sequence", "[sim][kv]") {
  Input input = with({{kSecond, 50, 10}, {kSecond, 50, 10}});
  auto& d = input.deployments[0];
  d.model.layers[0].grouped.reset();
  d.model.layers[0].linear = models::LinearAttention{2, 4, 16, 4};
  d.engine.policy = models::Policy::vllm;
  const double state_bytes = models::kv_bytes(d.model, 2).state_fixed;
  REQUIRE(state_bytes > 0);
  const auto plan = memory_plan(d, input.systems[0].box.memory);
  auto& memory = input.systems[0].box.memory;
  memory.capacity *= (plan.weights + plan.workspace + 3.5 * state_bytes) / plan.usable;
  CHECK(kv_capacity(d, input.systems[0].box).blocks == 3);
}

TEST_CASE("a window longer than the model's context is full attention", "[sim][kv]") {
  auto model = test::toy_input().deployments[0].model;
  model.layers[0].grouped->window = 2 * model.max_context;
  CHECK(models::kv_bytes(model, 2).per_token == 2 * 2 * 2 * 16);
  CHECK(models::kv_bytes(model, 2).window_fixed == 0);
}

TEST_CASE("a workload that outlasts the longest run is refused, not cut off in silence", "[sim][serving]") {
  Input input = with({{kSecond, 10, 10}, {kLongestDuration + kSecond, 10, 10}});
  input.systems[0].box.governor.tick = 60;
  input.record_every = 1'000'000 * kSecond;
  CHECK_THROWS_WITH(run(std::move(input)), Catch::Contains("106 simulated days"));
}

TEST_CASE("steps of an hour under a power limit still sum to the run", "[sim][power]") {
  Input input = with({{kSecond, 1024, 2}});
  auto& box = input.systems[0].box;
  box.compute.peak.fill(1e5);
  box.clock = {2e8, 1e9, 5e7, 1e9, 0.6, 1.0, 4e8};
  box.power.per_flop.fill(1e-3);
  box.power.limit = 20;
  const Results r = run(std::move(input));
  double sum = 0;
  for (const auto& [name, share] : r.summary["limited_by"].items()) sum += share.get<double>();
  CHECK(sum == Approx(1));
  CHECK(r.summary["limited_by"]["power"] > 0.3);
  CHECK(r.summary["limited_by"]["power"] < 0.8);
}

TEST_CASE("limits of time sum to the run", "[sim][serving]") {
  const Results r = run(with({{kSecond, 300, 100}, {3 * kSecond, 100, 100}}));
  double sum = 0;
  for (const auto& [name, share] : r.summary["limited_by"].items()) sum += share.get<double>();
  CHECK(sum == Approx(1));
  CHECK(r.summary["limited_by"]["idle"] > 0.5);
}

TEST_CASE("every token time can be rebuilt from the segments", "[sim][segments]") {
  const Results r = run(with({{kSecond, 100, 70}, {kSecond + 20'000'000'000, 300, 30}}));
  const auto ends = test::step_ends(r);
  const auto& first = values<double>(r, "requests", "first_token");
  const auto& finish = values<double>(r, "requests", "finish");
  const auto& output = values<int64_t>(r, "requests", "output");
  for (std::size_t q = 0; q < output.size(); ++q) {
    const auto tokens =
        std::count_if(ends.begin(), ends.end(), [&](double t) { return t >= first[q] && t <= finish[q]; });
    CHECK(tokens == output[q]);
  }
}
