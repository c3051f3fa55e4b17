#include "sim/simulation.hpp"

#include "sim/event_loop.hpp"
#include "sim/results/summary.hpp"
#include "sim/serving/macro_replica.hpp"
#include "sim/serving/token_replica.hpp"

namespace tokwatt::sim {

namespace {

template <class Replica>
Results run_with(Input& input, const Progress& progress) {
  EventLoop<Replica> loop(input, progress);
  const Ending ending = loop.run();
  Outcomes outcomes{input, ending, loop.devices(), loop.room(), loop.power_peaks(), loop.layout(), {}};
  for (std::size_t s = 0; s < input.streams.size(); ++s)
    outcomes.tallies.push_back(&loop.recorder().tally(static_cast<int>(s)));
  Results results;
  results.title = input.title;
  results.summary = summarise(outcomes);
  results.groups = loop.recorder().take_groups();
  return results;
}

}  // namespace

Results simulate(Input input, Stepping stepping, const Progress& progress) {
  return stepping == Stepping::macro ? run_with<MacroReplica>(input, progress)
                                     : run_with<TokenReplica>(input, progress);
}

}  // namespace tokwatt::sim
