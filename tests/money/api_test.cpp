#include "money/api.hpp"

#include "tests/catch.hpp"

using namespace tokwatt::money;
using namespace std::chrono;
using Catch::Matchers::WithinRel;

TEST_CASE("tokens found in the cache have a price of their own", "[money][api]") {
  const TokenPrices prices{1.25e-6, 0.125e-6, 10e-6};
  // 3 M prompt tokens, of which 2 M are cached, and 1 M answered
  const Tokens tokens{3e6, 2e6, 1e6};
  CHECK_THAT(cost(prices, tokens), WithinRel(1.25 + 0.25 + 10, 1e-12));
  CHECK_THAT(cost_uncached(prices, tokens), WithinRel(3.75 + 10, 1e-12));
}

TEST_CASE("a price holds from its date on, and before the first there is none", "[money][api]") {
  Api api;
  api.prices = {{2026y / 3 / 1, {2, 2, 2}}, {2026y / 7 / 30, {1, 1, 1}}};
  CHECK(prices_on(api, 2026y / 2 / 28) == nullptr);
  CHECK(prices_on(api, 2026y / 3 / 1)->input == 2);
  CHECK(prices_on(api, 2026y / 7 / 29)->input == 2);
  CHECK(prices_on(api, 2026y / 7 / 30)->input == 1);
  CHECK(prices_on(api, 2040y / 1 / 1)->input == 1);
  api.prices.front().from.reset();  // since the launch, whenever that was
  CHECK(prices_on(api, 2020y / 1 / 1)->input == 2);
}

TEST_CASE("a free tier lets through what the tightest of its figures does", "[money][api]") {
  CHECK(free_share({}, 100, 1e6, 1, 1) == 0);
  CHECK(free_share({50, {}, {}, {}}, 100, 1e6, 1, 1) == 0.5);
  CHECK(free_share({50, {}, {}, {}}, 100, 1e6, 2, 1) == 1);
  CHECK(free_share({50, 250'000, {}, {}}, 100, 1e6, 1, 1) == 0.25);
  CHECK(free_share({{}, {}, 10, {}}, 100, 1e6, 1, 1) == 0.1);
  CHECK(free_share({{}, {}, {}, 100'000}, 100, 1e6, 1, 0.5) == 0.05);
  CHECK(free_share({50, {}, {}, {}}, 0, 0, 1, 1) == 1);
}

TEST_CASE("a rental's range is that of its offers, the typical price among them", "[money][rental]") {
  const Rental rental{"rent-x", "", "x", 3, {{"spot", 2, 2.5}, {"on demand", 3, 5}}};
  CHECK(rental.lowest() == 2);
  CHECK(rental.highest() == 5);
  const Rental alone{"rent-y", "", "y", 3, {}};
  CHECK(alone.lowest() == 3);
  CHECK(alone.highest() == 3);
}
