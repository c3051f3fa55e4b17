#pragma once
// A scenario as it is written: each key of docs/file-formats.md, declared once in grammar.cpp.
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "scenarios/read/fields.hpp"
#include "scenarios/sheets/price_fields.hpp"
#include "sim/workload/arrivals.hpp"

namespace tokwatt::scenarios {

/// Something that breaks now and then.
struct WrittenFaults {
  Place place;
  Text kind;
  double mean_time_between = 0;
  std::optional<double> lasts, limit;
};

struct WrittenSystem {
  Text sheet, mode, link, rental;
  std::vector<WrittenFaults> faults;
  int64_t count = 1;
  std::optional<double> start_temperature;
  Node tree;  ///< the whole mapping: the keys above, and any field of a box sheet
};

struct WrittenCable {
  Place place;
  std::vector<Text> between;
  Text type;
};

struct WrittenLimits {
  Place place;
  std::map<std::string, Place> places;  ///< of the values, by key
  std::optional<int64_t> max_num_seqs, max_num_batched_tokens, micro_batch, prompt_concurrency;
  std::optional<int64_t> max_model_len, kv_blocks, block_size;
  std::optional<double> memory_utilization;
  std::optional<bool> reserve_full_isl, kv_unified;
};

struct WrittenSpeculation {
  Place place;
  Text method, model, quant;
  int64_t tokens = 0;
  double acceptance = 0;
};

/// A hosted model: somebody else's servers.
struct WrittenApi {
  Place place;
  Text sheet;
  std::optional<sim::Distribution> ttft, speed;
  std::optional<int64_t> requests_per_minute, tokens_per_minute;
  std::optional<money::FreeTier> free_tier;
};

struct WrittenOffload {
  Place place;
  Text link;
  double host = 0, disk = 0;
};

struct WrittenDeployment {
  Place place;
  std::vector<std::string> keys;  ///< that it has, with good values or bad
  Text model, quant, kv, engine;
  std::vector<Text> runs_on;
  int64_t tensor_parallel = 1, replicas = 1;
  double share = 1;
  Text routing, scheduling;
  WrittenLimits limits;
  std::optional<bool> prefix_cache;
  std::optional<double> cache_ram;
  std::optional<WrittenOffload> kv_offload;
  std::optional<WrittenSpeculation> speculative;
  Text cold_start, on_failure;
  std::optional<WrittenApi> api;
};

struct WrittenArrivals {
  Place place;
  std::vector<std::string> keys;
  Text process;
  std::optional<double> rate, cv;
  std::vector<sim::RateStage> stages;
};

struct WrittenSessions {
  Place place;
  std::vector<std::string> keys;
  std::optional<double> rate;
  std::vector<sim::RateStage> stages;
  std::optional<int64_t> users;
  std::optional<sim::Distribution> turns, think;
};

struct WrittenObjective {
  std::optional<double> ttft, tpot;
};

struct WrittenPrefix {
  int64_t tokens = 0, groups = 1;
};

struct WrittenStream {
  Place place;
  std::vector<std::string> keys;  ///< that it has, with good values or bad
  Text name, to, trace, format, lengths;
  std::optional<double> speed, start;
  std::optional<int64_t> limit, users;
  std::optional<WrittenArrivals> arrivals;
  std::optional<WrittenSessions> sessions;
  std::optional<sim::Distribution> think, prompt, output;
  std::optional<WrittenPrefix> prefix;
  std::optional<sim::Distribution> thinking, patience;
  std::optional<double> timeout;
  std::optional<int64_t> retries, max_in_flight, priority;
  std::optional<WrittenObjective> slo;
};

struct WrittenCooling {
  double target = 0, cop = 0, max_power = 0;
};

struct WrittenRoom {
  double heat_capacity = 0, conductance = 0;
  std::optional<double> start_temperature;
  std::optional<WrittenCooling> cooling;
};

struct WrittenEnvironment {
  double ambient = 22;
  std::optional<WrittenRoom> room;
};

struct WrittenPrices {
  Place place;
  std::vector<std::string> keys;  ///< that it has, with good values or bad
  std::optional<double> electricity, horizon, hardware, resale;
  Text tariff;
  std::vector<Named<Text>> exchange;
};

struct WrittenShock {
  Place place;
  int64_t month = 0;
  Text hardware, electricity, api, rent;
};

struct WrittenLoan {
  double rate = 0;
  int64_t months = 0;
};

struct WrittenResale {
  Place place;
  int64_t month = 0;
  double low = 0, high = 0;
};

struct WrittenPlan {
  Place place;
  std::vector<std::string> keys;  ///< that it has, with good values or bad
  int64_t months = 36;
  double days_per_month = 730.5 / 24;
  double growth = 0, electricity_growth = 0, hardware_growth = 0;
  std::vector<WrittenShock> shocks;
  std::optional<WrittenLoan> financing;
  std::vector<WrittenResale> resale;
  Text resale_follows;
  double cooling = 1, discount = 0, energy_spread = 0.1;
  Text power_between;
  Text rent;
  std::vector<Text> against;
  std::vector<double> wait;
};

struct WrittenChange {
  Instant at;
  std::optional<double> lasts, ramp, limit;
  std::vector<std::pair<Text, Node>> set;
  Place place;
  std::vector<std::string> keys;  ///< that it has, with good values or bad
  Text fault, system;
};

struct WrittenRecord {
  Place place;
  double every = 1;
  bool requests = true;
};

struct SheetOverrides {
  Node tree;
};
struct ModelOverrides : SheetOverrides {};
struct QuantOverrides : SheetOverrides {};
struct EngineOverridesByUser : SheetOverrides {};

struct Written {
  Place place;
  std::vector<std::string> keys;  ///< that it has, with good values or bad
  std::string title;
  int64_t seed = 0;
  Text start, until;
  std::optional<double> duration;
  std::vector<Named<WrittenSystem>> systems;
  std::vector<WrittenCable> links;
  std::vector<Named<WrittenDeployment>> deployments;
  std::vector<WrittenStream> workload;
  WrittenEnvironment environment;
  WrittenPrices prices;
  std::vector<WrittenRule> tariff;
  std::optional<WrittenPlan> plan;
  std::vector<WrittenChange> timeline;
  WrittenRecord record;
  std::vector<Named<ModelOverrides>> models;
  std::vector<Named<QuantOverrides>> quants;
  std::vector<Named<EngineOverridesByUser>> engines;
};

void fields(Fields& f, Written& w);

inline constexpr double kLongestSeconds = 106.0 * 86'400;  // sim::kLongestDuration
/// Where neither the scenario nor the design says over how long hardware loses its value: three years, as such boxes
/// are usually written off.
inline constexpr double kDefaultHorizon = 36 * 730.5 * 3600;

}  // namespace tokwatt::scenarios
