#include "models/architecture.hpp"

#include <algorithm>

#include "models/graph.hpp"

namespace tokwatt::models {

namespace {

double d(int64_t count) { return static_cast<double>(count); }

/// What a layer keeps: elements per token, of the last `limit` tokens or of all (0).
struct Store {
  double elements = 0;
  int64_t limit = 0;
  int64_t parts = 1;  ///< devices that can share it
};

std::vector<Store> stores(const Layer& layer) {
  std::vector<Store> kept;
  if (layer.grouped && !layer.grouped->shares_kv) {
    const auto& a = *layer.grouped;
    kept.push_back({d(a.kv_heads) * d(a.head_dim + a.value_dim()), std::max(a.window, a.chunk), a.kv_heads});
  }
  if (layer.latent) kept.push_back({d(layer.latent->kv_rank + layer.latent->rope_dim), 0});
  if (layer.compressed) {
    const auto& a = *layer.compressed;
    kept.push_back({d(a.head_dim), a.window});
    if (a.ratio > 0) kept.push_back({d(a.head_dim) / d(a.ratio), 0});
  }
  if (layer.indexer) kept.push_back({d(layer.indexer->head_dim) / d(layer.indexer->block), 0});
  return kept;
}

// A window longer than any sequence keeps every token: it is full attention.
int64_t limit_of(const Architecture& architecture, const Store& store) {
  return architecture.max_context > 0 && store.limit >= architecture.max_context ? 0 : store.limit;
}

}  // namespace

// Each dimension may be a billion: products of three are beyond 2^63, and are made as doubles.
double state_elements(const Layer& layer, int64_t hidden) {
  if (layer.linear) {
    const auto& a = *layer.linear;
    return d(a.value_heads) * d(a.head_dim) * d(a.head_dim) + d(a.conv_kernel - 1) * d(a.channels());
  }
  if (layer.mamba) {
    const auto& m = *layer.mamba;
    return d(m.inner()) * d(m.state) + d(m.conv_kernel - 1) * d(m.channels());
  }
  return layer.conv ? d(layer.conv->kernel - 1) * d(hidden) : 0;
}

Architecture drafting_head(const Architecture& model) {
  Architecture head = model;
  head.id = model.id + " (head)";
  head.per_layer_embedding = 0;
  head.ngrams = {};
  head.layers.clear();
  const auto keeps = [](const Layer& layer) {
    return (layer.grouped && !layer.grouped->shares_kv) || layer.latent || layer.compressed;
  };
  const auto last = std::find_if(model.layers.rbegin(), model.layers.rend(), keeps);
  if (last != model.layers.rend()) head.layers.push_back(*last);
  return head;
}

namespace {

void add_window(std::vector<KvBytes::Window>& windows, const KvBytes::Window& more) {
  const auto same = [&](const KvBytes::Window& w) { return w.tokens == more.tokens; };
  const auto at = std::find_if(windows.begin(), windows.end(), same);
  if (at == windows.end()) {
    windows.push_back(more);
  } else {
    at->per_token += more.per_token;
  }
}

}  // namespace

KvBytes kv_bytes(const Architecture& architecture, double element_bytes, int64_t devices) {
  KvBytes bytes;
  for (const auto& layer : architecture.layers) {
    for (const auto& store : stores(layer)) {
      const int64_t limit = limit_of(architecture, store);
      const double per_token = store.elements * element_bytes / d(std::min(store.parts, devices));
      if (limit == 0) {
        bytes.per_token += per_token;
      } else {
        bytes.window_fixed += per_token * d(limit);
        add_window(bytes.windows, {limit, per_token});
      }
    }
    bytes.state_fixed += state_elements(layer, architecture.hidden) * kStateElementBytes / d(devices);
  }
  return bytes;
}

double KvBytes::of(int64_t tokens) const {
  double bytes = per_token * d(tokens) + state_fixed;
  for (const auto& window : windows) bytes += window.per_token * d(std::min(tokens, window.tokens));
  return bytes;
}

int64_t parameters(const Architecture& architecture) {
  double sum = 0;
  for (const auto& tensor : tensors(architecture)) sum += tensor.elements;
  return static_cast<int64_t>(sum);
}

int64_t active_parameters(const Architecture& architecture) {
  double sum = 0;
  for (const auto& tensor : tensors(architecture)) sum += tensor.elements * tensor.share_per_token;
  return static_cast<int64_t>(sum);
}

}  // namespace tokwatt::models
