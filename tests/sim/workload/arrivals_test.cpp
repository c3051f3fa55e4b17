#include "sim/workload/arrivals.hpp"

#include <rapidcheck.h>

#include <algorithm>
#include <cmath>
#include <limits>

#include "tests/catch.hpp"

using namespace tokwatt::sim;

namespace {

constexpr double kForever = std::numeric_limits<double>::infinity();
constexpr Picoseconds kSecond = 1'000'000'000'000;
const StreamKey kKey = stream_key(11, "open");

std::vector<Picoseconds> instants(const ArrivalProcess& process, std::size_t most, StreamKey key = kKey) {
  ArrivalTimes times(process, key);
  std::vector<Picoseconds> all;
  while (all.size() < most) {
    const auto at = times.next();
    if (!at) break;
    all.push_back(*at);
  }
  return all;
}

struct Moments {
  double mean = 0, cv = 0;
};
Moments gaps(const std::vector<Picoseconds>& at) {
  double sum = 0, squares = 0;
  Picoseconds before = 0;
  for (const Picoseconds t : at) {
    const double gap = seconds(t - before);
    sum += gap;
    squares += gap * gap;
    before = t;
  }
  const auto n = static_cast<double>(at.size());
  return {sum / n, std::sqrt(squares / n - sum / n * sum / n) / (sum / n)};
}

}  // namespace

TEST_CASE("constant arrivals come at whole multiples of the gap, to the picosecond", "[sim][workload]") {
  const auto all = instants({GapProcess::constant, 1, {{3, kForever}}}, 1'000'000);
  REQUIRE(all.size() == 1'000'000);
  for (std::size_t k = 0; k < all.size(); ++k) {
    const int128 exact = (static_cast<int128>(k + 1) * kSecond * 2 + 3) / 6;
    REQUIRE(all[k] == static_cast<Picoseconds>(exact));
  }
}

TEST_CASE("gaps have the mean and the coefficient of variation that were asked for", "[sim][workload]") {
  constexpr std::size_t kCount = 200'000;
  const double root = std::sqrt(static_cast<double>(kCount));
  struct Case {
    GapProcess process;
    double asked, expected;
  };
  for (const Case c :
       {Case{GapProcess::poisson, 9, 1}, Case{GapProcess::gamma, 0.5, 0.5}, Case{GapProcess::gamma, 2, 2},
        Case{GapProcess::weibull, 0.5, 0.5}, Case{GapProcess::weibull, 1, 1}, Case{GapProcess::weibull, 2, 2}}) {
    const Moments m = gaps(instants({c.process, c.asked, {{2.5, kForever}}}, kCount));
    CHECK(std::abs(m.mean * 2.5 - 1) < 4 * c.expected / root);
    // The standard error of a cv is about cv * sqrt(cv^2 + 1/2) / sqrt(n) for gamma gaps; heavier Weibull tails double
    // it.
    CHECK(std::abs(m.cv / c.expected - 1) < 8 * std::sqrt(c.expected * c.expected + 0.5) / root);
  }
}

TEST_CASE("a Weibull of cv 1 is Poisson's exponential: its deciles agree", "[sim][workload]") {
  const auto all = instants({GapProcess::weibull, 1, {{1, kForever}}}, 50'000);
  for (const double p : {0.1, 0.5, 0.9}) {
    int64_t below = 0;
    for (std::size_t k = 0; k < all.size(); ++k) {
      if (seconds(all[k] - (k > 0 ? all[k - 1] : 0)) < -std::log(1 - p)) ++below;
    }
    CHECK(std::abs(static_cast<double>(below) / 50'000 - p) < 4 * std::sqrt(p * (1 - p) / 50'000));
  }
}

TEST_CASE("stages stretch the gaps exactly over their boundaries", "[sim][workload]") {
  // 1.5 requests in the first stage: the second one is half way when the rate doubles, then nothing comes for 100 s.
  const auto all = instants({GapProcess::constant, 1, {{1, 1.5}, {2, 1}, {0, 100}, {4, 0.5}}}, 100);
  const std::vector<Picoseconds> expected = {kSecond, kSecond * 7 / 4, kSecond * 9 / 4,
                                             kSecond * 102 + kSecond / 2 + kSecond / 8,
                                             kSecond * 102 + kSecond / 2 + kSecond * 3 / 8};
  CHECK(all == expected);
}

TEST_CASE("a whole number of constant arrivals fits into its stages, the last one at their end", "[sim][workload]") {
  CHECK(instants({GapProcess::constant, 1, {{0.1, 100}}}, 100).back() == 100 * kSecond);
  CHECK(instants({GapProcess::constant, 1, {{0.1, 100}}}, 100).size() == 10);
  CHECK(instants({GapProcess::constant, 1, {{2.5, 600}, {5, 600}}}, 10'000).size() == 4500);
}

TEST_CASE("counts of Poisson arrivals in a stage follow its rate", "[sim][workload]") {
  const auto all = instants({GapProcess::poisson, 1, {{10, 1000}, {0, 50}, {40, 1000}}}, 100'000);
  const auto in = [&](double from, double to) {
    double count = 0;
    for (const Picoseconds t : all) count += seconds(t) >= from && seconds(t) < to ? 1 : 0;
    return count;
  };
  CHECK(std::abs(in(0, 1000) - 10'000) < 4 * std::sqrt(10'000));
  CHECK(in(1000, 1050) == 0);
  CHECK(std::abs(in(1050, 2050) - 40'000) < 4 * std::sqrt(40'000));
}

TEST_CASE("a process without stages, without rate or beyond 106 days has no arrivals", "[sim][workload]") {
  CHECK(instants({GapProcess::poisson, 1, {}}, 10).empty());
  CHECK(instants({GapProcess::poisson, 1, {{0, kForever}}}, 10).empty());
  CHECK(instants({GapProcess::constant, 1, {{1e-7, kForever}}}, 10).empty());  // the first after 115 days
  CHECK(instants({GapProcess::constant, 1, {{2e-7, kForever}}}, 10).size() == 1);
}

TEST_CASE("arrivals never go backwards and do not depend on how far one reads", "[sim][workload]") {
  REQUIRE(rc::check([](uint64_t seed) {
    const auto process =
        *rc::gen::element(GapProcess::poisson, GapProcess::gamma, GapProcess::weibull, GapProcess::constant);
    const double cv = *rc::gen::element(0.2, 1.0, 3.0, 8.0);
    std::vector<RateStage> stages;
    for (int i = *rc::gen::inRange(1, 6); i > 0; --i)
      stages.push_back({*rc::gen::element(0.0, 1e-5, 0.3, 7.0, 1e4), *rc::gen::element(0.0, 0.1, 3.0, 100.0)});
    const ArrivalProcess p{process, cv, stages};
    const StreamKey key = stream_key(seed, "s");
    const auto some = instants(p, 20, key), more = instants(p, 200, key);
    RC_ASSERT(std::is_sorted(more.begin(), more.end()));
    RC_ASSERT(some.size() <= more.size());
    RC_ASSERT(std::equal(some.begin(), some.end(), more.begin()));
    double total = 0;
    for (const RateStage& s : stages) total += s.duration;
    RC_ASSERT((more.empty() || more.back() <= picoseconds(total)));
  }));
}

TEST_CASE("a synthetic source hands out what comes before the end, and goes on from there", "[sim][workload]") {
  const ArrivalProcess process{GapProcess::poisson, 1, {{5, kForever}}};
  const Distribution prompt{Lognormal{800, 8000}, {}, {}}, output{Exponential{200}, {}, {}};
  const auto at = instants(process, 50);
  const auto source = synthetic_source(process, prompt, output, kKey);
  for (uint64_t k = 0; k < 50; ++k) {
    REQUIRE_FALSE(source->next(at[k]));  // an arrival at the end is not before it
    const auto request = source->next(at[k] + 1);
    REQUIRE(request);
    CHECK(request->at == at[k]);
    CHECK(request->prompt == draw_tokens(prompt, kKey, Purpose::prompt, k));
    CHECK(request->output == draw_tokens(output, kKey, Purpose::output, k));
  }
}
