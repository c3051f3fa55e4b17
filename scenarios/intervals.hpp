#pragma once
// Error bars of a run (docs/theory/intervals.md): it is run again with draws from what is not known of engines and
// boxes.
#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "scenarios/scenario.hpp"
#include "sim/results/results.hpp"

namespace tokwatt::scenarios {

/// What --interval says.
struct IntervalChoice {
  int64_t draws = 16;         ///< 0: none
  bool only_of_short = true;  ///< runs, as is_short() has it
};
/// "auto", "off" or how many draws, 2 to 1,000; nothing for other words.
std::optional<IntervalChoice> interval_choice(const std::string& text);

/// Ticks of all devices in a second.
double ticks_per_second(const sim::Input& input);
/// At most 50,000 requests and 100,000 ticks, and some: where no box is simulated, nothing is left open. The answer
/// never depends on the machine.
bool is_short(const sim::Results& run, double ticks_per_second);

/// Makes the engines and boxes those of draw number `draw` (from 0) of `draws`: one of the joint draws of the
/// calibration, with what is left between measurements and the model for each deployment and the power of each box.
/// `where` tells apart what stands under the same names in another scenario.
void take_doubt(Loaded& loaded, int64_t draw, int64_t draws, const std::string& where = "");

/// Of a number whose run answers `point`, and with the draws so: halves of a normal distribution with two widths, with
/// what another run on the same machine would differ by unless the two are of one run.
std::pair<double, double> interval_about(double point, const std::vector<double>& draws, bool of_one_run = false);

/// Of a number of the summary: nothing where it is not known or no draw moves it; never above what no run can exceed.
std::optional<std::pair<double, double>> interval_of(const std::string& name, double point,
                                                     const std::vector<double>& draws, double top_clock);
/// The highest clock of its boxes [Hz].
double top_clock_of(const sim::Input& input);

/// Called when one more of the draws has been run.
using DrawsProgress = std::function<void(int64_t done)>;

/// 90 % intervals of every number of a run's summary that the draws change: dotted path -> [low, high], which holds the
/// run's own answer. `load` gives the run's input anew; draws run on all cores. Throws what `load` and runs throw.
nlohmann::ordered_json interval90(const nlohmann::ordered_json& summary, const std::function<Loaded()>& load,
                                  int64_t draws, const DrawsProgress& progress = {});

}  // namespace tokwatt::scenarios
