// The prefix cache against a plain one that keeps whole texts.
#include "sim/serving/prefix_cache.hpp"

#include <algorithm>
#include <map>
#include <random>

#include "sim/simulation.hpp"
#include "sim/workload/prefix.hpp"
#include "sim/workload/users.hpp"
#include "tests/catch.hpp"
#include "tests/sim/support/toy.hpp"

using namespace tokwatt;
using namespace tokwatt::sim;

namespace {

using Token = std::pair<uint64_t, int64_t>;  // part, offset
using Text = std::vector<Token>;

Text text_of(const Content& content, int64_t tokens) {
  Text text;
  for (std::size_t p = 0; p < content.parts.size(); ++p) {
    const bool endless = content.output_continues && p + 1 == content.parts.size();
    for (int64_t i = 0; endless ? std::ssize(text) < tokens : i < content.parts[p].tokens; ++i)
      text.emplace_back(content.parts[p].id, i);
  }
  return text;
}

// Every block is the text up to its end; what nobody holds is in order of its last use.
class PlainCache {
 public:
  explicit PlainCache(int64_t block_size) : size_(block_size) {}

  int64_t find(const Text& text, int64_t most) const {
    int64_t blocks = 0;
    while (blocks < most && holders_.contains(front(text, blocks + 1))) ++blocks;
    return blocks;
  }
  int64_t idle_among(const Text& text, int64_t blocks) const {
    int64_t idle = 0;
    for (int64_t b = 1; b <= blocks; ++b) idle += holders_.at(front(text, b)) == 0;
    return idle;
  }
  void hold(int id, const Text& text, int64_t blocks) {
    for (int64_t b = 1; b <= blocks; ++b) {
      ++holders_[front(text, b)];
      held_[id].push_back(front(text, b));
      std::erase(idle_, front(text, b));
    }
    entered_[id] = blocks;
  }
  void enter(int id, const Text& text, int64_t blocks) {
    for (int64_t b = entered_[id] + 1; b <= blocks && b * size_ <= std::ssize(text); ++b) {
      entered_[id] = b;
      if (holders_.contains(front(text, b))) continue;
      holders_[front(text, b)] = 1;
      held_[id].push_back(front(text, b));
    }
  }
  int64_t release(int id, const Text& text, int64_t blocks) {
    enter(id, text, blocks);
    for (int64_t b = entered_[id]; b < blocks; ++b) idle_.push_back({});  // known to nobody
    int64_t shared = 0;
    for (auto block = held_[id].rbegin(); block != held_[id].rend(); ++block) {
      if (--holders_[*block] > 0) {
        ++shared;
      } else {
        idle_.push_back(*block);
      }
    }
    held_.erase(id);
    entered_.erase(id);
    return shared;
  }
  void trim(int64_t room) {
    while (std::ssize(idle_) > room) {
      if (!idle_.front().empty()) holders_.erase(idle_.front());
      idle_.erase(idle_.begin());
    }
  }
  int64_t idle() const { return std::ssize(idle_); }

 private:
  Text front(const Text& text, int64_t blocks) const {
    return blocks * size_ <= std::ssize(text) ? Text(text.begin(), text.begin() + blocks * size_) : Text{{0, -1}};
  }

  int64_t size_;
  std::map<Text, int> holders_;
  std::vector<Text> idle_;
  std::map<int, std::vector<Text>> held_;
  std::map<int, int64_t> entered_;
};

// Few different parts, so that texts often begin alike.
Content random_content(std::mt19937_64& dice) {
  Content content;
  for (uint64_t n = dice() % 4; n > 0; --n)
    content.parts.push_back({1 + dice() % 3, static_cast<int64_t>(dice() % 3 == 0 ? dice() % 12 : 8)});
  content.output_continues = !content.parts.empty() && dice() % 3 == 0;
  return content;
}

}  // namespace

TEST_CASE("the prefix cache does what a plain one does", "[sim][prefix]") {
  for (uint64_t seed = 1; seed <= 400; ++seed) {
    CAPTURE(seed);
    std::mt19937_64 dice(seed);
    const auto block_size = static_cast<int64_t>(1 + dice() % 5);
    PrefixCache cache(block_size);
    PlainCache plain(block_size);
    struct Running {
      PrefixCache::Text content;
      int64_t tokens, computed;
    };
    std::map<int, Running> running;
    for (int step = 0; step < 200; ++step) {
      const int id = static_cast<int>(dice() % 6);
      const auto at = running.find(id);
      if (at == running.end()) {
        Running r{std::make_shared<const Content>(random_content(dice)), static_cast<int64_t>(1 + dice() % 40), 0};
        const Text text = text_of(*r.content, r.tokens);
        const int64_t most = (r.tokens - 1) / block_size;
        const auto hit = cache.find(r.content, most);
        REQUIRE(hit.blocks == plain.find(text, most));
        REQUIRE(hit.idle == plain.idle_among(text, hit.blocks));
        cache.hold(id, r.content, hit.blocks);
        plain.hold(id, text, hit.blocks);
        r.computed = hit.blocks * block_size;
        running.emplace(id, r);
      } else if (dice() % 3 > 0) {
        Running& r = at->second;
        r.computed = std::min(r.tokens, r.computed + static_cast<int64_t>(dice() % 20));
        cache.enter(id, r.content, r.computed / block_size);
        plain.enter(id, text_of(*r.content, r.tokens), r.computed / block_size);
      } else {
        const Running r = at->second;
        REQUIRE(cache.release(id, r.content, r.computed / block_size) ==
                plain.release(id, text_of(*r.content, r.tokens), r.computed / block_size));
        running.erase(at);
      }
      if (dice() % 4 == 0) {
        const auto room = static_cast<int64_t>(dice() % 20);
        cache.trim(room);
        plain.trim(room);
      }
      REQUIRE(cache.idle() == plain.idle());
    }
  }
}

TEST_CASE("what another request entered and lost is not cached again by who had a copy of it", "[sim][prefix]") {
  PrefixCache cache(1);
  const auto text = std::make_shared<const Content>(Content{{{1, 12}}, false});
  cache.enter(0, text, 10);
  cache.enter(1, text, 5);   // copies
  cache.enter(2, text, 12);  // ten copies, and two that follow them
  CHECK(cache.release(0, text, 10) == 0);
  cache.trim(0);
  CHECK(cache.find(text, 12).blocks == 0);
  cache.enter(1, text, 8);  // from the sixth block on
  CHECK(cache.find(text, 12).blocks == 0);
  cache.enter(3, text, 5);
  CHECK(cache.find(text, 12).blocks == 8);
  CHECK(cache.release(1, text, 8) == 0);
  CHECK(cache.idle() == 3);
  const auto hit = cache.find(text, 12);
  CHECK(hit.blocks == 8);
  CHECK(hit.idle == 3);
  CHECK(cache.release(2, text, 12) == 0);
  CHECK(cache.release(3, text, 5) == 0);
  CHECK(cache.idle() == 10);
  cache.trim(4);  // the oldest, each request's last block in front
  CHECK(cache.find(text, 12).blocks == 4);
}

TEST_CASE("a system prompt is computed once, and the hits are counted", "[sim][prefix]") {
  const auto run = [](bool prefix_cache) {
    Input input = test::toy_input();
    input.deployments[0].engine.limits.block_size = 16;
    input.deployments[0].prefix_cache = prefix_cache;
    Stream stream;
    stream.name = "people";
    stream.key = stream_key(1, "people");
    stream.source = prefixed_source(
        users_source(1, {Constant{1}, {}, {}}, {Constant{20}, {}, {}}, {Constant{5}, {}, {}}, stream.key), 100, 1,
        stream.key);
    input.streams.push_back(std::move(stream));
    input.duration = 60'000'000'000'000;
    return simulate(std::move(input), Stepping::macro).summary;
  };
  const auto with = run(true), without = run(false);
  const int64_t requests = with["requests"]["submitted"];
  REQUIRE(requests > 3);
  CHECK(with["tokens"]["prompt"] == 120 * requests);
  CHECK(with["tokens"]["cached"] == 96 * (requests - 1));  // six whole blocks of 16, from the second message on
  CHECK(with["kv"]["prefix_hit_fraction"] ==
        Approx(96.0 * static_cast<double>(requests - 1) / (120.0 * static_cast<double>(requests))));
  CHECK(with["ttft_s"]["p50"] < without["ttft_s"]["p50"]);
  CHECK(without["tokens"]["cached"] == 0);
}
