#pragma once
// The DIST of scenario files. Every draw is keyed by (seed, stream, purpose, number), so that nothing depends on the
// order of draws or on threads (design, rule 9).
#include <cstdint>
#include <optional>
#include <string_view>
#include <variant>
#include <vector>

namespace tokwatt::sim {

struct Constant {
  double value = 0;
};
struct Exponential {
  double mean = 0;
};
struct Uniform {
  double low = 0, high = 0;
};
struct Lognormal {
  double median = 0, p99 = 0;
};
struct Normal {
  double mean = 0, sd = 0;
};
struct GammaDist {
  double mean = 0, cv = 0;
};
struct Empirical {
  std::vector<double> value;
  std::vector<double> cumulative_weight;  ///< running sums; the last is the total
};

struct Distribution {
  std::variant<Constant, Exponential, Uniform, Lognormal, Normal, GammaDist, Empirical> shape;
  std::optional<double> min, max;  ///< clipped (not truncated) to these
};

/// What a draw is for; part of its key. Append only: the numbers are part of what a seed means.
enum class Purpose : uint32_t {
  gap = 0,
  prompt = 1,
  output = 2,
  think = 3,
  turns = 4,
  text = 5,
  prefix = 6,
  thinking = 7,
  patience = 8,
  sample = 9,  ///< of a study: where in its stratum
  stratum = 10,
  hosted_ttft = 11,
  hosted_speed = 12
};

/// Key of a stream's random numbers.
struct StreamKey {
  uint64_t seed = 0;
  uint64_t stream = 0;  ///< hash of the stream's name
};
StreamKey stream_key(uint64_t seed, std::string_view stream_name);

/// One draw. Equal arguments give equal bits, everywhere.
double draw(const Distribution& distribution, StreamKey key, Purpose purpose, uint64_t number);
/// One draw in tokens: rounded half up, at least 1, at most 2,147,483,647.
int64_t draw_tokens(const Distribution& distribution, StreamKey key, Purpose purpose, uint64_t number);
/// 64 random bits: an id that nothing else has.
uint64_t draw_id(StreamKey key, Purpose purpose, uint64_t number);

}  // namespace tokwatt::sim
