#pragma once
// Every benchmark states a rate in its own units and the rate it should reach; `of_goal` below 1 is a goal missed.
#include <benchmark/benchmark.h>

namespace tokwatt::bench {

/// Reports `done` units of work over the whole run, against a goal in units per second.
inline void report(benchmark::State& state, const char* unit, double done, double goal_per_second) {
  state.counters[unit] = benchmark::Counter(done, benchmark::Counter::kIsRate);
  state.counters["of_goal"] = benchmark::Counter(done / goal_per_second, benchmark::Counter::kIsRate);
}

}  // namespace tokwatt::bench
