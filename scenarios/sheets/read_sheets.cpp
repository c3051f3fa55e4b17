// Reads sheets, and checks what their fields mean together.
#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <limits>

#include "models/graph.hpp"
#include "scenarios/gguf_model.hpp"
#include "scenarios/hf_config.hpp"
#include "scenarios/read/merge.hpp"
#include "scenarios/sheets/calibration.hpp"
#include "scenarios/sheets/sheets.hpp"
#include "sim/arithmetic.hpp"

namespace tokwatt::scenarios {
Origin origin_of(const RawSheet& sheet, std::string prefix) {
  Origin origin{sheet.source, sheet.id, std::move(prefix), {}};
  if (const Node* sources = sheet.root.find("sources")) {
    for (const auto& [id, text] : sources->entries) origin.sources.push_back(id.scalar);
  }
  return origin;
}

namespace {

/// Reports what fields mean together, at the field that is to blame.
class Check {
 public:
  Check(const Node& root, Diagnostics& diagnostics) : root_(root), diagnostics_(diagnostics) {}

  void that(bool good, std::initializer_list<const char*> path, const std::string& message) {
    if (!good) diagnostics_.error(place_of(path), message);
  }

 private:
  Place place_of(std::initializer_list<const char*> path) const {
    const Node* node = &root_;
    for (const char* key : path) {
      const Node* next = node->find(key);
      if (!next) break;
      node = next;
    }
    const Node* value = node->find("value");
    return value ? value->place : node->place;
  }
  const Node& root_;
  Diagnostics& diagnostics_;
};

void check_box(const hardware::Box& box, const Node& root, Diagnostics& diagnostics) {
  constexpr double kMostLevels = 10'000;
  Check check(root, diagnostics);
  const auto& clock = box.clock;
  check.that(clock.max >= clock.min, {"clock", "max"}, "clock.max is below clock.min");
  const double steps = (clock.max - clock.min) / clock.step;
  check.that(steps < kMostLevels, {"clock", "step"},
             fmt::format("clock.step makes {:.0f} levels; expected fewer than {:.0f}", steps, kMostLevels));
  check.that(
      std::abs(steps - std::round(steps)) < 1e-6, {"clock", "step"},
      fmt::format("clock.step does not divide clock.max - clock.min ({:.9g} steps); the grid would not reach clock.max",
                  steps));
  check.that(clock.voltage_max >= clock.voltage_min, {"clock", "voltage_max"},
             "clock.voltage_max is below clock.voltage_min");
  check.that(box.memory.usable() > 0, {"memory", "reserved"},
             "memory.reserved leaves nothing of capacity x usable_fraction");
  const bool computes =
      std::any_of(box.compute.peak.begin(), box.compute.peak.end(), [](double peak) { return peak > 0; });
  check.that(computes, {"compute"}, "compute has no peak; expected at least one of fp32, bf16, fp8, int8 and fp4");
  for (const auto dtype : hardware::kDtypes) {
    const auto i = static_cast<std::size_t>(dtype);
    check.that(box.compute.peak[i] <= 0 || box.compute.peak[i] >= 1e11, {"compute", hardware::name(dtype)},
               fmt::format("compute.{} is below 0.1 TFLOP/s; a format that it has no units for is left out",
                           hardware::name(dtype)));
    check.that(box.compute.peak[i] <= 0 || box.power.per_flop[i] > 0, {"power", "per_flop"},
               fmt::format("power.per_flop.{0} is missing; compute.{0} is not", hardware::name(dtype)));
  }
  const auto above_idle = [&](double watts, const char* key) {
    return fmt::format("{} is {:.6g} W; expected more than power.idle, {:.6g} W", key, watts, box.power.idle);
  };
  check.that(box.power.limit > box.power.idle, {"power", "limit"}, above_idle(box.power.limit, "power.limit"));
  if (box.governor.sticky) {
    const double stuck_at = box.governor.sticky->limit;
    check.that(stuck_at > box.power.idle, {"governor", "sticky", "limit"},
               above_idle(stuck_at, "governor.sticky.limit"));
  }
  check.that(box.governor.shutdown > box.governor.trip, {"governor", "shutdown"},
             fmt::format("governor.shutdown is {:.6g} degC; expected more than governor.trip, {:.6g} degC",
                         box.governor.shutdown, box.governor.trip));
  check.that(!box.thermal.stages.empty(), {"thermal", "stages"},
             "thermal.stages is empty; expected at least one stage");
  check.that(box.clock.limit >= box.clock.min, {"clock", "limit"}, "clock.limit is below clock.min");
  if (box.fan && !box.fan->stage.empty()) {
    std::vector<std::string> stages;
    for (const auto& stage : box.thermal.stages) stages.push_back(stage.name);
    const bool known = std::find(stages.begin(), stages.end(), box.fan->stage) != stages.end();
    check.that(known, {"fan", "stage"},
               fmt::format("fan.stage is {}; expected {}{}", in_quotes(box.fan->stage), one_of(stages),
                           did_you_mean(box.fan->stage, stages)));
  }
}

/// The words of a pattern, each of which must be among those that are known.
std::vector<std::string> check_words(const std::vector<Text>& pattern, const char* path,
                                     const std::vector<std::string>& known, Diagnostics& diagnostics) {
  std::vector<std::string> words;
  for (const auto& word : pattern) {
    words.push_back(word.value);
    if (std::find(known.begin(), known.end(), word.value) == known.end())
      diagnostics.error(word.place,
                        fmt::format("{} holds {}; expected {}", path, in_quotes(word.value), one_of(known)));
  }
  return words;
}

bool contains(const std::vector<std::string>& words, std::string_view word) {
  return std::find(words.begin(), words.end(), word) != words.end();
}

void check_heads(Check& check, const AttentionSheet& a) {
  const auto divides = [&](const AttentionKindSheet& own, std::initializer_list<const char*> path, const char* name) {
    const int64_t heads = own.heads > 0 ? own.heads : a.heads, kv_heads = own.kv_heads > 0 ? own.kv_heads : a.kv_heads;
    check.that(heads % kv_heads == 0, path, fmt::format("{} ({}) does not divide heads ({})", name, kv_heads, heads));
  };
  divides({}, {"attention", "kv_heads"}, "attention.kv_heads");
  divides(a.full, {"attention", "full", "kv_heads"}, "attention.full.kv_heads");
  divides(a.sliding, {"attention", "sliding", "kv_heads"}, "attention.sliding.kv_heads");
  divides(a.chunked, {"attention", "chunked", "kv_heads"}, "attention.chunked.kv_heads");
}

/// Each kind of layer in the pattern has its dimensions, and no dimensions are there for nothing.
void check_attention(Check& check, const ModelSheet& s, Diagnostics& diagnostics) {
  const auto& a = *s.attention;
  check_heads(check, a);
  auto kinds = check_words(a.pattern, "attention.pattern",
                           {"full", "sliding", "chunked", "linear", "mamba", "conv", "none"}, diagnostics);
  if (kinds.empty()) kinds.emplace_back("full");
  check.that(!contains(kinds, "sliding") || a.window > 0, {"attention", "pattern"},
             "attention.pattern slides, but attention.window is missing");
  check.that(contains(kinds, "sliding") || a.window == 0, {"attention", "window"},
             "attention.window is given, but attention.pattern has no sliding layer");
  const auto needs = [&](const char* kind, bool given, std::initializer_list<const char*> path, const char* key) {
    check.that(!contains(kinds, kind) || given, {"attention", "pattern"},
               fmt::format("attention.pattern has a {} layer, but {} is missing", kind, key));
    check.that(contains(kinds, kind) || !given, path,
               fmt::format("{} is given, but attention.pattern has no {} layer", key, kind));
  };
  needs("chunked", a.chunk > 0, {"attention", "chunk"}, "attention.chunk");
  needs("linear", s.linear.has_value(), {"linear"}, "linear");
  needs("mamba", s.mamba.has_value(), {"mamba"}, "mamba");
  needs("conv", s.conv.has_value(), {"conv"}, "conv");
  check.that(!s.indexer || contains(kinds, "full"), {"indexer"},
             "indexer is given, but attention.pattern has no full layer");
  check.that(a.kv_shared_layers < s.layers, {"attention", "kv_shared_layers"},
             "attention.kv_shared_layers leaves no layer with a KV cache");
}

void check_compressed(Check& check, const ModelSheet& s) {
  const auto& ratios = s.compressed->ratios;
  const auto whole = [](double ratio) { return ratio == std::floor(ratio); };
  check.that(!ratios.empty() && std::all_of(ratios.begin(), ratios.end(), whole), {"compressed", "ratios"},
             "compressed.ratios is not a list of whole numbers");
  const bool indexed = !s.indexer || std::any_of(ratios.begin(), ratios.end(), [&](double ratio) {
    return ratio == static_cast<double>(s.indexer->block);
  });
  check.that(indexed, {"indexer", "block"}, "indexer.block is not among compressed.ratios");
  const auto& a = s.compressed->attention;
  check.that(a.heads % a.out_groups == 0, {"compressed", "out_groups"},
             fmt::format("compressed.out_groups ({}) does not divide heads ({})", a.out_groups, a.heads));
}

void check_feed_forward(Check& check, const ModelSheet& s, Diagnostics& diagnostics) {
  const auto kinds = check_words(s.ffn_pattern, "ffn_pattern", {"dense", "experts", "none"}, diagnostics);
  check.that(!contains(kinds, "experts") || s.experts, {"ffn_pattern"},
             "ffn_pattern has experts, but experts is missing");
  check.that(!contains(kinds, "dense") || s.ffn > 0, {"ffn_pattern"}, "ffn_pattern is dense, but ffn is missing");
  if (s.experts) {
    const auto& e = *s.experts;
    check.that(e.per_token <= e.count, {"experts", "per_token"}, "experts.per_token is more than experts.count");
    const bool some_dense = e.first_dense > 0 || e.every > 1;
    check.that(!some_dense || s.ffn > 0, {"experts"}, "ffn is missing; some layers have no experts");
    check.that(kinds.empty() || !some_dense, {"ffn_pattern"},
               "ffn_pattern says which layers have experts; experts.first_dense and experts.every do so too");
    check.that(kinds.empty() || contains(kinds, "experts"), {"experts"},
               "experts is given, but ffn_pattern has no experts");
  } else {
    check.that(s.ffn > 0, {}, "ffn is missing, and there are no experts");
  }
}

void check_model(const ModelSheet& s, const Node& root, Diagnostics& diagnostics) {
  Check check(root, diagnostics);
  const int mixers = (s.attention ? 1 : 0) + (s.latent ? 1 : 0) + (s.compressed ? 1 : 0);
  check.that(mixers == 1, {}, "expected exactly one of attention, latent and compressed");
  if (s.attention) check_attention(check, s, diagnostics);
  if (s.compressed) check_compressed(check, s);
  const bool recurs = s.linear || s.mamba || s.conv;
  check.that(s.attention || !recurs, {}, "linear, mamba and conv need attention, whose pattern names their layers");
  check_feed_forward(check, s, diagnostics);
}

/// Weights are counted in 64 bits; a thousand times the largest model there is leaves room. So it does for states, of
/// which the largest have some 1e8 elements.
void check_size(const models::Architecture& model, const Place& place, Diagnostics& diagnostics) {
  constexpr double kMostWeights = 1e15, kMostState = 1e12;
  models::WeightFormat byte_each;
  byte_each.bits.fill(8);
  const double weights = models::weight_bytes(model, byte_each);
  if (weights > kMostWeights)
    diagnostics.error(place,
                      fmt::format("{} has {:.3g} weights; expected at most {:.0g}", model.id, weights, kMostWeights));
  double state = 0;
  for (const auto& layer : model.layers) state += models::state_elements(layer, model.hidden);
  if (state > kMostState)
    diagnostics.error(place, fmt::format("{} keeps a state of {:.3g} elements per sequence; expected at most {:.0g}",
                                         model.id, state, kMostState));
}

bool is_dtype(const std::string& name) {
  return std::any_of(hardware::kDtypes.begin(), hardware::kDtypes.end(),
                     [&](hardware::Dtype dtype) { return name == hardware::name(dtype); });
}

void check_engine(const EngineSheet& s, const Node& root, Diagnostics& diagnostics) {
  Check check(root, diagnostics);
  const auto& limits = s.engine.limits;
  check.that(
      limits.max_num_batched_tokens >= limits.max_num_seqs, {"limits", "max_num_batched_tokens"},
      "limits.max_num_batched_tokens is below limits.max_num_seqs: each running sequence needs a token in a step");
  const auto has = [&](const std::string& format) {
    return std::any_of(s.kv.begin(), s.kv.end(), [&](const Text& t) { return t.value == format; });
  };
  check.that(s.kv.empty() || has(s.engine.default_kv), {"default_kv"}, "default_kv is not among kv");
  check.that(!s.engine.new_token_ratio || s.engine.prefill_apart, {"new_token_ratio"},
             "new_token_ratio is for an engine that computes prompts in steps of their own; expected prefill_apart: "
             "true beside it");
  check.that(!s.engine.kv_unified || s.policy.value != "vllm", {"kv_unified"},
             "kv_unified is for an engine with slots; expected policy: llama-server beside it");
  check.that(limits.prompt_concurrency == 0 || (s.engine.prefill_apart && !s.engine.new_token_ratio),
             {"limits", "prompt_concurrency"},
             "limits.prompt_concurrency is for an engine that computes prompts in steps of their own and admits whose "
             "prompt has room; expected prefill_apart: true, and no new_token_ratio");
  if (s.speculative) check_words(s.speculative->methods, "speculative.methods", drafting_methods(), diagnostics);
  for (const auto& [quant, place, dtypes] : s.compute_in) {
    for (const auto& dtype : dtypes) {
      if (!is_dtype(dtype.value))
        diagnostics.error(dtype.place, fmt::format("compute_in.{} is {}; expected fp32, bf16, f16, fp8, int8 or fp4",
                                                   path_segment(quant), in_quotes(dtype.value)));
    }
  }
}

/// Reads a merged tree; `meaning` checks it where its fields are good.
template <class Declared>
Declared read_merged(const Node& root, std::vector<Origin> origins, const Overrides& over,
                     std::vector<SheetNumber>& numbers, Diagnostics& diagnostics,
                     void (*meaning)(const Declared&, const Node&, Diagnostics&)) {
  Declared declared;
  const std::size_t before = diagnostics.reported();
  Reader reader({diagnostics, true, over.prefix, std::move(origins), &numbers, over.more_keys});
  reader.read(root, declared);
  if (diagnostics.reported() == before) meaning(declared, root, diagnostics);
  return declared;
}

Node laid_over(const Node& base, const Node& over) {
  return over.kind == Node::Kind::mapping ? merge(base, over) : base;
}

void calibrate(const EngineSheet& declared, const RawSheet& box, const RawSheet& engine, EngineRead& out,
               Diagnostics& diagnostics) {
  const Node* architecture = box.root.find("architecture");
  std::vector<std::string> boxes = {box.id};
  for (const auto& base : box.bases) boxes.push_back(base.sheet);
  if (const Node* twin = box.root.find("measured_as")) boxes.push_back(twin->scalar);
  auto read = read_calibration(engine.id, boxes, architecture ? architecture->scalar : "");
  if (read.by == CalibratedBy::nothing) read.calibration.base.value.fill(std::numeric_limits<double>::quiet_NaN());
  lay_over_calibration(declared.tuning, read.calibration, engine.root.place, diagnostics);
  out.value.calibration = std::move(read.calibration);
  models::tune(out.value, "", "");  // until a model and a quant are known
  if (read.by == CalibratedBy::box && read.rows > 0) return;
  // Nobody has measured this engine on this box: what relatives reach is an assumption about it.
  SheetNumber number;
  number.sheet = box.id;
  number.path = fmt::format("engines.{}.tuning", engine.id);
  number.sources = {"calibration"};
  number.confidence = "assumed";
  number.note = "no measurement of this engine on this box; from its relatives, see docs/validation.md";
  const bool own = !std::isnan(declared.tuning.given.memory_efficiency);
  if (!own) out.numbers.push_back(std::move(number));
}

}  // namespace

namespace {

bool same_place(const Place& a, const Place& b) {
  return a.source == b.source && a.line == b.line && a.column == b.column;
}

bool holds(const Node& tree, const Place& place) {
  const auto in = [&](const Node& node) { return holds(node, place); };
  return same_place(tree.place, place) || std::any_of(tree.items.begin(), tree.items.end(), in) ||
         std::any_of(tree.entries.begin(), tree.entries.end(), [&](const auto& entry) { return in(entry.second); });
}

/// Each mode must make a good box; its numbers are the sheet's too, under its name.
void read_modes(const RawSheet& sheet, const std::vector<std::pair<Text, Node>>& modes,
                const std::vector<Origin>& origins, std::vector<SheetNumber>& numbers, Diagnostics& diagnostics) {
  Node own = sheet.root;
  std::erase_if(own.entries, [](const auto& entry) { return entry.first.scalar == "modes"; });
  for (const auto& [name, changes] : modes) {
    const std::string path = "modes." + path_segment(name.value);
    if (changes.kind != Node::Kind::mapping) {
      diagnostics.error(changes.place, fmt::format("{} is no mapping; expected fields of the sheet, such as {{power: "
                                                   "{{limit: 55 W}}}}",
                                                   path));
      continue;
    }
    for (const char* whence : {"source", "confidence", "note"}) {
      if (const Node* node = changes.find(whence))
        diagnostics.error(node->place,
                          fmt::format("{}.{} is beside no number; expected it at each of them", path, whence));
    }
    for (const char* key : {"id", "aliases", "base", "sources", "backends", "engines", "modes"}) {
      if (const Node* node = changes.find(key))
        diagnostics.error(node->place, fmt::format("{}.{} cannot change with the mode", path, key));
    }
    std::vector<SheetNumber> of_mode;
    read_merged<BoxSheet>(laid_over(own, changes), origins, {}, of_mode, diagnostics,
                          [](const BoxSheet& s, const Node& n, Diagnostics& d) { check_box(s.box, n, d); });
    for (auto& number : of_mode) {
      if (!holds(changes, number.place)) continue;
      number.path = fmt::format("{}.{}", path, number.path);
      numbers.push_back(std::move(number));
    }
  }
}

}  // namespace

RawSheet in_mode(RawSheet box, const Text& mode, const std::string& key, Diagnostics& diagnostics) {
  const Node* modes = box.root.find("modes");
  if (const Node* chosen = modes ? modes->find(mode.value) : nullptr) {
    box.root = laid_over(box.root, Node(*chosen));
    return box;
  }
  std::vector<std::string> names;
  if (modes) {
    for (const auto& [name, changes] : modes->entries) names.push_back(name.scalar);
  }
  const std::string hint = did_you_mean(mode.value, names);
  const std::string expected = names.empty() ? fmt::format("; {} has no modes", box.id) : "; expected " + one_of(names);
  diagnostics.error(mode.place, fmt::format("{} is {}{}", key, in_quotes(mode.value), hint.empty() ? expected : hint));
  return box;
}

BoxRead read_box(const RawSheet& sheet, const Overrides& over, Diagnostics& diagnostics) {
  BoxRead out;
  out.source = sheet.source;
  out.bases = sheet.bases;
  if (const Node* base = over.tree.find("base"))
    diagnostics.error(base->place,
                      "base stands in a box's own file; expected the sheet of that box in place of this one");
  if (const Node* modes = over.tree.find("modes"))
    diagnostics.error(modes->place, "modes stand in a box's own file; expected what they change in their place");
  const std::size_t before = diagnostics.reported();
  const Node root = laid_over(sheet.root, over.tree);
  auto origins = sheet.bases;
  origins.insert(origins.begin(), origin_of(sheet, ""));
  const auto declared =
      read_merged<BoxSheet>(root, origins, over, out.numbers, diagnostics,
                            [](const BoxSheet& s, const Node& n, Diagnostics& d) { check_box(s.box, n, d); });
  if (diagnostics.reported() == before) read_modes(sheet, declared.modes, origins, out.numbers, diagnostics);
  out.value = box_of(declared);
  if (!sheet.bases.empty()) out.value.base = sheet.bases.back().sheet;
  if (const auto& twin = declared.measured_as; twin.given()) {
    out.value.base = twin.value;
    if (const auto known = ids(SheetKind::box); std::find(known.begin(), known.end(), twin.value) == known.end())
      diagnostics.error(twin.place, fmt::format("measured_as is {}; no box has this id{}", in_quotes(twin.value),
                                                did_you_mean(twin.value, known)));
  }
  out.head = declared.head;
  return out;
}

ModelRead read_model(const RawSheet& sheet, const Overrides& over, Diagnostics& diagnostics) {
  ModelRead out;
  out.source = sheet.source;
  if (sheet.gguf) {
    if (over.tree.kind != Node::Kind::null)
      diagnostics.error(over.tree.place, "overriding fields of a GGUF file is not built yet; write a sheet");
    out.value = sheet.gguf->architecture;
    check_size(out.value, sheet.root.place, diagnostics);
    return out;
  }
  if (sheet.is_config) {
    if (over.tree.kind != Node::Kind::null)
      diagnostics.error(over.tree.place, "overriding fields of a config.json is not built yet; change the file");
    out.value = read_hf_config(sheet.root, sheet.id, diagnostics);
    check_size(out.value, sheet.root.place, diagnostics);
    return out;
  }
  const auto declared = read_merged<ModelSheet>(laid_over(sheet.root, over.tree), {origin_of(sheet, "")}, over,
                                                out.numbers, diagnostics, check_model);
  out.head = declared.head;
  if (diagnostics.ok()) out.value = architecture_of(declared);
  check_size(out.value, sheet.root.place, diagnostics);
  return out;
}

QuantRead read_quant(const RawSheet& sheet, const Overrides& over, Diagnostics& diagnostics) {
  QuantRead out;
  out.source = sheet.source;
  const auto exists = [](const QuantSheet& s, const Node& n, Diagnostics& d) {
    if (s.gguf.bits[0] == 0 && s.safetensors.bits[0] == 0)
      d.error(n.place, "expected at least one of gguf and safetensors");
  };
  const auto declared = read_merged<QuantSheet>(laid_over(sheet.root, over.tree), {origin_of(sheet, "")}, over,
                                                out.numbers, diagnostics, exists);
  out.head = declared.head;
  out.value = quant_of(declared);
  return out;
}

LinkRead read_link(const RawSheet& sheet, Diagnostics& diagnostics) {
  LinkRead out;
  out.source = sheet.source;
  const auto declared = read_merged<LinkSheet>(sheet.root, {origin_of(sheet, "")}, {}, out.numbers, diagnostics,
                                               [](const LinkSheet&, const Node&, Diagnostics&) {});
  out.head = declared.head;
  out.value = declared.link;
  return out;
}

EngineRead read_engine(const RawSheet& sheet, const RawSheet& box, const Overrides& over, Diagnostics& diagnostics) {
  EngineRead out;
  out.source = sheet.source;
  Node root = sheet.root;
  std::vector<Origin> origins = {origin_of(sheet, "")};
  const Node* on_box = box.root.find("engines");
  if (on_box) on_box = on_box->find(sheet.id);
  if (on_box) {
    root = laid_over(root, *on_box);
    const std::string prefix = fmt::format("engines.{}.", path_segment(sheet.id));
    origins.push_back(origin_of(box, prefix));
    for (const auto& base : box.bases) origins.push_back({base.source, base.sheet, prefix, base.sources});
  }
  const auto declared = read_merged<EngineSheet>(laid_over(root, over.tree), std::move(origins), over, out.numbers,
                                                 diagnostics, check_engine);
  out.head = declared.head;
  out.value = engine_of(declared);
  if (diagnostics.ok()) calibrate(declared, box, sheet, out, diagnostics);
  return out;
}

std::string backend_of(const hardware::Box& box, const models::Engine& engine) {
  for (const auto& backend : box.backends) {
    if (contains(engine.backends, backend)) return backend;
  }
  return {};
}

std::string why_not(const models::Architecture& model, const models::Quant& quant) {
  const bool has_experts = std::any_of(model.layers.begin(), model.layers.end(),
                                       [](const auto& layer) { return layer.experts.has_value(); });
  if (!quant.experts_only || has_experts) return {};
  return fmt::format("{} stores experts only; {} has none", quant.id, model.id);
}

std::string why_not(const hardware::Box& box, const models::Engine& engine, const models::Quant& quant) {
  if (backend_of(box, engine).empty()) {
    return fmt::format("{} runs on {}; {} offers {}", engine.id, one_of(engine.backends), box.id, one_of(box.backends));
  }
  const bool is_gguf = engine.container == models::Container::gguf;
  const auto& format = is_gguf ? quant.gguf : quant.safetensors;
  if (engine.compute_in.find(quant.id) == engine.compute_in.end()) {
    std::vector<std::string> runs;
    for (const auto& [id, dtypes] : engine.compute_in) runs.push_back(id);
    return fmt::format("{} does not run {}; it runs {}", engine.id, quant.id, one_of(runs));
  }
  if (format.bits[0] <= 0)
    return fmt::format("{} reads {} files; {} does not come in them", engine.id, is_gguf ? "GGUF" : "safetensors",
                       quant.id);
  if (!sim::arithmetic_of(box, engine, quant.id)) {
    const std::string dtypes = one_of(engine.compute_in.at(quant.id));
    return fmt::format("{} computes {} in {}; {} has no {} units", engine.id, quant.id, dtypes, box.id, dtypes);
  }
  return {};
}

}  // namespace tokwatt::scenarios
