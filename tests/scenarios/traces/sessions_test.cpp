// Files of sessions: what they turn into, replayed against a server that takes the same time for every request.
#include <fmt/format.h>
#include <rapidcheck.h>

#include <algorithm>

#include "scenarios/traces/sessions/sessions.hpp"
#include "tests/catch.hpp"
#include "tests/scenarios/traces/trace_file.hpp"

using namespace tokwatt;
using Catch::Contains;
using Catch::StartsWith;
using scenarios::SessionFormat;
using tests::fixture;
using tests::TraceFile;

namespace {

constexpr sim::Picoseconds kSecond = 1'000'000'000'000;
const sim::StreamKey kKey = sim::stream_key(1, "agent");

struct Replayed {
  std::vector<sim::Arrival> requests;  // by number
  std::vector<std::string> notes;
  sim::RowCounts rows;

  double sent(std::size_t number) const { return sim::seconds(requests[number].at); }
  std::vector<double> all_sent() const {
    std::vector<double> all;
    for (const auto& r : requests) all.push_back(sim::seconds(r.at));
    return all;
  }
  const std::vector<sim::Part>& parts(std::size_t number) const { return requests[number].content->parts; }
};

Replayed replay(const std::string& path, double seconds_each = 10, const scenarios::TraceOptions& options = {},
                const std::string& format = "auto") {
  const auto found = scenarios::session_format(path, format);
  REQUIRE(found);
  scenarios::Diagnostics diagnostics;
  const auto trace = scenarios::open_sessions(path, *found, options, kKey, {}, diagnostics);
  if (!diagnostics.ok()) throw scenarios::InputError(diagnostics);
  Replayed all;
  const auto earlier = [](const sim::Arrival& a, const sim::Arrival& b) { return a.at < b.at; };
  std::vector<sim::Arrival> waiting;
  while (true) {
    while (const auto next = trace.source->next(sim::kNever)) waiting.push_back(*next);
    if (waiting.empty()) break;
    const auto first = std::min_element(waiting.begin(), waiting.end(), earlier);
    all.requests.push_back(*first);
    waiting.erase(first);
    const auto& request = all.requests.back();
    trace.source->left(request.number, request.at + sim::picoseconds(seconds_each), 0, request.output);
  }
  std::sort(all.requests.begin(), all.requests.end(), [](const auto& a, const auto& b) { return a.number < b.number; });
  all.notes = trace.notes;
  all.rows = trace.source->rows();
  return all;
}

Replayed replay_text(const std::string& bytes, const scenarios::TraceOptions& options = {}) {
  const TraceFile file(bytes);
  return replay(file.path(), 10, options);
}

std::vector<std::string> mistakes_in(const std::string& bytes, SessionFormat format) {
  const TraceFile file(bytes);
  scenarios::Diagnostics diagnostics;
  scenarios::open_sessions(file.path(), format, {}, kKey, {}, diagnostics);
  std::vector<std::string> said;
  for (const auto& e : diagnostics.errors())
    said.push_back(std::to_string(e.place.line) + ":" + std::to_string(e.place.column) + ": " + e.message);
  return said;
}

std::string only_mistake_in(const std::string& bytes, SessionFormat format) {
  const auto said = mistakes_in(bytes, format);
  CAPTURE(said);
  REQUIRE(said.size() == 1);
  return said.front();
}

// A session of weka with these requests.
std::string weka(const std::string& requests) {
  return fmt::format(R"({{"block_size":64,"requests":[{}]}})", requests);
}
std::string turn(double t, const std::string& more) {
  return fmt::format(R"({{"type":"n","in":70,"out":5,"hash_ids":[1],"t":{}{}}})", t, more);
}

const std::string kCsv = "arrival_s,prompt_tokens,output_tokens,session\n";
const std::string kExgentic = "session_id,timestamp,prompt_tokens,completion_tokens\n";

}  // namespace

TEST_CASE("a weka session goes on a think time after each answer", "[scenarios][sessions]") {
  const auto session = replay(fixture("weka_agentic_0504.json.gz"));
  REQUIRE(session.requests.size() == 3);
  CHECK(session.all_sent() == std::vector<double>{0, 14, 3082});  // think times of 4 s and 3,058 s
  CHECK(session.requests[0].prompt == 11'133);
  CHECK(session.requests[2].output == 102);
  CHECK(session.rows.read == 3);
}

TEST_CASE("a weka prompt is whole blocks that its session may share, and a rest that nobody does",
          "[scenarios][sessions]") {
  const auto session = replay(fixture("weka_agentic_0504.json.gz"));
  REQUIRE(session.parts(0).size() == 173);  // floor(11,133 / 64)
  REQUIRE(session.parts(1).size() == 176);
  CHECK(session.parts(0)[172].tokens == 64);
  for (std::size_t i = 0; i < 173; ++i) REQUIRE(session.parts(0)[i].id == session.parts(1)[i].id);
  CHECK(session.parts(2)[169].id == session.parts(1)[169].id);
  CHECK(session.parts(2)[170].id != session.parts(1)[170].id);
}

TEST_CASE("sub-agents run side by side, and their parent waits for them", "[scenarios][sessions]") {
  // In the recording both begin when the 16th request has ended, and take 47 s and 79 s.
  const auto session = replay(fixture("weka_agentic_0291.json.gz"));
  REQUIRE(session.requests.size() == 32);
  const double parent_ended = session.sent(15) + 10;
  CHECK(session.sent(16) == Approx(parent_ended));  // first of the first, 5 requests
  CHECK(session.sent(21) == Approx(parent_ended));  // first of the second, 7 requests
  CHECK(session.sent(17) == Approx(session.sent(16) + 10 + 3));
  const double sub_agents_ended = std::max(session.sent(20), session.sent(27)) + 10;
  CHECK(session.sent(28) == Approx(sub_agents_ended + 1209 - 1180.553));
  CHECK(session.sent(29) == Approx(session.sent(28) + 10 + 11));
}

TEST_CASE("a think time counts from the answer before, not from an earlier one", "[scenarios][sessions]") {
  // The last three of this file have 17 s, 29 s and 37 s, all counted from one answer, and are 12 s and 8 s apart.
  const auto session = replay(fixture("weka_agentic_0312.json.gz"));
  REQUIRE(session.requests.size() == 18);
  CHECK(session.sent(16) == Approx(session.sent(15) + 10 + 12));
  CHECK(session.sent(17) == Approx(session.sent(16) + 10 + 8));
}

TEST_CASE("without a think time the recorded latency is taken off", "[scenarios][sessions]") {
  const auto session = replay_text(weka(turn(0, R"(,"api_time":4)") + "," + turn(10, "") + "," + turn(11, "")));
  CHECK(session.all_sent() == std::vector<double>{0, 16, 27});
}

TEST_CASE("what a weka session must not be is an error at its place", "[scenarios][sessions]") {
  const auto said = [](const std::string& text) { return only_mistake_in(text, SessionFormat::weka); };
  CHECK(said(weka(R"({"t":0,"type":"n","in":128,"out":5,"hash_ids":[1]})")) ==
        "1:76: 1 hash_ids; expected 2, one for each whole block of 64 in 128 tokens");
  CHECK_THAT(said(weka(R"({"t":0,"type":"n","in":127,"out":5,"hash_ids":[-1]})")), Contains("an id is -1"));
  CHECK_THAT(said(weka(R"({"t":0,"type":"n","in":2147483648,"out":5,"hash_ids":[]})")), Contains("too large"));
  CHECK_THAT(said(weka(R"({"t":"0","type":"n","in":3,"out":5,"hash_ids":[]})")),
             Contains("t is \"0\"; expected a number"));
  CHECK_THAT(said(weka(R"({"t":0,"type":"n","in":3,"hash_ids":[]})")), StartsWith("1:30: no out here"));
  CHECK_THAT(said(weka(R"({"t":0,"type":"n","in":3,"in":3,"out":5,"hash_ids":[]})")),
             Contains("\"in\" comes twice; expected each key of an object once"));
  CHECK_THAT(said(R"({"block_size":0,"requests":[]})"), Contains("block_size is 0"));
  CHECK_THAT(said(weka("")), Contains("no request: none of 0 calls"));
  CHECK(mistakes_in("[]", SessionFormat::weka).size() == 2);  // no block_size and no requests
  CHECK(mistakes_in(weka("1,2"), SessionFormat::weka).size() == 4);
}

TEST_CASE("what is no JSON is an error where it goes wrong", "[scenarios][sessions]") {
  const auto said = [](const std::string& text) { return only_mistake_in(text, SessionFormat::weka); };
  CHECK_THAT(said("{\"a\": 1,\n \"b\": x}"), StartsWith("2:7: \"x\" makes this no JSON"));
  CHECK_THAT(said("{\"a\": [1, 2"), Contains("the text ends inside a list"));
  CHECK_THAT(said(""), Contains("no JSON"));
  CHECK_THAT(said("{\"a\": \"\xff\"}"), StartsWith("1:8: ") && Contains("no JSON"));
  CHECK_THAT(said(std::string(1'000'000, '[')), Contains("levels deep"));
  CHECK_THAT(said("{\"a\": 1} {}"), Contains("no JSON"));
  CHECK_THAT(said("\x1F\x8B"), Contains("truncated gzip"));
}

TEST_CASE("places in JSON are right, whatever strings and numbers look like", "[scenarios][sessions]") {
  const std::string odd = R"({"x\\\"":"\\","y":[-1.5e3,"a\"b",{}],"block_size":"z"})";
  CHECK_THAT(mistakes_in(odd, SessionFormat::weka).front(), StartsWith("1:51: block_size is \"z\""));
  CHECK_THAT(mistakes_in("{\"block_size\":12", SessionFormat::weka).front(),
             Contains("the text ends inside an object"));
}

TEST_CASE("a limit counts calls, and speed stretches pauses too", "[scenarios][sessions]") {
  scenarios::TraceOptions options;
  options.limit = 2;
  options.speed = 0.5;
  options.start = 100;
  const auto session = replay(fixture("weka_agentic_0504.json.gz"), 10, options);
  CHECK(session.all_sent() == std::vector<double>{100, 118});
}

TEST_CASE("calls without tokens are dropped, and what follows them comes", "[scenarios][sessions]") {
  const auto session = replay_text(weka(turn(0, R"(,"think_time":0)") +
                                        R"(,{"t":1,"type":"n","in":3,"out":0,"hash_ids":[],"think_time":1},)" +
                                        turn(5, R"(,"think_time":2)")));
  CHECK(session.all_sent() == std::vector<double>{0, 13});
  CHECK(session.rows.read == 3);
  CHECK(session.rows.dropped_by == std::map<std::string, int64_t>{{"no_output", 1}});
}

TEST_CASE("exgentic sessions start at their first timestamp and go on at once", "[scenarios][sessions]") {
  const auto trace = replay(fixture("exgentic_appworld_derived72.csv"));
  REQUIRE(trace.requests.size() == 72);
  // Of the seven sessions 399c7732 is the first: 17:20:14.872283; the file begins with another.
  const double first = 17 * 3600 + 20 * 60 + 14.872283;
  const auto starts = trace.all_sent();
  CHECK(*std::min_element(starts.begin(), starts.end()) == 0);
  CHECK(trace.sent(0) == Approx(17 * 3600 + 23 * 60 + 6.245972 - first));
  for (std::size_t i = 1; i < 15; ++i) CHECK(trace.sent(i) == Approx(trace.sent(0) + 10.0 * static_cast<double>(i)));
  CHECK(trace.requests[13].prompt == 98'223);
  CHECK(trace.requests[13].content->output_continues);
  CHECK(trace.parts(12)[0].id == trace.parts(13)[0].id);
  CHECK(trace.parts(12)[0].id != trace.parts(15)[0].id);
}

TEST_CASE("mistakes in exgentic files are errors at their column", "[scenarios][sessions]") {
  const auto said = [](const std::string& rows) { return only_mistake_in(kExgentic + rows, SessionFormat::exgentic); };
  const std::string good = "a,2026-04-23T17:23:06.245972+00:00,8,1\n";
  CHECK_THAT(said("a,2026-04-23 17:23:06,8,1\n"), StartsWith("2:3: timestamp is") && Contains("expected an instant"));
  CHECK_THAT(said("a,2026-02-30T17:23:06Z,8,1\n"), StartsWith("2:3: timestamp is"));
  CHECK_THAT(said(good + "a,2026-04-23T17:23:06,8,1\n"), StartsWith("3:3:") && Contains("expected it with a zone"));
  CHECK_THAT(said(good + ",2026-04-23T17:23:06Z,8,1\n"), StartsWith("3:1: session_id is empty"));
  CHECK_THAT(said(good + "a,2026-04-23T17:23:06Z,8,x\n"), Contains("completion_tokens is \"x\", not a number"));
  CHECK_THAT(only_mistake_in("session_id,timestamp,prompt_tokens,completion_token\n", SessionFormat::exgentic),
             Contains("did you mean \"completion_tokens\"?"));
}

TEST_CASE("rows of our sessions wait for the answer before and for their arrival", "[scenarios][sessions]") {
  const auto trace = replay_text(kCsv + "5,100,20,a\n6,50,5,\n7,130,10,a\n100,300,10,a\n8,60,5,\n6,40,9,b\n");
  // Numbers go session by session, in order of appearance.
  CHECK(trace.all_sent() == std::vector<double>{0, 10, 95, 1, 3, 1});
  CHECK(trace.parts(0)[0].id == trace.parts(1)[0].id);
  CHECK(trace.parts(3)[0].id != trace.parts(4)[0].id);
  CHECK(trace.parts(1)[0].tokens == 130);
}

TEST_CASE("a prompt has as much in common with the one before as its length allows", "[scenarios][sessions]") {
  const auto trace = replay_text(kCsv + "0,100,20,a\n1,119,10,a\n2,129,10,a\n3,130,10,a\n4,99,1,a\n");
  REQUIRE(trace.parts(0).size() == 1);
  REQUIRE(trace.parts(1).size() == 2);  // an answer that lost a token: only the prompt before is the same
  CHECK(trace.parts(1)[0].id == trace.parts(0)[0].id);
  CHECK(trace.parts(1)[0].tokens == 100);
  CHECK(trace.parts(1)[1].tokens == 19);
  REQUIRE(trace.parts(2).size() == 2);
  CHECK(trace.parts(2)[1].id == trace.parts(1)[1].id);
  CHECK(trace.parts(2)[1].tokens == 29);
  REQUIRE(trace.parts(3).size() == 3);
  CHECK(trace.parts(3)[1].tokens == 29);
  CHECK(trace.parts(3)[2].tokens == 1);
  REQUIRE(trace.parts(4).size() == 1);
  CHECK(trace.parts(4)[0].id != trace.parts(0)[0].id);
}

TEST_CASE("rows of a session out of order are moved, and it is said", "[scenarios][sessions]") {
  const auto trace = replay_text(kCsv + "50,100,20,a\n0,50,5,a\n");
  CHECK(trace.requests[0].prompt == 50);
  REQUIRE(trace.notes.size() == 1);
  CHECK_THAT(trace.notes[0], StartsWith("1 rows stand behind"));
}

TEST_CASE("our session files are as strict as our others", "[scenarios][sessions]") {
  const auto said = [](const std::string& text) { return only_mistake_in(text, SessionFormat::csv); };
  CHECK_THAT(said(kCsv + "x,1,1,a\n"), StartsWith("2:1: arrival_s is \"x\""));
  CHECK_THAT(said(kCsv + "0,1,1\n"), Contains("3 of 4 fields"));
  CHECK_THAT(said(kCsv + "0,1,1,a,b\n"), Contains("5 fields in"));
  CHECK_THAT(said(kCsv + kCsv + "0,1,1,a\n"), StartsWith("2:1: the header again"));
  CHECK_THAT(said(kCsv + "0,1,1,a\n\n0,1,1,a\n"), StartsWith("3:1: an empty line"));
  CHECK_THAT(said("arrival_s,prompt_tokens,output_tokens,session,model\n"), Contains("unknown column \"model\""));
  CHECK_THAT(said("arrival_s,prompt_tokens,output_tokens,session,session\n"), Contains("comes twice"));
  CHECK_THAT(said(kCsv), Contains("no request"));
  CHECK(mistakes_in(kCsv + "x,-1,1.5,a\n", SessionFormat::csv).size() == 3);
}

TEST_CASE("llmservingsim sessions wait for tools, and plain lines for nobody", "[scenarios][sessions]") {
  const auto trace =
      replay_text(R"({"session_id":"a","arrival_time_ns":5000000000,"sub_requests":[)"
                  R"({"input_toks":100,"output_toks":20,"tool_duration_ns":2000000000},)"
                  R"({"input_toks":140,"output_toks":30,"tool_duration_ns":0},{"input_toks":200,"output_toks":5}]})"
                  "\n"
                  R"({"input_toks":10,"output_toks":7,"arrival_time_ns":6000000000})"
                  "\n");
  CHECK(trace.all_sent() == std::vector<double>{0, 12, 22, 1});
  CHECK(trace.parts(0)[0].id == trace.parts(2)[0].id);
  CHECK(trace.parts(0)[0].id != trace.parts(3)[0].id);
  const auto said = [](const std::string& text) { return only_mistake_in(text, SessionFormat::llmservingsim); };
  CHECK_THAT(said(R"({"arrival_time_ns":1.5,"sub_requests":[]})"), Contains("expected whole nanoseconds"));
  CHECK_THAT(said(R"({"arrival_time_ns":1,"sub_requests":{}})"), Contains("expected a list"));
  CHECK_THAT(said("\n[1]\n"), StartsWith("2:1: a list; expected an object"));
}

TEST_CASE("an otel call waits for those whose answers it tells", "[scenarios][sessions]") {
  const auto joined = replay(fixture("otel_fan_in.json"));
  CHECK(joined.all_sent() == std::vector<double>{0, 2.5, 3, 14});  // 1 s after the last of three
  REQUIRE(joined.notes.size() == 1);
  CHECK(joined.notes[0] == "4 of 4 calls have no token counts; theirs are estimated at 4 characters a token");
  const auto chain = replay(fixture("otel_simple_chain.json"));
  CHECK(chain.all_sent() == std::vector<double>{0, 10.5, 21.5});
  CHECK(chain.requests[0].prompt == 8);  // "What is the capital of France?" has 30 characters
}

namespace {

std::string span(const std::string& id, const std::string& parent, int start, int end, bool call = true) {
  return fmt::format(
      R"({{"span_id":"{}","parent_span_id":{},"start_time":"2026-02-25T10:00:0{}Z","end_time":"2026-02-25T10:00:0{}Z"{}}})",
      id, parent.empty() ? "null" : fmt::format("\"{}\"", parent), start, end,
      call ? R"(,"attributes":{"gen_ai.usage.input_tokens":10,"gen_ai.usage.output_tokens":3})" : "");
}
std::string spans(const std::string& all) { return fmt::format(R"({{"spans":[{}]}})", all); }

}  // namespace

TEST_CASE("an otel span follows its parent, and one whose parent is missing is a root", "[scenarios][sessions]") {
  const auto trace =
      replay_text(spans(span("b", "a", 4, 5) + "," + span("a", "", 1, 2) + "," + span("c", "gone", 3, 9)));
  CHECK(trace.all_sent() == std::vector<double>{12, 0, 2});
  CHECK(trace.requests[0].prompt == 10);
}

TEST_CASE("spans that are no model calls take no time", "[scenarios][sessions]") {
  const auto trace = replay_text(spans(span("agent", "", 0, 9, false) + "," + span("a", "agent", 2, 3) + "," +
                                       span("tool", "a", 4, 6, false) + "," + span("b", "tool", 7, 8)));
  REQUIRE(trace.requests.size() == 2);
  CHECK(trace.sent(0) == 2);
  CHECK(trace.sent(1) == 16);  // the tool begins 1 s after a has left, b 3 s after the tool's beginning
  CHECK(trace.rows.read == 4);
  CHECK(trace.rows.dropped_by == std::map<std::string, int64_t>{{"no_model_call", 2}});
}

TEST_CASE("spans that wait for themselves and other mistakes are errors", "[scenarios][sessions]") {
  const auto said = [](const std::string& text) { return only_mistake_in(text, SessionFormat::otel); };
  CHECK_THAT(said(spans(span("r", "", 0, 1) + "," + span("a", "b", 1, 2) + "," + span("b", "a", 3, 4))),
             Contains("waits for itself: its parents lead back to it"));
  CHECK_THAT(said(spans(span("a", "a", 1, 2))), Contains("span \"a\" waits for itself"));
  CHECK_THAT(said(spans(span("a", "", 1, 2) + "," + span("a", "", 1, 2))), Contains("has the span_id \"a\" already"));
  CHECK_THAT(said(spans(R"({"span_id":"a","start_time":"yesterday"})")), Contains("start_time is \"yesterday\""));
  CHECK_THAT(said(spans(R"({"span_id":"a","start_time":"2026-02-25T10:00:00","attributes":)"
                        R"({"gen_ai.operation.name":"chat"}})")),
             Contains("no gen_ai.usage.input_tokens here and no gen_ai.input.messages"));
  CHECK_THAT(said(spans(R"({"span_id":"a","start_time":"2026-02-25T10:00:00","attributes":)"
                        R"({"gen_ai.input.messages":"[oops"}})")),
             Contains("the messages are a text that is no JSON"));
  CHECK_THAT(said(spans(span("a", "", 1, 2, false))), Contains("no request"));
}

TEST_CASE("a format is told by what a file begins with", "[scenarios][sessions]") {
  const auto told = [](const std::string& bytes, const std::string& asked = "auto") {
    const TraceFile file(bytes);
    return scenarios::session_format(file.path(), asked);
  };
  CHECK(told("\xEF\xBB\xBF" + kCsv) == SessionFormat::csv);
  CHECK(told("session_id,timestamp,status,model,prompt_tokens,completion_tokens\r\n") == SessionFormat::exgentic);
  CHECK(told("  {\"spans\": []}") == SessionFormat::otel);
  CHECK(told(weka("")) == SessionFormat::weka);
  CHECK_FALSE(told("arrival_s,prompt_tokens,output_tokens\n0,1,1\n"));
  CHECK_FALSE(told("arrival_s,prompt_tokens,output_tokens\n0,1,1\n", "csv"));
  CHECK_FALSE(told("{\"timestamp\": 0, \"input_length\": 6758, \"output_length\": 500, \"hash_ids\": [0]}\n"));
  CHECK_FALSE(told(R"({"input_toks": 10, "output_toks": 70, "arrival_time_ns": 46926808})"));
  CHECK_FALSE(told(kCsv, "azure"));
  CHECK(told("nonsense", "weka") == SessionFormat::weka);
  CHECK(scenarios::session_format(fixture("weka_agentic_0504.json.gz"), "") == SessionFormat::weka);
  CHECK_FALSE(scenarios::session_format("gone.json", "auto"));
}

TEST_CASE("a file of sessions that cannot be read is reported where it was asked for", "[scenarios][sessions]") {
  const auto scenario = std::make_shared<scenarios::Source>(scenarios::Source{"desk.yaml", "a\n  trace: gone.json\n"});
  for (const std::string path : {"gone.json", "/dev/zero", "/tmp"}) {
    scenarios::Diagnostics diagnostics;
    CHECK_FALSE(
        scenarios::open_sessions(path, SessionFormat::weka, {}, kKey, {scenario, 2, 10, 9}, diagnostics).source);
    CHECK_THAT(diagnostics.render(), StartsWith("desk.yaml:2:10: error: cannot read"));
  }
}

TEST_CASE("a prompt of 894,371 tokens and a line of 100 kB are read", "[scenarios][sessions]") {
  std::string ids = "1";
  for (int i = 2; i <= 894'371 / 64; ++i) ids += fmt::format(",{}", i);
  REQUIRE(ids.size() > 70'000);
  const std::string big = fmt::format(R"({{"type":"n","in":894371,"out":5,"t":0,"hash_ids":[{}]}})", ids);
  const auto session = replay_text(weka(big + "," + big));
  CHECK(session.requests[1].prompt == 894'371);
  CHECK(session.parts(1).size() == 13'974);
}

// Whatever the bytes, a reader ends, and says what is wrong or hands out calls that end.
TEST_CASE("damaged files of sessions are refused or read, and never worse", "[scenarios][sessions]") {
  const auto bytes_of = [](const std::string& name) {
    std::ifstream in(fixture(name), std::ios::binary);
    return std::string((std::istreambuf_iterator<char>(in)), {});
  };
  const std::string agent = turn(0, R"(,"api_time":4)") + R"(,{"type":"subagent","t":9.5,"requests":[)" + turn(0, "") +
                            "," + turn(4, R"(,"think_time":1)") + "]}," + turn(12, R"(,"think_time":8)");
  const std::vector<std::pair<std::string, SessionFormat>> files = {
      {bytes_of("otel_fan_in.json"), SessionFormat::otel},
      {bytes_of("exgentic_appworld_derived72.csv"), SessionFormat::exgentic},
      {bytes_of("weka_agentic_0504.json.gz"), SessionFormat::weka},
      {weka(agent), SessionFormat::weka}};
  for (const auto& [good, format] : files) {
    REQUIRE(rc::check([&good = good, format = format] {
      std::string bytes = good;
      const int changes = *rc::gen::inRange(1, 4);
      for (int i = 0; i < changes; ++i) {
        const auto at = *rc::gen::inRange<std::size_t>(0, bytes.size());
        const auto by =
            *rc::gen::element<std::string>("", "\"", "{", "}", "[", "]", ",", "-", "9", "null", "\n", "\xff");
        bytes.replace(at, *rc::gen::inRange<std::size_t>(0, 40), by);
      }
      const TraceFile file(bytes);
      scenarios::Diagnostics diagnostics;
      const auto trace = scenarios::open_sessions(file.path(), format, {}, kKey, {}, diagnostics);
      RC_ASSERT(diagnostics.ok() == (trace.source != nullptr));
      diagnostics.render();
      while (trace.source) {
        const auto next = trace.source->next(sim::kNever);
        if (!next) break;
        trace.source->left(next->number, next->at, 0, next->output);
      }
    }));
  }
}
