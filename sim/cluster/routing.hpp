#pragma once
// Which replica gets a request (docs/theory/cluster.md).
#include <algorithm>
#include <cstdint>
#include <optional>
#include <vector>

#include "sim/input.hpp"

namespace tokwatt::sim {

/// One of the candidates, of which there is at least one. `turn` is the router's count for round-robin; `load` gives a
/// replica's requests, `cached` the tokens of this one's prompt that it has in its cache.
///
/// prefix_aware is the rule of SGLang's gateway (policy cache_aware, its defaults): to the least loaded replica when
/// loads differ by more than 64 requests and by half; else to the one that has most of the prompt in its cache (of
/// equals the least loaded), if that is more than 0.3 of it; else to the least loaded one.
template <class Load, class Cached>
std::size_t route(Routing routing, const std::vector<std::size_t>& candidates, std::size_t& turn, int64_t prompt,
                  Load load, Cached cached) {
  constexpr int64_t kBalanceAbsolute = 64;
  constexpr double kBalanceRelative = 1.5, kLeastMatch = 0.3;
  if (routing == Routing::round_robin) return candidates[turn++ % candidates.size()];
  const auto [least, most] = std::minmax_element(candidates.begin(), candidates.end(),
                                                 [&](std::size_t a, std::size_t b) { return load(a) < load(b); });
  const bool unbalanced = load(*most) - load(*least) > kBalanceAbsolute &&
                          static_cast<double>(load(*most)) > kBalanceRelative * static_cast<double>(load(*least));
  if (routing == Routing::least_loaded || unbalanced) return *least;
  auto longest = static_cast<int64_t>(kLeastMatch * static_cast<double>(prompt));
  std::optional<std::size_t> best;
  for (const std::size_t r : candidates) {
    const int64_t tokens = cached(r);
    if (tokens < longest || (tokens == longest && !(best && load(r) < load(*best)))) continue;
    longest = tokens;
    best = r;
  }
  return best.value_or(*least);
}

}  // namespace tokwatt::sim
