#include "sim/serving/kv_offload.hpp"

#include <algorithm>
#include <iterator>

namespace tokwatt::sim {

namespace {

constexpr double kMostBlocks = 1e15;  // more than any run could fill

/// Ends of copies of `blocks` that begin as soon as nothing is in front of them.
Picoseconds occupy(Picoseconds& free, Picoseconds earliest, double latency, int64_t blocks, double block_time) {
  const Picoseconds begins = std::max(free, earliest);
  const Picoseconds takes = picoseconds(latency + static_cast<double>(blocks) * block_time);
  free = begins + std::min(takes, kNever - begins);
  return free;
}

}  // namespace

// Every device copies its own part over its own link; the disk is one.
OffloadPlan::OffloadPlan(const KvTiers& tiers, double block_bytes, int64_t tensor_parallel) {
  const double whole = block_bytes * static_cast<double>(tensor_parallel);
  if (whole == 0) return;  // the model keeps states only
  host_blocks = static_cast<int64_t>(std::min(tiers.host / whole, kMostBlocks));
  disk_blocks = static_cast<int64_t>(std::min(tiers.disk / whole, kMostBlocks));
  if (tiers.link.bandwidth > 0) {
    latency = tiers.link.latency;
    link_time = block_bytes / tiers.link.bandwidth;
  }
  if (tiers.disk > 0) disk_time = whole / tiers.disk_bandwidth;
}

int64_t KvOffload::find(std::span<const uint64_t> keys, Picoseconds now) const {
  const auto holds = [now](const Tier& tier, uint64_t key) {
    const auto at = tier.by_key.find(key);
    return at != tier.by_key.end() && at->second->there_at <= now;
  };
  const auto missing =
      std::find_if(keys.begin(), keys.end(), [&](uint64_t key) { return !holds(host_, key) && !holds(disk_, key); });
  return missing - keys.begin();
}

void KvOffload::touch(Tier& tier, uint64_t key) {
  const auto at = tier.by_key.find(key);
  if (at != tier.by_key.end()) tier.copies.splice(tier.copies.end(), tier.copies, at->second);
}

void KvOffload::store(std::span<const uint64_t> keys, Picoseconds now) {
  double latency = plan_.latency;  // of blocks that go together, once
  for (const uint64_t key : keys) {
    touch(host_, key);
    touch(disk_, key);
    if (host_.by_key.contains(key) || disk_.by_key.contains(key)) continue;
    if (plan_.host_blocks == 0 && plan_.disk_blocks == 0) continue;
    ++stored_;
    const Picoseconds out = occupy(out_free_, now, latency, 1, plan_.link_time);
    latency = 0;
    if (plan_.host_blocks > 0) {
      add_to_host({key, out});
    } else {
      add_to_disk(key, out);
    }
  }
}

void KvOffload::add_to_host(const Copy& copy) {
  host_.copies.push_back(copy);
  host_.by_key.emplace(copy.key, std::prev(host_.copies.end()));
  if (std::ssize(host_.copies) <= plan_.host_blocks) return;
  const Copy oldest = host_.copies.front();
  host_.by_key.erase(oldest.key);
  host_.copies.pop_front();
  if (!disk_.by_key.contains(oldest.key)) add_to_disk(oldest.key, std::max(copy.there_at, oldest.there_at));
}

void KvOffload::add_to_disk(uint64_t key, Picoseconds from) {
  if (plan_.disk_blocks == 0) return;
  disk_.copies.push_back({key, occupy(disk_free_, from, 0, 1, plan_.disk_time)});
  disk_.by_key.emplace(key, std::prev(disk_.copies.end()));
  if (std::ssize(disk_.copies) <= plan_.disk_blocks) return;
  disk_.by_key.erase(disk_.copies.front().key);
  disk_.copies.pop_front();
}

void KvOffload::forget() {
  host_ = {};
  disk_ = {};
  out_free_ = in_free_ = disk_free_ = 0;
}

// What comes from disk passes through the host's memory and stays there.
Picoseconds KvOffload::load(std::span<const uint64_t> keys, int64_t more, Picoseconds now) {
  int64_t from_disk = 0;
  for (const uint64_t key : keys) {
    touch(host_, key);
    if (!host_.by_key.contains(key)) ++from_disk;
    touch(disk_, key);
  }
  const auto blocks = std::ssize(keys);
  loaded_disk_ += from_disk;
  loaded_host_ += blocks - from_disk;
  Picoseconds read = now;
  if (from_disk > 0) read = occupy(disk_free_, now, 0, from_disk, plan_.disk_time);
  const Picoseconds end = occupy(in_free_, read, plan_.latency, blocks + more, plan_.link_time);
  if (plan_.host_blocks == 0) return end;
  for (const uint64_t key : keys) {
    if (!host_.by_key.contains(key)) add_to_host({key, read});
  }
  return end;
}

}  // namespace tokwatt::sim
