#include "hardware/curve.hpp"

#include <limits>

#include "tests/catch.hpp"

using tokwatt::hardware::Curve;

TEST_CASE("a curve is straight between its points and level outside", "[hardware]") {
  const Curve curve{{{10, 1}, {20, 3}, {40, 2}}};
  CHECK(curve.at(0) == 1);
  CHECK(curve.at(10) == 1);
  CHECK(curve.at(15) == Approx(2));
  CHECK(curve.at(20) == 3);
  CHECK(curve.at(30) == Approx(2.5));
  CHECK(curve.at(50) == 2);
  CHECK(curve.at(std::numeric_limits<double>::infinity()) == 2);
  CHECK(curve.at(std::numeric_limits<double>::quiet_NaN()) == 1);
}
