#include "scenarios/read/distribution.hpp"

#include <fmt/format.h>

#include <algorithm>

namespace tokwatt::scenarios {
namespace {

/// A dimension is only known where the distribution is used, and both members of a shape have it.
void pair_of(Fields& f, const char* first, const char* first_doc, double& a, const char* second, const char* second_doc,
             double& b, Dimension da, Dimension db, Range range) {
  f.quantity(required(first, first_doc, range), da, a);
  f.quantity(required(second, second_doc, range), db, b);
}

constexpr double kLongest = 106.0 * 86'400;  // [s], sim::kLongestDuration
constexpr const char* kShapes =
    "a number, or one of constant, exponential, uniform, lognormal, normal, gamma and empirical";

}  // namespace

/// Carries the dimension of a distribution into its shapes.
template <class Shape>
struct Dimensioned {
  Dimension dimension;
  Shape shape{};
};
static void fields(Fields& f, Dimensioned<sim::Lognormal>& d) {
  pair_of(f, "median", "half of the draws are below", d.shape.median, "p99", "99 % of the draws are below", d.shape.p99,
          d.dimension, d.dimension, kPositive);
}
static void fields(Fields& f, Dimensioned<sim::Normal>& d) {
  pair_of(f, "mean", "mean", d.shape.mean, "sd", "standard deviation", d.shape.sd, d.dimension, d.dimension,
          kNotNegative);
}
static void fields(Fields& f, Dimensioned<sim::GammaDist>& d) {
  pair_of(f, "mean", "mean", d.shape.mean, "cv", "standard deviation over mean", d.shape.cv, d.dimension,
          Dimension::number, kPositive);
}

template <class Shape>
static void shape(Fields& f, const Key& key, Dimension dimension, std::optional<Shape>& member) {
  Dimensioned<Shape> d{dimension};
  if (f.section(key, d)) member = d.shape;
}

void fields(Fields& f, DistributionSheet& d) {
  f.quantity(optional("constant", "always this", kNotNegative), d.dimension, d.constant);
  f.quantity(optional("exponential", "exponential with this mean", kPositive), d.dimension, d.exponential);
  f.quantities(optional("uniform", "[low, high]", kNotNegative), d.dimension, d.uniform);
  shape(f, optional("lognormal", "log-normal by its median and 99th percentile"), d.dimension, d.lognormal);
  shape(f, optional("normal", "normal by its mean and standard deviation (clip it: it has negative draws)"),
        d.dimension, d.normal);
  shape(f, optional("gamma", "gamma by its mean and coefficient of variation"), d.dimension, d.gamma);
  f.weighted(optional("empirical", "[[value, weight], ...]", kNotNegative), d.dimension, d.empirical);
  f.quantity(optional("min", "draws below are raised to it", kNotNegative), d.dimension, d.min);
  f.quantity(optional("max", "draws above are lowered to it", kNotNegative), d.dimension, d.max);
}

std::optional<sim::Distribution> to_distribution(const DistributionSheet& s, const Place& place,
                                                 const std::string& path, Diagnostics& diagnostics) {
  const auto fail = [&](const std::string& why) {
    diagnostics.error(place, fmt::format("{} {}", path, why));
    return std::nullopt;
  };
  const int shapes = s.constant.has_value() + s.exponential.has_value() + s.lognormal.has_value() +
                     s.normal.has_value() + s.gamma.has_value() + !s.uniform.empty() + !s.empirical.empty();
  if (shapes == 0) return fail(fmt::format("has no shape; expected {}", kShapes));
  if (shapes > 1) return fail(fmt::format("has {} shapes; expected {}", shapes, kShapes));
  if (s.min && s.max && *s.min > *s.max) return fail("has a min above its max");
  // Draws without a unit are counts of tokens or turns, and there is at least one of each.
  const double most = std::min(s.constant.value_or(1), s.max.value_or(1));
  if (s.dimension == Dimension::number && most < 1)
    return fail(fmt::format("is at most {}; expected at least 1", most));
  sim::Distribution d;
  d.min = s.min;
  d.max = s.max;
  // No draw lasts longer than a simulation can: the tail of a log-normal must not leave the integers.
  if (s.dimension == Dimension::duration) d.max = std::min(d.max.value_or(kLongest), kLongest);
  if (s.constant) d.shape = sim::Constant{*s.constant};
  if (s.exponential) d.shape = sim::Exponential{*s.exponential};
  if (s.lognormal) {
    if (s.lognormal->p99 < s.lognormal->median) return fail("has a p99 below its median");
    d.shape = *s.lognormal;
  }
  if (s.normal) d.shape = *s.normal;
  if (s.gamma) d.shape = *s.gamma;
  if (!s.uniform.empty()) {
    if (s.uniform.size() != 2)
      return fail(fmt::format("has {} numbers in uniform; expected [low, high]", s.uniform.size()));
    if (s.uniform[0] > s.uniform[1]) return fail("has a low above its high in uniform");
    d.shape = sim::Uniform{s.uniform[0], s.uniform[1]};
  }
  if (!s.empirical.empty()) {
    sim::Empirical e;
    double total = 0;
    for (const auto& [value, weight] : s.empirical) {
      e.value.push_back(value);
      e.cumulative_weight.push_back(total += weight);
    }
    if (!(total > 0)) return fail("has no positive weight in empirical");
    d.shape = std::move(e);
  }
  return d;
}

}  // namespace tokwatt::scenarios
