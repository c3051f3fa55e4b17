#include "sim/serving/prefix_cache.hpp"

#include <algorithm>
#include <limits>

#include "sim/random/mix.hpp"

namespace tokwatt::sim {

/// Moves over one block and takes its key: a hash of everything up to its end. False where the text is not known so
/// far.
bool PrefixCache::next(Walk& walk, const Content* content) const {
  if (content == nullptr || walk.ended) return false;
  int64_t left = block_size_;
  uint64_t key = walk.key;
  while (left > 0) {
    if (walk.part == content->parts.size()) {
      walk.ended = true;
      return false;
    }
    const Part& part = content->parts[walk.part];
    const bool endless = content->output_continues && walk.part + 1 == content->parts.size();
    if (part.tokens == 0 && !endless) {
      ++walk.part;
      continue;
    }
    const int64_t rest = endless ? std::numeric_limits<int64_t>::max() : part.tokens - walk.offset;
    const int64_t taken = std::min(rest, left);
    key = mix(key, part.id, static_cast<uint64_t>(walk.offset), static_cast<uint64_t>(taken));
    walk.offset += taken;
    left -= taken;
    if (taken == rest) {
      ++walk.part;
      walk.offset = 0;
    }
  }
  walk.key = key;
  ++walk.blocks;
  return true;
}

PrefixCache::Hit PrefixCache::find(const Content* content, int64_t most) const {
  Hit hit;
  Walk walk;
  while (hit.blocks < most && next(walk, content)) {
    const auto at = by_key_.find(walk.key);
    if (at == by_key_.end()) break;
    ++hit.blocks;
    if (entries_[at->second].holders == 0) ++hit.idle;
  }
  return hit;
}

void PrefixCache::append_keys(const Content* content, int64_t from, int64_t most, std::vector<uint64_t>& out) const {
  Walk walk;
  while (walk.blocks < most && next(walk, content)) {
    if (walk.blocks > from) out.push_back(walk.key);
  }
}

PrefixCache::Holding& PrefixCache::holding(RequestId id) {
  if (static_cast<std::size_t>(id) >= holdings_.size()) holdings_.resize(static_cast<std::size_t>(id) + 1);
  return holdings_[static_cast<std::size_t>(id)];
}

void PrefixCache::hold(RequestId id, const Content* content, int64_t blocks) {
  Holding& h = holding(id);
  while (h.walk.blocks < blocks && next(h.walk, content)) {
    const PoolId place = by_key_.at(h.walk.key);
    make_busy(place);
    h.places.push_back(place);
    ++h.known;
  }
}

// A block that is cached already stays the only one that is: the request's own copy goes when the request does.
void PrefixCache::enter(RequestId id, const Content* content, int64_t blocks) {
  Holding& h = holding(id);
  while (h.walk.blocks < blocks && next(h.walk, content)) {
    ++h.known;
    if (by_key_.contains(h.walk.key)) continue;
    const PoolId place = entries_.add({h.walk.key});
    by_key_.emplace(h.walk.key, place);
    ++entries_[place].holders;
    h.places.push_back(place);
  }
}

int64_t PrefixCache::release(RequestId id, const Content* content, int64_t blocks) {
  enter(id, content, blocks);  // generated ones too
  Holding& h = holding(id);
  if (blocks > h.known) {  // nobody will ask for them, but they take room until others need it
    Entry unknown;
    unknown.known = false;
    unknown.blocks = blocks - h.known;
    make_idle(entries_.add(unknown));
  }
  int64_t shared = 0;
  for (auto place = h.places.rbegin(); place != h.places.rend(); ++place) {
    if (--entries_[*place].holders > 0) {
      ++shared;
    } else {
      make_idle(*place);
    }
  }
  h.places.clear();
  h.walk = {};
  h.known = 0;
  return shared;
}

void PrefixCache::trim(int64_t room) {
  while (idle_ > room) {
    Entry& oldest = entries_[oldest_];
    if (oldest.blocks > idle_ - room) {
      oldest.blocks -= idle_ - room;
      idle_ = room;
    } else {
      forget(oldest_);
    }
  }
}

void PrefixCache::make_idle(PoolId place) {
  Entry& entry = entries_[place];
  entry.older = newest_;
  entry.newer = kNone;
  (newest_ == kNone ? oldest_ : entries_[newest_].newer) = place;
  newest_ = place;
  idle_ += entry.blocks;
}

void PrefixCache::unlink(PoolId place) {
  const Entry& entry = entries_[place];
  (entry.older == kNone ? oldest_ : entries_[entry.older].newer) = entry.newer;
  (entry.newer == kNone ? newest_ : entries_[entry.newer].older) = entry.older;
  idle_ -= entry.blocks;
}

void PrefixCache::make_busy(PoolId place) {
  if (entries_[place].holders++ == 0) unlink(place);
}

void PrefixCache::forget(PoolId place) {
  unlink(place);
  const Entry& entry = entries_[place];
  if (entry.known) by_key_.erase(entry.key);
  entries_.remove(place);
}

}  // namespace tokwatt::sim
