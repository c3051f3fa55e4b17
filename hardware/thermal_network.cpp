#include "hardware/thermal_network.hpp"

#include <Eigen/Dense>
#include <unsupported/Eigen/MatrixFunctions>

namespace tokwatt::hardware {

namespace {

using DenseMatrix = Eigen::Matrix<double, Eigen::Dynamic, Eigen::Dynamic, Eigen::RowMajor>;

std::vector<double> flat(const DenseMatrix& m) { return {m.data(), m.data() + m.size()}; }

Eigen::Map<const DenseMatrix> square(const std::vector<double>& m, std::size_t n) {
  const auto size = static_cast<Eigen::Index>(n);
  return {m.data(), size, size};
}

// Products in a fixed order, written out: the same bits whatever the vector width.
void multiply(const std::vector<double>& m, const std::vector<double>& v, std::vector<double>& out) {
  out.resize(v.size());
  for (std::size_t i = 0; i < v.size(); ++i) {
    double sum = 0;
    for (std::size_t j = 0; j < v.size(); ++j) sum += m[i * v.size() + j] * v[j];
    out[i] = sum;
  }
}

}  // namespace

ThermalNetwork::ThermalNetwork(const Thermal& thermal, double tick, double temperature)
    : n_(thermal.stages.size()), tick_(tick), temperature_(n_, temperature) {
  const auto n = static_cast<Eigen::Index>(n_);
  DenseMatrix G = DenseMatrix::Zero(n, n);
  for (Eigen::Index i = 0; i < n; ++i) {
    const auto& stage = thermal.stages[static_cast<std::size_t>(i)];
    heat_capacity_.push_back(stage.heat_capacity);
    const double g = 1 / stage.resistance;
    G(i, i) += g;
    if (i + 1 < n) {
      G(i + 1, i + 1) += g;
      G(i, i + 1) -= g;
      G(i + 1, i) -= g;
    }
  }
  conductance_ = flat(G);
  resistance_ = flat(G.inverse());
  tick_propagator_ = propagator(tick);
}

ThermalNetwork::Matrix ThermalNetwork::propagator(double h) const {
  DenseMatrix A = -h * square(conductance_, n_);
  for (Eigen::Index i = 0; i < A.rows(); ++i) A.row(i) /= heat_capacity_[static_cast<std::size_t>(i)];
  const DenseMatrix exponential = A.exp();
  return flat(exponential);
}

void ThermalNetwork::steady(const std::vector<double>& power, double room, std::vector<double>& T) const {
  multiply(resistance_, power, T);
  for (double& t : T) t += room;
}

std::vector<double> ThermalNetwork::steady(const std::vector<double>& power, double room) const {
  std::vector<double> T;
  steady(power, room, T);
  return T;
}

void ThermalNetwork::settle(const std::vector<double>& power, double room) { steady(power, room, temperature_); }

void ThermalNetwork::advance(double h, const std::vector<double>& power, double room) {
  steady(power, room, T_inf_);
  for (std::size_t i = 0; i < n_; ++i) temperature_[i] -= T_inf_[i];
  if (h == tick_) {
    multiply(tick_propagator_, temperature_, away_);
  } else {
    multiply(propagator(h), temperature_, away_);
  }
  for (std::size_t i = 0; i < n_; ++i) temperature_[i] = T_inf_[i] + away_[i];
}

}  // namespace tokwatt::hardware
