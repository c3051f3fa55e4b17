#pragma once
// What an engine gets out of a device: the few numbers between a roofline and a measurement (docs/theory/cost.md).
#include <array>
#include <map>
#include <string>
#include <vector>

namespace tokwatt::models {

struct Tuning {
  double memory_efficiency = 1;          ///< of peak bandwidth, streaming dense weights
  double memory_efficiency_experts = 1;  ///< gathering experts
  double memory_efficiency_kv = 1;       ///< reading the KV cache and recurrent states
  double compute_efficiency = 1;         ///< of peak, dense matrix kernels of many rows
  double compute_efficiency_experts = 1;
  double compute_efficiency_attention = 1;
  double compute_efficiency_state = 1;  ///< updating recurrent states (delta nets, Mamba)
  double rows_half = 0;                 ///< rows at which a matrix kernel reaches half its efficiency
  double rows_half_experts = 0;         ///< the same, per expert
  double vector_efficiency = 0;         ///< of the fp32 peak, matrix-vector kernels (few rows); 0: has none
  double kernel_dispatch = 0;           ///< per kernel [s]
  double host_per_step = 0;             ///< between steps [s]
  double host_per_sequence = 0;         ///< sampling and bookkeeping per sequence in the step [s]
  double spread_prefill = 0;            ///< standard deviation of log(measured/predicted) beyond the draws'
  double spread_decode = 0;
};

/// Efficiencies are estimated as log-odds, so that none exceeds 1; all else as logarithms.
enum class Link { log_odds, log };

struct TuningParameter {
  const char* key;  ///< as in sheets
  double Tuning::*value;
  Link link;
};
inline constexpr std::size_t kTuningParameters = 13;  // the spreads are no parameters
extern const std::array<TuningParameter, kTuningParameters> kTuning;

/// A Tuning's parameters on the scale of their links, in the order of kTuning. A zero overhead is -infinity there.
using Linked = std::array<double, kTuningParameters>;
Linked linked(const Tuning& tuning);
Tuning unlinked(const Linked& values, double spread_prefill, double spread_decode);

/// A tuning with what the fit leaves over put back: so many of its spreads quicker (or, negative, slower) in prefill,
/// which is arithmetic in matrix kernels, and in decode, which is all else. Efficiencies stay at most 1.
Tuning with_residual(Tuning tuning, double prefill, double decode);

/// A point and draws from what is not known about it, both linked; draws are deviations from the point. The k-th draws
/// of everything that was estimated together belong together, which keeps their correlations.
struct Uncertain {
  Linked value{};
  std::vector<Linked> draws;
};

/// What the fit says of one engine on one box, and by how much some weights and models differ from the rest.
struct Calibration {
  Uncertain base;
  std::array<bool, kTuningParameters> fixed{};  ///< given by people for this very case: nothing is added
  double spread_prefill = 0, spread_decode = 0;
  std::map<std::string, Uncertain> by_unpack;  ///< Quant::unpack -> added to base; "other": those that are not here
  std::map<std::string, Uncertain> by_family;  ///< Architecture::family -> added to base, in the same way
  Uncertain without_flash_attention;           ///< added where the engine runs without
};

}  // namespace tokwatt::models
