// The fast path against the reference: the same bytes, on random simulations (design, section 4).
#include <rapidcheck.h>

#include <algorithm>
#include <cstdlib>
#include <cstring>
#include <map>
#include <nlohmann/json.hpp>
#include <utility>

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

// What happened to a deployment, from its part of the summary.
test::Features happenings(const nlohmann::ordered_json& s) {
  test::Features seen;
  const auto note = [&](const char* what, bool happened) {
    if (happened) seen.insert(what);
  };
  note("completed", s["requests"]["completed"] > 0);
  note("unfinished", s["requests"]["unfinished"] > 0);
  note("rejected", s["requests"]["rejected"] > 0);
  note("timed out", s["requests"]["timed_out"] > 0);
  note("cancelled", s["requests"]["cancelled"] > 0);
  note("retried", s["requests_retried"] > 0);
  note("preempted", s["kv"]["preemptions"] > 0);
  note("out of context", s["kv"].contains("out_of_context") && s["kv"]["out_of_context"] > 0);
  note("timed out", s["requests"]["timed_out"] > 0);
  note("cancelled", s["requests"]["cancelled"] > 0);
  note("retried", s["requests_retried"] > 0);
  note("cached", s["tokens"]["cached"] > 0);
  note("throttled", s["throttled_s"] > 0);
  note("failed", s["requests"]["failed"] > 0);
  note("hot", s["limited_by"]["heat"] > 0);
  note("capped", s["limited_by"]["power"] > 0);
  note("queued", s["limited_by"]["queue"] > 0);
  return seen;
}

using Pair = std::pair<std::string, std::string>;  // in the order of the alphabet; twice the same: the feature itself

struct Impossible {
  Pair pair;
  const char* why;
};

// What no deployment can have at once.
const Impossible kImpossible[] = {
    {{"llama-server", "vllm"}, "a deployment has one engine"},
    {{"asynchronous", "llama-server"}, "it schedules between steps"},
    {{"llama-server", "tells late"}, "it schedules between steps"},
    {{"drained", "fixed end"}, "a run has one end"},
    {{"requests not recorded", "requests recorded"}, "either they are or not"},
    {{"drained", "users"}, "users never stop"},
    {{"drained", "unfinished"}, "a drained run has nothing left"},
    {{"draft model", "drafting head"}, "a deployment has one draft"},
    {{"least-loaded replicas", "prefix-aware replicas"}, "a deployment has one router"},
    {{"least-loaded replicas", "round-robin replicas"}, "a deployment has one router"},
    {{"prefix-aware replicas", "round-robin replicas"}, "a deployment has one router"},
    {{"least-loaded replicas", "link changes"}, "the devices of its link make one replica here"},
    {{"least-loaded replicas", "tensor parallel"}, "its devices make one replica here"},
    {{"link changes", "prefix-aware replicas"}, "the devices of its link make one replica here"},
    {{"link changes", "round-robin replicas"}, "the devices of its link make one replica here"},
    {{"prefix-aware replicas", "tensor parallel"}, "its devices make one replica here"},
    {{"round-robin replicas", "tensor parallel"}, "its devices make one replica here"},
    {{"priority", "shortest first"}, "a deployment has one order"},
    {{"cooled room", "room"}, "a room is cooled or not"},
    {{"llama-server", "priority"}, "it serves first come, first served"},
    {{"llama-server", "shortest first"}, "it serves first come, first served"},
    {{"KV blocks on disk", "llama-server"}, "its cache is slots, not blocks"},
    {{"KV blocks on the host", "llama-server"}, "its cache is slots, not blocks"},
    {{"llama-server", "prefill apart"}, "it mixes"},
    {{"llama-server", "prompts together"}, "it mixes"},
    {{"llama-server", "room for whole prompts"}, "the context is split over its slots when it starts"},
    {{"new token ratio", "prompts together"}, "SGLang's prompts share a budget"},
    {{"prompts in host memory", "prompts together"}, "only slots put prompts away"},
    {{"prompts in host memory", "room for whole prompts"}, "only slots put prompts away"},
    {{"llama-server", "preempted"}, "slots have their part of the context, or fail together"},
    {{"prompts in host memory", "vllm"}, "only slots put prompts away"},
    {{"asynchronous", "prompts in host memory"}, "only slots put prompts away"},
    {{"prompts in host memory", "tells late"}, "only slots put prompts away"},
    {{"KV blocks on disk", "prompts in host memory"}, "only slots put prompts away"},
    {{"KV blocks on the host", "prompts in host memory"}, "only slots put prompts away"},
    {{"preempted", "prompts in host memory"}, "only slots put prompts away"},
    {{"prefill apart", "prompts in host memory"}, "only slots put prompts away"},
    {{"llama-server", "new token ratio"}, "it has no blocks to keep free"},
    {{"new token ratio", "prompts in host memory"}, "only slots put prompts away"},
    {{"priority", "prompts in host memory"}, "only slots put prompts away"},
    {{"prompts in host memory", "shortest first"}, "only slots put prompts away"},
    {{"shared context", "vllm"}, "only slots share a context"},
    {{"out of context", "vllm"}, "only slots share a context"},
    {{"asynchronous", "shared context"}, "only slots share a context"},
    {{"asynchronous", "out of context"}, "only slots share a context"},
    {{"shared context", "tells late"}, "only slots share a context"},
    {{"out of context", "tells late"}, "only slots share a context"},
    {{"priority", "shared context"}, "slots serve first come, first served"},
    {{"out of context", "priority"}, "slots serve first come, first served"},
    {{"shared context", "shortest first"}, "slots serve first come, first served"},
    {{"out of context", "shortest first"}, "slots serve first come, first served"},
    {{"KV blocks on disk", "shared context"}, "only slots share a context"},
    {{"KV blocks on disk", "out of context"}, "only slots share a context"},
    {{"KV blocks on the host", "shared context"}, "only slots share a context"},
    {{"KV blocks on the host", "out of context"}, "only slots share a context"},
    {{"prefill apart", "shared context"}, "only slots share a context"},
    {{"out of context", "prefill apart"}, "only slots share a context"},
    {{"prompts together", "shared context"}, "only slots share a context"},
    {{"out of context", "prompts together"}, "only slots share a context"},
    {{"room for whole prompts", "shared context"}, "only slots share a context"},
    {{"out of context", "room for whole prompts"}, "only slots share a context"},
    {{"new token ratio", "shared context"}, "only slots share a context"},
    {{"new token ratio", "out of context"}, "only slots share a context"},
    {{"preempted", "shared context"}, "who shares a context fails with the others"},
    {{"out of context", "preempted"}, "who shares a context fails with the others"},
};

// Features of deployments and how often each two came together.
class Coverage {
 public:
  void add(const test::Features& features) {
    for (auto a = features.begin(); a != features.end(); ++a) {
      for (auto b = a; b != features.end(); ++b) ++together_[{*a, *b}];
    }
  }
  void check(int least_alone, int least_together) {
    for (const auto& [pair, why] : kImpossible) {
      CAPTURE(pair.first, pair.second, why);
      CHECK(together_[pair] == 0);
      together_.erase(pair);
    }
    const auto features = names();
    CHECK(features.size() == 81);  // one that never comes would not be missed otherwise
    for (auto a = features.begin(); a != features.end(); ++a) {
      for (auto b = a; b != features.end(); ++b) {
        CAPTURE(*a, *b);
        if (!impossible({*a, *b})) CHECK(together_[{*a, *b}] >= (a == b ? least_alone : least_together));
      }
    }
  }

 private:
  test::Features names() const {
    test::Features names;
    for (const auto& [pair, count] : together_) names.insert(pair.first);
    return names;
  }
  static bool impossible(const Pair& pair) {
    return std::any_of(std::begin(kImpossible), std::end(kImpossible), [&](const auto& i) { return i.pair == pair; });
  }

  std::map<Pair, int> together_;
};

}  // namespace

TEST_CASE("both steppings give the same bytes on random simulations", "[sim][stepping]") {
  Coverage coverage;
  int hosted = 0;
  for (uint64_t seed = 1; seed <= static_cast<uint64_t>(scenarios_to_try()); ++seed) {
    const Results macro = simulate(test::random_input(seed), Stepping::macro);
    const Results token = simulate(test::random_input(seed), Stepping::token);
    const std::string where = difference(macro, token);
    if (!where.empty()) {
      CAPTURE(seed, test::describe(test::random_input(seed)));
      FAIL("they differ in " << where);
    }
    auto features = test::random_features(seed);
    const auto& deployments = macro.summary["deployments"];
    for (std::size_t d = 0; d < features.size(); ++d) {
      if (!features[d].contains("stream")) continue;  // it idles
      hosted += features[d].contains("hosted");
      if (features[d].contains("hosted")) continue;  // of its own kind: what replicas do it does not have
      features[d].merge(happenings(deployments["model" + std::to_string(d)]));
      coverage.add(features[d]);
    }
  }
  // What was compared must have happened often enough, with everything else, for the comparison to mean something.
  coverage.check(scenarios_to_try() / 20, scenarios_to_try() / 400);
  CHECK(hosted >= scenarios_to_try() / 20);
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
