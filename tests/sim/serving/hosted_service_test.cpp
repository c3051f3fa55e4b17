#include "sim/serving/hosted_service.hpp"

#include "sim/workload/users.hpp"
#include "tests/catch.hpp"
#include "tests/sim/support/toy.hpp"

using namespace tokwatt;
using namespace tokwatt::sim;

namespace {

constexpr Picoseconds kSecond = 1'000'000'000'000;

Distribution always(double value) { return {Constant{value}, {}, {}}; }

/// Nothing but a service that begins to answer after half a second, ten tokens a second.
Input hosted_input(std::vector<Arrival> arrivals) {
  Input input;
  Deployment d;
  d.name = "cloud";
  d.systems.clear();
  d.hosted = Hosted{"toy", "", always(0.5), always(10), {2e-6, 8e-6, std::nullopt}, {}, {}};
  input.deployments.push_back(std::move(d));
  input.streams.push_back(test::fixed_stream(std::move(arrivals)));
  return input;
}

}  // namespace

TEST_CASE("a hosted model answers each request by itself, and charges for its tokens", "[hosted]") {
  const auto results = simulate(hosted_input({{0, 100, 11, 0}, {kSecond, 300, 1, 1}}));
  using test::values;
  CHECK(values<double>(results, "requests", "first_token") == std::vector{0.5, 1.5});
  CHECK(values<double>(results, "requests", "finish") == std::vector{1.5, 1.5});
  CHECK(values<int32_t>(results, "requests", "replica") == std::vector<int32_t>{-1, -1});
  const auto& s = results.summary;
  CHECK(s["tokens"]["output"] == 12);
  CHECK(s["itl_s"]["mean"].get<double>() == Approx(0.1));
  CHECK(s["cost_usd"]["api"].get<double>() == Approx(400 * 2e-6 + 12 * 8e-6));
  CHECK(s["cost_usd"]["total"] == s["cost_usd"]["api"]);
  CHECK(s["energy_j"]["wall"] == 0);
  CHECK(s["j_per_tok_output"].is_null());
  for (const char* meter : {"wall", "chip"}) CHECK(s["power_w"][meter]["mean"].is_null());
  CHECK(s["temperature_c"]["mean"].is_null());
  CHECK(s["limited_by"]["idle"].is_null());
  CHECK(s["batch"]["max"] == 2);
}

TEST_CASE("what a free tier lets through costs nothing, anew in each of its spans", "[hosted]") {
  const auto cost = [](std::vector<Hosted::Free> free) {
    auto input = hosted_input({{0, 90, 10, 0}, {kSecond, 90, 10, 1}, {60 * kSecond, 90, 10, 2}});
    input.deployments[0].hosted->free = std::move(free);
    return simulate(std::move(input)).summary["cost_usd"]["api"].get<double>() / (90 * 2e-6 + 10 * 8e-6);
  };
  CHECK(cost({}) == Approx(3));
  CHECK(cost({{true, 1, 1000 * kSecond}}) == Approx(2));
  CHECK(cost({{true, 1, 60 * kSecond}}) == Approx(1));
  CHECK(cost({{false, 150, 1000 * kSecond}}) == Approx(1.5));
  CHECK(cost({{false, 150, 1000 * kSecond}, {true, 1, 1000 * kSecond}}) == Approx(2));
}

TEST_CASE("who gives up on a hosted model pays for what was out", "[hosted]") {
  auto input = hosted_input({{0, 100, 50, 0}, {0, 100, 50, 1}});
  input.streams[0].timeout = 1.25;  // eight tokens: at 0.5, 0.6 ... 1.2 s
  const auto s = simulate(std::move(input)).summary;
  CHECK(s["requests"]["timed_out"] == 2);
  CHECK(s["tokens"]["output"] == 16);
  CHECK(s["cost_usd"]["api"].get<double>() == Approx(200 * 2e-6 + 16 * 8e-6));
}

TEST_CASE("who gives up on a hosted model before its answer begins pays for the prompt, each time", "[hosted]") {
  auto input = hosted_input({{0, 100, 50, 0}});
  input.streams[0].timeout = 0.4;
  input.streams[0].retries = 2;
  const auto s = simulate(std::move(input)).summary;
  CHECK(s["requests"]["timed_out"] == 3);
  CHECK(s["tokens"]["output"] == 0);
  CHECK(s["cost_usd"]["api"].get<double>() == Approx(3 * 100 * 2e-6));
}

TEST_CASE("the end of a run cuts hosted answers off", "[hosted]") {
  auto input = hosted_input({{0, 100, 50, 0}, {2 * kSecond, 100, 50, 1}});
  input.duration = 2 * kSecond + kSecond / 4;
  const auto results = simulate(std::move(input));
  CHECK(results.summary["requests"]["unfinished"] == 2);
  CHECK(results.summary["tokens"]["output"] == 18);  // at 0.5 ... 2.2 s; the other has none yet
}

TEST_CASE("a rate limit passes a minute's worth at once and then as it fills", "[hosted]") {
  std::vector<Arrival> arrivals;
  for (uint64_t i = 0; i < 5; ++i) arrivals.push_back({0, 10, 1, i});
  auto input = hosted_input(arrivals);
  input.deployments[0].hosted->requests_per_minute = 2;
  const auto by_requests = simulate(std::move(input));
  CHECK(test::values<double>(by_requests, "requests", "admitted") == std::vector{0.0, 0.0, 30.0, 60.0, 90.0});
  CHECK(by_requests.summary["queue_s"]["max"] == 90);

  input = hosted_input(arrivals);
  input.deployments[0].hosted->tokens_per_minute = 22;  // two requests of eleven tokens
  CHECK(test::values<double>(simulate(std::move(input)), "requests", "admitted") ==
        std::vector{0.0, 0.0, 30.0, 60.0, 90.0});
}

TEST_CASE("more tokens than a minute's worth need a full bucket, and empty it for longer", "[hosted]") {
  RateLimit limit(60.0);
  CHECK(limit.allows_at(600, 0) == 0);
  limit.pass(600, 0);  // ten minutes' worth
  CHECK(limit.allows_at(60, 0) == 600 * kSecond);
  CHECK(limit.allows_at(1, 0) == 541 * kSecond);
  CHECK(RateLimit({}).allows_at(1e9, 7) == 7);
}

TEST_CASE("who gives up while a rate limit holds them back makes room", "[hosted]") {
  auto input = hosted_input({{0, 10, 1, 0}, {0, 10, 1, 1}, {kSecond, 10, 1, 2}});
  input.deployments[0].hosted->requests_per_minute = 1;
  input.streams[0].timeout = 59.5;  // the second waits until 60 s in vain, so that the third is next
  const auto results = simulate(std::move(input));
  CHECK(test::values<double>(results, "requests", "admitted")[2] == 60);
  CHECK(results.summary["requests"]["timed_out"] == 1);
}

TEST_CASE("what a provider has cached costs less", "[hosted]") {
  const auto content = std::make_shared<Content>(Content{{{77, 1000}}, false});
  auto input = hosted_input({{0, 1000, 1, 0, content}, {kSecond, 1000, 1, 1, content}});
  input.deployments[0].hosted->price.cached = 2e-7;
  const auto s = simulate(std::move(input)).summary;
  CHECK(s["tokens"]["cached"] == 896);  // seven pieces of 128 tokens
  CHECK(s["cost_usd"]["api"].get<double>() == Approx((1000 + 104) * 2e-6 + 896 * 2e-7 + 2 * 8e-6));
}
