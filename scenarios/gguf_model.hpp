#pragma once
// A GGUF file as a model sheet: dimensions from its metadata and the shapes of its tensors, bits per weight from their
// types.
#include <optional>
#include <string>
#include <vector>

#include "models/architecture.hpp"
#include "models/quant.hpp"
#include "scenarios/gguf.hpp"

namespace tokwatt::scenarios {

struct GgufModel {
  models::Architecture architecture;
  std::string quant;            ///< id of the quant that its weights come in
  models::WeightFormat format;  ///< true bits per weight: weight_bytes(architecture, format) is the tensors' size
};

/// Reports what is missing, wrong or of a kind that is not known; the model is called `id`.
std::optional<GgufModel> gguf_model(const GgufHeader& header, const std::string& id, Diagnostics& diagnostics);

/// What llama.cpp calls the architectures that are understood (general.architecture).
std::vector<std::string> gguf_architectures();

/// The quant of a file: what general.file_type says, unless most of its bytes are of another kind (files that mix).
std::string gguf_quant(const GgufHeader& header);

/// Bits per weight of each class of tensors. What belongs to no class (norms, biases) is spread over one that every
/// token passes through; blocks behind the model's layers (multi-token prediction) are left out, as llama.cpp does
/// unless it is told to speculate with them.
models::WeightFormat gguf_format(const GgufHeader& header, const models::Architecture& architecture);

/// Why a file's tensors cannot be all that its metadata describes: formats have at least 1.5 bits a weight, so with far
/// fewer the metadata is another model's, or tensors are missing. Empty: they can be.
std::string why_too_small(const models::Architecture& model, const models::WeightFormat& format);

/// What was understood of a file, in a few lines of YAML.
std::string gguf_text(const GgufHeader& header, const GgufModel& model);

}  // namespace tokwatt::scenarios
