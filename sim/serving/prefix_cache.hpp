#pragma once
// Blocks whose tokens are known and that other prompts may begin with (design, rule 8; vLLM v1, KVCacheManager). A
// block is known by all tokens up to its end, so that equal keys mean equal prefixes. Blocks that nobody holds stay
// until their room is needed; the least recently used goes first, of one request's the last in front.
#include <memory_resource>
#include <unordered_map>
#include <vector>

#include "sim/serving/request.hpp"
#include "sim/workload/source.hpp"

namespace tokwatt::sim {

class PrefixCache {
 public:
  explicit PrefixCache(int64_t block_size) : block_size_(block_size) {}

  struct Hit {
    int64_t blocks = 0;
    int64_t idle = 0;  ///< of them, held by nobody
  };
  /// How many of the first `most` blocks of a text are cached, without a gap.
  Hit find(const Content* content, int64_t most) const;
  /// Keys of blocks of a text, from one on and up to `most`, as far as the text is known.
  void append_keys(const Content* content, int64_t from, int64_t most, std::vector<uint64_t>& out) const;
  /// A request holds its first `blocks` blocks, which find() has found.
  void hold(RequestId id, const Content* content, int64_t blocks);
  /// The first `blocks` blocks of a request are computed: those that are new are cached and held by it.
  void enter(RequestId id, const Content* content, int64_t blocks);
  /// How many of a request's blocks have been held or entered.
  int64_t known(RequestId id) { return holding(id).known; }
  /// A request with `blocks` whole blocks computed holds them no more. Returns how many of them others still hold.
  int64_t release(RequestId id, const Content* content, int64_t blocks);
  /// Forgets blocks that nobody holds until at most `room` are left.
  void trim(int64_t room);

  int64_t idle() const { return idle_; }

 private:
  static constexpr PoolId kNone = -1;
  struct Entry {  // a block, or blocks that no text will ever begin with
    uint64_t key = 0;
    int64_t blocks = 1;
    bool known = true;  // by its key
    int32_t holders = 0;
    PoolId older = kNone, newer = kNone;  // while nobody holds it
  };
  /// Goes through a text block by block.
  struct Walk {
    std::size_t part = 0;
    int64_t offset = 0;  // within the part
    uint64_t key = 0;
    int64_t blocks = 0;
    bool ended = false;
  };
  struct Holding {  // by RequestId
    std::vector<PoolId> places;
    Walk walk;
    int64_t known = 0;  // blocks of the text that have a key, copies of cached ones included
  };

  bool next(Walk& walk, const Content* content) const;
  Holding& holding(RequestId id);
  void make_idle(PoolId place);
  void make_busy(PoolId place);
  void unlink(PoolId place);
  void forget(PoolId place);

  int64_t block_size_;
  Pool<Entry> entries_;
  std::pmr::unsynchronized_pool_resource memory_;  // of blocks that go, for blocks that come
  std::pmr::unordered_map<uint64_t, PoolId> by_key_{&memory_};
  std::vector<Holding> holdings_;
  PoolId oldest_ = kNone, newest_ = kNone;  // of what nobody holds
  int64_t idle_ = 0;
};

}  // namespace tokwatt::sim
