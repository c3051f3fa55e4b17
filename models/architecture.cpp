#include "models/architecture.hpp"

#include <algorithm>

#include "models/graph.hpp"

namespace tokwatt::models {

namespace {

double kept_elements(const Layer& layer) {
  if (layer.latent) return static_cast<double>(layer.latent->kv_rank + layer.latent->rope_dim);
  return 2.0 * static_cast<double>(layer.grouped->kv_heads * layer.grouped->head_dim);
}

// A window longer than any sequence keeps every token: it is full attention.
int64_t window_of(const Architecture& architecture, const Layer& layer) {
  const int64_t window = layer.grouped ? layer.grouped->window : 0;
  return architecture.max_context > 0 && window >= architecture.max_context ? 0 : window;
}

}  // namespace

KvBytes kv_bytes(const Architecture& architecture, double element_bytes) {
  KvBytes bytes;
  for (const auto& layer : architecture.layers) {
    const double per_token = kept_elements(layer) * element_bytes;
    const int64_t window = window_of(architecture, layer);
    (window > 0 ? bytes.window_fixed : bytes.per_token) +=
        per_token * static_cast<double>(std::max<int64_t>(window, 1));
  }
  return bytes;
}

double kv_bytes_of_sequence(const Architecture& architecture, double element_bytes, int64_t tokens) {
  double bytes = 0;
  for (const auto& layer : architecture.layers) {
    const int64_t window = window_of(architecture, layer);
    bytes += kept_elements(layer) * element_bytes * static_cast<double>(window > 0 ? std::min(window, tokens) : tokens);
  }
  return bytes;
}

int64_t parameters(const Architecture& architecture) {
  double sum = 0;
  for (const auto& tensor : tensors(architecture)) sum += tensor.elements;
  return static_cast<int64_t>(sum);
}

int64_t active_parameters(const Architecture& architecture) {
  double sum = 0;
  for (const auto& tensor : tensors(architecture)) {
    if (tensor.weight_class == WeightClass::embedding && !architecture.tied_embeddings) continue;
    sum += tensor.elements * tensor.share_per_token;
  }
  return static_cast<int64_t>(sum);
}

}  // namespace tokwatt::models
