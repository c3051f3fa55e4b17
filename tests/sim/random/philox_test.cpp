#include "sim/random/philox.hpp"

#include "tests/catch.hpp"

using namespace tokwatt::sim;

TEST_CASE("Philox4x32-10 gives the known answers of Random123", "[sim][random]") {
  // Random123 1.14, tests/kat_vectors, lines "philox4x32 10".
  CHECK(philox4x32({0, 0, 0, 0}, {0, 0}) == PhiloxCounter{0x6627e8d5, 0xe169c58d, 0xbc57ac4c, 0x9b00dbd8});
  constexpr uint32_t kOnes = 0xffffffff;
  CHECK(philox4x32({kOnes, kOnes, kOnes, kOnes}, {kOnes, kOnes}) ==
        PhiloxCounter{0x408f276d, 0x41c83b0e, 0xa20bc7c6, 0x6d5451fd});
  CHECK(philox4x32({0x243f6a88, 0x85a308d3, 0x13198a2e, 0x03707344}, {0xa4093822, 0x299f31d0}) ==
        PhiloxCounter{0xd16cfe09, 0x94fdcceb, 0x5001e420, 0x24126ea1});
}

TEST_CASE("the engine hands out the blocks of its counter, low words first", "[sim][random]") {
  Philox bits(0x0000000200000001, 3, 0x0000000500000004);
  for (uint32_t block = 0; block < 3; ++block) {
    const auto b = philox4x32({block, 3, 4, 5}, {1, 2});
    CHECK(bits() == (uint64_t{b[1]} << 32U | b[0]));
    CHECK(bits() == (uint64_t{b[3]} << 32U | b[2]));
  }
}
