#include "models/tuning.hpp"

#include <algorithm>
#include <cmath>

namespace tokwatt::models {

const std::array<TuningParameter, kTuningParameters> kTuning = {{
    {"memory_efficiency", &Tuning::memory_efficiency, Link::log_odds},
    {"memory_efficiency_experts", &Tuning::memory_efficiency_experts, Link::log_odds},
    {"memory_efficiency_kv", &Tuning::memory_efficiency_kv, Link::log_odds},
    {"compute_efficiency", &Tuning::compute_efficiency, Link::log_odds},
    {"compute_efficiency_experts", &Tuning::compute_efficiency_experts, Link::log_odds},
    {"compute_efficiency_attention", &Tuning::compute_efficiency_attention, Link::log_odds},
    {"compute_efficiency_state", &Tuning::compute_efficiency_state, Link::log_odds},
    {"rows_half", &Tuning::rows_half, Link::log},
    {"rows_half_experts", &Tuning::rows_half_experts, Link::log},
    {"vector_efficiency", &Tuning::vector_efficiency, Link::log_odds},
    {"kernel_dispatch", &Tuning::kernel_dispatch, Link::log},
    {"host_per_step", &Tuning::host_per_step, Link::log},
    {"host_per_sequence", &Tuning::host_per_sequence, Link::log},
}};

Linked linked(const Tuning& tuning) {
  Linked out;
  for (std::size_t i = 0; i < kTuningParameters; ++i) {
    const double value = tuning.*kTuning[i].value;
    out[i] = kTuning[i].link == Link::log ? std::log(value) : std::log(value / (1 - value));
  }
  return out;
}

Tuning unlinked(const Linked& values, double spread_prefill, double spread_decode) {
  Tuning out;
  for (std::size_t i = 0; i < kTuningParameters; ++i)
    out.*kTuning[i].value = kTuning[i].link == Link::log ? std::exp(values[i]) : 1 / (1 + std::exp(-values[i]));
  out.spread_prefill = spread_prefill;
  out.spread_decode = spread_decode;
  return out;
}

Tuning with_residual(Tuning tuning, double prefill, double decode) {
  const double quicker_prefill = std::exp(prefill * tuning.spread_prefill);
  const double quicker_decode = std::exp(decode * tuning.spread_decode);
  for (double Tuning::*efficiency : {&Tuning::compute_efficiency, &Tuning::compute_efficiency_experts,
                                     &Tuning::compute_efficiency_attention, &Tuning::compute_efficiency_state})
    tuning.*efficiency = std::min(tuning.*efficiency * quicker_prefill, 1.0);
  for (double Tuning::*efficiency : {&Tuning::memory_efficiency, &Tuning::memory_efficiency_experts,
                                     &Tuning::memory_efficiency_kv, &Tuning::vector_efficiency})
    tuning.*efficiency = std::min(tuning.*efficiency * quicker_decode, 1.0);
  for (double Tuning::*overhead : {&Tuning::kernel_dispatch, &Tuning::host_per_step, &Tuning::host_per_sequence})
    tuning.*overhead /= quicker_decode;
  return tuning;
}

}  // namespace tokwatt::models
