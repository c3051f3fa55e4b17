#include "hardware/thermal_network.hpp"

#include <Eigen/Dense>
#include <algorithm>
#include <iterator>
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
  const double* row = m.data();
  for (double& of_row : out) {
    double sum = 0;
    for (const double value : v) sum += *row++ * value;
    of_row = sum;
  }
}

/// The stage that the fan blows at: the last one, where it names none.
Eigen::Index stage_of(const Fan& fan, const Thermal& thermal) {
  const auto named = std::find_if(thermal.stages.begin(), thermal.stages.end(),
                                  [&](const ThermalStage& stage) { return stage.name == fan.stage; });
  return named == thermal.stages.end() ? std::ssize(thermal.stages) - 1 : named - thermal.stages.begin();
}

}  // namespace

ThermalNetwork::ThermalNetwork(const Thermal& thermal, const std::optional<Fan>& fan, double tick, double temperature)
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
  for (int level = 0; level <= (fan ? fan->levels : 0); ++level) {
    DenseMatrix blown = G;
    if (fan) blown(stage_of(*fan, thermal), stage_of(*fan, thermal)) += fan->conductance.at(fan->speed_of(level));
    const Matrix conductance = flat(blown);
    flows_.push_back({conductance, flat(blown.inverse()), propagator(conductance, tick)});
  }
}

ThermalNetwork::Matrix ThermalNetwork::propagator(const Matrix& conductance, double h) const {
  DenseMatrix A = -h * square(conductance, n_);
  for (Eigen::Index i = 0; i < A.rows(); ++i) A.row(i) /= heat_capacity_[static_cast<std::size_t>(i)];
  const DenseMatrix exponential = A.exp();
  return flat(exponential);
}

void ThermalNetwork::steady(const std::vector<double>& power, double room, std::vector<double>& T) const {
  multiply(flows_[flow_].resistance, power, T);
  for (double& t : T) t += room;
}

std::vector<double> ThermalNetwork::steady(const std::vector<double>& power, double room) const {
  std::vector<double> T;
  steady(power, room, T);
  return T;
}

double ThermalNetwork::stored() const {
  double heat = 0;
  for (std::size_t i = 0; i < n_; ++i) heat += heat_capacity_[i] * temperature_[i];
  return heat;
}

void ThermalNetwork::settle(const std::vector<double>& power, double room) { steady(power, room, temperature_); }

void ThermalNetwork::advance(double h, const std::vector<double>& power, double room) {
  steady(power, room, T_inf_);
  for (std::size_t i = 0; i < n_; ++i) temperature_[i] -= T_inf_[i];
  if (h == tick_) {
    multiply(flows_[flow_].tick_propagator, temperature_, away_);
  } else {
    multiply(propagator(flows_[flow_].conductance, h), temperature_, away_);
  }
  for (std::size_t i = 0; i < n_; ++i) temperature_[i] = T_inf_[i] + away_[i];
}

}  // namespace tokwatt::hardware
