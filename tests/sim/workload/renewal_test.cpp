// Windows of bursty arrivals.
#include "sim/workload/renewal.hpp"

#include <cmath>
#include <vector>

#include "tests/catch.hpp"

using namespace tokwatt::sim;

namespace {

std::vector<double> times(const Renewal& renewal, uint64_t window, double duration) {
  RenewalTimes process(renewal, stream_key(1, "client"), window);
  std::vector<double> all;
  for (double at = process.next(); at < duration; at = process.next()) all.push_back(at);
  return all;
}

}  // namespace

TEST_CASE("a window holds rate times duration in the mean, however bursty", "[sim][workload]") {
  constexpr double kDuration = 600, kRate = 0.2;
  constexpr uint64_t kWindows = 20'000;
  // Gamma of shape 0.05 has a cv of 4.5, Weibull of shape 0.4 one of 3.1: a window that began with a whole gap would
  // hold 9.5 or 4.4 too many of 120.
  for (const Renewal& renewal : {Renewal{GapProcess::gamma, 0.05, kRate}, Renewal{GapProcess::weibull, 0.4, kRate},
                                 Renewal{GapProcess::gamma, 20, kRate}, Renewal{GapProcess::weibull, 3, kRate}}) {
    double sum = 0, squares = 0;
    for (uint64_t w = 0; w < kWindows; ++w) {
      const auto n = static_cast<double>(times(renewal, w, kDuration).size());
      sum += n;
      squares += n * n;
    }
    const double mean = sum / kWindows, error = std::sqrt((squares / kWindows - mean * mean) / kWindows);
    CAPTURE(renewal.shape, mean, error);
    CHECK(error < 1.5);
    CHECK(std::abs(mean - kRate * kDuration) < 4 * error);
  }
}

TEST_CASE("gaps have the mean and the spread of their shape", "[sim][workload]") {
  const auto cv_of = [](const Renewal& renewal) {
    const auto all = times(renewal, 3, 2e6);
    double sum = 0, squares = 0;
    for (std::size_t i = 1; i < all.size(); ++i) {
      const double gap = all[i] - all[i - 1];
      sum += gap;
      squares += gap * gap;
    }
    const auto n = static_cast<double>(all.size() - 1);
    CHECK_THAT(sum / n, Catch::WithinRel(1 / renewal.rate, 0.02));
    return std::sqrt(squares / n - sum / n * (sum / n)) * n / sum;
  };
  CHECK_THAT(cv_of({GapProcess::gamma, 0.25, 0.5}), Catch::WithinRel(2.0, 0.02));
  CHECK_THAT(cv_of({GapProcess::weibull, 0.5, 0.5}), Catch::WithinRel(std::sqrt(5.0), 0.03));
}

TEST_CASE("windows and streams have their own requests, always the same", "[sim][workload]") {
  const Renewal renewal{GapProcess::gamma, 0.5, 1};
  CHECK(times(renewal, 1, 100) == times(renewal, 1, 100));
  CHECK(times(renewal, 1, 100) != times(renewal, 2, 100));
}
