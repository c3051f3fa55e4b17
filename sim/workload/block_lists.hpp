#pragma once
// Ids of the blocks that prompts are made of. A prompt mostly begins like the one before it, so that only what is new
// is kept: of a session of n calls the ids of the last, not n times as many.
#include <cstdint>
#include <optional>
#include <span>
#include <vector>

namespace tokwatt::sim {

class BlockLists {
 public:
  /// Adds a list and returns its number. Where it begins like the list `like`, it is kept as a part of that one.
  uint32_t add(std::span<const uint64_t> ids, std::optional<uint32_t> like);
  std::vector<uint64_t> ids(uint32_t list) const;

 private:
  struct List {
    uint32_t like = 0;    ///< the list whose first `shared` ids it begins with
    uint32_t shared = 0;  ///< ids
    std::size_t own = 0;  ///< place of the first of its own
    uint32_t size = 0;    ///< ids, shared and own
  };

  std::vector<List> lists_;
  std::vector<uint64_t> own_;
};

}  // namespace tokwatt::sim
