// What goes in comes out: requests, tokens, blocks, time, joules and dollars of random simulations.
#include <algorithm>
#include <cmath>
#include <functional>
#include <nlohmann/json.hpp>
#include <numeric>
#include <set>

#include "sim/progression.hpp"
#include "sim/simulation.hpp"
#include "tests/catch.hpp"
#include "tests/sim/support/random_input.hpp"
#include "tests/sim/support/toy.hpp"

using namespace tokwatt;
using namespace tokwatt::sim;
using tokwatt::test::values;

namespace {

enum Ended : int8_t { unfinished, completed, rejected };

struct Run {
  Input input;  // the same once more: its sources have sent nothing
  const Results& results;
  const nlohmann::ordered_json& summary;
};

bool has_hosted(const Input& input) {
  return std::any_of(input.deployments.begin(), input.deployments.end(),
                     [](const auto& d) { return d.hosted.has_value(); });
}

/// On boxes of one's own alone: what a hosted model does is no replica's work.
void for_random_runs(uint64_t first, uint64_t count, const std::function<void(const Run&)>& check) {
  for (uint64_t seed = first; seed < first + count; ++seed) {
    const Results results = simulate(test::random_input(seed));
    if (values<double>(results, "series", "time").empty()) continue;    // drained before it began
    if (results.summary["temperature_c"]["final"].is_null()) continue;  // leakage fed on its own heat: the box melted
    const Run run{test::random_input(seed), results, results.summary};
    if (has_hosted(run.input)) continue;
    CAPTURE(seed, test::describe(run.input));
    check(run);
  }
}

std::size_t devices(const Run& run) {
  std::size_t sum = 0;
  for (const auto& system : run.input.systems) sum += static_cast<std::size_t>(system.count);
  return sum;
}

int replicas(const Run& run) {
  int64_t sum = 0;
  for (const auto& d : run.input.deployments) sum += d.replicas;
  return static_cast<int>(sum);
}

bool tells_late(const Run& run) {
  return std::any_of(run.input.deployments.begin(), run.input.deployments.end(),
                     [](const Deployment& d) { return d.engine.tells_late; });
}

// Tokens per step of each replica's decoding sequences, exact: whole 2^-16.
std::vector<double> progress_by_replica(const Run& run) {
  std::vector<double> by_replica(static_cast<std::size_t>(replicas(run)), 1);
  const auto& replica = values<int32_t>(run.results, "segments", "replica");
  const auto by_segment = test::progress(run.results);
  for (std::size_t s = 0; s < replica.size(); ++s) by_replica[static_cast<std::size_t>(replica[s])] = by_segment[s];
  return by_replica;
}

double last_of_all(const std::vector<double>& by_device, std::size_t devices) {
  return std::accumulate(by_device.end() - static_cast<std::ptrdiff_t>(devices), by_device.end(), 0.0);
}

// A rate per deployment or device times the length of its intervals.
double integral(const Run& run, const std::string& variable) {
  const auto& time = values<double>(run.results, "series", "time");
  const auto& rate = values<double>(run.results, "series", variable);
  const std::size_t columns = rate.size() / time.size();
  double sum = 0;
  for (std::size_t i = 0; i < rate.size(); ++i) {
    const std::size_t t = i / columns;
    sum += rate[i] * (time[t] - (t > 0 ? time[t - 1] : 0));
  }
  return sum;
}

int64_t sum(const Run& run, const std::string& group, const std::string& variable) {
  const auto& column = values<int64_t>(run.results, group, variable);
  return std::accumulate(column.begin(), column.end(), int64_t{0});
}

int64_t count_of(const std::vector<int8_t>& column, int8_t value) {
  return std::count(column.begin(), column.end(), value);
}

// Requests whose clients gave up, or whose boxes died: what they were given by then is not recorded.
int64_t given_up(const Run& run) {
  const auto& requests = run.summary["requests"];
  return requests["timed_out"].get<int64_t>() + requests["cancelled"].get<int64_t>() +
         requests["failed"].get<int64_t>();
}

// At one instant samples come before clients who give up (design, rule 2).
bool gives_up_with_last_sample(const Run& run) {
  if (!run.input.record_requests) return given_up(run) > 0;  // when is not known
  const auto& finish = values<double>(run.results, "requests", "finish");
  const double last = values<double>(run.results, "series", "time").back();
  return given_up(run) > 0 && std::find(finish.begin(), finish.end(), last) != finish.end();
}

// Times that each kind of /events' flags comes.
int64_t events(const Run& run, const std::string& kind) {
  const auto& variable = test::column(run.results, "events", "kind");
  const auto at = std::find(variable.flag_meanings.begin(), variable.flag_meanings.end(), kind);
  REQUIRE(at != variable.flag_meanings.end());
  return count_of(std::get<std::vector<int8_t>>(variable.values),
                  static_cast<int8_t>(at - variable.flag_meanings.begin()));
}

}  // namespace

TEST_CASE("joules are conserved", "[sim][conservation]") {
  for_random_runs(20'001, 300, [](const Run& run) {
    const auto J = [&](const char* key) { return run.summary["energy_j"][key].get<double>(); };
    REQUIRE(J("wall") == Approx(J("compute") + J("memory") + J("static") + J("rest")).epsilon(1e-12));
    REQUIRE(J("chip") == Approx(J("compute") + J("memory") + J("static")).epsilon(1e-12));
    // The series ends at the summary, by its running sum and by power times time.
    const std::size_t columns = devices(run);
    const auto& energy = values<double>(run.results, "series", "energy");
    REQUIRE(last_of_all(energy, columns) == Approx(J("wall")).epsilon(1e-9));
    REQUIRE(integral(run, "power") == Approx(J("wall")).epsilon(1e-9));
    REQUIRE(integral(run, "chip_power") == Approx(J("chip")).epsilon(1e-9));
    for (std::size_t i = columns; i < energy.size(); ++i) REQUIRE(energy[i] > energy[i - columns]);
    // What is not dynamic is at least what the boxes draw doing nothing.
    double idle = 0;
    for (const auto& system : run.input.systems) idle += system.box.power.idle * static_cast<double>(system.count);
    const double span = values<double>(run.results, "series", "time").back();
    REQUIRE(J("static") >= idle * span * (1 - 1e-9));
  });
}

TEST_CASE("deployments have all of their boxes between them", "[sim][conservation][money]") {
  for_random_runs(21'201, 300, [](const Run& run) {
    std::set<int> in_use;
    for (const auto& deployment : run.input.deployments) {
      if (!deployment.hosted) in_use.insert(deployment.systems.begin(), deployment.systems.end());
    }
    if (in_use.size() < run.input.systems.size()) return;  // a box that nobody runs on counts for the whole alone
    for (const auto* key : {"/energy_j/wall", "/cost_usd/electricity", "/cost_usd/hardware", "/cost_usd/api"}) {
      const nlohmann::ordered_json::json_pointer at(key);
      if (!run.summary[at].is_number()) continue;
      CAPTURE(key);
      double sum = 0;
      for (const auto& [name, part] : run.summary["deployments"].items()) sum += part[at].get<double>();
      REQUIRE(sum == Approx(run.summary[at].get<double>()).epsilon(1e-9));
    }
  });
}

TEST_CASE("dollars are joules times their price", "[sim][conservation][money]") {
  for_random_runs(20'301, 300, [](const Run& run) {
    const auto& price = run.input.prices.electricity;
    const auto& cost = run.summary["cost_usd"];
    if (!price) return;
    const auto electricity = cost["electricity"].get<double>();
    const auto& bill = values<double>(run.results, "series", "cost");
    REQUIRE(last_of_all(bill, devices(run)) == Approx(electricity).epsilon(1e-9));
    const bool has_room = run.input.room.has_value();
    const double cooling = has_room ? cost["cooling"].get<double>() : 0;
    REQUIRE(cost["total"].get<double>() == Approx(electricity + cost["hardware"].get<double>() + cooling));
    // Joule by joule at the price of its instant: what it was before the first change, and after each.
    const auto& time = values<double>(run.results, "series", "time");
    double lowest = *price, highest = *price;
    for (const Change& change : run.input.changes) {
      if (change.kind != Change::Kind::electricity || seconds(change.at) >= time.back()) continue;
      lowest = std::min(lowest, change.value);
      highest = std::max(highest, change.value);
    }
    const auto wall = run.summary["energy_j"]["wall"].get<double>();
    REQUIRE(electricity >= lowest * wall * (1 - 1e-9));
    REQUIRE(electricity <= highest * wall * (1 + 1e-9));
    const double cooling_energy = has_room ? run.summary["room"]["cooling_j"].get<double>() : 0;
    REQUIRE(cooling >= lowest * cooling_energy * (1 - 1e-9));
    REQUIRE(cooling <= highest * cooling_energy * (1 + 1e-9));
  });
}

TEST_CASE("requests are conserved", "[sim][conservation]") {
  for_random_runs(20'601, 300, [](const Run& run) {
    const auto count = [](const nlohmann::ordered_json& part, const char* key) {
      return part["requests"][key].get<int64_t>();
    };
    for (const char* key : {"submitted", "completed", "rejected", "unfinished", "timed_out", "cancelled", "failed"}) {
      int64_t by_stream = 0, by_deployment = 0;
      for (const auto& [name, part] : run.summary["workload"].items()) by_stream += count(part, key);
      for (const auto& [name, part] : run.summary["deployments"].items()) by_deployment += count(part, key);
      REQUIRE(by_stream == count(run.summary, key));
      REQUIRE(by_deployment == count(run.summary, key));
    }
    const int64_t submitted = count(run.summary, "submitted"), done = count(run.summary, "completed"),
                  refused = count(run.summary, "rejected"), left = count(run.summary, "unfinished");
    int64_t ended = 0;
    for (const auto& [how, number] : run.summary["requests"].items())
      ended += how == "submitted" ? 0 : number.get<int64_t>();
    REQUIRE(submitted == ended);
    if (!run.input.duration) REQUIRE(left == 0);
    REQUIRE(events(run, "rejection") == refused);
    REQUIRE(events(run, "preemption") == run.summary["kv"]["preemptions"].get<int64_t>());
    if (!run.input.record_requests) return;
    const auto& outcome = values<int8_t>(run.results, "requests", "outcome");
    REQUIRE(std::ssize(outcome) == submitted);
    REQUIRE(count_of(outcome, completed) == done);
    REQUIRE(count_of(outcome, rejected) == refused);
    REQUIRE(sum(run, "requests", "preemptions") == run.summary["kv"]["preemptions"].get<int64_t>());
  });
}

TEST_CASE("output tokens are conserved", "[sim][conservation]") {
  for_random_runs(20'901, 300, [](const Run& run) {
    const auto out = run.summary["tokens"]["output"].get<int64_t>();
    const double metered = integral(run, "throughput");
    // The meter counts a share of the step in flight at the end, whose tokens are not out.
    REQUIRE(metered >= static_cast<double>(out) * (1 - 1e-9));
    int64_t rows = 1;
    for (const auto& d : run.input.deployments) rows = std::max(rows, d.drafted() + 1);
    const auto in_flight = static_cast<double>(run.summary["batch"]["max"].get<int64_t>() * replicas(run) * rows);
    REQUIRE(metered <= static_cast<double>(out) * (1 + 1e-9) + (run.input.duration ? in_flight : 0));
    if (!run.input.record_requests) return;
    const auto& outcome = values<int8_t>(run.results, "requests", "outcome");
    const auto& output = values<int64_t>(run.results, "requests", "output");
    const auto& first = values<double>(run.results, "requests", "first_token");
    const auto& finish = values<double>(run.results, "requests", "finish");
    const auto& admitted = values<double>(run.results, "requests", "admitted");
    int64_t asked = 0, begun = 0, untold = 0;  // untold: its first token may have been computed
    double generation = 0;
    for (std::size_t q = 0; q < outcome.size(); ++q) {
      begun += std::isnan(first[q]) ? 0 : 1;
      untold += std::isnan(first[q]) && !std::isnan(admitted[q]) && tells_late(run) ? 1 : 0;
      if (outcome[q] != completed) continue;
      asked += output[q];
      generation += finish[q] - first[q];
    }
    REQUIRE(out >= asked);
    const int64_t gone = given_up(run);
    if (!run.input.duration && gone == 0) {
      REQUIRE(out == asked);
      // Every gap between two tokens of a request is counted, once.
      const auto& mean = run.summary["itl_s"]["mean"];
      const double gaps = static_cast<double>(out - begun);
      // Where clients are told a step late, gaps are those between the tokens as they are made.
      if (gaps > 0 && !tells_late(run)) REQUIRE(mean.get<double>() * gaps == Approx(generation).epsilon(1e-9));
    }
    // One for each decoding sequence of each step, and the one that the end of a prompt gives.
    const auto& steps = values<int64_t>(run.results, "segments", "steps");
    const auto& decoding = values<int64_t>(run.results, "segments", "decoding");
    const auto progress = test::progress(run.results);
    int64_t decoded = 0;
    double expected = 0;  // where more are drafted, so many each
    for (std::size_t s = 0; s < steps.size(); ++s) {
      decoded += steps[s] * decoding[s];
      expected += static_cast<double>(steps[s] * decoding[s]) * progress[s];
    }
    const int64_t recomputed = sum(run, "requests", "preemptions");
    REQUIRE(out >= decoded + begun - gone);
    if (static_cast<double>(decoded) == expected) {
      REQUIRE(out <= decoded + begun + untold + recomputed);
    } else {
      // Less what was on its way when a sequence ended: below a token each, and what its last step gave too many.
      const double runs = static_cast<double>(std::ssize(outcome) + recomputed);
      REQUIRE(static_cast<double>(out) <= expected + static_cast<double>(begun + recomputed));
      REQUIRE(static_cast<double>(out) >= expected + static_cast<double>(begun) - runs * static_cast<double>(rows));
    }
  });
}

TEST_CASE("prompt tokens are conserved", "[sim][conservation]") {
  for_random_runs(21'201, 300, [](const Run& run) {
    if (!run.input.record_requests) return;
    const int64_t prefilled = sum(run, "segments", "chunk_tokens");
    const double metered = integral(run, "prefill_throughput");
    REQUIRE(metered >= static_cast<double>(prefilled) * (1 - 1e-9));
    if (run.input.duration) return;
    // A box that dies at the instant of the last sample takes back what that had counted of the step.
    if (events(run, "shutdown") == 0) REQUIRE(metered == Approx(static_cast<double>(prefilled)).epsilon(1e-9));
    const auto& outcome = values<int8_t>(run.results, "requests", "outcome");
    const auto& prompt = values<int64_t>(run.results, "requests", "prompt");
    const auto& cached = values<int64_t>(run.results, "requests", "cached");
    const auto& first = values<double>(run.results, "requests", "first_token");
    int64_t asked = 0, found = 0, needed = 0;
    for (std::size_t q = 0; q < outcome.size(); ++q) {
      REQUIRE(cached[q] < prompt[q]);
      if (std::isnan(first[q])) continue;
      asked += prompt[q];
      found += cached[q];
      if (outcome[q] == completed) needed += prompt[q] - cached[q];
    }
    REQUIRE(run.summary["tokens"]["prompt"] == asked);
    REQUIRE(run.summary["tokens"]["cached"] == found);
    // A preempted request computes its prompt and its output so far again, at most all of it each time; one that was
    // given up on may have begun.
    const int64_t more = sum(run, "requests", "preemptions") + given_up(run);
    if (more == 0) REQUIRE(prefilled == needed);
    // What was preempted before it had begun may find more in the cache than at first.
    const bool cached_later = std::any_of(run.input.deployments.begin(), run.input.deployments.end(),
                                          [](const Deployment& d) { return d.prefix_cache; });
    if (!cached_later) REQUIRE(prefilled >= needed);
    int64_t longest = 0;
    for (const auto& d : run.input.deployments) longest = std::max(longest, *d.max_model_len);
    REQUIRE(prefilled <= needed + more * longest);
  });
}

TEST_CASE("blocks are conserved", "[sim][conservation][kv]") {
  for_random_runs(21'501, 300, [](const Run& run) {
    const auto peak = run.summary["kv"]["peak_fraction"].get<double>();
    REQUIRE(peak <= 1);
    const auto& used = values<double>(run.results, "series", "kv_used");
    const auto& batch = values<int64_t>(run.results, "series", "batch");
    const auto& queue = values<int64_t>(run.results, "series", "queue");
    for (std::size_t i = 0; i < used.size(); ++i) {
      REQUIRE(used[i] >= 0);
      REQUIRE(used[i] <= peak);
      const auto& offload = run.input.deployments[i % run.input.deployments.size()].kv_offload;
      if (!offload || queue[i] == 0) REQUIRE((used[i] > 0) == (batch[i] > 0));  // who waits for a copy has blocks
    }
    if (run.input.duration || gives_up_with_last_sample(run)) return;
    for (std::size_t d = 1; d <= run.input.deployments.size(); ++d) {
      REQUIRE(used[used.size() - d] == 0);
      REQUIRE(batch[used.size() - d] == 0);
      REQUIRE(queue[used.size() - d] == 0);
    }
  });
}

TEST_CASE("time is conserved", "[sim][conservation]") {
  for_random_runs(21'801, 300, [](const Run& run) {
    double sum_of_limits = 0;
    for (const auto& [name, share] : run.summary["limited_by"].items()) sum_of_limits += share.get<double>();
    REQUIRE(sum_of_limits == Approx(1).epsilon(1e-9));
    if (!run.input.record_requests) return;
    // What is not idle are the steps, which do not overlap.
    const auto& time = values<double>(run.results, "series", "time");
    double busy = 0;
    for (int r = 0; r < replicas(run); ++r) {
      double before = 0;
      for (const double end : test::step_ends(run.results, r)) {
        REQUIRE(end > before);
        before = end;
      }
    }
    const auto& steps = values<int64_t>(run.results, "segments", "steps");
    const auto& duration = values<int64_t>(run.results, "segments", "duration");
    const auto& growth = values<int64_t>(run.results, "segments", "growth");
    for (std::size_t s = 0; s < steps.size(); ++s)
      busy += static_cast<double>(Progression{duration[s], growth[s]}.sum(steps[s])) / kPicosecondsPerSecond;
    double metered = 0;
    for (const auto& d : run.input.deployments) {
      const auto& limits = run.summary["deployments"][d.name]["limited_by"];
      if (!limits["idle"].is_number()) continue;  // hosted
      metered += (1 - limits["idle"].get<double>() - limits["down"].get<double>()) * time.back() *
                 static_cast<double>(d.replicas);
    }
    REQUIRE(metered >= busy * (1 - 1e-9) - 1e-9);
    const bool lost_steps = events(run, "shutdown") > 0;
    if (!run.input.duration && !lost_steps) REQUIRE(metered == Approx(busy).epsilon(1e-6).margin(1e-6));
  });
}

TEST_CASE("token times rebuilt from the segments are those of the requests", "[sim][conservation][segments]") {
  int64_t rebuilt = 0;
  for_random_runs(22'101, 300, [&](const Run& run) {
    if (!run.input.record_requests) return;
    std::vector<std::vector<double>> ends, decoded;
    for (int r = 0; r < replicas(run); ++r) {
      ends.push_back(test::step_ends(run.results, r));
      decoded.push_back(test::step_ends(run.results, r, true));
    }
    const auto& replica = values<int32_t>(run.results, "requests", "replica");
    const auto progress = progress_by_replica(run);
    const auto& arrival = values<double>(run.results, "requests", "arrival");
    const auto& admitted = values<double>(run.results, "requests", "admitted");
    const auto& first = values<double>(run.results, "requests", "first_token");
    const auto& answer = values<double>(run.results, "requests", "first_answer");
    const auto& finish = values<double>(run.results, "requests", "finish");
    const auto& output = values<int64_t>(run.results, "requests", "output");
    const auto& preemptions = values<int64_t>(run.results, "requests", "preemptions");
    const auto& outcome = values<int8_t>(run.results, "requests", "outcome");
    for (std::size_t q = 0; q < outcome.size(); ++q) {
      if (outcome[q] != completed) continue;
      REQUIRE(arrival[q] <= admitted[q]);
      REQUIRE(admitted[q] < first[q]);
      REQUIRE(first[q] <= answer[q]);
      REQUIRE(answer[q] <= finish[q]);
      const auto& mine = ends[static_cast<std::size_t>(replica[q])];
      REQUIRE(std::binary_search(mine.begin(), mine.end(), first[q]));
      REQUIRE(std::binary_search(mine.begin(), mine.end(), finish[q]));
      const auto& tokens_at =
          decoded[static_cast<std::size_t>(replica[q])];  // steps that compute prompts apart give none
      const auto steps = std::upper_bound(tokens_at.begin(), tokens_at.end(), finish[q]) -
                         std::upper_bound(tokens_at.begin(), tokens_at.end(), first[q]);
      // One token with the prompt; then every step brings it on by its progress, and the last one to all that it needs.
      const double per_step = progress[static_cast<std::size_t>(replica[q])];
      const auto tokens = [&](int64_t n) { return 1 + static_cast<int64_t>(static_cast<double>(n) * per_step); };
      // The first token and the last may each be told a step late.
      const bool late = tells_late(run);
      REQUIRE(tokens(steps + (late ? 1 : 0)) >= output[q]);
      const int64_t surely = steps - (late ? 2 : 1);
      if (preemptions[q] == 0 && surely >= 0) REQUIRE(tokens(surely) < output[q]);  // else it missed some
      ++rebuilt;
    }
  });
  CHECK(rebuilt > 1000);
}

TEST_CASE("what a hosted model is paid is what its tokens cost", "[sim][conservation][hosted]") {
  int hosted = 0, unanswered = 0;
  for (uint64_t seed = 26'001; seed < 26'601; ++seed) {
    const Input input = test::random_input(seed);
    if (!has_hosted(input)) continue;
    Input recorded = test::random_input(seed);
    recorded.record_requests = true;
    const Results results = simulate(std::move(recorded));
    const auto& d = input.deployments.back();  // where a random input has it
    // Prompts that it took and whose answers nobody waited for are paid, and not among the tokens of answers.
    const auto admitted = values<double>(results, "requests", "admitted"),
               first = values<double>(results, "requests", "first_token");
    const auto prompt = values<int64_t>(results, "requests", "prompt"),
               cached = values<int64_t>(results, "requests", "cached");
    const auto replica = values<int32_t>(results, "requests", "replica");
    double uncached_too = 0, cached_too = 0;
    for (std::size_t q = 0; q < admitted.size(); ++q) {
      if (replica[q] >= 0 || std::isnan(admitted[q]) || !std::isnan(first[q])) continue;
      uncached_too += static_cast<double>(prompt[q] - cached[q]);
      cached_too += static_cast<double>(cached[q]);
      ++unanswered;
    }
    const auto& part = results.summary["deployments"][d.name];
    const auto tokens = [&](const char* key) { return part["tokens"][key].get<double>(); };
    const auto& price = d.hosted->price;
    const double cost = (tokens("prompt") - tokens("cached") + uncached_too) * price.prompt +
                        (tokens("cached") + cached_too) * price.cached.value_or(price.prompt) +
                        tokens("output") * price.output;
    CAPTURE(seed);
    REQUIRE(part["cost_usd"]["api"].get<double>() == Approx(cost));
    REQUIRE(results.summary["cost_usd"]["api"] == part["cost_usd"]["api"]);
    hosted += tokens("output") > 0;
  }
  CHECK(hosted > 20);
  CHECK(unanswered > 20);
}
