#pragma once
// The header of a GGUF file (llama.cpp's format, versions 2 and 3): metadata and the list of tensors. The weights
// themselves are never read, so a file that was cut off behind its header will do. The bytes are foreign: every length
// is checked against the file's size before it is believed, and big arrays (tokenizers) are passed over.
#include <cstdint>
#include <iosfwd>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "scenarios/diagnostics.hpp"

namespace tokwatt::scenarios {

/// How ggml stores numbers: blocks of so many weights in so many bytes (ggml/src/ggml-common.h).
struct GgmlType {
  uint32_t id;
  const char* name;
  int64_t block, bytes;
  const char* quant;  ///< the quant whose files are mostly of it; empty: none
};
/// Null: ggml has no such type.
const GgmlType* ggml_type(uint32_t id);

struct GgufTensor {
  std::string name;
  std::vector<int64_t> shape;  ///< innermost first: a matrix is {in, out}
  const GgmlType* type = nullptr;

  double elements() const;
  double bytes() const;
};

/// Numbers of at most a few thousand items are kept, of anything else only how many there are.
struct GgufArray {
  int64_t size = 0;
  std::vector<int64_t> numbers;
};
/// Nothing where it is of no use here: floats, and numbers beyond 2^63.
using GgufValue = std::variant<std::monostate, int64_t, std::string, GgufArray>;

struct GgufHeader {
  std::string path;
  std::map<std::string, GgufValue> metadata;
  std::vector<GgufTensor> tensors;

  const GgufValue* find(const std::string& key) const;
  std::optional<int64_t> number(const std::string& key) const;
  std::optional<std::string> text(const std::string& key) const;
};

/// Reads the header of one file of `size` bytes. Reports what is wrong with it and where, "... at byte N".
std::optional<GgufHeader> read_gguf(std::istream& file, int64_t size, const std::string& name,
                                    Diagnostics& diagnostics);

/// Opens a file, or all files of a model that was split (NAME-00001-of-00003.gguf), whichever of them is named. Reports
/// at `asked_at` what cannot be opened.
std::optional<GgufHeader> open_gguf(const std::string& path, const Place& asked_at, Diagnostics& diagnostics);

}  // namespace tokwatt::scenarios
