#include "sim/workload/arrivals.hpp"

#include <algorithm>
#include <boost/random/gamma_distribution.hpp>
#include <boost/random/weibull_distribution.hpp>
#include <cmath>
#include <optional>
#include <utility>

#include "sim/random/philox.hpp"

namespace tokwatt::sim {
namespace {

// Expected requests since the start, in units of 2^-40: an integer, so that instants do not depend on how the gaps were
// summed, and a rate times a duration that is a whole number stays one.
using Load = int128;
constexpr long double kLoadUnit = 1099511627776.0L;  // 2^40
constexpr long double kMostLoad = 1e24L;             // far beyond 106 days of anything, far inside 128 bits

Load to_load(long double requests) { return static_cast<Load>(requests * kLoadUnit + 0.5L); }

// A Weibull variable has cv^2 = Gamma(1 + 2/k) / Gamma(1 + 1/k)^2 - 1, which falls as the shape k grows.
double weibull_shape(double cv) {
  const auto square_plus_one = [](double k) { return std::tgamma(1 + 2 / k) / std::pow(std::tgamma(1 + 1 / k), 2); };
  double low = 0.012, high = 1e6;  // below, Gamma overflows; the cv is 1e25 there and 1e-6 at the upper end
  for (int step = 0; step < 200; ++step) {
    const double middle = std::sqrt(low * high);
    (square_plus_one(middle) > 1 + cv * cv ? low : high) = middle;
  }
  return std::sqrt(low * high);
}

// Gaps with mean 1.
class UnitGaps {
 public:
  explicit UnitGaps(const ArrivalProcess& process) : process_(process.process), cv_(process.cv) {
    if (process_ == GapProcess::poisson) cv_ = 1;
    if (process_ == GapProcess::constant || !(cv_ > 0)) cv_ = 0;
    if (process_ == GapProcess::weibull && cv_ > 0) {
      shape_ = weibull_shape(cv_);
      scale_ = 1 / std::tgamma(1 + 1 / shape_);
    }
  }

  double gap(StreamKey key, uint64_t number) const {
    if (cv_ <= 0) return 1;
    if (process_ != GapProcess::weibull) {
      const Distribution d = process_ == GapProcess::poisson ? Distribution{Exponential{1}, {}, {}}
                                                             : Distribution{GammaDist{1, cv_}, {}, {}};
      return draw(d, key, Purpose::gap, number);
    }
    Philox bits(key.seed ^ key.stream, static_cast<uint32_t>(Purpose::gap), number);
    return boost::random::weibull_distribution<double>(shape_, scale_)(bits);
  }

 private:
  GapProcess process_;
  double cv_;
  double shape_ = 1, scale_ = 1;
};

}  // namespace

// Time change: the k-th request comes at the first instant at which the integrated rate reaches the sum of the first
// k + 1 unit gaps (Cinlar, Introduction to Stochastic Processes, 1975, ch. 4.7).
struct ArrivalTimes::State {
  State(const ArrivalProcess& process, StreamKey stream_key)
      : gaps(process), stages(process.stages), key(stream_key), stage_load(load_of_stage()) {}

  // Load that the current stage holds; nothing when it never ends.
  std::optional<Load> load_of_stage() const {
    if (stage >= stages.size()) return 0;
    const auto& s = stages[stage];
    const long double all = static_cast<long double>(s.rate) * s.duration;
    if (s.rate > 0 && !(all < kMostLoad)) return std::nullopt;
    return s.rate > 0 ? to_load(all) : 0;
  }

  void leave_stage() {
    stage_start += stages[stage].duration;
    load_before += *stage_load;
    ++stage;
    stage_load = load_of_stage();
  }

  std::optional<Picoseconds> next() {
    const long double gap = gaps.gap(key, number);
    if (!(gap < kMostLoad) || load > to_load(kMostLoad)) return std::nullopt;
    ++number;
    load += std::max<Load>(1, to_load(gap));  // so that no request falls into a stage without a rate
    while (stage < stages.size() && stage_load && load > load_before + *stage_load) leave_stage();
    if (stage >= stages.size()) return std::nullopt;
    // 64 bits of mantissa: exact to the picosecond over 106 days, where a double is not over three hours.
    const long double into = static_cast<long double>(load - load_before) / kLoadUnit / stages[stage].rate;
    const long double at = (stage_start + std::min<long double>(into, stages[stage].duration)) * kPicosecondsPerSecond;
    if (!(at < static_cast<long double>(kLongestDuration))) return std::nullopt;
    return static_cast<Picoseconds>(at + 0.5L);
  }

  UnitGaps gaps;
  std::vector<RateStage> stages;
  StreamKey key;
  uint64_t number = 0;
  Load load = 0;                // of the last request
  std::size_t stage = 0;        // that the last request fell into
  long double stage_start = 0;  // [s]
  Load load_before = 0;         // of all stages before
  std::optional<Load> stage_load;
};

ArrivalTimes::ArrivalTimes(const ArrivalProcess& process, StreamKey key)
    : state_(std::make_unique<State>(process, key)) {}
ArrivalTimes::~ArrivalTimes() = default;
ArrivalTimes::ArrivalTimes(ArrivalTimes&&) noexcept = default;
std::optional<Picoseconds> ArrivalTimes::next() { return state_->next(); }

namespace {

class SyntheticSource final : public RequestSource {
 public:
  SyntheticSource(const ArrivalProcess& process, Distribution prompt, Distribution output, StreamKey key)
      : times_(process, key),
        prompt_(std::move(prompt)),
        output_(std::move(output)),
        key_(key),
        ahead_(times_.next()) {}

  std::optional<Arrival> next(Picoseconds end) override {
    if (!ahead_ || *ahead_ >= end) return std::nullopt;
    const Arrival arrival{*ahead_, draw_tokens(prompt_, key_, Purpose::prompt, number_),
                          draw_tokens(output_, key_, Purpose::output, number_), number_};
    ++number_;
    ahead_ = times_.next();
    return arrival;
  }

 private:
  ArrivalTimes times_;
  Distribution prompt_, output_;
  StreamKey key_;
  uint64_t number_ = 0;
  std::optional<Picoseconds> ahead_;  // instant of request number_
};

}  // namespace

std::unique_ptr<RequestSource> synthetic_source(const ArrivalProcess& process, Distribution prompt, Distribution output,
                                                StreamKey key) {
  return std::make_unique<SyntheticSource>(process, std::move(prompt), std::move(output), key);
}

}  // namespace tokwatt::sim
