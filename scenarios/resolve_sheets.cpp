// Systems and deployments: which sheets are meant, and whether they go together.
#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "scenarios/read/merge.hpp"
#include "scenarios/resolve.hpp"

namespace tokwatt::scenarios {
namespace {

const std::vector<std::string> kSystemKeys = {"sheet", "mode", "faults", "count", "link", "start_temperature",
                                              "rental"};

/// The part of a system's mapping that overrides its sheet.
Node overrides_of(const WrittenSystem& system) {
  Node over = system.tree;
  std::erase_if(over.entries, [](const auto& entry) {
    return std::find(kSystemKeys.begin(), kSystemKeys.end(), entry.first.scalar) != kSystemKeys.end();
  });
  if (over.entries.empty()) over.kind = Node::Kind::null;
  return over;
}

/// An override of a sheet that nothing uses would be silently without effect.
template <class Entry>
void check_used(const std::vector<Named<Entry>>& section, const char* key, const std::vector<std::string>& used,
                Diagnostics& diagnostics) {
  for (const auto& entry : section) {
    if (std::find(used.begin(), used.end(), entry.name) != used.end()) continue;
    diagnostics.error(entry.place, fmt::format("{}.{}: no deployment uses it{}", key, path_segment(entry.name),
                                               did_you_mean(entry.name, used)));
  }
}

void apply_limits(const WrittenLimits& limits, const WrittenDeployment& written, const std::string& path,
                  sim::Deployment& d, Resolution& r) {
  const bool paged = d.engine.policy == models::Policy::vllm;
  auto& own = d.engine.limits;
  const auto needs = [&](bool given, const char* key, bool has, const char* why) {
    if (given && !has)
      r.infeasible.push_back(fmt::format("{}.limits.{}: {} has no such limit, {}", path, key, d.engine.id, why));
  };
  needs(limits.block_size.has_value(), "block_size", paged, "its KV cache is not paged");
  needs(limits.kv_blocks.has_value(), "kv_blocks", paged, "its KV cache is not paged");
  needs(limits.memory_utilization.has_value(), "memory_utilization", paged, "its KV cache is not paged");
  needs(limits.micro_batch.has_value(), "micro_batch", own.micro_batch > 0, "all tokens of a step go through at once");
  needs(limits.prompt_concurrency.has_value(), "prompt_concurrency", own.prompt_concurrency > 0,
        "prompts share the tokens of a step");
  needs(limits.reserve_full_isl.has_value(), "reserve_full_isl", paged && !d.engine.prefill_apart,
        "it admits requests by a rule of its own");
  needs(limits.kv_unified.has_value(), "kv_unified", d.engine.kv_unified,
        paged ? "any sequence may take any block" : "each of its slots has a part of the context");
  // llama-server splits its context where it is told how many slots to have, and not where it chooses.
  d.engine.kv_unified = d.engine.kv_unified && limits.kv_unified.value_or(!limits.max_num_seqs);
  own.prompt_concurrency = limits.prompt_concurrency.value_or(own.prompt_concurrency);
  d.engine.reserve_full_isl = limits.reserve_full_isl.value_or(d.engine.reserve_full_isl);
  own.max_num_seqs = limits.max_num_seqs.value_or(own.max_num_seqs);
  own.max_num_batched_tokens = limits.max_num_batched_tokens.value_or(own.max_num_batched_tokens);
  own.micro_batch = std::min(limits.micro_batch.value_or(own.micro_batch), own.max_num_batched_tokens);
  own.block_size = limits.block_size.value_or(own.block_size);
  own.memory_utilization = limits.memory_utilization.value_or(own.memory_utilization);
  d.kv_blocks = limits.kv_blocks;
  d.max_model_len = limits.max_model_len;
  const auto place_of = [&](const char* key) {
    const auto given = limits.places.find(key);
    return given != limits.places.end() ? given->second : limits.place.source ? limits.place : written.place;
  };
  // As vLLM does it, an engine's own number of slots is no more than a step has tokens. Where prompts have steps of
  // their own the budget is theirs alone.
  if (!limits.max_num_seqs && !d.engine.prefill_apart)
    own.max_num_seqs = std::min(own.max_num_seqs, own.max_num_batched_tokens);
  if (own.max_num_batched_tokens < own.max_num_seqs && !d.engine.prefill_apart) {
    r.diagnostics.error(place_of("max_num_batched_tokens"),
                        fmt::format("{}.limits.max_num_batched_tokens is {}, below max_num_seqs ({}): each "
                                    "running sequence needs a token in a step",
                                    path, own.max_num_batched_tokens, own.max_num_seqs));
  }
  if (d.max_model_len && d.model.max_context > 0 && *d.max_model_len > d.model.max_context) {
    r.diagnostics.error(place_of("max_model_len"),
                        fmt::format("{}.limits.max_model_len is {}; {} takes at most {} tokens", path, *d.max_model_len,
                                    d.model.id, d.model.max_context));
  }
}

// Keys and values of a prefix can be used again, the state that a recurrent layer had after it is not kept.
void resolve_prefix_cache(const WrittenDeployment& written, const std::string& path, sim::Deployment& d,
                          Resolution& r) {
  const bool recurrent = models::kv_bytes(d.model, d.kv.element_bytes).state_fixed > 0;
  d.prefix_cache = written.prefix_cache.value_or(d.engine.prefix_cache && !recurrent);
  if (recurrent && d.engine.prefix_cache && !written.prefix_cache) {
    r.loaded.assumed.push_back(fmt::format(
        "scenario: {}.prefix_cache: nothing of a prompt is found again, since {} has recurrent layers, whose "
        "states {} is taken not to keep",
        path, d.model.id, d.engine.id));
  }
  if (d.prefix_cache && recurrent) {
    r.infeasible.push_back(fmt::format(
        "{}.prefix_cache: {} has recurrent layers, whose states {} does not keep; leave it out or say false", path,
        d.model.id, d.engine.id));
  }
}

void resolve_cache_ram(const WrittenDeployment& written, const std::string& path, sim::Deployment& d, Resolution& r) {
  d.cache_ram = written.cache_ram.value_or(d.prefix_cache ? d.engine.cache_ram : 0);
  if (d.cache_ram == 0) return;
  if (d.engine.policy != models::Policy::llama_server) {
    r.infeasible.push_back(
        fmt::format("{}.cache_ram: {} keeps its KV cache in blocks, not in slots; kv_offload is what "
                    "keeps those",
                    path, d.engine.id));
  } else if (!d.prefix_cache) {
    r.diagnostics.error(written.place,
                        path + ".cache_ram finds what slots held by its text; expected prefix_cache: true beside it");
  }
}

void resolve_kv(const WrittenDeployment& written, const std::string& path, sim::Deployment& d, Resolution& r) {
  const std::string id = written.kv.given() ? written.kv.value : d.engine.default_kv;
  std::vector<std::string> known;
  for (const auto& format : models::kv_formats()) {
    known.push_back(format.id);
    if (format.id == id) d.kv = format;
  }
  if (d.kv.id.empty()) {
    r.diagnostics.error(written.kv.place, fmt::format("{}.kv is {}; expected {}{}", path, in_quotes(id), one_of(known),
                                                      did_you_mean(id, known)));
  } else if (d.engine.kv.find(id) == d.engine.kv.end()) {
    std::vector<std::string> has;
    for (const auto& [format, yes] : d.engine.kv) has.push_back(format);
    r.infeasible.push_back(fmt::format("{}: {} has no KV cache in {}; it has {}", path, d.engine.id, id, one_of(has)));
  }
  const bool has_scales = d.kv.element_bytes != std::floor(d.kv.element_bytes);
  if (has_scales) r.loaded.assumed.push_back(fmt::format("scenario: {}.kv: {} costs nothing to unpack", path, d.kv.id));
}

void resolve_deployment(const Named<WrittenDeployment>& entry, UsedSheets& used, Resolution& r) {
  const std::string path = "deployments." + path_segment(entry.name);
  const WrittenDeployment& w = entry.value;
  sim::Deployment d;
  d.name = entry.name;
  if (w.api) {
    resolve_hosted(w, path, d, r);
    r.loaded.input.deployments.push_back(std::move(d));
    return;
  }
  resolve_placement(w, path, d, r);
  const auto weights = open_weights(w.model, w.quant, w.place, path, r);
  const auto engine = w.engine.given()
                          ? open_sheet(SheetKind::engine, w.engine, path + ".engine", r.folder, r.diagnostics)
                          : std::nullopt;
  const std::size_t before = r.diagnostics.reported();
  read_weights(weights, path, d.model, d.quant, used, r);
  if (engine && !d.systems.empty()) {
    used.engines.insert(used.engines.end(), {w.engine.value, engine->id});
    used.engine_sheets.push_back(*engine);
    for (const int system : d.systems) used.engines_on[static_cast<std::size_t>(system)].push_back(engine->id);
    const auto& box = r.boxes[static_cast<std::size_t>(d.systems.front())];
    const auto read = read_engine(
        *engine, box, user_overrides(r.written.engines, "engines", w.engine.value, engine->id), r.diagnostics);
    d.engine = read.value;
    carry(r, "engines/" + engine->id, read);
  }
  const bool whole =
      weights.model && weights.quant && engine && !d.systems.empty() && r.diagnostics.reported() == before;
  if (whole) {
    models::tune(d.engine, d.quant.unpack, d.model.family);
    resolve_kv(w, path, d, r);
    resolve_prefix_cache(w, path, d, r);
    resolve_cache_ram(w, path, d, r);
    apply_limits(w.limits, w, path, d, r);
    std::string reason =
        why_not(r.loaded.input.systems[static_cast<std::size_t>(d.systems.front())].box, d.engine, d.quant);
    if (reason.empty()) reason = why_not(d.model, d.quant);
    if (!reason.empty()) r.infeasible.push_back(fmt::format("{}: {}", path, reason));
    if (w.speculative) resolve_speculation(w, path + ".speculative", d, used, r);
    check_tensor_parallel(w, path, d, r);
    if (d.scheduling != sim::Scheduling::fcfs && d.engine.policy != models::Policy::vllm)
      r.infeasible.push_back(fmt::format("{}.scheduling: {} serves first come, first served", path, d.engine.id));
    resolve_kv_offload(w, path, d, r);
    resolve_cold_start(w, path, d, r);
    resolve_reload(w, d, r);
  }
  r.loaded.input.deployments.push_back(std::move(d));
}

bool starts_cold(const Written& written) {
  return std::any_of(written.deployments.begin(), written.deployments.end(),
                     [](const auto& d) { return d.value.cold_start.given(); });
}

bool is_of_cold_start(const std::string& path) { return path.starts_with("storage.") || path == "startup"; }

}  // namespace

bool is_assumed(const Resolution& r, const SheetNumber& number) {
  if (number.confidence != "assumed" && number.confidence != "hypothetical") return false;
  if (number.path.starts_with("modes.")) return false;  // those of the mode it runs in stand in their places
  return starts_cold(r.written) || !is_of_cold_start(number.path);
}

int index_of(const Text& name, const std::string& key, const std::vector<std::string>& names, const char* what,
             Diagnostics& diagnostics) {
  const auto at = std::find(names.begin(), names.end(), name.value);
  if (at != names.end()) return static_cast<int>(at - names.begin());
  const std::string hint = did_you_mean(name.value, names);
  const std::string expected = names.empty() ? "" : "; expected " + one_of(names);
  diagnostics.error(name.place, fmt::format("{} is {}; no {} has this name{}", key, in_quotes(name.value), what,
                                            hint.empty() ? expected : hint));
  return -1;
}

void resolve_systems(Resolution& r) {
  const auto is_hosted = [](const auto& deployment) { return deployment.value.api.has_value(); };
  const auto& deployments = r.written.deployments;
  const auto& keys = r.written.keys;
  if (std::find(keys.begin(), keys.end(), "systems") == keys.end() &&
      !std::all_of(deployments.begin(), deployments.end(), is_hosted))
    r.diagnostics.error(r.written.place, "systems is missing; expected a mapping from names to settings");
  for (const auto& [name, place, written] : r.written.systems) {
    const std::string path = "systems." + path_segment(name);
    sim::System system;
    system.name = name;
    system.count = written.count;
    if (written.link.given()) system.link = resolve_link(written.link, path + ".link", r);
    system.start_temperature = written.start_temperature;
    RawSheet merged;
    auto sheet = written.sheet.given()
                     ? open_sheet(SheetKind::box, written.sheet, path + ".sheet", r.folder, r.diagnostics)
                     : std::nullopt;
    if (sheet) {
      if (written.mode.given()) sheet = in_mode(std::move(*sheet), written.mode, path + ".mode", r.diagnostics);
      const Overrides over{overrides_of(written), path + ".", kSystemKeys};
      const auto read = read_box(*sheet, over, r.diagnostics);
      system.box = hardware::one_of(read.value, system.count);
      carry(r, "systems/" + name, read);
      merged = *sheet;
      if (over.tree.kind == Node::Kind::mapping) merged.root = merge(sheet->root, over.tree);
    }
    r.boxes.push_back(std::move(merged));
    r.loaded.input.systems.push_back(std::move(system));
  }
}

void resolve_deployments(Resolution& r) {
  UsedSheets used;
  used.engines_on.resize(r.boxes.size());
  for (const auto& entry : r.written.deployments) resolve_deployment(entry, used, r);
  check_used(r.written.models, "models", used.models, r.diagnostics);
  check_used(r.written.quants, "quants", used.quants, r.diagnostics);
  check_used(r.written.engines, "engines", used.engines, r.diagnostics);
  std::vector<std::string> quants;
  for (const auto& deployment : r.loaded.input.deployments) quants.push_back(deployment.quant.id);
  for (const auto& quant : r.written.quants) quants.push_back(quant.name);
  for (std::size_t i = 0; i < r.boxes.size(); ++i) {
    const std::string prefix = fmt::format("systems.{}.", path_segment(r.loaded.input.systems[i].name));
    check_engines(r.boxes[i], prefix, used.engine_sheets, used.engines_on[i], r.diagnostics);
    check_energy_rows(r.boxes[i], prefix, quants, r.diagnostics);
    if (used.engines_on[i].empty()) r.loaded.input.systems[i].box.power.ready = 0;  // no server keeps its clocks up
  }
}

}  // namespace tokwatt::scenarios
