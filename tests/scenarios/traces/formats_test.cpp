// The formats of others: heads of the published files, and what is odd about each.
#include <rapidcheck.h>

#include <set>

#include "tests/catch.hpp"
#include "tests/scenarios/traces/trace_file.hpp"

using namespace tokwatt;
using Catch::Contains;
using Catch::StartsWith;
using tests::fixture;
using tests::instants;
using tests::kSecond;
using tests::mistakes_in;
using tests::read_trace;
using tests::sum_of_outputs;
using tests::sum_of_prompts;
using tests::TraceFile;

namespace {

constexpr sim::Picoseconds kMillisecond = kSecond / 1000;
using Dropped = std::map<std::string, int64_t>;

scenarios::TraceOptions of_stream(const char* name) {
  scenarios::TraceOptions options;
  options.key = sim::stream_key(1, name);
  return options;
}

scenarios::TraceOptions timed(sim::ArrivalProcess process) {
  scenarios::TraceOptions options = of_stream("people");
  options.arrivals = std::move(process);
  return options;
}

sim::ArrivalProcess every_second() { return {sim::GapProcess::constant, 1, {{1, 1e9}}}; }

std::string only_mistake_in(const std::string& bytes, const scenarios::TraceOptions& options = {}) {
  const auto said = mistakes_in(bytes, options);
  CAPTURE(said);
  REQUIRE(said.size() == 1);
  return said.front();
}

std::set<uint64_t> ids_of(const tests::ReadTrace& trace) {
  std::set<uint64_t> ids;
  for (const auto& r : trace.requests) {
    for (const sim::Part& part : r.content->parts) ids.insert(part.id);
  }
  return ids;
}

std::string mooncake(int input, const std::string& ids, const std::string& more = "") {
  return "{\"timestamp\": 27482, \"input_length\": " + std::to_string(input) +
         ", \"output_length\": 5, \"hash_ids\": " + ids + more + "}\n";
}

const std::string kRagIds =
    R"({"sys_prompt": [8302, 14332], "passages_ids": [], "history": [7], "web_search": [], "user_input": [26923]})";

std::string ragpulse(const std::string& timestamp, const std::string& ids = kRagIds) {
  return "{\"timestamp\": " + timestamp + ", \"input_length\": 30, \"output_length\": 5, \"hash_ids\": " + ids +
         ", \"session_id\": \"a-b\"}\n";
}

}  // namespace

// Totals of this file are what Python's csv and json modules find in the fixtures.

TEST_CASE("BurstGPT's columns go by name, whichever of its files has more", "[scenarios][traces][burstgpt]") {
  const auto first = read_trace(fixture("burstgpt1_head200.csv"));
  CHECK(first.requests.size() == 191);
  CHECK(first.rows.read == 200);
  CHECK(first.rows.dropped_by == Dropped{{"no_tokens", 9}});
  CHECK(sum_of_prompts(first) == 118'792);
  CHECK(sum_of_outputs(first) == 58'284);
  CHECK(first.requests.back().at == (33'784 - 5) * kSecond);
  const auto third = read_trace(fixture("burstgpt3_head60.csv"));
  CHECK(third.rows.read == 60);
  CHECK(sum_of_prompts(third) == 41'481);
  CHECK(sum_of_outputs(third) == 15'698);
  CHECK(third.requests.front().at == 0);  // from 19440110.0
  CHECK(third.requests.back().at == 17'258 * kSecond);
}

TEST_CASE("a column of BurstGPT that is missing or misspelt is told", "[scenarios][traces][burstgpt]") {
  CHECK(only_mistake_in("Timestamp,Model,Request tokens,Total tokens\n5,a,1,2\n") ==
        "1:1: no column \"Response tokens\"; expected Timestamp,Request tokens,Response tokens in any order");
  CHECK_THAT(only_mistake_in("Timestamp,Request token,Response tokens\n5,1,2\n"),
             StartsWith("1:11: unknown column \"Request token\"") && Contains("did you mean \"Request tokens\"?"));
  CHECK_THAT(only_mistake_in("Timestamp,Request tokens,Response tokens\n5,1,2\n5,1.0,2\n"),
             StartsWith("3:3: Request tokens is \"1.0\", not a whole number"));
}

TEST_CASE("Vidur's traces have arrivals of their own or are timed by a process", "[scenarios][traces][vidur]") {
  const auto own = read_trace(fixture("vidur_splitwise_conv_head59.csv"));
  CHECK(own.rows.read == 59);
  CHECK(sum_of_prompts(own) == 42'939);
  CHECK(sum_of_outputs(own) == 7'212);
  CHECK(own.requests[4].at == 5'892'655'000'000);  // written as 5.8926549999999995
  const auto given = read_trace(fixture("vidur_arxiv_head60.csv"), timed(every_second()));
  CHECK(given.rows.read == 60);
  CHECK(sum_of_prompts(given) == 163'499);
  CHECK(sum_of_outputs(given) == 16'058);
  CHECK(given.requests.front().at == kSecond);
  CHECK(given.requests.back().at == 60 * kSecond);
}

TEST_CASE("lengths alone need arrivals, and times of a trace's own exclude them", "[scenarios][traces][vidur]") {
  CHECK_THAT(only_mistake_in("num_prefill_tokens,num_decode_tokens\n1,1\n"),
             Contains("has lengths only; expected arrivals: beside trace:"));
  for (const std::string& text :
       {std::string("arrived_at,num_prefill_tokens,num_decode_tokens\n0,1,1\n"), mooncake(1, "[1]")}) {
    CHECK_THAT(only_mistake_in(text, timed(every_second())),
               Contains("has times of its own; expected no arrivals: beside trace:"));
  }
}

TEST_CASE("rows that are dropped take no instant of the process, and its end ends the trace",
          "[scenarios][traces][vidur]") {
  const TraceFile file("num_prefill_tokens,num_decode_tokens\n1,1\n5,0\n0,0\n2,1\n3,1\n4,1\n");
  const auto trace = read_trace(file.path(), timed({sim::GapProcess::constant, 1, {{1, 3}}}));
  CHECK(instants(trace) == std::vector<sim::Picoseconds>{kSecond, 2 * kSecond, 3 * kSecond});
  CHECK(tests::prompts(trace) == std::vector<int64_t>{1, 2, 3});
  CHECK(trace.rows.read == 5);  // the row without an instant stays unread
  CHECK(trace.rows.dropped_by == Dropped{{"no_output", 1}, {"no_tokens", 1}});
}

TEST_CASE("Mooncake's prompts are blocks of 512 tokens and a rest", "[scenarios][traces][mooncake]") {
  const auto trace = read_trace(fixture("mooncake_conversation_head300.jsonl.gz"), of_stream("people"));
  REQUIRE(trace.rows.read == 300);
  CHECK(sum_of_prompts(trace) == 4'269'971);
  CHECK(sum_of_outputs(trace) == 113'079);
  CHECK(trace.requests.back().at == 102'000 * kMillisecond);
  CHECK(ids_of(trace).size() == 7'814);
  for (const auto& r : trace.requests) {
    int64_t tokens = 0;
    for (std::size_t i = 0; i < r.content->parts.size(); ++i) {
      const bool last = i + 1 == r.content->parts.size();
      REQUIRE((last || r.content->parts[i].tokens == 512));
      tokens += r.content->parts[i].tokens;
    }
    REQUIRE(tokens == r.prompt);
    REQUIRE_FALSE(r.content->output_continues);
    REQUIRE(r.content->parts.front().id == trace.requests.front().content->parts.front().id);  // id 0 starts them all
  }
}

TEST_CASE("ids of one stream are never those of another", "[scenarios][traces][mooncake]") {
  const std::string file = fixture("mooncake_conversation_head300.jsonl.gz");
  const auto ids = ids_of(read_trace(file, of_stream("people"))), again = ids_of(read_trace(file, of_stream("people"))),
             others = ids_of(read_trace(file, of_stream("agents")));
  CHECK(ids == again);
  std::vector<uint64_t> common;
  std::set_intersection(ids.begin(), ids.end(), others.begin(), others.end(), std::back_inserter(common));
  CHECK(common.empty());
}

TEST_CASE("rows that are moved keep their blocks", "[scenarios][traces][mooncake]") {
  const auto line = [](int at, int id) {
    return "{\"timestamp\": " + std::to_string(at) + ", \"input_length\": 1, \"output_length\": 1, \"hash_ids\": [" +
           std::to_string(id) + "]}\n";
  };
  const TraceFile file(line(20, 2) + line(10, 1) + line(20, 3));
  const auto trace = read_trace(file.path());
  CHECK(instants(trace) == std::vector<sim::Picoseconds>{0, 10 * kMillisecond, 10 * kMillisecond});
  REQUIRE(trace.requests.size() == 3);
  for (std::size_t i = 0; i < 3; ++i) CHECK(trace.requests[i].content->parts.at(0).id == i + 1);
}

TEST_CASE("Mooncake's ids are counted", "[scenarios][traces][mooncake]") {
  CHECK(mistakes_in(mooncake(512, "[1]") + mooncake(513, "[1, 2]") + mooncake(0, "[]") + mooncake(1, "[9]")).empty());
  CHECK(only_mistake_in(mooncake(1, "[1]") + mooncake(512, "[1, 2]")) ==
        "2:64: hash_ids has 2 ids; expected 1, one for each 512 tokens of 512");
  CHECK_THAT(only_mistake_in(mooncake(513, "[1]")), StartsWith("1:64: hash_ids has 1 ids; expected 2"));
  CHECK_THAT(only_mistake_in(mooncake(1, "[]")), StartsWith("1:62: hash_ids has 0 ids; expected 1"));
  CHECK_THAT(only_mistake_in(mooncake(1024, "[1, -2]")), StartsWith("1:80: hash_ids holds \"-2\"; expected ids"));
  CHECK_THAT(only_mistake_in(mooncake(1024, "[1, 9223372036854775808]")), Contains("holds \"9223372036854775808\""));
  CHECK(mistakes_in(mooncake(1024, "[1,9223372036854775807]")).empty());
  CHECK_THAT(only_mistake_in(mooncake(1024, "{\"a\": 1}")), Contains("expected a list"));
}

TEST_CASE("instants of JSON are exact: milliseconds, nanoseconds, fractions", "[scenarios][traces]") {
  const auto second = [](const std::string& key, const std::string& at, const std::string& rest) {
    const auto row = [&](const std::string& t) { return "{\"" + key + "\": " + t + rest; };
    const TraceFile file(row("0") + row(at));
    return read_trace(file.path()).requests.at(1).at;
  };
  const std::string m = ", \"input_length\": 1, \"output_length\": 1, \"hash_ids\": [1]}\n";
  CHECK(second("timestamp", "27482", m) == 27'482 * kMillisecond);
  CHECK(second("timestamp", "0.25", m) == 250'000'000);
  CHECK(second("timestamp", "1e3", m) == kSecond);
  const std::string l = ", \"input_toks\": 1, \"output_toks\": 1}\n";
  CHECK(second("arrival_time_ns", "46926808", l) == 46'926'808'000);
  CHECK(second("arrival_time_ns", "0.0004", l) == 0);
  CHECK(second("arrival_time_ns", "0.0005", l) == 1);
  const std::string epoch = "{\"arrival_time_ns\": 1700158546680590000";
  const TraceFile file(epoch + l + "{\"arrival_time_ns\": 1700158546680590001" + l);
  CHECK(instants(read_trace(file.path())) == std::vector<sim::Picoseconds>{0, 1000});
}

TEST_CASE("RAGPulse's two runs are merged, and its instants are strings", "[scenarios][traces][ragpulse]") {
  const auto trace = read_trace(fixture("ragpulse_lines_3761_to_3840.jsonl.gz"));
  CHECK(trace.rows.read == 80);
  CHECK(trace.moved == 40);
  CHECK(sum_of_prompts(trace) == 214'471);
  CHECK(sum_of_outputs(trace) == 20'090);
  CHECK(trace.requests.front().prompt == 2'926);  // line 41, at "0"
  CHECK(trace.requests.back().at == 604'453 * kSecond);
  for (const auto& r : trace.requests) CHECK(r.content == nullptr);
}

TEST_CASE("the shape of RAGPulse's lines is checked", "[scenarios][traces][ragpulse]") {
  CHECK(mistakes_in(ragpulse("\"82\"") + ragpulse("\"82.5\"")).empty());
  CHECK_THAT(only_mistake_in(ragpulse("82")),
             StartsWith("1:15: timestamp is \"82\"; expected a string without escapes"));
  CHECK_THAT(only_mistake_in(ragpulse("\"noon\"")), StartsWith("1:16: timestamp is \"noon\", not a number"));
  CHECK_THAT(only_mistake_in(ragpulse("\"\"")), StartsWith("1:16: timestamp is empty; expected seconds"));
  CHECK_THAT(only_mistake_in(ragpulse("\"1\"", "[1, 2]")), Contains("\"[1, 2]\" stands here; expected an object"));
  CHECK_THAT(only_mistake_in(ragpulse("\"1\"", "{\"sys_prompt\": [1], \"user_input\": []}")),
             Contains("hash_ids has 2 of its 5 lists; expected sys_prompt, passages_ids"));
  CHECK_THAT(only_mistake_in(ragpulse("\"1\"", "{\"sys_prompt\": 3" + kRagIds.substr(28))),
             Contains("\"3\" stands here; expected a list"));
}

TEST_CASE("LLMServingSim's lines may hold token ids, which are counted", "[scenarios][traces][llmservingsim]") {
  const auto trace = read_trace(fixture("llmservingsim_example.jsonl"));
  CHECK(trace.rows.read == 10);
  CHECK(sum_of_prompts(trace) == 120);
  CHECK(sum_of_outputs(trace) == 591);
  CHECK(trace.requests[1].at == (347'938'952 - 46'926'808) * int64_t{1000});
  const auto line = [](const std::string& more) {
    return "{\"input_toks\": 3, \"output_toks\": 2, \"arrival_time_ns\": 0" + more + "}\n";
  };
  CHECK(mistakes_in(line("") + line(", \"input_tok_ids\": [5, 5, 5]") + line(", \"model\": \"x\"")).empty());
  CHECK(only_mistake_in(line(", \"input_tok_ids\": [5, 5]")) ==
        "1:60: input_tok_ids has 2 ids; expected 3, as input_toks says");
  CHECK_THAT(only_mistake_in(line(", \"output_tok_ids\": []")), Contains("output_tok_ids has 0 ids; expected 2"));
}

TEST_CASE("sessions of LLMServingSim are refused by name", "[scenarios][traces][llmservingsim]") {
  CHECK_THAT(only_mistake_in("{\"session_id\": \"a\", \"arrival_time_ns\": 0, \"sub_requests\": [{\"input_toks\": 1, "
                             "\"output_toks\": 1, \"tool_duration_ns\": 5}]}\n"),
             Contains("sub_requests: sessions of llmservingsim are not built yet"));
}

TEST_CASE("a key that is missing, twice or misspelt is told, one that is unknown is ignored", "[scenarios][traces]") {
  CHECK(only_mistake_in("{\"timestamp\": 0, \"input_length\": 1, \"hash_ids\": [1]}\n") ==
        "1:1: no key \"output_length\"; expected timestamp, input_length, output_length, hash_ids");
  CHECK_THAT(only_mistake_in("{\"timestamp\": 0, \"input_length\": 1, \"outptu_length\": 1, \"hash_ids\": [1]}\n"),
             Contains("no key \"output_length\"") && Contains("did you mean it by \"outptu_length\"?"));
  CHECK(only_mistake_in(mooncake(1, "[1]", ", \"timestamp\": 1")) ==
        "1:79: the key \"timestamp\" again; expected each key once");
  CHECK_THAT(only_mistake_in(mooncake(1, "[1]", ", \"x\": [{\"b\": 1, \"a\": 2, \"b\": 3}]")),
             Contains("the key \"b\" again"));
  CHECK(
      mistakes_in(mooncake(1, "[1]", ", \"x\": [{\"b\": null, \"a\": [true, -1.5e-7]}], \"b\": \"\\u00e9é\"")).empty());
}

TEST_CASE("every mistake of a line is told, and of every line", "[scenarios][traces]") {
  const auto said =
      mistakes_in("{\"timestamp\": -1, \"input_length\": 1.5, \"output_length\": \"7\", \"hash_ids\": [1]}\n" +
                  mooncake(1, "[1]") + "{\"timestamp\" 0}\n" + mooncake(1, "[1]") + "[]\n" + "null\n");
  REQUIRE(said.size() == 6);
  CHECK_THAT(said[0], StartsWith("1:15: timestamp is \"-1\", negative; expected milliseconds"));
  CHECK_THAT(said[1], StartsWith("1:35: input_length is \"1.5\", not a whole number"));
  CHECK_THAT(said[2], StartsWith("1:57: output_length is \"\\\"7\\\"\", not a number") ||
                          StartsWith("1:57: output_length is \"\"7\"\", not a number"));
  CHECK(said[3] == "3:14: no JSON here: \"0\"; expected a colon");
  CHECK_THAT(said[4], StartsWith("5:1: no JSON here: \"[\"; expected an object"));
  CHECK_THAT(said[5], StartsWith("6:1: no JSON here: \"n\"; expected an object"));
}

TEST_CASE("JSON lines end as they like, but empty ones stand only at the end", "[scenarios][traces]") {
  const std::string line = mooncake(1, "[1]").substr(0, mooncake(1, "[1]").size() - 1);
  for (const char* end : {"", "\n", "\r\n", "\n\n", "\r\n\r\n"}) {
    const TraceFile file("\xEF\xBB\xBF" + line + "\r\n" + line + end);
    CHECK(read_trace(file.path()).requests.size() == 2);
  }
  CHECK(only_mistake_in(line + "\n\n" + line) == "2:1: an empty line; expected a row");
  CHECK_THAT(only_mistake_in(line + "\n" + line.substr(0, 40)), Contains("the text ends; expected"));
}

TEST_CASE("a line may hold a million ids", "[scenarios][traces]") {
  std::string ids = "[7000000";
  for (int i = 1; i < 894'371; ++i) ids += ", " + std::to_string(7'000'000 + i);
  const TraceFile file(
      "{\"input_toks\": 894371, \"output_toks\": 1, \"arrival_time_ns\": 0, \"input_tok_ids\": " + ids + "]}\n");
  CHECK(sum_of_prompts(read_trace(file.path())) == 894'371);
}

TEST_CASE("a line with millions of mistakes or keys is told as quickly as any", "[scenarios][traces]") {
  std::string ids = "[-1", keys;
  for (int i = 0; i < 1'000'000; ++i) ids += ",-1";
  for (int i = 0; i < 500'000; ++i) keys += ", \"timestam" + std::to_string(i) + "\": 0";
  const auto of_ids = mistakes_in(mooncake(1, ids + "]"));
  REQUIRE(of_ids.size() == 21);
  CHECK_THAT(of_ids.back(), Contains("... and 999981 more mistakes"));
  CHECK_THAT(only_mistake_in("{\"input_length\": 1, \"output_length\": 1, \"hash_ids\": [1]" + keys + "}\n"),
             Contains("no key \"timestamp\""));
}

TEST_CASE("a format that is asked for is not looked for", "[scenarios][traces]") {
  scenarios::TraceOptions options;
  options.format = "azure";
  CHECK_THAT(only_mistake_in(mooncake(1, "[1]"), options),
             Contains("this looks like JSON; expected the header TIMESTAMP"));
  options.format = "mooncake";
  CHECK_THAT(only_mistake_in("arrival_s,prompt_tokens,output_tokens\n", options),
             StartsWith("1:1: no JSON here: \"a\"; expected an object"));
}

TEST_CASE("whatever the bytes, a trace is read whole or its mistakes are told", "[scenarios][traces][fuzz]") {
  const std::vector<std::string> good = {
      "TIMESTAMP,ContextTokens,GeneratedTokens\r\n2023-11-16 18:15:46.6805900,374,44\r\n2023-11-16 "
      "18:15:46.6805901,1,0",
      "arrival_s,prompt_tokens,output_tokens,id\n0,1,1,a\n0.5,2,2,b\n",
      "Timestamp,Session ID,Request tokens,Response tokens\n19440110.0,,906,446\n19440110.0,,0,0\n",
      "arrived_at,num_prefill_tokens,num_decode_tokens\n0.0,374,44\n4.3,1,1\n",
      mooncake(513, "[1, 2]") + mooncake(1, "[1]"),
      ragpulse("\"82\"") + ragpulse("\"9\""),
      "{\"input_toks\":2,\"output_toks\":1,\"arrival_time_ns\":46926808,\"input_tok_ids\":[1,2]}\n",
      "0,1.5,2,Weibull,0.5,0.7\n1,0,0,,0,0\n2,9,1,Gamma,1,1\n3,0,0,,0,0\n"};
  const std::string lengths = R"({"0": {"input_tokens": "{1: 0.5, 2: 0.5}", "output_tokens": "{1: 1.0}"}})";
  const auto mutated = [](std::string text) {
    for (int i = *rc::gen::inRange(0, 4); i > 0 && !text.empty(); --i) {
      const auto at = *rc::gen::inRange<std::size_t>(0, text.size());
      const auto with = *rc::gen::elementOf(std::string("\"\\{}[]:,.0159eE+- tnu\n\r\x01\xc3\xff\x1f\x8b"));
      const int how = *rc::gen::inRange(0, 4);
      if (how == 0) text[at] = with;
      if (how == 1) text.insert(at, 1, with);
      if (how == 2) text.erase(at, 1);
      if (how == 3) text.insert(at, text.substr(0, at));
    }
    return text;
  };
  REQUIRE(rc::check([&] {
    const TraceFile file(mutated(*rc::gen::elementOf(good))), beside(mutated(lengths));
    scenarios::TraceOptions options = of_stream("people");
    options.format = *rc::gen::elementOf([] {
      auto names = scenarios::trace_format_names();
      names.insert(names.end(), names.size(), "auto");
      return names;
    }());
    if (*rc::gen::arbitrary<bool>()) options.lengths = beside.path();
    try {
      const auto trace = read_trace(file.path(), options, 100 * kSecond);
      int64_t rows = static_cast<int64_t>(trace.requests.size());
      for (const auto& [reason, count] : trace.rows.dropped_by) rows += count;
      RC_ASSERT(trace.rows.read == rows || (trace.rows.read == 0 && !options.lengths.empty()));
    } catch (const scenarios::InputError& e) {
      RC_ASSERT(!e.errors().empty());
    }
  }));
}

TEST_CASE("every format has a head among the fixtures that is recognised", "[scenarios][traces]") {
  for (const char* file : {"azure_zoned.csv", "two_sorted_runs.csv", "burstgpt1_head200.csv", "burstgpt3_head60.csv",
                           "vidur_splitwise_conv_head59.csv", "mooncake_conversation_head300.jsonl.gz",
                           "ragpulse_lines_3761_to_3840.jsonl.gz", "llmservingsim_example.jsonl"}) {
    CAPTURE(file);
    const auto trace = read_trace(fixture(file));
    int64_t dropped = 0;
    for (const auto& [reason, count] : trace.rows.dropped_by) dropped += count;
    CHECK(trace.rows.read == static_cast<int64_t>(trace.requests.size()) + dropped);
  }
}
