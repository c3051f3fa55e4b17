// Streams: one source each, and where it goes.
#include <fmt/format.h>

#include <algorithm>
#include <filesystem>
#include <limits>
#include <set>

#include "scenarios/read/reader.hpp"
#include "scenarios/resolve.hpp"
#include "scenarios/traces/sessions/sessions.hpp"
#include "scenarios/traces/trace.hpp"
#include "sim/workload/in_flight.hpp"
#include "sim/workload/prefix.hpp"
#include "sim/workload/sessions.hpp"
#include "sim/workload/thinking.hpp"
#include "sim/workload/users.hpp"

namespace tokwatt::scenarios {
namespace {

constexpr double kMostSessions = 10e6;  // 2 GB of first turns that wait to be sent

sim::ArrivalProcess process_of(const WrittenArrivals& a) {
  sim::ArrivalProcess process;
  process.process = a.process.value == "constant"  ? sim::GapProcess::constant
                    : a.process.value == "gamma"   ? sim::GapProcess::gamma
                    : a.process.value == "weibull" ? sim::GapProcess::weibull
                                                   : sim::GapProcess::poisson;
  process.cv = a.cv.value_or(1);
  process.stages = a.stages;
  if (a.rate) process.stages = {{*a.rate, std::numeric_limits<double>::infinity()}};
  return process;
}

class StreamResolver {
 public:
  StreamResolver(const WrittenStream& written, std::size_t index, Resolution& r)
      : w_(written), path_(fmt::format("workload.{}", index)), r_(r) {}

  void resolve() {
    sim::Stream stream;
    stream.name = w_.name.value;
    stream.key = sim::stream_key(static_cast<uint64_t>(r_.written.seed), w_.name.value);
    if (w_.slo && !w_.slo->ttft && !w_.slo->tpot) error("has slo without an objective; expected ttft, tpot or both");
    if (w_.slo) stream.objective = sim::Objective{w_.slo->ttft, w_.slo->tpot};
    std::vector<std::string> names;
    for (const auto& d : r_.loaded.input.deployments) names.push_back(d.name);
    if (w_.to.given()) stream.deployment = index_of(w_.to, path_ + ".to", names, "deployment", r_.diagnostics);
    const int sources = has("trace") + (has("arrivals") && !has("trace") ? 1 : 0) + has("users") + has("sessions");
    if (sources != 1) {
      error(fmt::format("has {} sources; expected exactly one of trace, arrivals, users and sessions", sources));
      return;
    }
    if (w_.trace.given()) from_trace(stream);
    if (w_.arrivals && !has("trace")) from_arrivals(stream);
    if (w_.users) from_users(stream);
    if (w_.sessions) from_sessions(stream);
    if (!stream.source) return;  // what is wrong with it was said
    add_clients(stream);
    if (!r_.diagnostics.ok()) return;
    r_.loaded.input.streams.push_back(std::move(stream));
  }

 private:
  bool has(const char* key) const { return std::find(w_.keys.begin(), w_.keys.end(), key) != w_.keys.end(); }
  void error(const std::string& what) { r_.diagnostics.error(w_.place, path_ + " " + what); }
  void needs(const char* key, const char* source) {
    if (!has(key)) error(fmt::format("has no {}; {} needs it", key, source));
  }
  void goes_only_with(const char* key, const char* source) {
    if (has(key)) error(fmt::format("has {}, which goes only with {}", key, source));
  }
  // What goes with any source.
  void add_clients(sim::Stream& stream) {
    if (w_.prefix)
      stream.source = sim::prefixed_source(std::move(stream.source), w_.prefix->tokens, w_.prefix->groups, stream.key);
    if (w_.thinking) stream.source = sim::thinking_source(std::move(stream.source), *w_.thinking, stream.key);
    if (w_.max_in_flight && stream.source->closed())
      error("has max_in_flight, which goes only with arrivals and traces of requests: here each waits for its answer");
    if (w_.max_in_flight) stream.source = sim::in_flight_source(std::move(stream.source), *w_.max_in_flight);
    const auto* deployment =
        stream.deployment >= 0 ? &r_.loaded.input.deployments[static_cast<std::size_t>(stream.deployment)] : nullptr;
    const bool has_slots =
        deployment && !deployment->hosted && deployment->engine.policy == models::Policy::llama_server;
    if (w_.retries && !w_.timeout && !has_slots)
      error("has retries, which go only with timeout, or where slots may share a context (llama-server)");
    if (w_.priority && deployment && deployment->scheduling != sim::Scheduling::priority)
      error(fmt::format("has priority, which counts only with deployments.{}.scheduling: priority",
                        path_segment(w_.to.value)));
    stream.priority = w_.priority.value_or(0);
    stream.timeout = w_.timeout;
    stream.retries = w_.retries.value_or(0);
    stream.patience = w_.patience;
  }
  void no_trace_keys() {
    goes_only_with("format", "trace");
    goes_only_with("speed", "trace");
    goes_only_with("limit", "trace");
    goes_only_with("start", "trace");
    goes_only_with("lengths", "trace");
  }

  void from_trace(sim::Stream& stream) {
    goes_only_with("think", "users");
    goes_only_with("prompt", "arrivals, users or sessions: a trace has its own lengths");
    goes_only_with("output", "arrivals, users or sessions: a trace has its own lengths");
    const std::string path = beside_scenario(w_.trace.value);
    TraceOptions options;
    if (w_.format.given()) options.format = w_.format.value;
    options.speed = w_.speed.value_or(1);
    options.limit = w_.limit;
    options.start = w_.start.value_or(0);
    options.key = stream.key;
    if (w_.lengths.given()) options.lengths = beside_scenario(w_.lengths.value);
    if (const auto sessions = session_format(path, w_.format.value)) {
      if (w_.arrivals) error("has arrivals, which do not go with a trace of sessions: it has times of its own");
      SessionTrace trace = open_sessions(path, *sessions, options, stream.key, w_.trace.place, r_.diagnostics);
      for (const auto& note : trace.notes) r_.loaded.notes.push_back(fmt::format("{}: {}", w_.trace.value, note));
      stream.source = std::move(trace.source);
      return;
    }
    if (w_.arrivals) {
      for (const char* key : {"speed", "start"}) {
        if (has(key)) error(fmt::format("has {}, which goes only with a trace that has times of its own", key));
      }
      check_arrivals(*w_.arrivals);
      options.arrivals = process_of(*w_.arrivals);
    }
    auto trace = open_trace(beside_scenario(w_.trace.value), options, w_.trace.place, r_.diagnostics);
    if (trace && !trace->note().empty())
      r_.loaded.notes.push_back(fmt::format("{}: {}", w_.trace.value, trace->note()));
    const auto* deployment =
        stream.deployment >= 0 ? &r_.loaded.input.deployments[static_cast<std::size_t>(stream.deployment)] : nullptr;
    const bool ignores = deployment && !deployment->hosted && deployment->scheduling != sim::Scheduling::priority;
    if (trace && trace->has_priorities() && ignores) {
      r_.loaded.notes.push_back(fmt::format("{}: its priorities count only with deployments.{}.scheduling: priority",
                                            w_.trace.value, path_segment(w_.to.value)));
    }
    stream.source = std::move(trace);
  }

  std::string beside_scenario(const std::string& file) const {
    namespace fs = std::filesystem;
    const fs::path asked(file);
    return (asked.is_absolute() || r_.folder.empty() ? asked : fs::path(r_.folder) / asked).string();
  }

  // What keeps a stream from ever being drained.
  void never_ends(const char* why) {
    if (!r_.written.until.given()) return;
    r_.diagnostics.error(r_.written.until.place,
                         fmt::format("until: drained never comes, since {} has {}; expected a duration", path_, why));
  }

  // A duration that is missing or wrong is a mistake of its own.
  bool must_end() const { return !r_.written.duration && r_.written.until.given(); }

  void from_arrivals(sim::Stream& stream) {
    no_trace_keys();
    goes_only_with("think", "users");
    needs("prompt", "arrivals");
    needs("output", "arrivals");
    const WrittenArrivals& a = *w_.arrivals;
    check_arrivals(a);
    if (a.rate && must_end())
      wrong_arrivals(a, "never ends, so nothing is ever drained; give it stages, or the scenario a duration");
    if (r_.diagnostics.ok()) stream.source = sim::synthetic_source(process_of(a), *w_.prompt, *w_.output, stream.key);
  }

  void wrong_arrivals(const WrittenArrivals& a, const std::string& what) {
    r_.diagnostics.error(a.place, fmt::format("{}.arrivals {}", path_, what));
  }

  void check_arrivals(const WrittenArrivals& a) {
    const auto given = [&](const char* key) { return std::find(a.keys.begin(), a.keys.end(), key) != a.keys.end(); };
    const auto wrong = [&](const std::string& what) { wrong_arrivals(a, what); };
    if (given("rate") == given("stages")) wrong("needs exactly one of rate and stages");
    const bool shaped = a.process.value == "gamma" || a.process.value == "weibull";
    if (a.cv && !shaped && !(a.process.value == "poisson" && *a.cv == 1))
      wrong("has cv, which goes only with gamma and weibull");
    if (given("stages") && std::none_of(a.stages.begin(), a.stages.end(), [](const auto& s) { return s.rate > 0; }))
      wrong("has no stage with a rate above 0/s");
  }

  void from_users(sim::Stream& stream) {
    no_trace_keys();
    needs("think", "users");
    needs("prompt", "users");
    needs("output", "users");
    never_ends("users who come again");
    if (w_.think && w_.prompt && w_.output)
      stream.source = sim::users_source(*w_.users, *w_.think, *w_.prompt, *w_.output, stream.key);
  }

  void from_sessions(sim::Stream& stream) {
    no_trace_keys();
    goes_only_with("think", "users; that of sessions stands inside sessions");
    needs("prompt", "sessions");
    needs("output", "sessions");
    const WrittenSessions& s = *w_.sessions;
    const auto given = [&](const char* key) { return std::find(s.keys.begin(), s.keys.end(), key) != s.keys.end(); };
    const auto wrong = [&](const std::string& what) {
      r_.diagnostics.error(s.place, fmt::format("{}.sessions {}", path_, what));
    };
    if (given("rate") + given("stages") + given("users") != 1) wrong("needs exactly one of rate, stages and users");
    if (given("users")) never_ends("users who begin another session");
    if (s.rate && must_end())
      wrong("never ends, so nothing is ever drained; give it stages, or the scenario a duration");
    if (given("stages") && std::none_of(s.stages.begin(), s.stages.end(), [](const auto& x) { return x.rate > 0; }))
      wrong("has no stage with a rate above 0/s");
    const double begun = sessions_begun(s);
    const bool has_end = !s.rate || r_.written.duration;
    if (has_end && begun > kMostSessions) {
      wrong(fmt::format("begins {:.3g} sessions; expected at most {:.0f}, since all are known beforehand", begun,
                        kMostSessions));
    }
    if (!r_.diagnostics.ok()) return;
    const sim::SessionShape shape{*s.turns, *s.think, *w_.prompt, *w_.output};
    stream.source = s.users ? sim::user_sessions_source(*s.users, shape, stream.key)
                            : sim::arriving_sessions_source(beginnings(s), shape, stream.key);
  }

  static sim::ArrivalProcess beginnings(const WrittenSessions& s) {
    sim::ArrivalProcess process;
    process.stages = s.stages;
    if (s.rate) process.stages = {{*s.rate, std::numeric_limits<double>::infinity()}};
    return process;
  }

  /// Expected, within the duration.
  double sessions_begun(const WrittenSessions& s) const {
    double begun = 0, left = r_.written.duration.value_or(kLongestSeconds);
    for (const auto& stage : beginnings(s).stages) {
      begun += stage.rate * std::min(stage.duration, left);
      left -= std::min(stage.duration, left);
    }
    return begun;
  }

  const WrittenStream& w_;
  std::string path_;
  Resolution& r_;
};

}  // namespace

void resolve_workload(Resolution& r) {
  std::set<std::string> names;
  for (std::size_t i = 0; i < r.written.workload.size(); ++i) {
    const WrittenStream& stream = r.written.workload[i];
    if (stream.name.given() && !names.insert(stream.name.value).second) {
      r.diagnostics.error(
          stream.name.place,
          fmt::format("workload.{}.name: a stream before has the name {} already; names key the random numbers", i,
                      in_quotes(stream.name.value)));
    }
    StreamResolver(stream, i, r).resolve();
  }
}

}  // namespace tokwatt::scenarios
