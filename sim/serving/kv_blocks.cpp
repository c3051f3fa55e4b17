#include "sim/serving/kv_blocks.hpp"

namespace tokwatt::sim {

KvBlocks::KvBlocks(const KvCapacity& capacity, bool prefix_cache, const std::optional<OffloadPlan>& offload)
    : capacity_(capacity) {
  if (prefix_cache) cache_ = std::make_unique<PrefixCache>(capacity.block_size);
  if (offload) offload_ = std::make_unique<KvOffload>(*offload);
}

PrefixCache::Hit KvBlocks::find(const Request& r) {
  if (!cache_) return {};
  cache_->trim(left());
  return cache_->find(r.content, capacity_.whole_blocks_of(r.target - 1));
}

int64_t KvBlocks::cached_tokens(const Request& r, int64_t used) {
  if (!cache_) return 0;
  cache_->trim(capacity_.blocks - used);
  return tokens_of(cache_->find(r.content, capacity_.whole_blocks_of(r.prompt - 1)));
}

bool KvBlocks::admit(RequestId id, Request& r, const PrefixCache::Hit& hit, int64_t tokens) {
  const int64_t more = blocks_more(r, hit, tokens);
  if (more > left()) return false;
  used_ += more;
  r.computed = tokens_of(hit);
  if (cache_) cache_->hold(id, r.content, hit.blocks);
  return true;
}

/// Names of a request's blocks from one on and before another, as far as its text is known. Each names everything up to
/// its end; they are kept until the request goes.
std::span<const uint64_t> KvBlocks::names(RequestId id, const Request& r, int64_t from, int64_t to) {
  if (!r.content) return {};
  if (static_cast<std::size_t>(id) >= named_.size()) named_.resize(static_cast<std::size_t>(id) + 1);
  Named& known = named_[static_cast<std::size_t>(id)];
  if (known.text != r.content) known = {r.content, {}, {}};
  while (std::ssize(known.names) < to) {
    const uint64_t before = known.names.empty() ? 0 : known.names.back();
    const auto name = name_of_block(before, *known.text, known.at, capacity_.block_size);
    if (!name) break;
    known.names.push_back(*name);
  }
  const auto all = std::span<const uint64_t>(known.names);
  const auto begin = std::min(static_cast<std::size_t>(from), all.size());
  return all.subspan(begin, std::min(static_cast<std::size_t>(std::max(to, from)), all.size()) - begin);
}

int64_t KvBlocks::outside(RequestId id, const Request& r, const PrefixCache::Hit& hit, Picoseconds now) {
  if (!offload_) return 0;
  return offload_->find(names(id, r, hit.blocks, capacity_.whole_blocks_of(r.target - 1)), now);
}

std::optional<Picoseconds> KvBlocks::bring(RequestId id, Request& r, const PrefixCache::Hit& hit, int64_t blocks,
                                           Picoseconds now) {
  if (!admit(id, r, hit, r.target - tokens_of(hit))) return std::nullopt;
  r.reserved = r.target;
  return offload_->load(names(id, r, hit.blocks, hit.blocks + blocks), r.window_blocks, now);
}

void KvBlocks::brought(RequestId id, Request& r, int64_t tokens, int64_t used) {
  r.computed = tokens;
  cache_->trim(capacity_.blocks - used);
  cache_->enter(id, r.content, capacity_.whole_blocks_of(tokens));
}

void KvBlocks::computed(RequestId id, const Request& r, Picoseconds now) {
  if (!cache_ || !r.content) return;
  const int64_t known = cache_->known(id);
  cache_->trim(left());  // what has had to go is no copy to go by
  cache_->enter(id, r.content, capacity_.whole_blocks_of(r.computed));
  store(id, r, known, now);
}

/// Copies out what has been computed behind the first `known` blocks.
void KvBlocks::store(RequestId id, const Request& r, int64_t known, Picoseconds now) {
  if (!offload_ || capacity_.whole_blocks_of(r.computed) <= known) return;
  offload_->store(names(id, r, known, capacity_.whole_blocks_of(r.computed)), now);
}

void KvBlocks::release(RequestId id, const Request& r, Picoseconds now) {
  int64_t shared = 0;
  if (cache_) {
    cache_->trim(left());
    store(id, r, cache_->known(id), now);
    shared = cache_->release(id, r.content, capacity_.whole_blocks_of(r.computed));
    if (static_cast<std::size_t>(id) < named_.size()) named_[static_cast<std::size_t>(id)] = {};
  }
  used_ -= of(r) - shared;
}

void KvBlocks::forget() {
  if (cache_) cache_ = std::make_unique<PrefixCache>(capacity_.block_size);
  if (offload_) offload_->forget();
  used_ = 0;
}

void KvBlocks::exhausted() {
  if (cache_) cache_->trim(0);
}

}  // namespace tokwatt::sim
