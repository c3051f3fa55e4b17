#pragma once
// ServeGen's clients: https://github.com/alibaba/ServeGen. No requests but what draws them: windows with a rate and a
// shape of the gaps, and beside them histograms of lengths.
#include <memory>
#include <string>
#include <vector>

#include "scenarios/traces/format.hpp"

namespace tokwatt::scenarios {

/// Histograms of what is sent from `start` on.
struct LengthWindow {
  TraceInstant start = 0;
  sim::Distribution prompt, output;
  bool empty = false;
};

/// Windows of the dataset at `path`, in order of time; adds what is wrong with it. Throws ReadFailure.
std::vector<LengthWindow> read_servegen_lengths(const std::string& path, Mistakes& mistakes);

std::unique_ptr<TraceSource> open_servegen(const std::string& path, const TraceOptions& options, const Place& place,
                                           Diagnostics& diagnostics);

}  // namespace tokwatt::scenarios
