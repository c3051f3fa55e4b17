#include "scenarios/diagnostics.hpp"

#include "tests/catch.hpp"

using namespace tokwatt::scenarios;

namespace {

Place at(const std::shared_ptr<const Source>& source, int line, int column, int width = 1) {
  return {source, line, column, width};
}

}  // namespace

TEST_CASE("an error shows its place, its line and a caret", "[scenarios][diagnostics]") {
  const auto source = std::make_shared<Source>(Source{"desk.yaml", "a: 1\n  bandwidth: 273 GB\n"});
  Diagnostics d;
  d.error(at(source, 2, 14, 6), "memory.bandwidth is wrong");
  d.error(at(source, 1, 1), "first of all");
  CHECK(d.render() ==
        "desk.yaml:1:1: error: first of all\n"
        "    1 | a: 1\n"
        "      | ^\n"
        "desk.yaml:2:14: error: memory.bandwidth is wrong\n"
        "    2 |   bandwidth: 273 GB\n"
        "      |              ^~~~~~\n");
  CHECK(std::string(InputError(d).what()) == d.render());
}

TEST_CASE("a long line is cut around the caret", "[scenarios][diagnostics]") {
  const auto source = std::make_shared<Source>(Source{"x", std::string(500, 'a') + "HERE" + std::string(500, 'b')});
  Diagnostics d;
  d.error(at(source, 1, 501, 4), "there");
  const std::string text = d.render();
  CHECK(text.size() < 300);
  const auto shown = text.find("HERE"), caret = text.find("^~~~");
  REQUIRE(caret != std::string::npos);
  const auto column = [&](std::size_t i) { return i - text.rfind('\n', i); };
  CHECK(column(shown) == column(caret));
}

TEST_CASE("what could fool a terminal is shown escaped", "[scenarios][diagnostics]") {
  const auto source = std::make_shared<Source>(Source{"a\x1b[2J", "x: \x1b[31m\xE2\x80\xAE"});
  Diagnostics d;
  d.error(at(source, 1, 4), "bad " + in_quotes("\n\x07\xFF"));
  CHECK(d.render() ==
        "a\\x1b[2J:1:4: error: bad \"\\n\\x07\\xff\"\n"
        "    1 | x: \\x1b[31m\\u202e\n"
        "      |    ^~~~\n");
}

TEST_CASE("messages are bounded, and so is their number", "[scenarios][diagnostics]") {
  const auto source = std::make_shared<Source>(Source{"x", "y"});
  Diagnostics d;
  for (int i = 0; i < 60; ++i) d.error(at(source, 1, 1 + i), std::string(5000, 'z') + std::to_string(i));
  CHECK(d.render().find("... and 10 more errors\n") != std::string::npos);
  CHECK(d.render().size() < 80'000);
  CHECK(in_quotes(std::string(100, 'q')).size() == 62);
}

TEST_CASE("names that begin with all of a word of two letters are proposed", "[scenarios][diagnostics]") {
  CHECK(did_you_mean("Q8", {"q8_0", "q4_0", "iq8_x"}) == "; did you mean \"q8_0\"?");
  CHECK(did_you_mean("q", {"q8_0", "q4_0"}).empty());
  CHECK(did_you_mean("q4", {"q4_k_m", "q4_0"}) == "; did you mean \"q4_0\" or \"q4_k_m\"?");
}

TEST_CASE("of many names that begin with a word the shortest are proposed", "[scenarios][diagnostics]") {
  const std::vector<std::string> names = {"q4_k_m", "q4_0", "q4_1", "q4_k_s", "q4_k_xl", "q3_0", "iq4_xs"};
  CHECK(did_you_mean("q4", {names.begin(), names.begin() + 5}) ==
        "; did you mean \"q4_0\", \"q4_1\", \"q4_k_m\", \"q4_k_s\" or \"q4_k_xl\"?");
  const std::vector<std::string> more = {"q4_k_m", "q4_0", "q4_1", "q4_k_s", "q4_k_xl", "q3_0", "mlx-q4"};
  CHECK(did_you_mean("q4", more) == "; did you mean \"q4_0\", \"q4_1\", \"q4_k_m\", \"q4_k_s\" or one of 2 more?");
}

TEST_CASE("names that begin with a word go before one that is a letter off", "[scenarios][diagnostics]") {
  CHECK(did_you_mean("m5", {"m3", "mac-studio-m5", "macbook-m5-pro"}) ==
        "; did you mean \"mac-studio-m5\" or \"macbook-m5-pro\"?");
  CHECK(did_you_mean("gpt-oss-120", {"gpt-oss-120b", "gpt-oss-20b"}) == "; did you mean \"gpt-oss-120b\"?");
}

TEST_CASE("the nearest name is proposed, but only a near one", "[scenarios][diagnostics]") {
  const std::vector<std::string> names = {"bandwidth", "capacity", "reserved", "gpt-oss-120b"};
  CHECK(nearest("bandwith", names) == "bandwidth");
  CHECK(nearest("Capacity", names) == "capacity");
  CHECK(nearest("gpt_oss_120b", names) == "gpt-oss-120b");
  CHECK(nearest("banwdidth", names) == "bandwidth");
  CHECK(nearest("voltage", names).empty());
  CHECK(nearest("", names).empty());
  CHECK(nearest(std::string(10'000, 'a'), names).empty());
  CHECK(nearest("q4km", {"q4_0", "q4_k_m", "q4_k_s"}) == "q4_k_m");
  CHECK(nearest("---", {"a"}).empty());
  const std::vector<std::string> boxes = {"strix-halo-z13", "strix-halo", "spark", "rtx-4090", "rtx-5090"};
  CHECK(did_you_mean("Strix", boxes) == "; did you mean \"strix-halo\" or \"strix-halo-z13\"?");
  CHECK(did_you_mean("halo", boxes) == "; did you mean \"strix-halo\" or \"strix-halo-z13\"?");
  CHECK(did_you_mean("z13", boxes) == "; did you mean \"strix-halo-z13\"?");
  CHECK(did_you_mean("alo", boxes).empty());
  CHECK(did_you_mean("reservd", names) == "; did you mean \"reserved\"?");
}
