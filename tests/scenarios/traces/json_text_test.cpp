// JSON as nlohmann-json sees it, on whatever bytes.
#include "scenarios/traces/json_text.hpp"

#include <rapidcheck.h>

#include <nlohmann/json.hpp>

#include "tests/catch.hpp"

using namespace tokwatt;

namespace {

bool accepted(const std::string& text) {
  scenarios::Mistakes mistakes("x.jsonl");
  scenarios::JsonText json(text, 1, mistakes);
  json.object([&](std::string_view) { json.value(); });
  json.finish({});
  return !json.broken();
}

bool accepted_by_nlohmann(const std::string& text) {
  const auto first = text.find_first_not_of(" \t\r\n");
  return first != std::string::npos && text[first] == '{' && nlohmann::json::accept(text);
}

const std::string kLine =
    R"( {"a": [1, -2.50e+3, 0.1, {}, [ ]], "b\u00e9\n": {"c": "x\"\\y", "d": [true, false, null]}, "é": "\ud83d\ude00"} )";

}  // namespace

TEST_CASE("what is JSON and what is not is decided as nlohmann-json does", "[scenarios][traces][json]") {
  REQUIRE(accepted(kLine));
  for (const char* text : {"{\"a\": 01}",
                           "{\"a\": -}",
                           "{\"a\": 1.}",
                           "{\"a\": .5}",
                           "{\"a\": 1e}",
                           "{\"a\": +1}",
                           "{\"a\": 1,}",
                           "{,}",
                           "{\"a\"}",
                           "{\"a\": tru}",
                           "{\"a\": \"\x01\"}",
                           "{\"a\": \"\\x\"}",
                           "{\"a\": \"\\u12g4\"}",
                           "{\"a\": \"\xff\"}",
                           "{\"a\": [1,]}",
                           "{\"a\": [}",
                           "{\"a\": 1} 2",
                           "{}",
                           "{\"a\":-0}",
                           "{\"a\":0e0}",
                           "{\"a\": 1E-5}",
                           "{'a': 1}",
                           "{\"a\": \"b\n\"}",
                           "{\"a\": \x7f}",
                           "",
                           " ",
                           "[]",
                           "1",
                           "{\"a\": \"\x7f\"}"}) {
    CAPTURE(text);
    CHECK(accepted(text) == accepted_by_nlohmann(text));
  }
}

TEST_CASE("whatever happens to a line, both agree on it", "[scenarios][traces][json]") {
  REQUIRE(rc::check([] {
    std::string text = kLine;
    const int changes = *rc::gen::inRange(1, 4);
    for (int i = 0; i < changes; ++i) {
      const auto at = *rc::gen::inRange<std::size_t>(0, text.size());
      const auto with = *rc::gen::elementOf(std::string("\"\\{}[]:,.0159eE+- tnu\n\x01\xc3\xa9\xff"));
      const int how = *rc::gen::inRange(0, 3);
      if (how == 0) text[at] = with;
      if (how == 1) text.insert(at, 1, with);
      if (how == 2 && text.size() > 1) text.erase(at, 1);
    }
    // A lone half of a surrogate pair is refused by nlohmann-json; no key or value that is read can hold one.
    RC_PRE(text.find("\\ud83d\\ude00") != std::string::npos || text.find("\\ud") == std::string::npos);
    RC_ASSERT(accepted(text) == accepted_by_nlohmann(text));
  }));
}

TEST_CASE("brackets are followed 64 deep", "[scenarios][traces][json]") {
  const auto nested = [](std::size_t depth) {
    return "{\"a\": " + std::string(depth - 1, '[') + std::string(depth - 1, ']') + "}";
  };
  CHECK(accepted(nested(64)));
  CHECK_FALSE(accepted(nested(65)));
  CHECK_FALSE(accepted(std::string(5'000'000, '[')));
  CHECK_FALSE(accepted("{\"a\": " + std::string(5'000'000, '[')));
}

TEST_CASE("many keys are checked for repetitions in no time", "[scenarios][traces][json]") {
  std::string text = "{\"k\": 0";
  for (int i = 0; i < 300'000; ++i) text += ", \"" + std::to_string(i) + "\": 0";
  scenarios::Mistakes mistakes("x.jsonl");
  text += ", \"7\": 1}";
  scenarios::JsonText json(text, 1, mistakes);
  json.object([&](std::string_view) { json.value(); });
  CHECK(mistakes.count() == 1);
}
