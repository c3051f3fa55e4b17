#pragma once
// Things that come and go, each with a number that stays the same while it is there; places are used again.
#include <cstddef>
#include <cstdint>
#include <utility>
#include <vector>

namespace tokwatt::sim {

using PoolId = int32_t;  ///< place in a pool

template <class T>
class Pool {
 public:
  /// One as new, or the one given.
  PoolId add(T thing = {}) {
    if (free_.empty()) {
      things_.push_back(std::move(thing));
      return static_cast<PoolId>(things_.size() - 1);
    }
    const PoolId id = free_.back();
    free_.pop_back();
    things_[static_cast<std::size_t>(id)] = std::move(thing);
    return id;
  }
  void remove(PoolId id) { free_.push_back(id); }
  bool empty() const { return free_.size() == things_.size(); }
  T& operator[](PoolId id) { return things_[static_cast<std::size_t>(id)]; }
  const T& operator[](PoolId id) const { return things_[static_cast<std::size_t>(id)]; }

 private:
  std::vector<T> things_;
  std::vector<PoolId> free_;
};

}  // namespace tokwatt::sim
