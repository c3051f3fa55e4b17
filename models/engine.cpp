#include "models/engine.hpp"

namespace tokwatt::models {

namespace {

void add(Uncertain& sum, const Uncertain& more, const std::array<bool, kTuningParameters>& fixed) {
  for (std::size_t i = 0; i < kTuningParameters; ++i) {
    if (fixed[i]) continue;
    sum.value[i] += more.value[i];
    for (std::size_t k = 0; k < sum.draws.size() && k < more.draws.size(); ++k) sum.draws[k][i] += more.draws[k][i];
  }
}

}  // namespace

void tune(Engine& engine, const std::string& unpack, const std::string& family) {
  const Calibration& fit = engine.calibration;
  Uncertain sum = fit.base;
  const auto add_found = [&](const auto& by, const std::string& name) {
    auto found = by.find(name);
    if (found == by.end()) found = by.find("other");
    if (found != by.end()) add(sum, found->second, fit.fixed);
  };
  add_found(fit.by_unpack, unpack);
  add_found(fit.by_family, family);
  if (!engine.flash_attention) add(sum, fit.without_flash_attention, fit.fixed);
  engine.tuning = unlinked(sum.value, fit.spread_prefill, fit.spread_decode);
  engine.draws.clear();
  for (const Linked& deviation : sum.draws) {
    Linked drawn = sum.value;
    for (std::size_t i = 0; i < kTuningParameters; ++i) drawn[i] += deviation[i];
    engine.draws.push_back(unlinked(drawn, fit.spread_prefill, fit.spread_decode));
  }
}

}  // namespace tokwatt::models
