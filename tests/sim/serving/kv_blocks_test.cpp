#include "sim/serving/kv_blocks.hpp"

#include "tests/catch.hpp"

using namespace tokwatt::sim;

namespace {

constexpr KvCapacity kTenBlocksOfFour{4, 10, 0, 40};

Request request(uint64_t text, int64_t tokens) {
  Request r;
  r.prompt = r.target = tokens;
  r.content = std::make_shared<const Content>(Content{{{text, tokens}}, false});
  return r;
}

void compute_all(KvBlocks& blocks, RequestId id, Request& r) {
  const auto hit = blocks.find(r);
  REQUIRE(blocks.admit(id, r, hit, r.target - blocks.tokens_of(hit)));
  r.computed = r.target;
  blocks.computed(id, r, 0);
}

}  // namespace

TEST_CASE("tokens take whole blocks, and a sequence its windows' blocks besides", "[sim][kv]") {
  const KvCapacity plain{16, 100, 0, 1000};
  CHECK(plain.blocks_of(0) == 0);
  CHECK(plain.blocks_of(1) == 1);
  CHECK(plain.blocks_of(16) == 1);
  CHECK(plain.blocks_of(17) == 2);
  KvBlocks blocks(plain, false);
  Request r = request(1, 16);
  r.window_blocks = 3;
  CHECK(blocks.of(r, 16) == 4);
}

TEST_CASE("a window takes no more than its sequence will fill of it", "[sim][kv]") {
  // Two blocks' worth of bytes a token beside the layers that see everything, in windows of 100 and 1000 tokens.
  KvCapacity kv{16, 1000, 0, 1000};
  kv.block_bytes = 16;
  kv.windows = {1, 1100, 0, {{100, 1}, {1000, 1}}};
  kv.window_blocks = 69;
  CHECK(kv.window_blocks_of(1) == 2);
  CHECK(kv.window_blocks_of(160) == 7 + 10);  // 100 tokens, and all 160
  CHECK(kv.window_blocks_of(5000) == 69);
  kv.windows.state_fixed = 17;
  kv.window_blocks = 71;
  CHECK(kv.window_blocks_of(1) == 4);
}

TEST_CASE("a block that several requests hold is in use once", "[sim][kv][prefix]") {
  KvBlocks blocks(kTenBlocksOfFour, true);
  Request a = request(1, 17), b = request(1, 17), c = request(1, 17);
  compute_all(blocks, 0, a);
  CHECK(blocks.used() == 5);
  compute_all(blocks, 1, b);  // finds four whole blocks
  CHECK(b.computed == 17);
  CHECK(blocks.used() == 6);
  blocks.release(0, a, 0);
  CHECK(blocks.used() == 5);
  blocks.release(1, b, 0);
  CHECK(blocks.used() == 0);
  compute_all(blocks, 2, c);  // found idle: in use again
  CHECK(blocks.used() == 5);
}

TEST_CASE("of a prompt that is cached as a whole, the last block is computed again", "[sim][kv][prefix]") {
  KvBlocks blocks(kTenBlocksOfFour, true);
  Request a = request(1, 16), b = request(1, 16);
  compute_all(blocks, 0, a);
  blocks.release(0, a, 0);
  CHECK(blocks.tokens_of(blocks.find(b)) == 12);
}

TEST_CASE("what decoding takes room from is not found again", "[sim][kv][prefix]") {
  KvBlocks blocks(kTenBlocksOfFour, true);
  Request old = request(1, 8), a = request(2, 16), b = request(2, 16), again = request(1, 9);
  compute_all(blocks, 0, old);
  blocks.release(0, old, 0);  // two blocks that nobody holds
  // Both before either has ended a chunk: each has its own copy of the four blocks.
  REQUIRE(blocks.admit(1, a, blocks.find(a), 16));
  REQUIRE(blocks.admit(2, b, blocks.find(b), 16));
  a.computed = b.computed = 16;
  blocks.computed(1, a, 0);
  blocks.computed(2, b, 0);
  blocks.take(1);  // of the two blocks left, one of the idle ones
  a.computed = 17;
  CHECK(blocks.left() == 1);
  blocks.release(2, b, 0);  // the copies are free: there would be room for both again
  CHECK(blocks.tokens_of(blocks.find(again)) == 4);
}

TEST_CASE("blocks of a text that nobody shares push others out", "[sim][kv][prefix]") {
  KvBlocks blocks(kTenBlocksOfFour, true);
  Request shared = request(1, 16), alone = request(2, 28), again = request(1, 17);
  alone.content = nullptr;
  compute_all(blocks, 0, shared);
  blocks.release(0, shared, 0);
  compute_all(blocks, 1, alone);
  blocks.release(1, alone, 0);
  CHECK(blocks.used() == 0);
  CHECK(blocks.tokens_of(blocks.find(again)) == 12);  // three of its four are left, the last one went first
}

TEST_CASE("a cached block whose room has been given away is no copy of one that is computed", "[sim][kv][prefix]") {
  KvBlocks blocks(kTenBlocksOfFour, true);
  Request before = request(1, 12), now = request(1, 12), other = request(2, 28), later = request(1, 16);
  compute_all(blocks, 0, before);
  blocks.release(0, before, 0);  // three blocks, held by nobody
  const auto hit = blocks.find(now);
  REQUIRE(hit.blocks == 2);  // one token is always computed
  REQUIRE(blocks.admit(1, now, hit, 4));
  const auto none = blocks.find(other);
  REQUIRE(blocks.admit(2, other, none, 28));  // takes the room of the third block too
  REQUIRE(blocks.left() == 0);
  now.computed = 12;
  blocks.computed(1, now, 0);
  CHECK(blocks.find(later).blocks == 3);
}
