#include "scenarios/traces/time_scale.hpp"

#include <array>
#include <cassert>
#include <charconv>

namespace tokwatt::scenarios {

TimeScale::TimeScale(TraceInstant base, double speed, sim::Picoseconds start) : base_(base), start_(start) {
  assert(speed >= kSlowest && speed <= kFastest);
  // A little more than fits, so that times_ * (at - base) stays below 128 bits: its digits are those of the speed (17
  // at most) and of the longest duration (19).
  last_ = static_cast<TraceInstant>(static_cast<double>(sim::kLongestDuration) * speed * 1.001) + 1;
  std::array<char, 32> text{};
  const auto end = std::to_chars(text.data(), text.data() + text.size(), speed, std::chars_format::scientific).ptr;
  int fraction_digits = 0, exponent = 0;
  bool in_fraction = false;
  divided_by_ = 0;
  const char* c = text.data();
  for (; *c != 'e'; ++c) {
    if (*c == '.') {
      in_fraction = true;
      continue;
    }
    divided_by_ = divided_by_ * 10 + (*c - '0');
    fraction_digits += in_fraction ? 1 : 0;
  }
  ++c;
  if (*c == '+') ++c;
  std::from_chars(c, end, exponent);
  for (exponent -= fraction_digits; exponent < 0; ++exponent) times_ *= 10;
  for (; exponent > 0; --exponent) divided_by_ *= 10;
}

std::optional<sim::Picoseconds> TimeScale::operator()(TraceInstant at) const {
  const TraceInstant since = at - base_;
  if (since > last_) return std::nullopt;
  const TraceInstant scaled = (since * times_ + divided_by_ / 2) / divided_by_ + start_;
  if (scaled > sim::kLongestDuration) return std::nullopt;
  return static_cast<sim::Picoseconds>(scaled);
}

}  // namespace tokwatt::scenarios
