#pragma once
// What sheets are made of: each key of a box, model, quant and engine sheet, declared once.
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "hardware/box.hpp"
#include "hardware/topology.hpp"
#include "models/architecture.hpp"
#include "models/engine.hpp"
#include "models/quant.hpp"
#include "scenarios/read/fields.hpp"

namespace tokwatt::scenarios {

/// The date and software that a sheet describes: drivers make boxes faster.
struct Describes {
  Text date, software;
};

/// What every sheet starts with.
struct Head {
  Text id, title, description;
  std::vector<Text> aliases;
  Describes describes;
  std::vector<Named<Text>> sources;
  bool hypothetical = false;
};

/// What some weights or models add, in place of what the calibration says they do. Texts of numbers, by parameter.
struct AddedTuning {
  std::vector<Named<Text>> added;  ///< on the scale of the parameter's link
  std::vector<Named<Text>> draws;  ///< deviations from that
};

/// Numbers that take the place of the calibration's; NaN: not given.
struct TuningSheet {
  TuningSheet();
  models::Tuning given;
  std::vector<Named<Text>> draws;  ///< by parameter: deviations on the scale of its link, separated by spaces
  std::vector<Named<AddedTuning>> by_unpack, by_family;
};

struct SpeculatingSheet {
  std::vector<Text> methods;
  int64_t max_num_seqs = 0;
};

struct EngineSheet {
  Head head;
  models::Engine engine;  ///< enums, maps and ids are filled from the words below by engine_of()
  Text container, policy;
  std::vector<Text> backends;
  std::vector<Named<std::vector<Text>>> compute_in;
  std::vector<Text> kv;
  std::optional<SpeculatingSheet> speculative;
  TuningSheet tuning;
};
models::Engine engine_of(const EngineSheet& sheet);

/// What a box says about one engine: laid over the engine's own sheet.
struct EngineOverrides {
  Node raw;
};

struct BoxSheet {
  Head head;
  Text base;          ///< read where the file is opened (registry.cpp)
  Text measured_as;   ///< id of a box with the same chip
  hardware::Box box;  ///< id, title and backends are filled by box_of()
  std::vector<Text> backends;
  Text host_link;
  std::vector<std::pair<Text, Node>> modes;  ///< by name, what of the sheet changes
  std::vector<Named<EngineOverrides>> engines;
};
hardware::Box box_of(const BoxSheet& sheet);

struct LinkSheet {
  Head head;
  hardware::Link link;
};

/// What layers of one kind have instead of what attention says; 0: the same.
struct AttentionKindSheet {
  int64_t heads = 0, kv_heads = 0, head_dim = 0, v_dim = 0;
  bool v_is_k = false;
};
struct AttentionSheet {
  int64_t heads = 0, kv_heads = 0, head_dim = 0, v_dim = 0, window = 0, chunk = 0, kv_shared_layers = 0;
  Text output_gate;
  std::vector<Text> pattern;
  AttentionKindSheet full, sliding, chunked;
};
struct CompressedSheet {
  models::CompressedAttention attention;  ///< ratio is filled layer by layer from the list below
  std::vector<double> ratios;
};
struct ExpertsSheet {
  int64_t count = 0, per_token = 0, ffn = 0, shared_ffn = 0, latent = 0, first_dense = 0, every = 1;
};
struct ModelSheet {
  Head head;
  std::string family, native_quant;
  int64_t layers = 0, hidden = 0, vocab = 0, max_context = 0, ffn = 0, ffn_matrices = 3, per_layer_embedding = 0;
  bool tied_embeddings = false;
  std::optional<AttentionSheet> attention;
  std::optional<models::LatentAttention> latent;
  std::optional<CompressedSheet> compressed;
  std::optional<models::Indexer> indexer;
  std::optional<models::LinearAttention> linear;
  std::optional<models::Mamba> mamba;
  std::optional<models::ShortConvolution> conv;
  std::optional<ExpertsSheet> experts;
  std::vector<Text> ffn_pattern;
  std::optional<models::LookupTable> ngrams;
};
models::Architecture architecture_of(const ModelSheet& sheet);

/// Bits of some classes of tensors.
struct SomeBits {
  models::WeightFormat of;
};
/// What the published files of one model store otherwise than the rest of the quant's sheet says.
struct FilesSheet {
  SomeBits gguf, safetensors;
};
struct QuantSheet {
  Head head;
  models::WeightFormat gguf, safetensors;
  bool experts_only = false;
  Text unpack;
  std::vector<Named<FilesSheet>> files;
};
models::Quant quant_of(const QuantSheet& sheet);
/// Families of kernels that unpack weights.
const std::vector<std::string>& unpack_families();

void fields(Fields& f, Describes& d);
void fields(Fields& f, BoxSheet& s);
void fields(Fields& f, EngineOverrides& e);
void fields(Fields& f, LinkSheet& s);
void fields(Fields& f, EngineSheet& s);
void fields(Fields& f, models::Limits& l);
/// Ways to draft tokens.
const std::vector<std::string>& drafting_methods();
void fields(Fields& f, ModelSheet& s);
void fields(Fields& f, QuantSheet& s);

/// The keys that all sheets share.
void head_fields(Fields& f, Head& h);

}  // namespace tokwatt::scenarios
