#include "hardware/box.hpp"

#include <cmath>

#include "tests/catch.hpp"

namespace tokwatt::hardware {

using Catch::Matchers::WithinRel;

TEST_CASE("a box loses the same part of its price each year, or a straight line down to what is said", "[hardware]") {
  constexpr double kYear = 365.25 * 86'400;
  Price price;
  price.resale_per_year = 0.75;
  CHECK(price.left(0, 3 * kYear) == 1);
  CHECK_THAT(price.left(2 * kYear, 3 * kYear), WithinRel(0.5625, 1e-12));
  CHECK_THAT(price.left(5 * kYear, 3 * kYear), WithinRel(std::pow(0.75, 5), 1e-12));
  price.resale_fraction = 0.4;
  CHECK(price.left(0, 3 * kYear) == 1);
  CHECK_THAT(price.left(1.5 * kYear, 3 * kYear), WithinRel(0.7, 1e-12));
  CHECK(price.left(3 * kYear, 3 * kYear) == 0.4);
  CHECK(price.left(9 * kYear, 3 * kYear) == 0.4);
}

TEST_CASE("cards share the machines that they fit into, at rest, and what work adds is each one's", "[hardware]") {
  Box card;
  card.cards_per_host = 2;
  card.power.rest_idle = 50;
  card.power.rest_busy = 90;
  card.price = {.purchase = 3000, .host = 1500};
  const auto all = [&](int64_t cards) {
    const Box one = one_of(card, cards);
    const auto n = static_cast<double>(cards);
    CHECK_THAT(one.power.rest_busy - one.power.rest_idle, WithinRel(40.0, 1e-12));
    return std::pair{n * one.price.paid(), n * one.power.rest_idle};
  };
  CHECK(all(1) == std::pair{4500.0, 50.0});
  CHECK(all(2) == std::pair{7500.0, 50.0});
  const auto [price, idle] = all(3);  // in two machines
  CHECK_THAT(price, WithinRel(12000.0, 1e-12));
  CHECK_THAT(idle, WithinRel(100.0, 1e-12));
  card.cards_per_host = 1;
  CHECK(all(2) == std::pair{9000.0, 100.0});
}

}  // namespace tokwatt::hardware
