#include "hardware/thermal_network.hpp"

#include <cmath>

#include "tests/catch.hpp"

using namespace tokwatt::hardware;
using Catch::Matchers::WithinAbs;

namespace {

const Thermal kTwoStages{{{"die", 44, 0.32}, {"chassis", 1200, 0.15}}, 1.0};

}  // namespace

TEST_CASE("one stage follows the exponential of its time constant", "[hardware][heat]") {
  const Thermal one{{{"die", 50, 0.4}}, 0};
  ThermalNetwork network(one, 1.0, 22);
  for (int s = 0; s < 30; ++s) network.advance(1.0, {100}, 22);
  CHECK_THAT(network.die(), WithinAbs(22 + 40 * (1 - std::exp(-30 / (0.4 * 50))), 1e-9));
}

TEST_CASE("steady state is the sum of the resistances times the power", "[hardware][heat]") {
  ThermalNetwork network(kTwoStages, 1.0, 22);
  network.settle({90, 0}, 24);
  CHECK_THAT(network.die(), WithinAbs(24 + 90 * (0.32 + 0.15), 1e-9));
  CHECK_THAT(network.temperatures()[1], WithinAbs(24 + 90 * 0.15, 1e-9));
}

TEST_CASE("heat put in equals heat stored plus heat given to the room", "[hardware][heat]") {
  ThermalNetwork network(kTwoStages, 1.0, 22);
  const double h = 0.01;
  double in = 0, out = 0;
  for (int i = 0; i < 6000; ++i) {
    const double power = i < 3000 ? 120 : 10;
    const double before = network.temperatures()[1];
    network.advance(h, {power, 0}, 22);
    in += power * h;
    out += ((before + network.temperatures()[1]) / 2 - 22) / 0.15 * h;
  }
  const double stored = 44 * (network.die() - 22) + 1200 * (network.temperatures()[1] - 22);
  CHECK_THAT(in, WithinAbs(stored + out, 1e-3 * in));
}

TEST_CASE("a short tick is as exact as the precomputed one", "[hardware][heat]") {
  ThermalNetwork whole(kTwoStages, 1.0, 22), parts(kTwoStages, 1.0, 22);
  whole.advance(1.0, {80, 5}, 30);
  for (int i = 0; i < 4; ++i) parts.advance(0.25, {80, 5}, 30);
  CHECK_THAT(parts.die(), WithinAbs(whole.die(), 1e-10));
}
