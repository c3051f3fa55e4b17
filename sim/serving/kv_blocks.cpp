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

int64_t KvBlocks::outside(const Request& r, const PrefixCache::Hit& hit, Picoseconds now) {
  if (!offload_) return 0;
  keys_.clear();
  append_names(r.content.get(), hit.blocks, capacity_.whole_blocks_of(r.target - 1), capacity_.block_size, keys_);
  return offload_->find(keys_, now);
}

std::optional<Picoseconds> KvBlocks::bring(RequestId id, Request& r, const PrefixCache::Hit& hit, int64_t blocks,
                                           Picoseconds now) {
  if (!admit(id, r, hit, r.target - tokens_of(hit))) return std::nullopt;
  r.reserved = r.target;
  keys_.clear();
  append_names(r.content.get(), hit.blocks, hit.blocks + blocks, capacity_.block_size, keys_);
  return offload_->load(keys_, r.window_blocks, now);
}

void KvBlocks::brought(RequestId id, Request& r, int64_t tokens, int64_t used) {
  r.computed = tokens;
  cache_->trim(capacity_.blocks - used);
  cache_->enter(id, r.content, capacity_.whole_blocks_of(tokens));
}

void KvBlocks::computed(RequestId id, const Request& r, Picoseconds now) {
  if (!cache_ || !r.content) return;
  const int64_t known = cache_->known(id);
  cache_->enter(id, r.content, capacity_.whole_blocks_of(r.computed));
  store(r, known, now);
}

/// Copies out what has been computed behind the first `known` blocks.
void KvBlocks::store(const Request& r, int64_t known, Picoseconds now) {
  if (!offload_ || capacity_.whole_blocks_of(r.computed) <= known) return;
  keys_.clear();
  append_names(r.content.get(), known, capacity_.whole_blocks_of(r.computed), capacity_.block_size, keys_);
  offload_->store(keys_, now);
}

void KvBlocks::release(RequestId id, const Request& r, Picoseconds now) {
  int64_t shared = 0;
  if (cache_) {
    cache_->trim(left());
    store(r, cache_->known(id), now);
    shared = cache_->release(id, r.content, capacity_.whole_blocks_of(r.computed));
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
