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

/// The stage that the fan blows at: the last one, where it names none.
Eigen::Index stage_of(const Fan& fan, const Thermal& thermal) {
  const auto named = std::find_if(thermal.stages.begin(), thermal.stages.end(),
                                  [&](const ThermalStage& stage) { return stage.name == fan.stage; });
  return named == thermal.stages.end() ? std::ssize(thermal.stages) - 1 : named - thermal.stages.begin();
}

}  // namespace

ThermalNetwork::ThermalNetwork(const Thermal& thermal, const std::optional<Fan>& fan, double tick, double temperature)
    : n_(thermal.stages.size()), tick_(tick), temperature_(n_, temperature), before_(n_) {
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
    flows_.push_back({flat(blown), flat(blown.inverse()), {}});
    flows_.back().tick = step(flows_.back(), tick);
  }
}

/// n x (2 n + 1): what each temperature, each power and the room's temperature come to in each stage after `h`.
ThermalNetwork::Matrix ThermalNetwork::step(const Flow& flow, double h) const {
  const auto n = static_cast<Eigen::Index>(n_);
  DenseMatrix A = -h * square(flow.conductance, n_);
  for (Eigen::Index i = 0; i < n; ++i) A.row(i) /= heat_capacity_[static_cast<std::size_t>(i)];
  const DenseMatrix stays = A.exp(), comes = DenseMatrix::Identity(n, n) - stays;
  DenseMatrix all(n, 2 * n + 1);
  all << stays, comes * square(flow.resistance, n_), comes.rowwise().sum();
  return flat(all);
}

std::vector<double> ThermalNetwork::steady(const std::vector<double>& power, double room) const {
  std::vector<double> T(n_, room);
  const double* of_row = flows_[flow_].resistance.data();
  for (double& t : T) {
    for (const double p : power) t += *of_row++ * p;
  }
  return T;
}

double ThermalNetwork::stored() const {
  double heat = 0;
  for (std::size_t i = 0; i < n_; ++i) heat += heat_capacity_[i] * temperature_[i];
  return heat;
}

void ThermalNetwork::settle(const std::vector<double>& power, double room) { temperature_ = steady(power, room); }

// In a fixed order, written out: the same bits whatever the vector width.
void ThermalNetwork::advance(double h, const std::vector<double>& power, double room) {
  const Matrix other = h == tick_ ? Matrix() : step(flows_[flow_], h);
  const double* factor = h == tick_ ? flows_[flow_].tick.data() : other.data();
  before_.swap(temperature_);
  const double *T = before_.data(), *P = power.data();
  for (std::size_t i = 0; i < n_; ++i, factor += 2 * n_ + 1) {
    double sum = 0;
    for (std::size_t j = 0; j < n_; ++j) sum += factor[j] * T[j];
    for (std::size_t j = 0; j < n_; ++j) sum += factor[n_ + j] * P[j];
    temperature_[i] = sum + factor[2 * n_] * room;
  }
}

}  // namespace tokwatt::hardware
