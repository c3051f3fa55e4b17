#pragma once
// Blocks whose tokens are known and that other prompts may begin with (design, rule 8; vLLM v1, KVCacheManager). A
// block is known by all tokens up to its end. Blocks that nobody holds stay until their room is needed; the least
// recently used goes first, of one request's the last in front.
//
// Blocks that have come and gone together are one run; runs are a tree, in which each follows what is in front of it.
// So work grows with the parts of texts and the places where they part, not with their blocks (Zheng et al., SGLang,
// NeurIPS 2024, keep their cache so).
#include <memory>
#include <memory_resource>
#include <optional>
#include <unordered_map>
#include <vector>

#include "sim/serving/request.hpp"
#include "sim/serving/text_place.hpp"

namespace tokwatt::sim {

class PrefixCache {
 public:
  /// What a request may share; nothing: it shares with nobody.
  using Text = std::shared_ptr<const Content>;

  explicit PrefixCache(int64_t block_size) : block_size_(block_size) {}

  struct Hit {
    int64_t blocks = 0;
    int64_t idle = 0;  ///< of them, held by nobody
  };
  /// How many of the first `most` blocks of a text are cached, without a gap.
  Hit find(const Text& text, int64_t most) const;
  /// A request holds its first `blocks` blocks, which find() has found.
  void hold(RequestId id, const Text& text, int64_t blocks);
  /// The first `blocks` blocks of a request are computed: those that are new are cached and held by it.
  void enter(RequestId id, const Text& text, int64_t blocks);
  /// How many of a request's blocks have been held or entered.
  int64_t known(RequestId id) { return holding(id).known; }
  /// A request with `blocks` whole blocks computed holds them no more. Returns how many of them others still hold.
  int64_t release(RequestId id, const Text& text, int64_t blocks);
  /// Forgets blocks that nobody holds until at most `room` are left.
  void trim(int64_t room);

  int64_t idle() const { return idle_; }

 private:
  static constexpr PoolId kNone = -1;
  struct Run {     // of blocks of a text
    Text text;     // nothing: no text will ever begin with them
    TextPlace at;  // of its first block
    int64_t begin = 0, end = 0;
    PoolId before = kNone;  // the run that it follows
    int32_t followers = 0;
    int32_t holders = 0;                  // of all of it
    bool cached = true;                   // else it is there for those that follow it
    PoolId older = kNone, newer = kNone;  // while nobody holds it

    int64_t size() const { return end - begin; }
    bool is_idle() const { return cached && holders == 0; }
  };
  struct Walk {  // along a text, from run to run
    TextPlace at;
    int64_t blocks = 0;
    PoolId run = kNone;  // the last one
  };
  struct Blocks {
    int64_t begin = 0, end = 0;
  };
  struct Holding {             // by RequestId
    std::vector<Blocks> held;  // in order; runs end where they do
    int64_t known = 0;         // blocks of the text that have been cached, be it by others

    void add(int64_t begin, int64_t end);
  };

  std::optional<uint64_t> name_of(PoolId before, const Content& text, TextPlace at) const;
  PoolId next(const Walk& walk, const Content& text) const;
  int64_t pass(Walk& walk, const Content& text, PoolId run, int64_t most) const;
  Holding& holding(RequestId id);
  void append(Holding& h, Walk& walk, const Text& text, int64_t end);
  static bool grows(const Run& run, const Holding& h, const Text& text);
  PoolId fill(Holding& h, PoolId run, int64_t end);
  void collect_held(const Holding& h, const Content& text);
  void leave_unknown(int64_t blocks);
  PoolId split(PoolId back, int64_t at);
  void join_released();
  void join(PoolId front, PoolId back);
  void erase(PoolId run);
  void forget(PoolId run);
  void make_idle(PoolId run);
  void make_busy(PoolId run);
  void unlink(PoolId run);
  /// What the next newer run of one, or the end of the list, says is older.
  PoolId& newer_end(PoolId newer) { return newer == kNone ? newest_ : runs_[newer].older; }

  int64_t block_size_;
  Pool<Run> runs_;
  std::pmr::unsynchronized_pool_resource memory_;                 // of runs that go, for runs that come
  std::pmr::unordered_map<uint64_t, PoolId> by_first_{&memory_};  // by the name of their first block
  std::vector<Holding> holdings_;
  std::vector<PoolId> released_;            // of release()
  PoolId oldest_ = kNone, newest_ = kNone;  // of what nobody holds
  int64_t idle_ = 0;
};

}  // namespace tokwatt::sim
