// The fast path against the reference: the same bytes, on random simulations (design, section 4).
#include <rapidcheck.h>

#include <algorithm>
#include <cstdlib>
#include <cstring>
#include <map>

#include "sim/simulation.hpp"
#include "tests/catch.hpp"
#include "tests/sim/support/random_input.hpp"
#include "tests/sim/support/toy.hpp"

using namespace tokwatt;
using namespace tokwatt::sim;

namespace {

// NaN equals NaN here: bytes are compared, not numbers.
bool same_bytes(const Variable& a, const Variable& b) {
  return std::visit(
      [](const auto& x, const auto& y) {
        if constexpr (!std::is_same_v<decltype(x), decltype(y)>) {
          return false;
        } else if constexpr (std::is_same_v<std::decay_t<decltype(x)>, std::vector<std::string>>) {
          return x == y;
        } else {
          return x.size() == y.size() && (x.empty() || std::memcmp(x.data(), y.data(), x.size() * sizeof(x[0])) == 0);
        }
      },
      a.values, b.values);
}

// Empty when equal; else the first place where they differ.
std::string difference(const Results& a, const Results& b) {
  for (std::size_t g = 0; g < a.groups.size(); ++g) {
    for (std::size_t v = 0; v < a.groups[g].variables.size(); ++v) {
      if (!same_bytes(a.groups[g].variables[v], b.groups[g].variables[v]))
        return a.groups[g].name + "/" + a.groups[g].variables[v].name;
    }
  }
  return a.summary == b.summary ? "" : "summary: " + nlohmann::ordered_json::diff(a.summary, b.summary).dump();
}

int scenarios_to_try() { return std::getenv("TOKWATT_LONG") ? 20'000 : 2'000; }

}  // namespace

TEST_CASE("both steppings give the same bytes on random simulations", "[sim][stepping]") {
  std::map<std::string, int> seen;
  for (uint64_t seed = 1; seed <= static_cast<uint64_t>(scenarios_to_try()); ++seed) {
    const Results macro = simulate(test::random_input(seed), Stepping::macro);
    const Results token = simulate(test::random_input(seed), Stepping::token);
    const std::string where = difference(macro, token);
    if (!where.empty()) {
      CAPTURE(seed, test::describe(test::random_input(seed)));
      FAIL("they differ in " << where);
    }
    const auto& s = macro.summary;
    seen["completed"] += s["requests"]["completed"] > 0;
    seen["unfinished"] += s["requests"]["unfinished"] > 0;
    seen["rejected"] += s["requests"]["rejected"] > 0;
    seen["preempted"] += s["kv"]["preemptions"] > 0;
    seen["timed out"] += s["requests"]["timed_out"] > 0;
    seen["cancelled"] += s["requests"]["cancelled"] > 0;
    seen["retried"] += s["requests_retried"] > 0;
    seen["cached"] += s["tokens"]["cached"] > 0;
    seen["throttled"] += s["throttled_s"] > 0;
    seen["hot"] += s["limited_by"]["heat"] > 0;
    seen["capped"] += s["limited_by"]["power"] > 0;
    seen["queued"] += s["limited_by"]["queue"] > 0;
  }
  // What was compared must have happened often enough for the comparison to mean something.
  for (const auto& [what, count] : seen) {
    CAPTURE(what, count);
    CHECK(count > scenarios_to_try() / 50);
  }
}

// The same once more with every choice drawn by rapidcheck, which shrinks a failure to the simplest simulation that
// fails.
TEST_CASE("both steppings give the same bytes on whatever rapidcheck thinks of", "[sim][stepping]") {
  CHECK(rc::check([] {
    std::vector<int64_t> choices;
    const test::Draw recording = [&](int64_t low, int64_t high) {
      return choices.emplace_back(*rc::gen::inRange<int64_t>(low, high + 1));
    };
    const Results macro = simulate(test::random_input(recording), Stepping::macro);
    std::size_t next = 0;
    const test::Draw replaying = [&](int64_t, int64_t) { return choices[next++]; };
    const Results token = simulate(test::random_input(replaying), Stepping::token);
    RC_ASSERT(difference(macro, token) == "");
  }));
}

TEST_CASE("attention forms cross within a decode run, and both steppings see where", "[sim][stepping]") {
  int crossed = 0;
  for (uint64_t seed = 1; seed <= 600; ++seed) {
    auto input = test::random_input(seed);
    if (!input.record_requests || input.deployments.size() > 1) continue;
    const Results results = simulate(std::move(input), Stepping::macro);
    const auto& forms = test::values<int32_t>(results, "segments", "forms");
    const auto& chunk = test::values<int64_t>(results, "segments", "chunk_tokens");
    const auto& decoding = test::values<int64_t>(results, "segments", "decoding");
    for (std::size_t i = 0; i + 1 < forms.size(); ++i) {
      const bool same_run = chunk[i] == 0 && chunk[i + 1] == 0 && decoding[i] == decoding[i + 1];
      crossed += same_run && forms[i] != forms[i + 1];
    }
  }
  CHECK(crossed > 10);
}
