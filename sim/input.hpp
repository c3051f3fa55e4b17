#pragma once
// Everything one simulation needs, checked and in SI. `scenarios` makes it from text; nothing here knows of text.
#include <cstdint>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "hardware/box.hpp"
#include "hardware/topology.hpp"
#include "models/architecture.hpp"
#include "models/engine.hpp"
#include "models/quant.hpp"
#include "sim/time.hpp"
#include "sim/workload/source.hpp"

namespace tokwatt::sim {

struct System {
  std::string name;
  hardware::Box box;
  std::optional<double> start_temperature;  ///< [degC]; nothing: idle steady state
  int64_t count = 1;                        ///< equal devices, each as `box` says
  std::optional<hardware::Link> link = {};  ///< between each two of them
  bool is_rented = false;                   ///< its price is its rent, and its electricity is part of that
};

/// A cable between two boxes.
struct Cable {
  int a = 0, b = 0;  ///< indices into Input::systems
  hardware::Link link;
};

/// Tokens that a smaller model, or a head of the model itself, drafts for one pass of the model to verify
/// (docs/theory/speculation.md).
struct Speculation {
  models::Architecture draft;  ///< of a head: its layer, with the model's own embedding and output head
  models::Quant quant;         ///< of the draft
  models::Tuning tuning;       ///< of the engine, for the draft in that quant
  bool is_head = false;        ///< its embedding and output head are the model's: they take no memory again
  int64_t tokens = 1;          ///< drafted for each sequence in a step
  double acceptance = 0;       ///< chance that a drafted token is accepted, given that those before it were; below 1
};

/// Which waiting request is admitted next, and which running one gives way when blocks run out.
enum class Scheduling {
  fcfs,            ///< as they came; the last admitted gives way, and is in front of all that wait
  priority,        ///< the lowest Stream::priority, then as they came; the other way round who gives way (vLLM)
  shortest_first,  ///< whoever was preempted, then the shortest prompt; the last admitted gives way
};

/// What becomes of requests whose box dies: their clients are told, or the router sends them again.
enum class OnFailure { fail, retry };

/// A model on somebody else's servers: what its clients see of it, and what it charges (docs/theory/hosted.md).
struct Hosted {
  static constexpr double kLeastSpeed = 0.01;  ///< that is drawn [tokens/s]

  std::string id, title;
  Distribution ttft;   ///< [s], from when the provider takes the request
  Distribution speed;  ///< of the tokens that follow, drawn once for each request [tokens/s]
  struct Price {
    double prompt = 0, output = 0;  ///< [USD/token]
    std::optional<double> cached;   ///< of prompt tokens sent before; nothing: as any other
  } price;
  std::optional<double> requests_per_minute, tokens_per_minute;  ///< prompt and output; nothing: no limit
  /// So many requests, or prompt and output tokens, cost nothing in each such span from the start on. With several,
  /// only what all of them let through is free.
  struct Free {
    bool is_of_requests = false;
    double units = 0;
    Picoseconds span = 0;
  };
  std::vector<Free> free = {};
};

/// Where each replica keeps copies of its KV blocks beside the device's memory; 0: nowhere.
struct KvTiers {
  double host = 0, disk = 0;  ///< [B]
  hardware::Link link;        ///< between the host's memory and each device
  double disk_bandwidth = 0;  ///< reading and writing [B/s]
};

/// Which replica of a deployment gets a request (docs/theory/cluster.md).
enum class Routing { round_robin, least_loaded, prefix_aware };

/// A model served on every device of some boxes, by equal replicas, or hosted elsewhere: then on none, and of the rest
/// only the name counts. limits hold the engine's defaults, overridden by the scenario.
struct Deployment {
  std::string name;
  std::vector<int> systems = {0};  ///< indices into Input::systems; of a deployment on several, boxes of one sheet
  int64_t tensor_parallel = 1;     ///< devices of a replica
  int64_t replicas = 1;            ///< tensor_parallel x replicas = devices
  Routing routing = Routing::least_loaded;
  int64_t share = 1000;         ///< weight among busy deployments on one device, in thousandths
  double memory_of_others = 0;  ///< what other deployments take of a device (divide_memory) [B]
  Scheduling scheduling = Scheduling::fcfs;
  models::Architecture model;
  models::Quant quant;
  models::KvFormat kv;
  models::Engine engine;                 ///< with the tuning for this box
  std::optional<int64_t> max_model_len;  ///< nothing: what the model allows and the memory holds
  std::optional<int64_t> kv_blocks;      ///< nothing: what the memory holds
  bool prefix_cache = false;             ///< finds equal prefixes again, in blocks or in slots
  std::optional<KvTiers> kv_offload;     ///< with prefix_cache only
  double cache_ram = 0;                  ///< for what slots held before, in the host's memory [B]
  double load_time = 0;                  ///< until it can serve, from the start of the run [s]
  double reload_time = 0;                ///< the same from when its boxes are up again after a shutdown [s]
  OnFailure on_failure = OnFailure::fail;
  std::optional<Speculation> speculation;
  std::optional<Hosted> hosted;

  int64_t drafted() const { return speculation ? speculation->tokens : 0; }  ///< for each sequence in a step
};

struct Prices {
  std::optional<double> electricity;  ///< of boxes that are not rented [USD/J]
  double horizon = 0;                 ///< [s] over which hardware loses its value
};

/// Cools a room.
struct Cooling {
  double target = 0;     ///< [degC]
  double cop = 1;        ///< heat taken away per electrical energy
  double max_power = 0;  ///< electrical [W]
};

/// The room that all boxes stand in.
struct Room {
  double heat_capacity = 0;                 ///< [J/K]
  double conductance = 0;                   ///< to what lies outside, at Input::ambient [W/K]
  std::optional<double> start_temperature;  ///< [degC]; nothing: as outside
  std::optional<Cooling> cooling;
};

/// A change while the simulation runs.
struct Change {
  enum class Kind {
    ambient,
    electricity,
    power_limit,
    clock,
    bandwidth,
    shutdown,
    supply,
    power_cap,
    fan_speed,
    fan_stop,
    link,
  };
  Picoseconds at = 0;
  Kind kind = Kind::ambient;
  int system = -1;  ///< of all but the first two and cables
  /// [degC], [USD/J], [W], the highest clock [Hz], [B/s] (at most 1000 times the sheet's, or as much less), how long
  /// until it is up again [s], DC [W], a limit beside power_limit [W], share of the top speed (NaN: as the firmware
  /// asks), 1 or 0
  double value = 0;
  std::string text;      ///< as /events shows it
  Picoseconds ramp = 0;  ///< of the ambient temperature: how long it takes
  int cable = -1;        ///< of link: index into Input::cables, or else what lies between the devices of `system`
  hardware::Link link = {};
};

enum class Stepping { macro, token };

struct Input {
  std::string title;
  uint64_t seed = 0;
  std::optional<Picoseconds> duration;  ///< nothing: until drained
  std::vector<System> systems;
  std::vector<Cable> cables;
  std::vector<Deployment> deployments;
  std::vector<Stream> streams;
  double ambient = 22;  ///< of the air that boxes draw in, or outside the room if there is one [degC]
  std::optional<Room> room;
  Prices prices;
  std::vector<Change> changes;  ///< in order of time
  Picoseconds record_every = 1'000'000'000'000;
  bool record_requests = true;
};

}  // namespace tokwatt::sim
