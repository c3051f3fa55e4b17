#pragma once
// The largest load that keeps some conditions, by doubling or halving and then bisection.
#include <functional>
#include <optional>
#include <vector>

namespace tokwatt::cli {

struct LoadRange {
  double start = 1;
  double least = 1, most = 1e6;
  bool is_whole = true;
};

struct Bracket {
  std::optional<double> within;  ///< the largest load found that keeps them; nothing: not even the least
  std::optional<double> beyond;  ///< the smallest found that does not; nothing: even the most does
};

/// Asks `keeps` of few loads, each once. The load beyond is the next whole number, or at most one per cent more.
Bracket largest_load(const LoadRange& range, const std::function<bool(double)>& keeps);

}  // namespace tokwatt::cli
