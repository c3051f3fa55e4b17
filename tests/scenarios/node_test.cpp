#include "scenarios/node.hpp"

#include <functional>
#include <random>

#include "scenarios/diagnostics.hpp"
#include "tests/catch.hpp"
#include "tests/scenarios/wrong.hpp"

using namespace tokwatt::scenarios;

namespace {

Node parsed(const std::string& text, Diagnostics& diagnostics) {
  return parse(std::make_shared<Source>(Source{"t.yaml", text}), diagnostics);
}

std::string said_of(const std::string& text) {
  Diagnostics diagnostics;
  parsed(text, diagnostics);
  return diagnostics.render();
}

}  // namespace

TEST_CASE("a tree remembers where each word was written, and how wide it is", "[scenarios][node]") {
  Diagnostics diagnostics;
  const Node root =
      parsed("memory:\n  bandwidth: 273 GB\n  'two words': \"a\\\"b\"  # comment\nlist: [1, x]\n", diagnostics);
  REQUIRE(diagnostics.ok());
  const Node& bandwidth = *root.find("memory")->find("bandwidth");
  CHECK(bandwidth.scalar == "273 GB");
  CHECK(bandwidth.place.line == 2);
  CHECK(bandwidth.place.column == 14);
  CHECK(bandwidth.place.width == 6);
  CHECK_FALSE(bandwidth.quoted);
  const Node& quoted = *root.find("memory")->find("two words");
  CHECK(quoted.scalar == "a\"b");
  CHECK(quoted.quoted);
  CHECK(quoted.place.width == 6);
  CHECK(root.find("list")->items[1].place.column == 11);
  CHECK(root.find("nothing") == nullptr);
}

TEST_CASE("columns count characters, not bytes, and a byte order mark counts as none", "[scenarios][node]") {
  Diagnostics diagnostics;
  const Node root = parsed("\xEF\xBB\xBF{\xC3\xA4\xE2\x82\xAC: 5}\r\n", diagnostics);
  REQUIRE(diagnostics.ok());
  const auto& [key, value] = root.entries.at(0);
  CHECK(key.place.column == 2);
  CHECK(key.place.width == 2);
  CHECK(value.place.column == 6);
}

TEST_CASE("a key given twice stays twice, in order", "[scenarios][node]") {
  Diagnostics diagnostics;
  const Node root = parsed("a: 1\nb: 2\na: 3\n", diagnostics);
  REQUIRE(root.entries.size() == 3);
  CHECK(root.entries[2].second.scalar == "3");
  CHECK(root.find("a")->scalar == "1");
}

TEST_CASE("what is no plain YAML is refused at its place", "[scenarios][node]") {
  CHECK(said_of("a: &x 1\n") ==
        "t.yaml:1:4: error: an anchor (&name) is not accepted; write the value out where it is used\n"
        "    1 | a: &x 1\n"
        "      |    ^\n");
  CHECK(said_of("a: &x 1\nb: *x\n").find("t.yaml:2:4: error: an alias (*name) is not accepted") != std::string::npos);
  CHECK(said_of("a: !!str 1\n").find("t.yaml:1:4: error: the tag \"tag:yaml.org,2002:str\" is not accepted") !=
        std::string::npos);
  CHECK(said_of("a: 1\n---\nb: 2\n").find("t.yaml:2:1: error: a second document starts here") != std::string::npos);
  CHECK(said_of("a: {b: [1, 2\n") ==
        "t.yaml:1:8: error: this list is not closed; expected ] or a comma\n"
        "    1 | a: {b: [1, 2\n"
        "      |        ^\n");
  CHECK(said_of("{[1]: 2}").find("t.yaml:1:2: error: a key must be a word") != std::string::npos);
  CHECK(said_of("a: b: c\n").find("t.yaml:1:5: error: not readable as YAML") != std::string::npos);
}

TEST_CASE("a tab in an indentation is called one", "[scenarios][node]") {
  const std::string tab = ": error: a tab indents this line; expected spaces";
  CHECK(said_of("a:\n\tb: 1\n").starts_with("t.yaml:2:1" + tab));
  CHECK(said_of("a:\n  b: 1\n\tc: 2\n").starts_with("t.yaml:3:1" + tab));
  CHECK(said_of("a:\n  - b: 1\n  \tc: 2\n").starts_with("t.yaml:3:3" + tab));
  CHECK(said_of("a: {\n\tb: 1,\n\tc: 2}\n").empty());
  CHECK(said_of("a:\t1\nb: c: d\n").find("not readable as YAML") != std::string::npos);
}

TEST_CASE("bytes that are no text are named and shown escaped", "[scenarios][node]") {
  CHECK(said_of(std::string("a: x\0y\n", 7)) ==
        "t.yaml:1:5: error: byte 0x00 is not text; expected UTF-8\n"
        "    1 | a: x\\x00y\n"
        "      |     ^~~~\n");
  CHECK(said_of("a: 1\nb: \xFF\n").find("t.yaml:2:4: error: byte 0xff is not text") != std::string::npos);
  CHECK(said_of("a: \xC0\x80\n").find("0xc0") != std::string::npos);  // an overlong NUL
}

TEST_CASE("results in place of a scenario are called so, once", "[scenarios][node]") {
  CHECK(said_of(std::string("\x89HDF\r\n\x1a\n\0\0\0\xFF\n\xFF\n", 15)) ==
        "t.yaml: error: a file of results (HDF5); expected a text; tokwatt report and tokwatt export read results\n");
}

TEST_CASE("nesting without end is an error, not a stack overflow", "[scenarios][node]") {
  CHECK(said_of(std::string(100'000, '[')).find("nested deeper than 64 levels") != std::string::npos);
  std::string block;
  for (int i = 0; i < 200; ++i) block += std::string(static_cast<std::size_t>(i), ' ') + "a:\n";
  CHECK(said_of(block).find("nested deeper than 64 levels") != std::string::npos);
}

TEST_CASE("a file that cannot be read is said to be so where it was asked for", "[scenarios][node]") {
  Diagnostics diagnostics;
  read_source("no-such-file.yaml", {}, diagnostics);
  CHECK(diagnostics.render() ==
        "no-such-file.yaml: error: cannot read \"no-such-file.yaml\": No such file or directory\n");
  Diagnostics folder;
  read_source("/", {}, folder);
  CHECK(folder.render().find("it is a folder") != std::string::npos);
}

TEST_CASE("random bytes are answered, never crashed on", "[scenarios][node]") {
  std::mt19937 random(20261123);
  const std::string alphabet = "abc:{}[],-?&*!|>'\"%@` \n\t#~<=0123.\\/yn";
  for (int round = 0; round < 20'000; ++round) {
    std::string text;
    const auto size = random() % 60;
    for (unsigned i = 0; i < size; ++i) {
      text += random() % 40 == 0 ? static_cast<char>(random() % 256) : alphabet[random() % alphabet.size()];
    }
    Diagnostics diagnostics;
    CAPTURE(text);
    const Node root = parsed(text, diagnostics);
    for (const auto& error : diagnostics.errors()) {
      REQUIRE(error.place.line >= 1);
      REQUIRE(error.place.column >= 1);
    }
    REQUIRE(diagnostics.render().empty() == diagnostics.ok());
  }
}

TEST_CASE("a scenario with random damage is refused or accepted, never crashed on", "[scenarios][node]") {
  std::mt19937 random(7);
  const std::string alphabet = "ab:{}[],-' \n0159.%xsWK";
  int refused = 0;
  for (int round = 0; round < 300; ++round) {
    std::string text = kGood;
    for (auto hits = 1 + random() % 3; hits > 0; --hits) {
      const auto at = random() % text.size();
      if (random() % 2 == 0)
        text[at] = alphabet[random() % alphabet.size()];
      else
        text.erase(at, 1 + random() % 5);
    }
    CAPTURE(text);
    std::string said;
    REQUIRE_NOTHROW(said = errors_of(text));
    refused += !said.empty();
  }
  CHECK(refused > 150);  // most damage matters
}
