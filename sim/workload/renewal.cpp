#include "sim/workload/renewal.hpp"

#include <boost/random/gamma_distribution.hpp>
#include <boost/random/uniform_01.hpp>
#include <cmath>

#include "sim/random/philox.hpp"

namespace tokwatt::sim {

double RenewalTimes::next() {
  now_ += draw_gap(first_) / renewal_.rate;
  first_ = false;
  ++number_;
  return now_;
}

// Of unit mean. What is left of the gap that a window begins in is a uniform part of a gap drawn with weights equal to
// length; a gamma variable of shape k so weighted has shape k + 1, and a Weibull one is the k-th root of one with
// 1 + 1/k.
double RenewalTimes::draw_gap(bool first) const {
  Philox bits(key_.seed ^ key_.stream, static_cast<uint32_t>(Purpose::gap), number_);
  const double k = renewal_.shape;
  const double part = first ? boost::random::uniform_01<double>()(bits) : 1;
  if (renewal_.process == GapProcess::weibull) {
    const double exponential = boost::random::gamma_distribution<double>(first ? 1 + 1 / k : 1)(bits);
    return part * std::exp(std::log(exponential) / k - std::lgamma(1 + 1 / k));
  }
  return part * boost::random::gamma_distribution<double>(first ? k + 1 : k)(bits) / k;
}

}  // namespace tokwatt::sim
