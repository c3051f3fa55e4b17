#include "scenarios/cli/layout.hpp"

#include <cmath>

#include "scenarios/cli/bench_values.hpp"
#include "scenarios/cli/program.hpp"
#include "scenarios/cli/progress.hpp"
#include "tests/catch.hpp"

namespace tokwatt::cli {

TEST_CASE("numbers for people have three digits and a unit of their size", "[cli][layout]") {
  CHECK(three_digits(0) == "0");
  CHECK(three_digits(0.01234) == "0.0123");
  CHECK(three_digits(1) == "1.00");
  CHECK(three_digits(9.996) == "10.0");
  CHECK(three_digits(99.96) == "100");
  CHECK(three_digits(-12.34) == "-12.3");
  CHECK(three_digits(1234567) == "1,234,567");
  CHECK(three_digits(NAN) == "-");
  CHECK(duration(0) == "0 s");
  CHECK(duration(0.0004) == "400 us");
  CHECK(duration(0.9996) == "1.00 s");
  CHECK(duration(65) == "65.0 s");
  CHECK(duration(393) == "6.55 min");
  CHECK(duration(3 * 3600) == "3.00 h");
  CHECK(span(5 * 3600) == "5 h");
  CHECK(span(5 * 3600 - 2) == "4 h 59 min");
  CHECK(span(65) == "1 min 5 s");
  CHECK(span(3 * 86400 + 7200) == "3 d 2 h");
  CHECK(percent(0.563) == "56 %");
  CHECK(percent(0.004) == "0.4 %");
  CHECK(percent(0.0001) == "< 0.1 %");
  CHECK(percent(0) == "0 %");
  CHECK(energy(2.783e6) == "0.773 kWh");
  CHECK(energy(12e3) == "12.0 kJ");
  CHECK(quantity(349e3, "J", 1.32e6) == "0.0969 kWh");
  CHECK(quantity(0.0656, "s", 1.24) == "0.0656 s");
  CHECK(quantity(0, "s", 90) == "0 s");
  CHECK(quantity(412e-3, "s") == "412 ms");
  CHECK(bytes(63.2e9) == "63.2 GB");
  CHECK(grouped(-1234) == "-1,234");
  CHECK(grouped(999) == "999");
}

TEST_CASE("text is broken at spaces, in long words, and never before a unit", "[cli][layout]") {
  CHECK(wrapped("one two three", 0, 8) == "one two\nthree");
  CHECK(wrapped("one two three", 2, 10) == "one two\n  three");
  CHECK(wrapped("abcdefghijkl", 0, 8) == "abcdefgh\nijkl");
  CHECK(wrapped("rest of 56 % is", 0, 11) == "rest of\n56 % is");
  CHECK(wrapped("", 4, 20).empty());
}

TEST_CASE("columns line up by characters, not bytes", "[cli][layout]") {
  Columns table("lr", 1);
  table.row({"\u00b5", "1"});
  table.row({"ab", "12"});
  CHECK(table.text() == " \u00b5    1\n ab  12\n");
}

TEST_CASE("lists of numbers are written as llama-bench takes them", "[cli][bench]") {
  using List = std::vector<int64_t>;
  CHECK(number_list("-p", {"512"}) == List{512});
  CHECK(number_list("-p", {"16,32", "0"}) == List{16, 32, 0});
  CHECK(number_list("-p", {"1-4"}) == List{1, 2, 3, 4});
  CHECK(number_list("-p", {"128-512+128"}) == List{128, 256, 384, 512});
  CHECK(number_list("-p", {"1-64*4,5"}) == List{1, 4, 16, 64, 5});
  for (const char* wrong : {"", "a", "1,", "-4", "4-1", "1-8*1", "1-8+0", "0-8*2", "1.5", "1-2000", "99999999999"}) {
    CAPTURE(wrong);
    CHECK_THROWS_AS(number_list("-p", {wrong}), UsageError);
  }
}

TEST_CASE("progress says how far a run is and what is left", "[cli][run]") {
  const sim::ProgressReport half{sim::picoseconds(9000), sim::picoseconds(18000), 4671};
  CHECK(progress_line(half, 12) == "2 h 30 min of 5 h simulated (50 %), 4,671 requests done, about 12.0 s left");
  const sim::ProgressReport open{sim::picoseconds(90), {}, 3};
  CHECK(progress_line(open, 12) == "1 min 30 s simulated, 3 requests done");
}

}  // namespace tokwatt::cli
