#include "sim/random/philox.hpp"

namespace tokwatt::sim {
namespace {

// Multipliers and Weyl increments of the paper (Random123, philox.h).
constexpr uint32_t kMultiplier0 = 0xD2511F53, kMultiplier1 = 0xCD9E8D57;
constexpr uint32_t kWeyl0 = 0x9E3779B9, kWeyl1 = 0xBB67AE85;
constexpr int kRounds = 10;

constexpr uint32_t low(uint64_t x) { return static_cast<uint32_t>(x & 0xFFFFFFFFU); }
constexpr uint32_t high(uint64_t x) { return static_cast<uint32_t>(x >> 32U); }
constexpr uint64_t join(uint32_t low_word, uint32_t high_word) {
  return static_cast<uint64_t>(high_word) << 32U | low_word;
}

}  // namespace

PhiloxCounter philox4x32(PhiloxCounter counter, PhiloxKey key) {
  for (int round = 0; round < kRounds; ++round) {
    const uint64_t a = static_cast<uint64_t>(kMultiplier0) * counter[0];
    const uint64_t b = static_cast<uint64_t>(kMultiplier1) * counter[2];
    counter = {high(b) ^ counter[1] ^ key[0], low(b), high(a) ^ counter[3] ^ key[1], low(a)};
    key[0] += kWeyl0;
    key[1] += kWeyl1;
  }
  return counter;
}

Philox::Philox(uint64_t key, uint32_t purpose, uint64_t number)
    : key_{low(key), high(key)}, counter_{0, purpose, low(number), high(number)} {}

Philox::result_type Philox::operator()() {
  if (second_half_) {
    second_half_ = false;
    return join(block_[2], block_[3]);
  }
  block_ = philox4x32(counter_, key_);
  ++counter_[0];
  second_half_ = true;
  return join(block_[0], block_[1]);
}

}  // namespace tokwatt::sim
