// What is said about traces that are wrong.
#include <fmt/format.h>

#include <sstream>
#include <tuple>

#include "scenarios/traces/kept_rows.hpp"
#include "tests/catch.hpp"
#include "tests/scenarios/traces/trace_file.hpp"

using namespace tokwatt;
using Catch::Contains;
using Catch::StartsWith;
using tests::fixture;
using tests::mistakes_in;
using tests::read_trace;
using tests::TraceFile;

namespace {

const std::string kHeader = "arrival_s,prompt_tokens,output_tokens\n";
const std::string kAzure = "TIMESTAMP,ContextTokens,GeneratedTokens\n";

scenarios::TraceOptions as(const std::string& format) {
  scenarios::TraceOptions options;
  options.format = format;
  return options;
}

// Asserts that there is exactly one mistake and returns it.
std::string only_mistake_in(const std::string& bytes, const scenarios::TraceOptions& options = {}) {
  const auto said = mistakes_in(bytes, options);
  CAPTURE(said);
  REQUIRE(said.size() == 1);
  return said.front();
}

std::string said_about(const std::string& path) {
  scenarios::Diagnostics diagnostics;
  CHECK_FALSE(scenarios::open_trace(path, {}, {}, diagnostics));
  return diagnostics.render();
}

}  // namespace

TEST_CASE("every mistake in a trace is reported at its place, all at once", "[scenarios][traces]") {
  std::ifstream expected(fixture("mistakes.txt"));
  std::stringstream text;
  text << expected.rdbuf();
  std::string said = said_about(fixture("mistakes.csv"));
  const std::string folder = fixture("");
  for (auto at = said.find(folder); at != std::string::npos; at = said.find(folder)) said.erase(at, folder.size());
  CHECK(said == text.str());
}

TEST_CASE("a field that is missing, too many, empty or no count is an error at its column", "[scenarios][traces]") {
  CHECK(only_mistake_in(kHeader + "0,1,1\n1,374\n") == "3:6: 2 of 3 fields in \"1,374\"; missing: output_tokens");
  CHECK(only_mistake_in(kHeader + "0,1,1,9\n") == "2:6: 4 fields in \"0,1,1,9\"; expected 3, as in the header");
  CHECK_THAT(only_mistake_in(kHeader + "0,,1\n"), StartsWith("2:3: prompt_tokens is empty"));
  CHECK_THAT(only_mistake_in(kHeader + "0,1,many\n"), StartsWith("2:5: output_tokens is \"many\", not a number"));
  CHECK_THAT(only_mistake_in(kHeader + "0,1, 1\n"), StartsWith("2:5: output_tokens is \" 1\", not a number"));
  CHECK_THAT(only_mistake_in(kHeader + "0,-1,1\n"), StartsWith("2:3: prompt_tokens is \"-1\", negative"));
  CHECK_THAT(only_mistake_in(kHeader + "0,1.0,1\n"), StartsWith("2:3: prompt_tokens is \"1.0\", not a whole number"));
  CHECK_THAT(only_mistake_in(kHeader + "0,2147483648,1\n"),
             StartsWith("2:3: prompt_tokens is \"2147483648\", too large"));
  CHECK_THAT(only_mistake_in(kHeader + "0,99999999999999999999999,1\n"), Contains("too large"));
  CHECK(mistakes_in(kHeader + "0,2147483647,1\n").empty());
}

TEST_CASE("quotes end with their field, on their line", "[scenarios][traces]") {
  const std::string header = "id,arrival_s,prompt_tokens,output_tokens\n";
  CHECK(mistakes_in(header + "\"a, \"\"b\"\"\",0,1,1\n\"\"\"\",1,1,1\n").empty());
  CHECK_THAT(only_mistake_in(header + "\"a,0,1,1\n"), Contains("2:1: ") && Contains("id has quotes that do not end"));
  CHECK_THAT(only_mistake_in(header + "\"a\"b,0,1,1\n"),
             StartsWith("2:1: id has quotes that do not end where it does"));
  CHECK_THAT(mistakes_in(header + "\"a\nb\",0,1,1\n").front(),
             StartsWith("2:1: a quote is open at the end of the line; expected each row on one line"));
}

TEST_CASE("an instant that is negative, no number or beyond reason is an error", "[scenarios][traces]") {
  CHECK_THAT(only_mistake_in(kHeader + "-1,1,1\n"), StartsWith("2:1: arrival_s is \"-1\", negative"));
  for (const char* wrong : {"nan", "inf", "1e", "1.", ".5", "1.2.3", "0x10", "1 s", "+1"}) {
    CHECK_THAT(only_mistake_in(kHeader + wrong + ",1,1\n"), Contains("not a number; expected seconds such as 12.5"));
  }
  CHECK_THAT(only_mistake_in(kHeader + "1e13,1,1\n"), Contains("too large"));
  CHECK_THAT(only_mistake_in(kHeader + "1e9999,1,1\n"), Contains("too large"));
}

TEST_CASE("a wall-clock time is checked against the calendar", "[scenarios][traces]") {
  for (const char* wrong :
       {"2023-13-16 18:15:46.6805900", "2023-02-29 18:15:46.6805900", "2023-11-00 18:15:46.6805900",
        "2023-11-16 24:00:00.0000000", "2023-11-16 18:60:46.6805900", "2023-11-16 18:15:60.0000000"}) {
    CHECK_THAT(only_mistake_in(kAzure + wrong + ",1,1\n"),
               Contains("TIMESTAMP is \"") && Contains("on no calendar or clock"));
  }
  CHECK(mistakes_in(kAzure + "2024-02-29 23:59:59.9999999,1,1\n").empty());
  for (const char* wrong : {"2023-11-16_18:15:46.6805900", "18:15:46", "1700158546.68", "2023-11-16 18:15",
                            "16.11.2023 18:15:46", "2023-11-16 18:15:46.", "2023-11-16 18:15:46.1234567890",
                            "2023-11-16 18:15:46 +00:00", "2023-11-16 18:15:46.680590+01:00"}) {
    CHECK_THAT(only_mistake_in(kAzure + wrong + ",1,1\n"), Contains("expected YYYY-MM-DD HH:MM:SS[.fffffffff] or"));
  }
}

TEST_CASE("a second timestamp format is an error", "[scenarios][traces]") {
  const std::string plain = "2023-11-16 18:15:46.6805900,1,1\n", zoned = "2024-05-10 00:00:00.009930+00:00,1,1\n";
  CHECK(only_mistake_in(kAzure + plain + zoned) ==
        "3:1: TIMESTAMP is \"2024-05-10 00:00:00.009930+00:00\", not in the form of the rows before; expected "
        "YYYY-MM-DD HH:MM:SS[.fffffffff]");
  CHECK_THAT(only_mistake_in(kAzure + zoned + plain), Contains("expected YYYY-MM-DD HH:MM:SS[.fffffffff]+00:00"));
}

TEST_CASE("a header again, a column twice or an unknown column is an error", "[scenarios][traces]") {
  CHECK(only_mistake_in(kHeader + "0,1,1\n" + kHeader + "1,1,1\n") == "3:1: the header again; expected a row");
  CHECK_THAT(only_mistake_in("arrival_s,prompt_tokens,output_tokens,prompt_tokens\n0,1,1,1\n"),
             StartsWith("1:39: column \"prompt_tokens\" comes twice"));
  CHECK_THAT(only_mistake_in("TIMESTAMP,ContextTokens,GeneratedTokens,a,a\n"),
             StartsWith("1:43: column \"a\" comes twice"));
  CHECK_THAT(only_mistake_in("arrival_s,prompt_token,output_tokens\n0,1,1\n"),
             StartsWith("1:11: unknown column \"prompt_token\"") && Contains("did you mean \"prompt_tokens\"?"));
  CHECK_THAT(only_mistake_in("TIMESTAMP,ContextTokens,GenerateTokens\n"),
             Contains("did you mean \"GeneratedTokens\"?"));
  CHECK_THAT(
      only_mistake_in("arrival_s,prompt_tokens,output_tokens,model\n0,1,1,x\n"),
      StartsWith("1:39: unknown column \"model\"; expected arrival_s, prompt_tokens, output_tokens, id, priority, "
                 "or session in place of priority"));
  CHECK_THAT(only_mistake_in("arrival_s,prompt_tokens,output_tokens,sesion\n0,1,1,x\n"),
             Contains("did you mean \"session\"?"));
}

TEST_CASE("a missing column is named once", "[scenarios][traces]") {
  CHECK_THAT(only_mistake_in("arrival_s,prompt_tokens\n0,1\n"), StartsWith("1:1: no column \"output_tokens\""));
  CHECK_THAT(only_mistake_in("TIMESTAMP,ContextTokens\n"), StartsWith("1:1: no column \"GeneratedTokens\""));
  CHECK(mistakes_in("0,374,44\n", as("csv")).size() == 6);  // each of the three is no column, and missing
}

TEST_CASE("a session is refused by name, a priority is a number, an id is fine", "[scenarios][traces]") {
  CHECK_THAT(only_mistake_in("arrival_s,prompt_tokens,output_tokens,session\n0,1,1,a\n"),
             StartsWith("1:39: column \"session\" makes this a file of sessions; expected columns arrival_s"));
  const std::string head = "priority,arrival_s,prompt_tokens,output_tokens\n";
  CHECK(mistakes_in(head + "-3,1,1,1\n1000000000,1,1,1\n").empty());
  for (const char* wrong : {"", "1.5", "high", "1000000001", "99999999999999"}) {
    CAPTURE(wrong);
    CHECK_THAT(only_mistake_in(head + wrong + ",1,1,1\n"), StartsWith("2:1: priority is ") && Contains("whole number"));
  }
  CHECK(mistakes_in("id,arrival_s,prompt_tokens,output_tokens\n\"a, \"\"b\"\"\",0,1,1\n").empty());
}

TEST_CASE("a file without requests is an error", "[scenarios][traces]") {
  CHECK(only_mistake_in("") == "1:1: the file is empty; expected a trace");
  CHECK(only_mistake_in("\n") == "1:1: the first line is empty; expected a trace");
  CHECK_THAT(only_mistake_in(kHeader), Contains("no request; expected rows"));
  CHECK_THAT(only_mistake_in(kHeader + "0,0,0\n1,5,0\n"),
             Contains("no request: none of the 2 rows has both prompt and output tokens"));
}

TEST_CASE("only one empty line, and only at the end", "[scenarios][traces]") {
  CHECK(only_mistake_in(kHeader + "0,1,1\n\n1,1,1\n") == "3:1: an empty line; expected a row");
  CHECK(only_mistake_in(kHeader + "0,1,1\n\n\n") == "3:1: an empty line; expected a row");
  CHECK_THAT(only_mistake_in(kHeader + "0,1,1\n  \n"), StartsWith("3:3: 1 of 3 fields"));
}

TEST_CASE("what is no trace at all is told in one line", "[scenarios][traces]") {
  CHECK_THAT(only_mistake_in(std::string("\x7f"
                                         "ELF\x02\x01\0\0\0",
                                         9)),
             Contains("is no text"));
  CHECK_THAT(only_mistake_in("\xFF\xFEt\0i\0"), Contains("this looks like UTF-16"));
  CHECK_THAT(only_mistake_in("0,374,44\n1,20,3\n"),
             StartsWith("1:1: the first line is \"0,374,44\"; expected a trace of format azure"));
  CHECK_THAT(only_mistake_in("{\n  \"a\": 1\n}\n"),
             StartsWith("1:1: the first line is \"{\"; expected a trace of format"));
  CHECK_THAT(only_mistake_in(kHeader + std::string("0,1,\x00\xFF\x01\n", 8)),
             StartsWith("2:5: output_tokens is \"\\x00\\xff\\x01\""));
  CHECK_THAT(only_mistake_in(kHeader + "0,1,1\n" + std::string(20'000'000, '7') + "\n1,1,1\n"),
             StartsWith("3:1: a line of more than 16777216 bytes"));
}

TEST_CASE("what is shown of a line is bounded", "[scenarios][traces]") {
  const TraceFile file(kHeader + "0," + std::string(500'000, '7') + ",1\n" + std::string(500'000, ',') + "\n" +
                       std::string(20'000'000, 'x'));
  const std::string said = said_about(file.path());
  CHECK_THAT(said, Contains(":2:3: error") && Contains(":3:") && Contains(":4:1: error: a line of more than"));
  CHECK(said.size() < 2500);
}

TEST_CASE("of many mistakes the first 20 are said, and how many there are", "[scenarios][traces]") {
  std::string text = kHeader;
  for (int i = 0; i < 37; ++i) text += "x,1,1\n";
  const auto said = mistakes_in(text);
  REQUIRE(said.size() == 21);
  CHECK_THAT(said[19], StartsWith("21:1: arrival_s is \"x\""));
  CHECK_THAT(said[20], Contains("... and 17 more mistakes in this file"));
}

TEST_CASE("a damaged gzip is an error at the line it breaks off", "[scenarios][traces]") {
  CHECK_THAT(said_about(fixture("truncated.csv.gz")), Contains(".gz:98:1: error: truncated gzip"));
  CHECK_THAT(said_about(fixture("wrong_checksum.csv.gz")),
             Contains(".gz:202:1: error: damaged gzip: incorrect data check"));
  CHECK_THAT(said_about(fixture("garbage_behind.csv.gz")),
             Contains(".gz:202:1: error: damaged gzip: bytes after its end"));
  CHECK_THAT(only_mistake_in("\x1F\x8B"), Contains("truncated gzip"));
  CHECK_THAT(only_mistake_in("\x1F\x8B\x07zzzzzzzzzzzz"), Contains("damaged gzip"));
}

TEST_CASE("a file that cannot be read is reported where it was asked for", "[scenarios][traces]") {
  const auto scenario = std::make_shared<scenarios::Source>(scenarios::Source{"desk.yaml", "a\n  trace: gone.csv\n"});
  scenarios::Diagnostics diagnostics;
  CHECK_FALSE(scenarios::open_trace("gone.csv", {}, {scenario, 2, 10, 8}, diagnostics));
  CHECK_THAT(diagnostics.render(), StartsWith("desk.yaml:2:10: error: cannot read \"gone.csv\": No such file"));
  CHECK_THAT(said_about(fixture("")), Contains("is no regular file"));
}

TEST_CASE("options out of range are errors", "[scenarios][traces]") {
  const std::string text = kHeader + "0,1,1\n";
  const auto with = [](double speed, std::optional<int64_t> limit, double start) {
    scenarios::TraceOptions options;
    options.speed = speed;
    options.limit = limit;
    options.start = start;
    return options;
  };
  for (const double speed : {0.0, -1.0, 1e-10, 1e10, std::numeric_limits<double>::quiet_NaN()}) {
    CHECK_THAT(only_mistake_in(text, with(speed, {}, 0)), Contains("speed is"));
  }
  CHECK_THAT(only_mistake_in(text, with(1, 0, 0)), Contains("limit is 0"));
  CHECK_THAT(only_mistake_in(text, with(1, {}, -1)), Contains("start is -1 s"));
  CHECK(mistakes_in(text, with(1, 1, 5)).empty());
}

TEST_CASE("a file that changes while it is read stops the run", "[scenarios][traces]") {
  // With what prompts begin with, so that its rows are not kept; long enough that most of it is read after the change.
  const auto row = [](int i, const char* prompt) {
    return fmt::format("{{\"timestamp\": {}, \"input_length\": {}, \"output_length\": 1, \"hash_ids\": [{}]}}\n", i,
                       prompt, i);
  };
  const auto rows = [&](int count) {
    std::string text;
    for (int i = 0; i < count; ++i) text += row(100'000 + i, "1");
    return text;
  };
  const auto said_after = [&](const std::string& before, const std::string& changed) {
    const TraceFile file(before);
    scenarios::Diagnostics diagnostics;
    const auto source = scenarios::open_trace(file.path(), {}, {}, diagnostics);
    REQUIRE(source);
    file.write(changed);
    try {
      while (source->next(sim::kNever)) {
      }
    } catch (const scenarios::InputError& e) {
      return std::string(e.what());
    }
    return std::string("nothing");
  };
  CHECK_THAT(said_after(rows(30'000), rows(20'000)),
             Contains(":20000:1: error: the file has changed while it was read: 20000 rows, 30000 before"));
  CHECK_THAT(said_after(rows(30'000), rows(29'999) + row(129'999, "\"x\"")),
             Contains(":30000:39: error: input_length is") && Contains("not a number"));
  CHECK(said_after(rows(30'000), rows(30'000)) == "nothing");
}

TEST_CASE("what has been checked is what is sent, whatever becomes of a file that is kept", "[scenarios][traces]") {
  const auto sent_of = [](const std::string& text, bool rewrite) {
    const TraceFile file(text);
    scenarios::Diagnostics diagnostics;
    const auto source = scenarios::open_trace(file.path(), {}, {}, diagnostics);
    REQUIRE(source);
    if (rewrite) file.write("nothing of the kind\n");
    std::vector<std::tuple<sim::Picoseconds, int64_t, int64_t, std::optional<int32_t>>> sent;
    while (const auto next = source->next(sim::kNever))
      sent.emplace_back(next->at, next->prompt, next->output, next->priority);
    return sent;
  };
  const std::string text =
      "arrival_s,prompt_tokens,output_tokens,priority\n5000000000.5,10,1,-3\n5000000002,0,7,0\n"
      "5000000001,2147483647,2,1000000000\n5000000002,30,3,0\n";
  const auto sent = sent_of(text, true);
  REQUIRE(sent.size() == 3);
  CHECK(sent[0] == std::tuple(0, 10, 1, std::optional<int32_t>(-3)));
  CHECK(sent[1] == std::tuple(500'000'000'000, 2147483647, 2, std::optional<int32_t>(1'000'000'000)));
  CHECK(sent[2] == std::tuple(1'500'000'000'000, 30, 3, std::optional<int32_t>(0)));
  CHECK(sent_of(text, false) == sent);
}

TEST_CASE("rows are kept while they are few, have nothing but lengths, and lie within 106 days",
          "[scenarios][traces]") {
  const auto keeps = [](int64_t rows, const scenarios::TraceRow& last) {
    scenarios::KeptRows kept;
    scenarios::TraceRow row;
    for (row.line = 1; row.line < rows; ++row.line) kept.add(row);
    kept.add(last);
    scenarios::TraceRow next;
    int64_t count = 0;
    while (kept.next(next)) ++count;
    CHECK(count == (kept.complete() ? rows : 0));
    return kept.complete();
  };
  constexpr int64_t kMost = 1 << 20;
  CHECK(keeps(kMost, {}));
  CHECK_FALSE(keeps(kMost + 1, {}));
  scenarios::TraceRow row;
  row.at = sim::kNever;
  CHECK(keeps(2, row));
  ++row.at;
  CHECK_FALSE(keeps(2, row));
  CHECK(keeps(1, row));  // they are counted from the first
  row.parts.push_back({1, 1});
  CHECK_FALSE(keeps(1, row));
}
