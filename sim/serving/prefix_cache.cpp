#include "sim/serving/prefix_cache.hpp"

#include <algorithm>

namespace tokwatt::sim {

// --- along a text ----------------------------------------------------------------------------------------------------

/// A run is known by what it follows and by its first block. Nothing where the text is not known so far.
std::optional<uint64_t> PrefixCache::name_of(PoolId before, const Content& text, TextPlace at) const {
  return name_of_block(static_cast<uint64_t>(before), text, at, block_size_);
}

/// The run in which a text goes on, if there is one.
PoolId PrefixCache::next(const Walk& walk, const Content& text) const {
  const auto name = name_of(walk.run, text, walk.at);
  if (!name) return kNone;
  const auto found = by_first_.find(*name);
  return found == by_first_.end() ? kNone : found->second;
}

/// Moves over the blocks of that run that the text has too, `most` at most; returns how many.
int64_t PrefixCache::pass(Walk& walk, const Content& text, PoolId id, int64_t most) const {
  const Run& run = runs_[id];
  TextPlace at = walk.at;
  const int64_t tokens = pass_common(text, at, std::min(run.size(), most) * block_size_, *run.text, run.at);
  const int64_t blocks = tokens / block_size_;
  if (blocks * block_size_ == tokens) {
    walk.at = at;
  } else {
    sim::pass(text, walk.at, blocks * block_size_);
  }
  walk.blocks += blocks;
  walk.run = id;
  return blocks;
}

PrefixCache::Hit PrefixCache::find(const Text& text, int64_t most) const {
  Hit hit;
  Walk walk;
  while (text && walk.blocks < most) {
    const PoolId run = next(walk, *text);
    if (run == kNone || !runs_[run].cached) break;
    const int64_t blocks = pass(walk, *text, run, most - walk.blocks);
    if (runs_[run].holders == 0) hit.idle += blocks;
    if (walk.blocks < runs_[run].end) break;
  }
  hit.blocks = walk.blocks;
  return hit;
}

// --- what a request holds --------------------------------------------------------------------------------------------

PrefixCache::Holding& PrefixCache::holding(RequestId id) {
  if (static_cast<std::size_t>(id) >= holdings_.size()) holdings_.resize(static_cast<std::size_t>(id) + 1);
  return holdings_[static_cast<std::size_t>(id)];
}

void PrefixCache::Holding::add(int64_t begin, int64_t end) {
  if (!held.empty() && held.back().end == begin) {
    held.back().end = end;
  } else {
    held.push_back({begin, end});
  }
}

void PrefixCache::hold(RequestId id, const Text& text, int64_t blocks) {
  Walk walk;
  while (walk.blocks < blocks) {
    const PoolId run = next(walk, *text);
    pass(walk, *text, run, blocks - walk.blocks);
    if (walk.blocks < runs_[run].end) walk.run = split(run, walk.blocks);
    make_busy(walk.run);
  }
  Holding& h = holding(id);
  if (blocks > 0) h.add(0, blocks);
  h.known = blocks;
}

// A block that is cached already stays the only one that is: the request's own copy goes when the request does.
void PrefixCache::enter(RequestId id, const Text& text, int64_t blocks) {
  Holding& h = holding(id);
  if (!text || blocks <= h.known) return;
  TextPlace end;
  const int64_t known = sim::pass(*text, end, blocks * block_size_) / block_size_;
  Walk walk;
  while (walk.blocks < known) {
    const PoolId run = next(walk, *text);
    if (run == kNone) {
      append(h, walk, text, known);
    } else if (pass(walk, *text, run, known - walk.blocks) == 0) {
      return;  // two different blocks with the same name: one of 2^64 pairs
    } else if (!runs_[run].cached && walk.blocks > h.known) {
      walk.run = fill(h, run, walk.blocks);
    } else if (walk.blocks < runs_[run].end && walk.blocks < known) {
      walk.run = split(run, walk.blocks);  // here they part
    }
  }
  h.known = known;
}

/// Behind all runs: those up to `end` that are new to the request are cached from now on, and held by it. What others
/// had entered before it, and what has gone since, is only passed.
void PrefixCache::append(Holding& h, Walk& walk, const Text& text, int64_t end) {
  const bool is_new = walk.blocks >= h.known;
  if (!is_new) end = h.known;
  if (is_new && walk.run != kNone && grows(runs_[walk.run], h, text)) {
    runs_[walk.run].end = end;
  } else {
    if (walk.run != kNone) ++runs_[walk.run].followers;
    const PoolId added = runs_.add({text, walk.at, walk.blocks, end, walk.run, 0, is_new ? 1 : 0, is_new});
    by_first_.emplace(*name_of(walk.run, *text, walk.at), added);
    walk.run = added;
  }
  if (is_new) h.add(walk.blocks, end);
  sim::pass(*text, walk.at, (end - walk.blocks) * block_size_);
  walk.blocks = end;
}

/// Whether a run is the last of what only one request holds, whose text it is.
bool PrefixCache::grows(const Run& run, const Holding& h, const Text& text) {
  const bool holds_it = run.holders == 1 && !h.held.empty() && h.held.back().end == run.end;
  return holds_it && run.followers == 0 && run.text == text;
}

/// Caches the blocks up to `end` of a run that is not cached, those that are new to a request; returns their run.
PoolId PrefixCache::fill(Holding& h, PoolId run, int64_t end) {
  if (end < runs_[run].end) run = split(run, end);
  const int64_t begin = std::max(runs_[run].begin, h.known);
  if (begin > runs_[run].begin) split(run, begin);
  runs_[run].cached = true;
  runs_[run].holders = 1;
  h.add(begin, end);
  return run;
}

int64_t PrefixCache::release(RequestId id, const Text& text, int64_t blocks) {
  enter(id, text, blocks);  // generated ones too
  Holding& h = holding(id);
  if (blocks > h.known) leave_unknown(blocks - h.known);
  released_.clear();
  if (!h.held.empty()) collect_held(h, *text);
  h.held.clear();
  h.known = 0;
  int64_t shared = 0;
  for (auto run = released_.rbegin(); run != released_.rend(); ++run) {
    if (--runs_[*run].holders > 0) {
      shared += runs_[*run].size();
    } else {
      make_idle(*run);
    }
  }
  join_released();
  return shared;
}

/// The runs that a request holds, in order.
void PrefixCache::collect_held(const Holding& h, const Content& text) {
  auto range = h.held.begin();
  Walk walk;
  while (walk.blocks < h.held.back().end) {
    const PoolId run = next(walk, text);
    const int64_t begin = walk.blocks;
    pass(walk, text, run, h.held.back().end - begin);
    while (range->end <= begin) ++range;
    if (range->begin <= begin) released_.push_back(run);
  }
}

/// Nobody knows these blocks, so that nobody will ask for them, but they take room until others need it.
void PrefixCache::leave_unknown(int64_t blocks) {
  if (newest_ != kNone && !runs_[newest_].text) {
    runs_[newest_].end += blocks;
    idle_ += blocks;
  } else {
    Run unknown;
    unknown.end = blocks;
    make_idle(runs_.add(unknown));
  }
}

// --- the tree of runs ------------------------------------------------------------------------------------------------

/// Parts a run in two; returns the front, and the back keeps its number.
PoolId PrefixCache::split(PoolId back, int64_t at) {
  const PoolId front = runs_.add(Run(runs_[back]));
  Run &first = runs_[front], &rest = runs_[back];
  by_first_[*name_of(first.before, *first.text, first.at)] = front;
  first.end = at;
  first.followers = 1;
  sim::pass(*rest.text, rest.at, (at - rest.begin) * block_size_);
  rest.begin = at;
  rest.before = front;
  by_first_.emplace(*name_of(front, *rest.text, rest.at), back);
  if (rest.is_idle()) {
    first.older = back;
    rest.newer = front;
    newer_end(first.newer) = front;
  }
  return front;
}

/// Of what one request has let go, runs of which one alone follows the other are one from now on.
void PrefixCache::join_released() {
  if (released_.empty()) return;
  PoolId back = released_.back();
  released_.pop_back();
  for (auto front = released_.rbegin(); front != released_.rend(); ++front) {
    const Run &first = runs_[*front], &rest = runs_[back];
    if (rest.before == *front && first.followers == 1 && first.is_idle() && rest.is_idle()) {
      join(*front, back);
    } else {
      back = *front;
    }
  }
}

/// Both are idle, and of those the back is the next older one.
void PrefixCache::join(PoolId front, PoolId back) {
  Run &first = runs_[front], &rest = runs_[back];
  by_first_.erase(*name_of(front, *rest.text, rest.at));
  by_first_[*name_of(first.before, *first.text, first.at)] = back;
  rest.begin = first.begin;
  rest.before = first.before;
  rest.at = {};
  sim::pass(*rest.text, rest.at, rest.begin * block_size_);
  rest.newer = first.newer;
  newer_end(first.newer) = back;
  first.text.reset();
  runs_.remove(front);
}

/// Takes a run out of the tree, and with it those in front of it that were there for its sake.
void PrefixCache::erase(PoolId run) {
  for (bool last = true; last;) {
    Run& gone = runs_[run];
    const PoolId before = gone.before;
    if (gone.text) by_first_.erase(*name_of(before, *gone.text, gone.at));
    gone.text.reset();
    runs_.remove(run);
    last = before != kNone && --runs_[before].followers == 0 && !runs_[before].cached;
    run = before;
  }
}

// --- what nobody holds -----------------------------------------------------------------------------------------------

void PrefixCache::trim(int64_t room) {
  while (idle_ > room) {
    const int64_t more = idle_ - room;
    Run& oldest = runs_[oldest_];
    if (oldest.size() <= more) {
      forget(oldest_);
    } else if (oldest.followers > 0) {
      split(oldest_, oldest.end - more);
    } else {
      oldest.end -= more;
      idle_ -= more;
    }
  }
}

void PrefixCache::forget(PoolId run) {
  unlink(run);
  runs_[run].cached = false;
  if (runs_[run].followers == 0) erase(run);
}

void PrefixCache::make_idle(PoolId run) {
  runs_[run].older = newest_;
  runs_[run].newer = kNone;
  (newest_ == kNone ? oldest_ : runs_[newest_].newer) = run;
  newest_ = run;
  idle_ += runs_[run].size();
}

void PrefixCache::make_busy(PoolId run) {
  if (runs_[run].holders++ == 0) unlink(run);
}

void PrefixCache::unlink(PoolId run) {
  const Run& gone = runs_[run];
  (gone.older == kNone ? oldest_ : runs_[gone.older].newer) = gone.newer;
  newer_end(gone.newer) = gone.older;
  idle_ -= gone.size();
}

}  // namespace tokwatt::sim
