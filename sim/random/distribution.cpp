#include "sim/random/distribution.hpp"

#include <algorithm>
#include <boost/random/exponential_distribution.hpp>
#include <boost/random/gamma_distribution.hpp>
#include <boost/random/lognormal_distribution.hpp>
#include <boost/random/normal_distribution.hpp>
#include <boost/random/uniform_01.hpp>
#include <cmath>
#include <limits>

#include "sim/random/philox.hpp"

namespace tokwatt::sim {
namespace {

constexpr double kNormalQuantile99 = 2.326347874;  // of the standard normal, at 0.99
constexpr double kMostTokens = std::numeric_limits<int32_t>::max();

double uniform(Philox& bits) { return boost::random::uniform_01<double>()(bits); }

// Degenerate spreads return their mean: Boost's distributions ask for strictly positive parameters.
struct Sampler {
  Philox& bits;

  double operator()(const Constant& d) const { return d.value; }
  double operator()(const Exponential& d) const {
    return d.mean > 0 ? d.mean * boost::random::exponential_distribution<double>(1)(bits) : d.mean;
  }
  double operator()(const Uniform& d) const { return d.low + (d.high - d.low) * uniform(bits); }
  double operator()(const Lognormal& d) const {
    const double sigma = std::log(d.p99 / d.median) / kNormalQuantile99;
    return sigma > 0 ? boost::random::lognormal_distribution<double>(std::log(d.median), sigma)(bits) : d.median;
  }
  double operator()(const Normal& d) const { return boost::random::normal_distribution<double>(d.mean, d.sd)(bits); }
  double operator()(const GammaDist& d) const {
    const double variance = d.cv * d.cv;  // of the distribution scaled to unit mean
    if (!(variance > 0 && d.mean > 0)) return d.mean;
    return d.mean * boost::random::gamma_distribution<double>(1 / variance, variance)(bits);
  }
  double operator()(const Empirical& d) const {
    const double at = uniform(bits) * d.cumulative_weight.back();
    const auto found = std::upper_bound(d.cumulative_weight.begin(), d.cumulative_weight.end() - 1, at);
    return d.value[static_cast<std::size_t>(found - d.cumulative_weight.begin())];
  }
};

// FNV-1a (Fowler, Noll, Vo), then the finaliser of SplitMix64 (Steele, Lea, Flood: OOPSLA 2014), so that names which
// differ in one letter give keys which differ everywhere: the key is combined with the seed by a plain exclusive or.
uint64_t hash(std::string_view text) {
  uint64_t h = 0xCBF29CE484222325U;
  for (const char c : text) h = (h ^ static_cast<unsigned char>(c)) * 0x100000001B3U;
  h = (h ^ (h >> 30U)) * 0xBF58476D1CE4E5B9U;
  h = (h ^ (h >> 27U)) * 0x94D049BB133111EBU;
  return h ^ (h >> 31U);
}

}  // namespace

StreamKey stream_key(uint64_t seed, std::string_view stream_name) { return {seed, hash(stream_name)}; }

double draw(const Distribution& distribution, StreamKey key, Purpose purpose, uint64_t number) {
  Philox bits(key.seed ^ key.stream, static_cast<uint32_t>(purpose), number);
  double value = std::visit(Sampler{bits}, distribution.shape);
  if (distribution.min) value = std::max(value, *distribution.min);
  if (distribution.max) value = std::min(value, *distribution.max);
  return value;
}

int64_t draw_tokens(const Distribution& distribution, StreamKey key, Purpose purpose, uint64_t number) {
  const double tokens = std::floor(draw(distribution, key, purpose, number) + 0.5);
  return static_cast<int64_t>(std::clamp(tokens, 1.0, kMostTokens));
}

uint64_t draw_id(StreamKey key, Purpose purpose, uint64_t number) {
  return Philox(key.seed ^ key.stream, static_cast<uint32_t>(purpose), number)();
}

}  // namespace tokwatt::sim
