// Speculative decoding: what drafts for a deployment, and whether its engine can.
#include <fmt/format.h>

#include <algorithm>
#include <cstdlib>

#include "scenarios/resolve.hpp"
#include "scenarios/sheets/sheet_fields.hpp"

namespace tokwatt::scenarios {
namespace {

/// A draft with more tokens than that more or less speaks another language: llama.cpp's bound
/// (common/speculative.cpp, SPEC_VOCAB_MAX_SIZE_DIFFERENCE); models of one family differ by their padding.
constexpr int64_t kMostOtherTokens = 128;

bool has_states(const models::Architecture& model) { return models::kv_bytes(model, 2).state_fixed > 0; }

/// Why the engine cannot do it; empty when it can.
std::string why_not(const sim::Deployment& d, const std::string& method, const models::Architecture& draft) {
  const auto& methods = d.engine.speculative.methods;
  if (methods.empty()) return fmt::format("{} has no speculative decoding", d.engine.id);
  if (std::find(methods.begin(), methods.end(), method) == methods.end())
    return fmt::format("{} has no {}; it has {}", d.engine.id, method, one_of(methods));
  const bool slots = d.engine.policy == models::Policy::llama_server;
  for (const auto* model : {&d.model, &draft}) {
    if (slots && has_states(*model)) {
      return fmt::format("{} has recurrent layers, and {} cannot take rejected tokens back from their states",
                         model->id, d.engine.id);
    }
  }
  return {};
}

void read_draft(const WrittenSpeculation& s, const std::string& path, sim::Deployment& d, UsedSheets& used,
                Resolution& r) {
  sim::Speculation& out = *d.speculation;
  const Text quant = s.quant.given() || !s.model.given() ? s.quant : Text{d.quant.id, s.model.place};
  const std::size_t before = r.diagnostics.reported();
  const Weights weights = open_weights(s.model, quant, s.place, path, r);
  read_weights(weights, path, out.draft, out.quant, used, r);
  if (!weights.model || !weights.quant || r.diagnostics.reported() != before) return;
  models::Engine engine = d.engine;
  models::tune(engine, out.quant.unpack, out.draft.family);
  out.tuning = engine.tuning;
  const auto& box = r.loaded.input.systems[static_cast<std::size_t>(d.systems.front())].box;
  std::string reason = scenarios::why_not(box, d.engine, out.quant);
  if (reason.empty()) reason = scenarios::why_not(out.draft, out.quant);
  if (!reason.empty() && !s.quant.given()) reason += "; speculative.quant may name another format";
  if (reason.empty() && std::abs(out.draft.vocab - d.model.vocab) > kMostOtherTokens) {
    reason = fmt::format("{} has {} tokens and {} has {}: it cannot draft for it", out.draft.id, out.draft.vocab,
                         d.model.id, d.model.vocab);
  }
  if (!reason.empty()) r.infeasible.push_back(fmt::format("{}: {}", path, reason));
}

void make_head(const std::string& path, sim::Deployment& d, Resolution& r) {
  sim::Speculation& out = *d.speculation;
  out.is_head = true;
  out.draft = models::drafting_head(d.model);
  out.quant = d.quant;
  out.tuning = d.engine.tuning;
  if (out.draft.layers.empty()) {
    r.infeasible.push_back(
        fmt::format("{}: {} has no layer with a KV cache, such as a head is made of", path, d.model.id));
  }
  r.loaded.assumed.push_back(fmt::format("scenario: {}: a head of one layer like the last of {}", path, d.model.id));
}

/// The engine's own number of sequences when it speculates, and a step's room for what they draft.
void apply_limits(const WrittenDeployment& w, const std::string& path, sim::Deployment& d, Resolution& r) {
  auto& limits = d.engine.limits;
  const int64_t most = d.engine.speculative.max_num_seqs;
  if (!w.limits.max_num_seqs && most > 0) limits.max_num_seqs = std::min(limits.max_num_seqs, most);
  const int64_t rows = d.drafted() + 1;
  if (limits.max_num_batched_tokens >= limits.max_num_seqs * rows) return;
  r.diagnostics.error(
      w.speculative->place,
      fmt::format("{}.tokens is {}: {} running sequences need {} tokens each in a step, more than the {} of "
                  "limits.max_num_batched_tokens; expected fewer, or another limits.max_num_seqs",
                  path, d.drafted(), limits.max_num_seqs, rows, limits.max_num_batched_tokens));
}

}  // namespace

void resolve_speculation(const WrittenDeployment& w, const std::string& path, sim::Deployment& d, UsedSheets& used,
                         Resolution& r) {
  const WrittenSpeculation& s = *w.speculative;
  const bool by_model = s.method.value == "draft";
  if (by_model && !s.model.given())
    r.diagnostics.error(s.place, fmt::format("{}.model is missing; expected a smaller model that drafts", path));
  for (const auto& [text, key] : {std::pair{&s.model, "model"}, std::pair{&s.quant, "quant"}}) {
    if (by_model || !text->given()) continue;
    r.diagnostics.error(text->place, fmt::format("{}.{} stands beside method {}, whose head is part of the model; "
                                                 "expected it with method draft only",
                                                 path, key, s.method.value));
  }
  if (s.acceptance >= 1) {
    r.diagnostics.error(s.place, fmt::format("{}.acceptance is 1; expected a number below 1: a draft that is always "
                                             "right would be the model",
                                             path));
  }
  if (!s.method.given() || s.tokens == 0 || s.acceptance >= 1) return;
  d.speculation = sim::Speculation{};
  d.speculation->tokens = s.tokens;
  d.speculation->acceptance = s.acceptance;
  if (by_model) {
    read_draft(s, path, d, used, r);
  } else {
    make_head(path, d, r);
  }
  const std::string reason = why_not(d, s.method.value, d.speculation->draft);
  if (!reason.empty()) r.infeasible.push_back(fmt::format("{}: {}", path, reason));
  apply_limits(w, path, d, r);
}

}  // namespace tokwatt::scenarios
