#pragma once
// The blocks of a replica's KV cache: how many are in use, and with prefix caching which tokens they hold. Shared by
// both steppings.
#include <algorithm>
#include <memory>
#include <optional>
#include <span>
#include <vector>

#include "sim/serving/kv_capacity.hpp"
#include "sim/serving/kv_offload.hpp"
#include "sim/serving/prefix_cache.hpp"

namespace tokwatt::sim {

class KvBlocks {
 public:
  KvBlocks(const KvCapacity& capacity, bool prefix_cache, const std::optional<OffloadPlan>& offload = std::nullopt);

  int64_t used() const { return used_; }
  int64_t left() const { return capacity_.blocks - used_; }  ///< idle cached blocks give way
  int64_t of(const Request& r) const { return of(r, std::max(r.computed, r.reserved)); }
  /// The same, had it so many tokens.
  int64_t of(const Request& r, int64_t tokens) const { return capacity_.blocks_of(tokens) + r.window_blocks; }

  /// Tokens that have room beside what find() has found, and those that a request may take up beside its own: a block
  /// that is not full, and its windows.
  int64_t free_tokens(const PrefixCache::Hit& hit) const { return (left() - hit.idle) * capacity_.block_size; }
  int64_t beside_tokens(const Request& r) const { return (1 + r.window_blocks) * capacity_.block_size; }

  /// Takes so many more, which must be left.
  void take(int64_t blocks) { used_ += blocks; }

  /// What a waiting request need not compute: whole cached blocks, at least one token less than all.
  PrefixCache::Hit find(const Request& r);
  /// The same where a slot holds its first tokens: in blocks that nobody else uses.
  PrefixCache::Hit in_slot(int64_t tokens) const {
    return {capacity_.whole_blocks_of(tokens), capacity_.whole_blocks_of(tokens)};
  }
  int64_t tokens_of(const PrefixCache::Hit& hit) const { return hit.blocks * capacity_.block_size; }
  /// The same in tokens, for a request that has not come yet, while so many blocks are in use.
  int64_t cached_tokens(const Request& r, int64_t used);
  /// Whether there are blocks for `tokens` of a waiting request behind what find() has found.
  bool has_room(const Request& r, const PrefixCache::Hit& hit, int64_t tokens) const {
    return blocks_more(r, hit, tokens) <= left();
  }
  /// Gives a waiting request what find() has found and blocks for `tokens` more, if there are enough; sets r.computed.
  bool admit(RequestId id, Request& r, const PrefixCache::Hit& hit, int64_t tokens);
  /// How many blocks behind those of find() can be brought back from outside.
  int64_t outside(RequestId id, const Request& r, const PrefixCache::Hit& hit, Picoseconds now);
  /// Gives a waiting request what find() has found and blocks for its whole prompt, if there are enough, and begins to
  /// bring back what `blocks` of them hold. Returns when that is there.
  std::optional<Picoseconds> bring(RequestId id, Request& r, const PrefixCache::Hit& hit, int64_t blocks,
                                   Picoseconds now);
  /// The first `tokens` of a request are there, while so many blocks are in use.
  void brought(RequestId id, Request& r, int64_t tokens, int64_t used);
  /// A chunk of the request has been computed.
  void computed(RequestId id, const Request& r, Picoseconds now);
  /// The request goes: its blocks are free, or stay cached.
  void release(RequestId id, const Request& r, Picoseconds now);
  /// Nobody holds a block any more, and nothing is cached.
  void forget();
  /// Decoding has run out of blocks: cached ones that nobody holds have all given way.
  void exhausted();
  const KvOffload* offload() const { return offload_.get(); }

 private:
  /// Blocks that somebody holds already are there; those that nobody holds count as used again.
  int64_t blocks_more(const Request& r, const PrefixCache::Hit& hit, int64_t tokens) const {
    return of(r, tokens_of(hit) + tokens) - hit.blocks + hit.idle;
  }
  std::span<const uint64_t> names(RequestId id, const Request& r, int64_t from, int64_t to);
  void store(RequestId id, const Request& r, int64_t known, Picoseconds now);

  struct Named {  // by RequestId; only for what goes outside
    PrefixCache::Text text;
    TextPlace at;  // behind the last block that has a name
    std::vector<uint64_t> names;
  };

  const KvCapacity& capacity_;
  std::unique_ptr<PrefixCache> cache_;  ///< nothing: nothing is found again
  std::unique_ptr<KvOffload> offload_;  ///< nothing: there is nothing outside
  std::vector<Named> named_;
  int64_t used_ = 0;
};

}  // namespace tokwatt::sim
