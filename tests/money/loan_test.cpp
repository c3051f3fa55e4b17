#include "money/loan.hpp"

#include <cmath>

#include "tests/catch.hpp"

using namespace tokwatt::money;
using Catch::Matchers::WithinAbs;
using Catch::Matchers::WithinRel;

TEST_CASE("a loan's payment is the annuity of the textbook", "[money][loan]") {
  // 10,000 at 12 % a year over 12 months: 888.49 a month
  CHECK_THAT(annuity(10'000, {0.12, 12}), WithinAbs(888.49, 0.005));
  CHECK_THAT(annuity(3600, {0, 36}), WithinRel(100.0, 1e-12));
  CHECK_THAT(annuity(3600, {1e-12, 36}), WithinRel(100.0, 1e-9));
}

TEST_CASE("what is owed follows month by month from interest and payment, down to nothing", "[money][loan]") {
  const double rate = GENERATE(0.0, 0.001, 0.08, 0.35);
  const Loan loan{rate, 24};
  double balance = 4699;
  for (int month = 0; month <= 24; ++month) {
    CAPTURE(rate, month);
    CHECK_THAT(owed(4699, loan, month), WithinAbs(balance, 1e-6));
    balance += balance * rate / 12 - annuity(4699, loan);
  }
  CHECK(owed(4699, loan, 24) == 0);
  CHECK(owed(4699, loan, 30) == 0);
}
