#include "hardware/clock_governor.hpp"

#include "tests/catch.hpp"

using namespace tokwatt::hardware;

namespace {

const Clock kClock{1000e6, 2500e6, 15e6, 2500e6, 0.7, 1.0, 1200e6};
const Governor kRules{1, 60, 4.5e6, 87, 2, 2};
constexpr double kNoLimit = 1e9;

}  // namespace

TEST_CASE("the grid holds its ends and rounds down", "[hardware][clock]") {
  CHECK(kClock.levels() == 101);
  CHECK(kClock.at(kClock.levels() - 1) == 2500e6);
  CHECK(kClock.level_at_most(2499e6) == 99);
  CHECK(kClock.level_at_most(10) == 0);
  CHECK(kClock.voltage(0) == 0.7);
  CHECK(kClock.voltage(100) == Approx(1.0));
  CHECK(kClock.switching(100) == Approx(1.0));
}

TEST_CASE("a warm chip gives up its slope and is not called throttled", "[hardware][governor]") {
  ClockGovernor governor(kClock, kRules);
  governor.update(70, {20, 30}, kNoLimit, governor.level());
  CHECK(kClock.at(governor.level()) == Approx(2500e6 - 4.5e6 * 10).margin(15e6));
  CHECK(governor.brake() == Brake::heat);
  CHECK_FALSE(governor.throttled());
  governor.update(50, {20, 30}, kNoLimit, governor.level());
  CHECK(governor.level() == 100);
  CHECK(governor.brake() == Brake::none);
}

TEST_CASE("above the trip the clock steps down every tick and recovers below the hysteresis", "[hardware][governor]") {
  ClockGovernor governor(kClock, kRules);
  governor.update(88, {20, 30}, kNoLimit, governor.level());
  const int first = governor.level();
  CHECK(governor.throttled());
  for (int i = 0; i < 10; ++i) governor.update(88, {20, 30}, kNoLimit, governor.level());
  CHECK(governor.level() == first - 20);
  governor.update(86, {20, 30}, kNoLimit, governor.level());
  CHECK(governor.level() == first - 20);
  for (int i = 0; i < 60; ++i) governor.update(40, {20, 30}, kNoLimit, governor.level());
  CHECK(governor.level() == 100);
  CHECK_FALSE(governor.throttled());
}

TEST_CASE("who waits for a slower one is held to what it would draw at its own clock", "[hardware][governor]") {
  ClockGovernor governor(kClock, kRules);
  const int top = governor.level(), pace = top / 2;
  const ChipPower drawn{20, 60 * kClock.switching(pace)};  // 80 W at the top clock
  for (int tick = 0; tick < 60; ++tick) governor.update(40, drawn, 90, pace);
  CHECK(governor.level() == top);
  const double all_of_it = 20 + 60 * kClock.switching(pace);
  governor.update(40, drawn, all_of_it * 0.999, pace);  // above the limit even at the other's clock
  CHECK(governor.level() < pace);
  for (int tick = 0; tick < 60; ++tick) governor.update(40, drawn, 70, pace);
  const int level = governor.level();
  CHECK(level > pace);
  CHECK(20 + 60 * kClock.switching(level) <= 70);
  CHECK(20 + 60 * kClock.switching(level + 1) > 70);
}

TEST_CASE("a power limit picks the highest level whose predicted power is within it", "[hardware][governor]") {
  ClockGovernor governor(kClock, kRules);
  governor.update(40, {20, 60}, 70, governor.level());
  const int level = governor.level();
  CHECK(governor.brake() == Brake::power);
  CHECK(governor.throttled());
  CHECK(20 + 60 * kClock.switching(level) <= 70);
  CHECK(20 + 60 * kClock.switching(level + 1) > 70);
  for (int i = 0; i < 60; ++i)
    governor.update(40, {20, 60 * kClock.switching(governor.level())}, 200, governor.level());
  CHECK(governor.level() == 100);
}
