// Copies of KV blocks outside the device: what they hold, when it is there, and what a server gains by them.
#include "sim/serving/kv_offload.hpp"

#include <vector>

#include "sim/simulation.hpp"
#include "tests/catch.hpp"
#include "tests/sim/support/toy.hpp"

using namespace tokwatt;
using namespace tokwatt::sim;
using tokwatt::test::values;

namespace {

constexpr Picoseconds kSecond = 1'000'000'000'000;
using Keys = std::vector<uint64_t>;

// Blocks of 1 MB on each of two devices; the links take 1 ms for a block, the disk 4 ms for both parts.
OffloadPlan plan(int64_t host_blocks, int64_t disk_blocks) {
  KvTiers tiers;
  tiers.host = 2e6 * static_cast<double>(host_blocks);
  tiers.disk = 2e6 * static_cast<double>(disk_blocks);
  tiers.link = {1e9, 0.01};
  tiers.disk_bandwidth = 0.5e9;
  return {tiers, 1e6, 2};
}

constexpr Picoseconds ms(int64_t n) { return n * 1'000'000'000; }

}  // namespace

TEST_CASE("a block can be brought back once its copy has ended", "[sim][serving][offload]") {
  KvOffload offload(plan(4, 0));
  const Keys keys{1, 2, 3};
  offload.store(keys, 0);
  CHECK(offload.stored() == 3);
  CHECK(offload.find(keys, ms(11) - 1) == 0);
  CHECK(offload.find(keys, ms(11)) == 1);  // 10 ms until the first begins, 1 ms each
  CHECK(offload.find(keys, ms(13)) == 3);
  CHECK(offload.find(Keys{2, 3, 9}, ms(13)) == 2);
  CHECK(offload.find(Keys{9, 2, 3}, ms(13)) == 0);    // without a gap
  CHECK(offload.load(keys, 2, ms(20)) == ms(35));     // 10 ms, and 5 blocks
  CHECK(offload.load(Keys{1}, 0, ms(21)) == ms(46));  // behind the others
  CHECK(offload.loaded_host() == 4);
}

TEST_CASE("what the host has no room for goes to disk, the least recently used first", "[sim][serving][offload]") {
  KvOffload offload(plan(2, 2));
  offload.store(Keys{1, 2}, 0);
  offload.store(Keys{1}, ms(50));  // used again: 2 is the oldest
  CHECK(offload.stored() == 2);
  offload.store(Keys{3}, ms(100));
  CHECK(offload.find(Keys{2}, ms(114)) == 0);
  CHECK(offload.find(Keys{2}, ms(115)) == 1);           // copied out within 11 ms, and written within 4
  CHECK(offload.load(Keys{2}, 0, ms(200)) == ms(215));  // read in 4 ms, then over the link
  CHECK(offload.loaded_disk() == 1);
  CHECK(offload.load(Keys{2}, 0, ms(300)) == ms(311));  // it has stayed in the host's memory
  offload.store(Keys{4, 5, 6, 7}, ms(400));
  CHECK(offload.find(Keys{6, 7}, kSecond) == 2);
  CHECK(offload.find(Keys{4, 5}, kSecond) == 2);  // on disk
  CHECK(offload.find(Keys{1}, kSecond) == 0);
  CHECK(offload.find(Keys{2}, kSecond) == 0);
}

TEST_CASE("without room in the host's memory blocks go to disk at once", "[sim][serving][offload]") {
  KvTiers one_memory;  // no link
  one_memory.disk = 4e6;
  one_memory.disk_bandwidth = 0.5e9;
  KvOffload offload(OffloadPlan(one_memory, 1e6, 2));
  offload.store(Keys{1, 2}, 0);
  CHECK(offload.find(Keys{1, 2}, ms(7)) == 1);
  CHECK(offload.find(Keys{1, 2}, ms(8)) == 2);
  CHECK(offload.load(Keys{1, 2}, 0, ms(10)) == ms(18));
  offload.store(Keys{3, 4, 5, 6}, ms(20));
  offload.forget();  // and what was still to be written
  CHECK(offload.find(Keys{1, 2}, kSecond) == 0);
  offload.store(Keys{7}, ms(21));
  CHECK(offload.find(Keys{7}, ms(25)) == 1);
}

TEST_CASE("what is on a card's disk passes over its link, kept by the host or not", "[sim][serving][offload]") {
  KvOffload offload(plan(0, 2));
  offload.store(Keys{1, 2}, 0);  // over the link in 11 ms and 1 ms, to disk in 4 ms each
  CHECK(offload.find(Keys{1, 2}, ms(15) - 1) == 0);
  CHECK(offload.find(Keys{1, 2}, ms(15)) == 1);
  CHECK(offload.find(Keys{1, 2}, ms(19)) == 2);
  CHECK(offload.load(Keys{1, 2}, 1, ms(20)) == ms(20 + 8 + 10 + 3));
  CHECK(offload.load(Keys{1}, 0, ms(100)) == ms(100 + 4 + 10 + 1));  // it did not stay in the host's memory
  CHECK(offload.loaded_disk() == 3);
}

namespace {

Input tight(std::optional<KvTiers> tiers) {
  Input input = test::toy_input();
  auto& d = input.deployments[0];
  d.prefix_cache = true;
  d.kv_offload = tiers;
  d.kv_blocks = 14;  // 224 tokens; the two need up to 318
  d.max_model_len = 200;
  input.streams.push_back(test::fixed_stream({{kSecond, 60, 99}, {kSecond + 1'000'000'000, 60, 99, 1}}));
  return input;
}

KvTiers quick() {
  KvTiers tiers;
  tiers.host = 1e9;
  tiers.link = {1e12, 0};
  return tiers;
}

}  // namespace

TEST_CASE("who was preempted finds its blocks outside", "[sim][serving][offload]") {
  const auto stepping = GENERATE(Stepping::macro, Stepping::token);
  const auto without = simulate(tight(std::nullopt), stepping), with = simulate(tight(quick()), stepping);
  CHECK(without.summary["kv"]["preemptions"] == 1);
  CHECK_FALSE(without.summary["kv"].contains("offload"));
  CHECK(with.summary["kv"]["preemptions"] == 1);
  CHECK(with.summary["kv"]["offload"]["host_tokens"] > 0);
  CHECK(with.summary["kv"]["offload"]["disk_tokens"] == 0);
  CHECK(values<double>(with, "requests", "finish")[1] < values<double>(without, "requests", "finish")[1]);
  CHECK(values<int64_t>(with, "requests", "cached") == std::vector<int64_t>{0, 0});  // of its first admission
}

TEST_CASE("a request joins the first step behind its copy", "[sim][serving][offload]") {
  const auto stepping = GENERATE(Stepping::macro, Stepping::token);
  Input input = test::toy_input();
  auto& d = input.deployments[0];
  d.prefix_cache = true;
  d.kv_blocks = 14;
  d.max_model_len = 200;
  d.kv_offload = quick();
  d.kv_offload->link.latency = 3;
  const auto text = std::make_shared<const Content>(Content{{{1, 160}}, false});
  input.streams.push_back(
      test::fixed_stream({{kSecond, 170, 5, 0, text},       // copied out until 4 s
                          {5 * kSecond, 190, 1, 2},         // pushes it out of the device but for two blocks
                          {10 * kSecond, 170, 5, 1, text},  // comes back in 3 s
                          {11 * kSecond, 30, 5, 3}}));      // overtakes it
  const auto r = simulate(std::move(input), stepping);
  const auto& admitted = values<double>(r, "requests", "admitted");
  CHECK(admitted[2] == Approx(13));
  CHECK(admitted[3] == Approx(11));
  CHECK(values<int64_t>(r, "requests", "cached") == std::vector<int64_t>{0, 0, 160, 0});
  CHECK(r.summary["kv"]["offload"]["host_tokens"] == 128);
}
