#include "sim/arithmetic.hpp"

#include <stdexcept>

namespace tokwatt::sim {

namespace {

hardware::Dtype dtype_named(const std::string& name) {
  for (const auto dtype : hardware::kDtypes) {
    if (name == hardware::name(dtype)) return dtype;
  }
  throw std::invalid_argument("unknown arithmetic " + name);
}

}  // namespace

std::optional<hardware::Dtype> arithmetic_of(const hardware::Box& box, const models::Engine& engine,
                                             const std::string& quant) {
  const auto found = engine.compute_in.find(quant);
  if (found == engine.compute_in.end()) return std::nullopt;
  for (const auto& name : found->second) {
    const auto dtype = dtype_named(name);
    if (box.compute.peak_of(dtype) > 0) return dtype;
  }
  return std::nullopt;
}

}  // namespace tokwatt::sim
