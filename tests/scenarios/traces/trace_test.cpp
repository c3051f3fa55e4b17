// Reading traces that are fine, odd ones included.
#include <rapidcheck.h>
#include <zlib.h>

#include <algorithm>
#include <numeric>

#include "tests/catch.hpp"
#include "tests/scenarios/traces/trace_file.hpp"

using namespace tokwatt;
using tests::fixture;
using tests::instants;
using tests::kSecond;
using tests::prompts;
using tests::read_trace;
using tests::TraceFile;

namespace {

const std::string kHeader = "arrival_s,prompt_tokens,output_tokens\n";
const std::string kAzureHead = TOKWATT_SOURCE_DIR "/scenarios/data/azure2023_conv_head12000.csv.gz";

scenarios::TraceOptions at_speed(double speed) {
  scenarios::TraceOptions options;
  options.speed = speed;
  return options;
}

}  // namespace

TEST_CASE("Azure's conversation trace has the totals that Python's csv module finds", "[scenarios][traces]") {
  const auto trace = read_trace(kAzureHead);
  REQUIRE(trace.requests.size() == 12'000);
  int64_t prompt = 0, output = 0, longest = 0;
  for (const auto& r : trace.requests) {
    prompt += r.prompt;
    output += r.output;
    longest = std::max(longest, r.prompt);
  }
  CHECK(prompt == 15'051'774);
  CHECK(output == 2'457'971);
  CHECK(longest == 14'050);
  CHECK(trace.requests[0].at == 0);
  CHECK(trace.requests[1].at == 43'145'790 * int64_t{100'000});  // 100 ns digits, exactly
  CHECK(trace.requests[5999].at == 12'021'860'330 * int64_t{100'000});
  CHECK(trace.requests[5999].prompt == 200);
  CHECK(trace.requests[5999].output == 183);
  CHECK(trace.requests.back().at == 20'542'849'430 * int64_t{100'000});
  CHECK(trace.rows.read == 12'000);
  CHECK(trace.rows.dropped_by.empty());
  CHECK(trace.moved == 0);
}

TEST_CASE("a speed is the decimal number that was written", "[scenarios][traces]") {
  const auto slow = read_trace(kAzureHead, at_speed(0.1)), plain = read_trace(kAzureHead);
  for (std::size_t i = 0; i < plain.requests.size(); ++i) REQUIRE(slow.requests[i].at == 10 * plain.requests[i].at);
  const TraceFile file(kHeader + "0,1,1\n1,1,1\n0.000000000005,1,1\n");
  CHECK(instants(read_trace(file.path(), at_speed(3))) == std::vector<sim::Picoseconds>{0, 2, 333'333'333'333});
  CHECK(instants(read_trace(file.path(), at_speed(2))) ==
        std::vector<sim::Picoseconds>{0, 3, 500'000'000'000});  // half up
  CHECK(instants(read_trace(file.path(), at_speed(0.7))) == std::vector<sim::Picoseconds>{0, 7, 1'428'571'428'571});
  CHECK(instants(read_trace(file.path(), at_speed(1e6))) == std::vector<sim::Picoseconds>{0, 0, 1'000'000});
}

TEST_CASE("the first row comes at the start, and the limit counts rows", "[scenarios][traces]") {
  scenarios::TraceOptions options;
  options.start = 60;
  options.limit = 2;
  options.speed = 2;
  const TraceFile file(kHeader + "100,1,1\n104,2,1\n105,3,1\nnot read\n");
  const auto trace = read_trace(file.path(), options);
  CHECK(instants(trace) == std::vector<sim::Picoseconds>{60 * kSecond, 62 * kSecond});
  CHECK(trace.rows.read == 2);
}

TEST_CASE("rows at or after the end are not read and stay for a later end", "[scenarios][traces]") {
  const TraceFile file(kHeader + "0,1,1\n1,2,0\n2,3,1\n3,0,0\n3,4,1\n");
  scenarios::Diagnostics diagnostics;
  const auto source = scenarios::open_trace(file.path(), {}, {}, diagnostics);
  REQUIRE(source);
  CHECK_FALSE(source->next(0));
  CHECK(source->rows().read == 0);
  CHECK(source->next(2 * kSecond)->prompt == 1);
  CHECK_FALSE(source->next(2 * kSecond));
  CHECK(source->rows().read == 2);
  CHECK(source->rows().dropped_by == std::map<std::string, int64_t>{{"no_output", 1}});
  CHECK(source->next(sim::kNever)->prompt == 3);
  CHECK(source->next(sim::kNever)->prompt == 4);
  CHECK_FALSE(source->next(sim::kNever));
  CHECK(source->rows().read == 5);
}

TEST_CASE("a row may have a priority of its own", "[scenarios][traces]") {
  const TraceFile file("arrival_s,prompt_tokens,output_tokens,priority\n0,5,5,-2\n1,5,5,7\n");
  const auto trace = read_trace(file.path());
  CHECK(trace.requests[0].priority == -2);
  CHECK(trace.requests[1].priority == 7);
  const TraceFile without(kHeader + "0,5,5\n");
  CHECK_FALSE(read_trace(without.path()).requests[0].priority);
}

TEST_CASE("rows without tokens are dropped and counted by reason", "[scenarios][traces]") {
  const auto trace = read_trace(fixture("zero_tokens.csv"));
  CHECK(trace.requests.size() == 2);
  CHECK(trace.rows.read == 7);
  CHECK(trace.rows.dropped_by == std::map<std::string, int64_t>{{"no_output", 2}, {"no_prompt", 1}, {"no_tokens", 2}});
}

TEST_CASE("an unsorted file is sorted stably and says how many rows moved", "[scenarios][traces]") {
  const auto trace = read_trace(fixture("two_sorted_runs.csv"));
  CHECK(prompts(trace) == std::vector<int64_t>{1, 5, 2, 3, 6, 7, 4, 8});
  CHECK(trace.requests[5].at == 15 * kSecond);
  CHECK(trace.moved == 3);
}

TEST_CASE("whatever the order of a file, the requests are those of a stable sort", "[scenarios][traces]") {
  REQUIRE(rc::check([] {
    const auto times = *rc::gen::nonEmpty(rc::gen::container<std::vector<int64_t>>(rc::gen::inRange<int64_t>(0, 30)));
    std::string text = kHeader;
    for (std::size_t i = 0; i < times.size(); ++i)
      text += std::to_string(times[i]) + "," + std::to_string(i + 1) + ",1\n";
    std::vector<int64_t> order(times.size());
    std::iota(order.begin(), order.end(), 1);
    const auto time_of = [&](int64_t number) { return times[static_cast<std::size_t>(number - 1)]; };
    std::stable_sort(order.begin(), order.end(), [&](int64_t a, int64_t b) { return time_of(a) < time_of(b); });
    const TraceFile file(text);
    const auto trace = read_trace(file.path());
    RC_ASSERT(prompts(trace) == order);
    RC_ASSERT((trace.moved == 0) == std::is_sorted(times.begin(), times.end()));
    for (const auto& r : trace.requests) RC_ASSERT(r.at == (time_of(r.prompt) - time_of(order[0])) * kSecond);
  }));
}

TEST_CASE("Azure's second form has 6 digits or none, and a zone", "[scenarios][traces]") {
  const auto trace = read_trace(fixture("azure_zoned.csv"));
  CHECK(instants(trace) == std::vector<sim::Picoseconds>{0, 990'070'000'000, 990'071'000'000});
}

TEST_CASE("columns go by name: another order, more columns and quotes are fine in a foreign file",
          "[scenarios][traces]") {
  const auto trace = read_trace(fixture("azure_other_order.csv"));
  REQUIRE(trace.requests.size() == 2);
  CHECK(trace.requests[1].at == 4'314'579'000'000);
  CHECK(trace.requests[1].prompt == 396);
  CHECK(trace.requests[1].output == 109);
}

TEST_CASE("a byte order mark, CRLF, a blank last line and no final newline do not matter", "[scenarios][traces]") {
  const auto trace = read_trace(fixture("bom_crlf_blank_last_line.csv"));
  CHECK(instants(trace) == std::vector<sim::Picoseconds>{0, 750'000'000'000});
  CHECK(prompts(trace) == std::vector<int64_t>{10, 20});
  for (const char* end : {"", "\n", "\r\n", "\n\n", "\r\n\r\n"}) {
    const TraceFile file(kHeader + "0,1,1\r\n2,2,2" + end);
    CHECK(instants(read_trace(file.path())) == std::vector<sim::Picoseconds>{0, 2 * kSecond});
  }
}

TEST_CASE("gzip is told by content, in several members and with zeros behind", "[scenarios][traces]") {
  CHECK(prompts(read_trace(fixture("two_members.csv.gz"))) == std::vector<int64_t>{10, 20, 30});
  CHECK(read_trace(fixture("zeros_behind.csv.gz")).requests.size() == 200);
}

TEST_CASE("instants of a plain trace are exact decimals", "[scenarios][traces]") {
  const auto second = [](const std::string& at) {
    const TraceFile file(kHeader + "0,1,1\n" + at + ",1,1\n");
    return read_trace(file.path()).requests.at(1).at;
  };
  CHECK(second("0.1") == 100'000'000'000);
  CHECK(second("4.314579000000001") == 4'314'579'000'000);
  CHECK(second("0.0000000000005") == 1);
  CHECK(second("0.00000000000049999999999999999999") == 0);
  CHECK(second("1e-05") == 10'000'000);
  CHECK(second("1.25E+2") == 125 * kSecond);
  CHECK(second("0000000000000000000007.5") == 7'500'000'000'000);
  CHECK(second("9158400") == sim::kLongestDuration);
}

TEST_CASE("epoch seconds keep their last digit", "[scenarios][traces]") {
  const TraceFile file(kHeader + "1700158546.680590000001,1,1\n1700158546.680590000002,2,1\n19440110000.0,3,1\n");
  CHECK(instants(read_trace(file.path(), {}, kSecond)) == std::vector<sim::Picoseconds>{0, 1});
}

TEST_CASE("wall-clock times may have up to nine digits of a second, a T and a zone", "[scenarios][traces]") {
  const auto after = [](const std::string& zone, const std::string& at) {
    const TraceFile file("TIMESTAMP,ContextTokens,GeneratedTokens\n2024-02-29 23:59:59" + zone + ",1,1\n" + at + zone +
                         ",2,1\n");
    return instants(read_trace(file.path())).at(1);
  };
  for (const char* zone : {"", "Z", "+00:00"}) {
    CHECK(after(zone, "2024-03-01 00:00:00") == kSecond);
    CHECK(after(zone, "2024-02-29 23:59:59.25") == kSecond / 4);
    CHECK(after(zone, "2024-02-29T23:59:59.123") == 123 * kSecond / 1000);
    CHECK(after(zone, "2024-02-29 23:59:59.0000001") == kSecond / 10'000'000);
    CHECK(after(zone, "2024-02-29 23:59:59.000000001") == 1000);
  }
}

TEST_CASE("a row after 106 days is nobody's before an end, and an error without one", "[scenarios][traces]") {
  const TraceFile file(kHeader + "0,1,1\n9158401,2,1\n");
  CHECK(read_trace(file.path(), {}, sim::kLongestDuration).rows.read == 1);
  CHECK_THROWS_WITH(read_trace(file.path()), Catch::Contains(":3:1: error: this row comes after 106 days"));
  CHECK(read_trace(file.path(), at_speed(2)).requests.size() == 2);
}

TEST_CASE("a line may be long, but not above 16 MiB", "[scenarios][traces]") {
  const std::string header = "arrival_s,prompt_tokens,output_tokens,id\n";
  const TraceFile file(header + "0,1,1," + std::string(900'000, 'x') + "\n1,2,1,y\n");
  CHECK(prompts(read_trace(file.path())) == std::vector<int64_t>{1, 2});
}

TEST_CASE("a file much longer than the buffers reads the same plain and compressed", "[scenarios][traces]") {
  std::string text = kHeader;
  int64_t sum = 0;
  constexpr int kRows = 60'000;
  for (int i = 0; i < kRows; ++i) {
    text += std::to_string(i) + "." + std::string(static_cast<std::size_t>(1 + i % 12), '5') + "," +
            std::to_string(1 + i % 977) + ",1\n";
    sum += 1 + i % 977;
  }
  const TraceFile plain(text), compressed("");
  const gzFile out = gzopen(compressed.path().c_str(), "wb");
  REQUIRE(gzwrite(out, text.data(), static_cast<unsigned>(text.size())) == static_cast<int>(text.size()));
  REQUIRE(gzclose(out) == Z_OK);
  const auto a = read_trace(plain.path()), b = read_trace(compressed.path());
  REQUIRE(a.requests.size() == kRows);
  CHECK(instants(a) == instants(b));
  CHECK(prompts(a) == prompts(b));
  const auto all = prompts(a);
  CHECK(std::accumulate(all.begin(), all.end(), int64_t{0}) == sum);
}
