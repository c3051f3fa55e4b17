#pragma once
// A copy of computed KV blocks outside the device's memory (vLLM v1, OffloadingConnector): each block that is full is
// copied to the host's memory, from there to disk when its room is needed, and is brought back for a prompt that begins
// with it, be it another request's or that of a preempted one. Copies run beside the steps, one after the other in each
// direction (docs/theory/kv-offload.md). Shared by both steppings.
#include <cstdint>
#include <list>
#include <span>
#include <unordered_map>

#include "sim/input.hpp"
#include "sim/time.hpp"

namespace tokwatt::sim {

/// What KvOffload has room for, and how long its copies take.
struct OffloadPlan {
  int64_t host_blocks = 0, disk_blocks = 0;
  double latency = 0;    ///< of a copy between device and host [s]
  double link_time = 0;  ///< of a block between them; 0 where they have one memory [s]
  double disk_time = 0;  ///< of a block [s]

  OffloadPlan(const KvTiers& tiers, double block_bytes, int64_t tensor_parallel);
};

class KvOffload {
 public:
  explicit KvOffload(const OffloadPlan& plan) : plan_(plan) {}

  /// How many of these blocks can be brought back now, without a gap.
  int64_t find(std::span<const uint64_t> keys, Picoseconds now) const;
  /// Begins to copy those out that are not there yet.
  void store(std::span<const uint64_t> keys, Picoseconds now);
  /// Begins to bring blocks back that find() has found, and `more` of the sequence beside them; returns when they are
  /// there.
  Picoseconds load(std::span<const uint64_t> keys, int64_t more, Picoseconds now);

  /// Its box has died, and with it what was in its memory. What is on disk is not found again either: its index is
  /// lost.
  void forget();

  int64_t stored() const { return stored_; }            ///< blocks copied out
  int64_t loaded_host() const { return loaded_host_; }  ///< brought back from the host's memory
  int64_t loaded_disk() const { return loaded_disk_; }  ///< from disk

 private:
  struct Copy {
    uint64_t key = 0;
    Picoseconds there_at = 0;  // can be brought back from then on
  };
  /// The least recently used first.
  struct Tier {
    std::list<Copy> copies;
    std::unordered_map<uint64_t, std::list<Copy>::iterator> by_key;
  };
  static void touch(Tier& tier, uint64_t key);
  void add_to_host(const Copy& copy);
  void add_to_disk(uint64_t key, Picoseconds from);

  OffloadPlan plan_;
  Tier host_, disk_;
  Picoseconds out_free_ = 0, in_free_ = 0, disk_free_ = 0;  // when a copy could begin
  int64_t stored_ = 0, loaded_host_ = 0, loaded_disk_ = 0;
};

}  // namespace tokwatt::sim
