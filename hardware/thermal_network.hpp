#pragma once
// The RC ladder of a box, advanced exactly over ticks of constant power (docs/theory/heat.md).
#include <cstddef>
#include <optional>
#include <vector>

#include "hardware/box.hpp"

namespace tokwatt::hardware {

/// Temperatures of the stages of one device. T(t+h) = T_inf + e^(A h) (T(t) - T_inf), with A = -C^-1 G and
/// T_inf = T_room + G^-1 P: exact for constant power P and room temperature over h. That is linear in T(t), P and
/// T_room, so that a step of time is one product.
class ThermalNetwork {
 public:
  /// `tick` [s] is the step that is precomputed; any other one costs a matrix exponential.
  ThermalNetwork(const Thermal& thermal, double tick, double temperature)
      : ThermalNetwork(thermal, std::nullopt, tick, temperature) {}
  /// With the fan at a standstill at first.
  ThermalNetwork(const Thermal& thermal, const std::optional<Fan>& fan, double tick, double temperature);

  /// The fan runs at one of its levels from here on.
  void set_fan(int level) { flow_ = static_cast<std::size_t>(level); }

  /// Advances by `h` [s] with `power` [W] into each stage.
  void advance(double h, const std::vector<double>& power, double room);  // allocates nothing for the tick
  /// Sets every stage to its steady state.
  void settle(const std::vector<double>& power, double room);

  double die() const { return temperature_.front(); }  ///< [degC]
  const std::vector<double>& temperatures() const { return temperature_; }
  double stored() const;  ///< heat in all stages, above that at 0 degC [J]

  /// Steady state of every stage [degC].
  std::vector<double> steady(const std::vector<double>& power, double room) const;

 private:
  using Matrix = std::vector<double>;  // row-major n x n, but for a step

  struct Flow {  // at one fan level
    Matrix conductance;
    Matrix resistance;  // its inverse
    Matrix tick;        // step() of it
  };

  Matrix step(const Flow& flow, double h) const;

  std::size_t n_;
  std::vector<double> heat_capacity_;
  double tick_;
  std::vector<Flow> flows_;  // by fan level; one without a fan
  std::size_t flow_ = 0;
  std::vector<double> temperature_;
  std::vector<double> before_;  // of advance(): kept, since it comes once a tick
};

}  // namespace tokwatt::hardware
