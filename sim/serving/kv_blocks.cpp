#include "sim/serving/kv_blocks.hpp"

namespace tokwatt::sim {

KvBlocks::KvBlocks(const KvCapacity& capacity, bool prefix_cache) : capacity_(capacity) {
  if (prefix_cache) cache_ = std::make_unique<PrefixCache>(capacity.block_size);
}

PrefixCache::Hit KvBlocks::find(const Request& r) {
  if (!cache_) return {};
  cache_->trim(left());
  return cache_->find(r.content.get(), (r.target - 1) / capacity_.block_size);
}

int64_t KvBlocks::cached_tokens(const Request& r, int64_t used) {
  if (!cache_) return 0;
  cache_->trim(capacity_.blocks - used);
  return tokens_of(cache_->find(r.content.get(), (r.prompt - 1) / capacity_.block_size));
}

// Blocks that somebody holds already are there; those that nobody holds count as used again.
bool KvBlocks::admit(RequestId id, Request& r, const PrefixCache::Hit& hit, int64_t tokens) {
  const int64_t more = of(r, tokens_of(hit) + tokens) - hit.blocks + hit.idle;
  if (more > left()) return false;
  used_ += more;
  r.computed = tokens_of(hit);
  if (cache_) cache_->hold(id, r.content.get(), hit.blocks);
  return true;
}

void KvBlocks::computed(RequestId id, const Request& r) {
  if (cache_ && r.content) cache_->enter(id, r.content.get(), r.computed / capacity_.block_size);
}

void KvBlocks::release(RequestId id, const Request& r) {
  int64_t shared = 0;
  if (cache_) {
    cache_->trim(left());
    shared = cache_->release(id, r.content.get(), r.computed / capacity_.block_size);
  }
  used_ -= of(r) - shared;
}

void KvBlocks::forget() {
  if (cache_) cache_ = std::make_unique<PrefixCache>(capacity_.block_size);
  used_ = 0;
}

void KvBlocks::exhausted() {
  if (cache_) cache_->trim(0);
}

}  // namespace tokwatt::sim
