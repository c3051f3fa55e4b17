#include "sim/serving/text_place.hpp"

#include "sim/serving/kept_text.hpp"
#include "tests/catch.hpp"

using namespace tokwatt::sim;

namespace {

int64_t common(const Content& a, int64_t tokens_a, const Content& b, int64_t tokens_b) {
  return KeptText{std::make_shared<const Content>(a), tokens_a}.common_with(&b, tokens_b);
}

}  // namespace

TEST_CASE("texts have tokens in common up to the first part that differs, or is longer", "[text]") {
  const Content a{{{1, 10}, {2, 20}}, false};
  CHECK(common(a, 30, a, 30) == 30);
  CHECK(common(a, 30, a, 7) == 7);
  CHECK(common(a, 99, a, 99) == 30);  // what is behind the last part is its own
  CHECK(common(a, 30, {{{1, 10}, {3, 20}}, false}, 30) == 10);
  CHECK(common(a, 30, {{{1, 12}, {2, 20}}, false}, 32) == 10);
  CHECK(common(a, 30, {{{2, 20}}, false}, 20) == 0);
  CHECK(common(a, 30, {{{1, 10}, {9, 0}, {2, 20}}, false}, 30) == 30);         // an empty part is none
  CHECK(common({{{1, 5}, {1, 20}}, false}, 25, {{{1, 25}}, false}, 25) == 5);  // the part begins anew
  // An answer goes on with the last part, and so does the next turn's prompt.
  CHECK(common({{{7, 5}}, true}, 40, {{{7, 5}}, true}, 60) == 40);
  CHECK(common({{{7, 5}}, false}, 40, {{{7, 5}}, true}, 60) == 5);
}

TEST_CASE("a walk along a text in pieces comes to the same place", "[text]") {
  const Content text{{{1, 10}, {2, 0}, {3, 7}}, false};
  TextPlace at;
  CHECK(pass(text, at, 10) == 10);
  CHECK(pass(text, at, 4) == 4);
  CHECK(at.part == 2);
  CHECK(at.offset == 4);
  CHECK(pass(text, at, 9) == 3);  // as far as it goes
  CHECK(pass(text, at, 9) == 0);
  TextPlace middle{0, 6}, same{0, 6};
  CHECK(pass_common(text, middle, 8, text, same) == 8);
  CHECK(middle.part == 2);
  CHECK(middle.offset == 4);
}

TEST_CASE("names of blocks tell texts apart by all that is in front of their ends", "[text]") {
  const auto names = [](const Content& text, std::size_t from, std::size_t to) {
    std::vector<uint64_t> all{0};
    TextPlace at;
    while (all.size() <= to) {
      const auto name = name_of_block(all.back(), text, at, 4);
      if (!name) break;
      all.push_back(*name);
    }
    return std::vector<uint64_t>(all.begin() + static_cast<std::ptrdiff_t>(from) + 1, all.end());
  };
  const Content a{{{1, 6}, {2, 10}}, false}, b{{{1, 6}, {3, 10}}, false}, talk{{{1, 6}}, true};
  CHECK(names(a, 0, 9).size() == 4);  // all that is known
  CHECK(names(talk, 0, 9).size() == 9);
  CHECK(names(a, 0, 1) == names(b, 0, 1));
  CHECK(names(a, 1, 2) != names(b, 1, 2));
  CHECK(names(a, 2, 3) != names(b, 2, 3));
}
