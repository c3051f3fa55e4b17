// ServeGen's clients: windows and lengths.
#include "tests/catch.hpp"
#include "tests/scenarios/traces/trace_file.hpp"

using namespace tokwatt;
using Catch::Contains;
using Catch::StartsWith;
using tests::fixture;
using tests::kSecond;
using tests::read_trace;
using tests::TraceFile;

namespace {

const std::string kLengths =
    R"({"0": {"input_tokens": "{100: 0.25, 300: 0.75}", "output_tokens": "{7: 1.0}"}, "1200": {"input_tokens": "{}", "output_tokens": "{}"}})";

scenarios::TraceOptions with_lengths(const std::string& path, uint64_t seed = 1) {
  scenarios::TraceOptions options;
  options.key = sim::stream_key(seed, "client");
  options.lengths = path;
  return options;
}

// "line:column: message" of what is said about windows and lengths.
std::vector<std::string> said_of(const std::string& windows, const std::string& lengths = kLengths,
                                 std::optional<int64_t> limit = {}) {
  const TraceFile file(lengths);
  auto options = with_lengths(file.path());
  options.limit = limit;
  return tests::mistakes_in(windows, options);
}

std::string only_said_of(const std::string& windows, const std::string& lengths = kLengths) {
  const auto said = said_of(windows, lengths);
  CAPTURE(said);
  REQUIRE(said.size() == 1);
  return said.front();
}

}  // namespace

TEST_CASE("a published client sends what its windows and histograms say", "[scenarios][traces][servegen]") {
  // 72 windows of 600 s: rates times lengths add up to 21,457 requests; their spread is that of cv up to 19.
  double requests = 0, prompt = 0, output = 0;
  constexpr int kSeeds = 20;
  for (uint64_t seed = 0; seed < kSeeds; ++seed) {
    const auto trace = read_trace(fixture("servegen_chunk0_trace_head72.csv.gz"),
                                  with_lengths(fixture("servegen_chunk0_dataset_head2.json.gz"), seed));
    CHECK(trace.rows.read == 0);  // requests are drawn, not read
    requests += static_cast<double>(trace.requests.size());
    for (const auto& r : trace.requests) {
      REQUIRE(r.prompt >= 214);
      REQUIRE(r.prompt <= 6201);
      REQUIRE(r.output >= 39);
      REQUIRE(r.output <= 4177);
      prompt += static_cast<double>(r.prompt);
      output += static_cast<double>(r.output);
    }
    REQUIRE(std::is_sorted(trace.requests.begin(), trace.requests.end(),
                           [](const auto& a, const auto& b) { return a.at < b.at; }));
  }
  CHECK_THAT(requests / kSeeds, Catch::WithinRel(21'457.0, 0.05));
  // Means of the histograms: 427.5 and 353.3 tokens in, 147.5 and 110.8 out.
  CHECK(prompt / requests > 353);
  CHECK(prompt / requests < 428);
  CHECK(output / requests > 110);
  CHECK(output / requests < 148);
}

TEST_CASE("windows are rebased, stretched by the speed and empty where the rate is 0",
          "[scenarios][traces][servegen]") {
  const TraceFile windows("600,0,0,,0,0\n700,2,1,Gamma,1,0.5\n800,0,0,,0,0\n"), lengths(kLengths);
  auto options = with_lengths(lengths.path());
  const auto plain = read_trace(windows.path(), options);
  CHECK(plain.requests.size() > 150);  // 200 in the mean, spread 14
  CHECK(plain.requests.size() < 250);
  CHECK(plain.requests.front().at >= 100 * kSecond);
  CHECK(plain.requests.back().at < 200 * kSecond);
  options.speed = 0.5;
  options.start = 10;
  const auto slow = read_trace(windows.path(), options);
  REQUIRE(slow.requests.size() == plain.requests.size());
  for (std::size_t i = 0; i < plain.requests.size(); ++i) {
    REQUIRE(slow.requests[i].at == 2 * plain.requests[i].at + 10 * kSecond);
    REQUIRE(slow.requests[i].prompt == plain.requests[i].prompt);
  }
}

TEST_CASE("a window's requests do not depend on those of others", "[scenarios][traces][servegen]") {
  const auto in_second_window = [](const std::string& first) {
    const TraceFile windows("0," + first + "\n100,2,2,Weibull,0.6,0.5\n200,0,0,,0,0\n"), lengths(kLengths);
    std::vector<sim::Picoseconds> at;
    for (const auto& r : read_trace(windows.path(), with_lengths(lengths.path())).requests)
      if (r.at >= 100 * kSecond) at.push_back(r.at);
    return at;
  };
  CHECK(in_second_window("0,0,,0,0") == in_second_window("3,1,Gamma,1,1"));
  CHECK(in_second_window("0,0,,0,0").size() > 50);
}

TEST_CASE("lengths follow the histogram", "[scenarios][traces][servegen]") {
  const TraceFile windows("0,100,1,Gamma,1,1\n100,0,0,,0,0\n"), lengths(kLengths);
  const auto trace = read_trace(windows.path(), with_lengths(lengths.path()));
  const auto n = static_cast<double>(trace.requests.size());
  const auto shorter =
      std::count_if(trace.requests.begin(), trace.requests.end(), [](const auto& r) { return r.prompt == 100; });
  CHECK(std::abs(static_cast<double>(shorter) / n - 0.25) < 4 * std::sqrt(0.25 * 0.75 / n));
  for (const auto& r : trace.requests) REQUIRE((r.output == 7 && (r.prompt == 100 || r.prompt == 300)));
}

TEST_CASE("a client needs its lengths, and nothing else does", "[scenarios][traces][servegen]") {
  const TraceFile windows("0,1,1,Gamma,1,1\n"), csv("arrival_s,prompt_tokens,output_tokens\n0,1,1\n");
  const auto said = [](const std::string& path, const scenarios::TraceOptions& options) {
    scenarios::Diagnostics diagnostics;
    CHECK_FALSE(scenarios::open_trace(path, options, {}, diagnostics));
    return diagnostics.render();
  };
  CHECK_THAT(said(windows.path(), {}), Contains("expected lengths: beside trace:"));
  CHECK_THAT(said(csv.path(), with_lengths(windows.path())),
             Contains("lengths goes only with a trace of format servegen"));
  CHECK_THAT(said(windows.path(), with_lengths("gone.json")), Contains("cannot read \"gone.json\": No such file"));
  auto options = with_lengths(windows.path());
  options.arrivals = sim::ArrivalProcess{sim::GapProcess::poisson, 1, {{1, 10}}};
  CHECK_THAT(said(windows.path(), options), Contains("has times of its own"));
}

TEST_CASE("what is wrong with a window is told at its field", "[scenarios][traces][servegen]") {
  const std::string good = "0,1,1,Gamma,1,1\n";
  CHECK(said_of(good + "600,0,0,,0,0\n").empty());
  CHECK_THAT(only_said_of(good + "600,1,1,Gamma,1\n"),
             StartsWith("2:1: 5 fields in \"600,1,1,Gamma,1\"; expected start,rate,cv,process,shape,scale"));
  CHECK_THAT(only_said_of(good + "0,1,1,Gamma,1,1\n"),
             StartsWith("2:1: start is \"0\", no later than the window before"));
  CHECK_THAT(only_said_of(good + "600,-1,1,Gamma,1,1\n"), StartsWith("2:5: rate is \"-1\"; expected a number"));
  CHECK_THAT(only_said_of(good + "600,1,nan,Gamma,1,1\n"), StartsWith("2:7: cv is \"nan\""));
  CHECK_THAT(only_said_of(good + "600,1,1,Gama,1,1\n"),
             StartsWith("2:9: process is \"Gama\"; expected Gamma or Weibull; did you mean \"Gamma\"?"));
  CHECK_THAT(only_said_of(good + "600,1,1,,1,1\n"), StartsWith("2:9: process is empty"));
  CHECK_THAT(only_said_of(good + "600,1,1,Gamma,0,1\n"),
             StartsWith("2:15: shape is \"0\"; expected a shape from 1e-4"));
  CHECK_THAT(only_said_of(good + "1300,1,1,Gamma,1,1\n"), StartsWith("2:6: rate is \"1\", but the lengths have no"));
  CHECK_THAT(only_said_of("0,0,0,,0,0\n600,0,0,,0,0\n"), Contains("no window has a rate above 0"));
  CHECK_THAT(only_said_of("0,1e12,1,Gamma,1,1\n"), Contains("a window with 6e+14 requests; expected at most"));
  CHECK_THAT(only_said_of(good + "600,1,1,Gamma,1,1." + std::string(17'000'000, '0') + "\n"),
             StartsWith("2:1: a line of more than 16777216 bytes; expected a window"));
  CHECK(said_of(good + "600,1\n", kLengths, 1).empty());  // the limit counts windows
}

TEST_CASE("what is wrong with the lengths is told at its place", "[scenarios][traces][servegen]") {
  const std::string good = "0,1,1,Gamma,1,1\n";
  const auto of = [](const std::string& input) {
    return "{\n  \"0\": {\n    \"input_tokens\": \"" + input + "\",\n    \"output_tokens\": \"{1: 1.0}\"\n  }\n}\n";
  };
  CHECK(said_of(good, of("{5: 1e-4, 6: 0.9999}")).empty());
  CHECK(said_of(good, of("{6: 0.5, 5: 0.5}")).empty());
  CHECK_THAT(only_said_of(good, of("{5: 0.5, 6: 0.4}")),
             StartsWith("3:22: input_tokens: the probabilities add up to 0.9; expected 1"));
  CHECK_THAT(only_said_of(good, of("{5: 0.5, 5: 0.5}")), Contains("the length 5 comes twice"));
  CHECK_THAT(only_said_of(good, of("{5: 0.5 6: 0.5}")), StartsWith("3:30: input_tokens: expected a comma or }"));
  CHECK_THAT(only_said_of(good, of("{5.5: 1}")), StartsWith("3:24: input_tokens: expected a colon"));
  CHECK_THAT(only_said_of(good, of("{0: 1}")), Contains("a length of 0 tokens"));
  CHECK_THAT(only_said_of(good, of("{5: nan}")), Contains("expected a probability from 0 to 1"));
  CHECK_THAT(only_said_of(good, of("{5: 1} x")), Contains("expected nothing behind the histogram"));
  CHECK_THAT(only_said_of(good, of("")), Contains("expected a histogram such as"));
  CHECK_THAT(only_said_of(good, "{}"), Contains("no windows"));
  CHECK_THAT(only_said_of(good, "{\"0\": {\"input_tokens\": \"{1: 1}\"}}"), Contains("expected both"));
  CHECK_THAT(only_said_of(good, "{\"noon\": {\"input_tokens\": \"{1: 1}\", \"output_tokens\": \"{1: 1}\"}}"),
             StartsWith("1:3: a window starts at \"noon\", not a number"));
  CHECK_THAT(only_said_of(good, of("{5: 1}").substr(0, 40)), Contains("no JSON here: the text ends"));
}
