#pragma once
// The answer in one object: the keys of `--summary json` (docs/file-formats.md).
#include <nlohmann/json_fwd.hpp>

#include "sim/event_loop.hpp"

namespace tokwatt::sim {

/// Everything the summary is made of, whichever replicas ran.
struct Outcomes {
  const Input& input;
  const Ending& ending;
  const std::vector<Device>& devices;
  const std::optional<RoomAir>& room;
  const PowerPeaks& power_peaks;  // of each deployment, and of all
  const Layout& layout;
  std::vector<const Tally*> tallies;  // by stream
};

nlohmann::ordered_json summarise(const Outcomes& outcomes);

}  // namespace tokwatt::sim
