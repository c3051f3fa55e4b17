#pragma once
// Arrival processes of open-loop streams: gaps of unit mean, stretched by a rate that may change in stages.
#include <memory>
#include <vector>

#include "sim/workload/source.hpp"

namespace tokwatt::sim {

enum class GapProcess { poisson, constant, gamma, weibull };

struct RateStage {
  double rate = 0;      ///< [1/s]
  double duration = 0;  ///< [s]; infinite for a single open-ended rate
};

struct ArrivalProcess {
  GapProcess process = GapProcess::poisson;
  double cv = 1;                  ///< of the gaps; poisson and constant ignore it
  std::vector<RateStage> stages;  ///< one after the other; no arrivals after the last
};

/// Instants of an arrival process; number k is a function of the key alone.
class ArrivalTimes {
 public:
  ArrivalTimes(const ArrivalProcess& process, StreamKey key);
  ~ArrivalTimes();
  ArrivalTimes(ArrivalTimes&&) noexcept;
  /// The next instant, or nothing after the last stage.
  std::optional<Picoseconds> next();

 private:
  struct State;
  std::unique_ptr<State> state_;
};

/// Requests with drawn lengths at drawn instants.
std::unique_ptr<RequestSource> synthetic_source(const ArrivalProcess& process, Distribution prompt, Distribution output,
                                                StreamKey key);

}  // namespace tokwatt::sim
