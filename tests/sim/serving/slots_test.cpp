#include "sim/serving/slots.hpp"

#include <numeric>

#include "sim/simulation.hpp"
#include "tests/catch.hpp"
#include "tests/sim/support/toy.hpp"

using namespace tokwatt;
using namespace tokwatt::sim;

namespace {

const models::KvBytes kSizes{1, 0, 0, {}};  // a byte a token

std::shared_ptr<const Content> text(std::vector<Part> parts, bool output_continues = false) {
  return std::make_shared<Content>(Content{std::move(parts), output_continues});
}

constexpr Picoseconds kMinute = 60'000'000'000'000;

/// A server with so many slots of 1,000 tokens each, and nobody who asks it.
Input with_slots(int64_t slots) {
  auto input = test::toy_input();
  auto& d = input.deployments[0];
  d.engine.policy = models::Policy::llama_server;
  d.engine.limits.max_num_seqs = slots;
  d.engine.limits.block_size = 1;
  d.kv_blocks = 1000 * slots;
  d.max_model_len = 1000;
  d.prefix_cache = true;
  input.streams.clear();
  return input;
}

}  // namespace

TEST_CASE("a request goes to the free slot that holds most of it", "[slots]") {
  Slots slots(3, true, false, {0, kSizes});
  const auto chat = text({{1, 100}}), other = text({{2, 100}});
  CHECK(slots.choose(chat.get(), 100).slot == 0);
  for (int taken = 0; taken < 3; ++taken) slots.take(slots.choose(nullptr, 1));
  CHECK(slots.choose(chat.get(), 100).slot == -1);
  slots.give_back(2, other, 100);
  slots.give_back(1, chat, 60);
  slots.give_back(0, chat, 60);
  const auto choice = slots.choose(chat.get(), 100);
  CHECK(choice.slot == 0);  // the first of two that hold as much
  CHECK(choice.cached == 60);
  CHECK(slots.choose(text({{1, 50}}).get(), 50).cached == 49);       // its last token is computed in any case
  CHECK(slots.choose(text({{1, 1000}}).get(), 1000).slot == 2);      // 60 tokens are less than a tenth: the oldest one
  CHECK(slots.choose(text({{2, 2000}}).get(), 2000).cached == 100);  // which may hold a little by chance
  CHECK(slots.choose(nullptr, 100).slot == 2);
  slots.forget();
  CHECK(slots.choose(chat.get(), 100).cached == 0);
}

TEST_CASE("slots that keep no prompts are taken in turn", "[slots]") {
  Slots slots(2, false, false, {0, kSizes});
  slots.take(slots.choose(nullptr, 1));
  slots.give_back(0, text({{1, 100}}), 100);
  CHECK(slots.choose(text({{1, 100}}).get(), 100).slot == 1);
  CHECK(slots.choose(text({{1, 100}}).get(), 100).cached == 0);
}

namespace {

/// Lets a request through the only slot; returns how many of its tokens need not be computed.
int64_t serve(Slots& slots, const std::shared_ptr<const Content>& content, int64_t prompt, int64_t all) {
  const auto choice = slots.choose(content.get(), prompt);
  slots.take(choice);
  slots.give_back(choice.slot, content, all);
  return choice.cached;
}

}  // namespace

TEST_CASE("what a slot held before is found in the host's memory", "[slots]") {
  const auto a = text({{1, 0}}, true), b = text({{2, 0}}, true), c = text({{3, 0}}, true);
  Slots slots(1, true, false, {250, kSizes});
  CHECK(serve(slots, a, 80, 100) == 0);
  CHECK(serve(slots, b, 80, 100) == 0);     // a's 100 tokens are put away
  CHECK(serve(slots, a, 120, 140) == 100);  // and come back; b's are put away
  CHECK(serve(slots, a, 160, 180) == 140);  // the slot's own: nothing moves
  CHECK(serve(slots, c, 60, 70) == 0);      // 100 of b and 180 of a are too much: b, which came first, goes
  CHECK(serve(slots, b, 120, 130) == 0);
  CHECK(serve(slots, a, 200, 210) == 180);
  CHECK(serve(slots, c, 61, 70) == 60 + 1 - 1);  // all that it asks for is there, but its last token is computed
  slots.forget();
  CHECK(serve(slots, a, 200, 210) == 0);
}

TEST_CASE("what an idle slot holds is put outside as others come, and stays in it", "[slots]") {
  const auto a = text({{1, 0}}, true), b = text({{2, 0}}, true);
  Slots slots(3, true, false, {5000, kSizes});
  slots.take(slots.choose(nullptr, 1));
  slots.give_back(0, a, 100);
  slots.take(slots.choose(b.get(), 80));
  CHECK(slots.choose(a.get(), 120).slot == 0);
  CHECK(slots.choose(a.get(), 120).cached == 100);
  slots.take(slots.choose(a.get(), 120));
  const auto branch = slots.choose(a.get(), 120);  // its slot is taken: the copy outside serves, in the third
  CHECK(branch.slot == 2);
  CHECK(branch.cached == 100);
}

TEST_CASE("a slot of which less than half is used is put away first", "[slots]") {
  const auto chat = text({{1, 200}, {2, 0}}, true), other = text({{1, 200}, {3, 0}}, true);  // one system prompt
  Slots slots(1, true, false, {5000, kSizes});
  CHECK(serve(slots, chat, 900, 1000) == 0);
  CHECK(serve(slots, other, 300, 600) == 200);
  CHECK(serve(slots, chat, 1100, 1150) == 1000);
  CHECK(serve(slots, other, 300, 390) == 300 - 1);
  CHECK(serve(slots, chat, 1200, 1300) == 200);  // it uses more than half of the 390: they stay, and nothing comes
}

TEST_CASE("a kept prompt comes back only where it serves better", "[slots]") {
  const Content question{{{1, 40}, {2, 60}}, false};
  const auto held = [](std::vector<Part> parts, int64_t tokens) { return KeptText{text(std::move(parts)), tokens}; };
  PromptCache cache(1000, kSizes);
  const KeptText other = held({{9, 50}}, 50);
  cache.exchange(held({{1, 40}, {3, 160}}, 200), {});  // a fifth of it would be used
  CHECK_FALSE(cache.find(&question, 100, other));
  cache.exchange(held({{1, 40}, {4, 40}}, 80), {});  // half
  CHECK(cache.find(&question, 100, other)->common == 40);
  CHECK_FALSE(cache.find(&question, 100, held({{1, 40}, {5, 10}}, 50)));  // as much, of less, is in the slot
  CHECK_FALSE(cache.find(nullptr, 100, other));
  cache.exchange(held({{1, 40}, {2, 60}, {6, 20}}, 120), {});
  CHECK(cache.find(&question, 100, other)->common == 100);
  // What begins another one that is kept is not kept twice, whichever comes first.
  cache.exchange(held({{1, 40}, {2, 60}}, 100), {});
  CHECK(cache.find(&question, 100, other)->number == 2);
  cache.exchange(held({{1, 40}, {2, 60}, {6, 30}}, 130), {});
  CHECK(cache.find(&question, 100, other)->number == 3);
  // More of the request, but a smaller share of what is kept.
  PromptCache long_one(1000, kSizes);
  long_one.exchange(held({{1, 40}, {2, 60}, {6, 200}}, 300), {});
  CHECK(long_one.find(&question, 100, other)->common == 100);
  CHECK_FALSE(long_one.find(&question, 100, held({{1, 40}, {5, 10}}, 50)));
  // It goes to where it is used, and is not there any more.
  cache.exchange(other, cache.find(&question, 100, other));
  CHECK(cache.find(&question, 100, other)->common == 40);
}

TEST_CASE("llama-server computes only what is new of a conversation's next turn", "[slots]") {
  for (const auto stepping : {Stepping::macro, Stepping::token}) {
    auto input = with_slots(2);
    const auto chat = text({{1, 0}}, true);
    input.streams.push_back(test::fixed_stream(
        {{0, 300, 20, 0, chat}, {kMinute, 50, 10, 1}, {2 * kMinute, 400, 20, 2, chat}, {3 * kMinute, 400, 20, 3}}));
    const auto results = simulate(std::move(input), stepping);
    // The second turn's first 319 tokens are in the slot: the last token of an answer is never computed.
    CHECK(test::values<int64_t>(results, "requests", "cached") == std::vector<int64_t>{0, 0, 319, 0});
    CHECK(results.summary["kv"]["prefix_hit_fraction"].get<double>() == Approx(319.0 / 1150));
  }
}

TEST_CASE("two conversations on one slot find themselves again in the host's memory", "[slots]") {
  for (const auto stepping : {Stepping::macro, Stepping::token}) {
    const auto cached_with = [&](double cache_ram) {
      auto input = with_slots(1);
      input.deployments[0].cache_ram = cache_ram;
      const auto a = text({{1, 0}}, true), b = text({{2, 0}}, true);
      input.streams.push_back(test::fixed_stream(
          {{0, 300, 20, 0, a}, {kMinute, 200, 20, 1, b}, {2 * kMinute, 400, 20, 2, a}, {3 * kMinute, 300, 20, 3, b}}));
      const auto r = simulate(std::move(input), stepping);
      const auto& cached = test::values<int64_t>(r, "requests", "cached");
      const int64_t from_host = std::accumulate(cached.begin(), cached.end(), int64_t{0});  // the slot holds the other
      CHECK(r.summary["kv"].value("cache_ram_tokens", int64_t{0}) == from_host);
      return cached;
    };
    CHECK(cached_with(0) == std::vector<int64_t>{0, 0, 0, 0});
    CHECK(cached_with(1e6) == std::vector<int64_t>{0, 0, 319, 219});
    CHECK(cached_with(1) == std::vector<int64_t>{0, 0, 319, 219});  // they change places, and one stays however large
  }
}
