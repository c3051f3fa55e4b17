#pragma once
// A plan, checked: what is needed beside a day's summary to say what months of it cost.
#include <chrono>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "money/plan.hpp"
#include "money/tariff.hpp"
#include "scenarios/grammar.hpp"
#include "scenarios/scenario.hpp"
#include "sim/results/results.hpp"

namespace tokwatt::scenarios {

/// Somebody else who would answer the same requests.
struct Rival {
  std::string name;
  std::vector<money::TokenPrices> prices;  ///< of an API, by month
  money::FreeTier free_tier;               ///< of it
  std::optional<money::Rental> rental;     ///< else
  bool is_own = false;                     ///< the same as what answers in the scenario, and nothing else does
};

/// A stream with a number of users.
struct UsersOfStream {
  std::string stream;
  int64_t users;
};

struct Planning {
  money::Plan plan;
  double price = 0;  ///< of all boxes that are bought, at the start [USD]
  bool buys = false, rents = false, has_hosted = false;
  bool spread_is_written = false;  ///< that of the energy; else a run's own interval goes before it
  bool resale_is_assumed = false;  ///< from what sheets say that boxes lose in a year
  int days = 1;                    ///< that the run has
  bool has_trace = false;
  double duration = 0;          ///< of the run [s]
  std::vector<double> season;   ///< by month: price of electricity over that of the run
  std::vector<double> of_days;  ///< by month: price during the days' runs [USD/J], where that of the run is 0
  std::vector<double> between;  ///< by month: price outside the days' runs [USD/J]; empty: as on those days
  std::vector<Rival> against;
  std::vector<int> wait;  ///< months
  std::vector<UsersOfStream> users;
  /// The day of another month; users are whole (whole_users).
  std::function<Loaded(double load, double threshold)> at_load;
};

/// So many times as many users of a stream: one at least, and one more for a fraction above the threshold.
int64_t whole_users(int64_t users, double load, double threshold);
/// Those of a stream, if it has a number of them.
const std::optional<int64_t>& users_of(const WrittenStream& stream);
/// Multiplies the requests of every stream: rates, speeds of traces, users.
void multiply_load(Written& written, double load, double threshold);

/// Of a run's summary, requests that are paid for: who stops an answer pays for what has come of it.
double requests_paid_for(const nlohmann::ordered_json& summary);

/// Changes a scenario, and with it the days of later months of its plan.
void change_every_day(Loaded& loaded, const std::function<void(Loaded&)>& change);

/// Adds `plan` to the summary of a run, and the group `plan` to its tables. Simulates the days of later months where
/// requests grow. Throws Infeasible if one of them cannot be done.
void add_plan(const Planning& planning, sim::Results& results);
/// The same without those days: its keys are right, its numbers are not.
void add_plan_shape(Planning planning, sim::Results& results);

}  // namespace tokwatt::scenarios
