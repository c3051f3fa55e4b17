#include "scenarios/gguf.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <istream>
#include <limits>
#include <set>

namespace tokwatt::scenarios {
namespace {

namespace fs = std::filesystem;

// Real headers have a few thousand entries in a few tens of megabytes; beyond these somebody made a file to be read for
// ever.
constexpr int64_t kLongestHeader = 256LL << 20;
constexpr uint64_t kMostEntries = 100'000;
constexpr uint64_t kLongestKey = 65'535;
constexpr uint64_t kLongestTensorName = 1024;
constexpr uint64_t kKeptText = 256;      // bytes of a text value
constexpr uint64_t kKeptNumbers = 4096;  // items of an array
constexpr uint32_t kMostDimensions = 4;
constexpr double kMostElements = 1e15;
constexpr int kMostParts = 99'999;

// Types of metadata values.
enum Type : uint32_t { u8, i8, u16, i16, u32, i32, f32, boolean, string, array, u64, i64, f64 };
constexpr std::array<int64_t, 13> kTypeSize = {1, 1, 2, 2, 4, 4, 4, 1, 0, 0, 8, 8, 8};  // 0: has its own length

/// The header cannot be read on from here.
struct Broken {
  int64_t at;
  std::string why;
};

/// Little-endian numbers and texts of a file, in order.
class Bytes {
 public:
  Bytes(std::istream& file, int64_t size) : file_(file), size_(size) {}

  int64_t at() const { return at_; }
  int64_t left() const { return size_ - at_; }

  template <class T>
  T number() {
    need(sizeof(T), "a number");
    std::array<char, sizeof(T)> bytes{};
    take(bytes.data(), bytes.size());
    T value;
    std::memcpy(&value, bytes.data(), sizeof(T));  // x86-64 is little-endian, as GGUF is
    return value;
  }

  /// A text: its length, then its bytes. At most `kept` of them are kept, more than `longest` are an error.
  std::string text(const char* what, uint64_t kept, uint64_t longest = std::numeric_limits<uint64_t>::max()) {
    const int64_t start = at_;
    const auto length = number<uint64_t>();
    if (length > longest)
      throw Broken{start, fmt::format("{} of {} bytes; expected at most {}", what, length, longest)};
    need(length, what);
    std::string out(static_cast<std::size_t>(std::min(length, kept)), '\0');
    take(out.data(), out.size());
    skip(static_cast<int64_t>(length) - static_cast<int64_t>(out.size()));
    return out;
  }

  /// So many items of a size: the file must have them.
  void need(uint64_t count, const char* what, int64_t each = 1) {
    if (count > static_cast<uint64_t>(left() / each)) {
      throw Broken{at_, fmt::format("{} of {} bytes, but the file has {} more", what,
                                    static_cast<double>(count) * static_cast<double>(each), left())};
    }
    if (at_ + static_cast<int64_t>(count) * each > kLongestHeader)
      throw Broken{at_, fmt::format("the header is longer than {} bytes", kLongestHeader)};
  }

  void skip(int64_t count) {
    if (count == 0) return;
    file_.seekg(count, std::ios::cur);
    if (!file_) throw Broken{at_, "reading the file failed"};
    at_ += count;
  }

 private:
  void take(char* into, std::size_t count) {
    file_.read(into, static_cast<std::streamsize>(count));
    if (!file_) throw Broken{at_, "reading the file failed"};
    at_ += static_cast<int64_t>(count);
  }

  std::istream& file_;
  int64_t size_, at_ = 0;
};

/// A whole number or flag; nothing where it is a float or beyond 2^63.
std::optional<int64_t> whole(Bytes& bytes, Type type) {
  switch (type) {
    case u8:
    case boolean:
      return bytes.number<uint8_t>();
    case i8:
      return bytes.number<int8_t>();
    case u16:
      return bytes.number<uint16_t>();
    case i16:
      return bytes.number<int16_t>();
    case u32:
      return bytes.number<uint32_t>();
    case i32:
      return bytes.number<int32_t>();
    case i64:
      return bytes.number<int64_t>();
    case u64: {
      const auto value = bytes.number<uint64_t>();
      if (value > static_cast<uint64_t>(std::numeric_limits<int64_t>::max())) return {};
      return static_cast<int64_t>(value);
    }
    default:
      bytes.skip(kTypeSize[type]);
      return {};
  }
}

Type type_of(Bytes& bytes) {
  const int64_t start = bytes.at();
  const auto type = bytes.number<uint32_t>();
  if (type >= kTypeSize.size())
    throw Broken{start, fmt::format("value type {}; expected at most {}", type, kTypeSize.size() - 1)};
  return static_cast<Type>(type);
}

GgufArray array_of(Bytes& bytes) {
  const int64_t start = bytes.at();
  const Type type = type_of(bytes);
  if (type == Type::array) throw Broken{start, "an array of arrays; expected numbers or texts"};
  const auto size = bytes.number<uint64_t>();
  const bool is_text = type == Type::string;
  bytes.need(size, "an array", is_text ? 8 : kTypeSize[type]);
  GgufArray out{static_cast<int64_t>(size), {}};
  if (is_text) {
    for (uint64_t i = 0; i < size; ++i) bytes.text("a text", 0);
    return out;
  }
  if (size > kKeptNumbers) {
    bytes.skip(static_cast<int64_t>(size) * kTypeSize[type]);
    return out;
  }
  const bool is_float = type == f32 || type == f64;
  for (uint64_t i = 0; i < size; ++i) {
    const int64_t here = bytes.at();
    const auto number = whole(bytes, type);
    // Left out, it would move those behind it to other layers.
    if (!number && !is_float) throw Broken{here, "an array holds a number of 2^63 or more"};
    if (number) out.numbers.push_back(*number);
  }
  return out;
}

GgufValue value_of(Bytes& bytes) {
  const Type type = type_of(bytes);
  if (type == Type::string) return bytes.text("a text", kKeptText);
  if (type == Type::array) return array_of(bytes);
  bytes.need(static_cast<uint64_t>(kTypeSize[type]), "a value");
  const auto number = whole(bytes, type);
  return number ? GgufValue(*number) : GgufValue();
}

GgufTensor tensor_of(Bytes& bytes) {
  GgufTensor out;
  out.name = bytes.text("a tensor's name", kLongestTensorName, kLongestTensorName);
  const int64_t start = bytes.at();
  const auto dimensions = bytes.number<uint32_t>();
  if (dimensions == 0 || dimensions > kMostDimensions)
    throw Broken{start, fmt::format("a tensor of {} dimensions; expected 1 to {}", dimensions, kMostDimensions)};
  double elements = 1;
  for (uint32_t i = 0; i < dimensions; ++i) {
    const int64_t here = bytes.at();
    const auto size = bytes.number<uint64_t>();
    elements *= static_cast<double>(size);
    if (size == 0 || elements > kMostElements)
      throw Broken{here, fmt::format("a tensor's dimension is {}, of {} in all", size, elements)};
    out.shape.push_back(static_cast<int64_t>(size));
  }
  const int64_t here = bytes.at();
  const auto id = bytes.number<uint32_t>();
  out.type = ggml_type(id);
  if (!out.type) throw Broken{here, fmt::format("tensor type {}, which is not known", id)};
  if (out.shape.front() % out.type->block != 0) {
    throw Broken{here, fmt::format("rows of {} weights in {}, whose blocks hold {}", out.shape.front(), out.type->name,
                                   out.type->block)};
  }
  bytes.number<uint64_t>();  // where its weights are
  return out;
}

void check_magic(Bytes& bytes) {
  constexpr uint32_t kMagic = 0x46554747;  // "GGUF"
  if (bytes.left() < 4 || bytes.number<uint32_t>() != kMagic)
    throw Broken{0, "this is no GGUF file: it does not start with the letters GGUF"};
  const auto version = bytes.number<uint32_t>();
  if (version == 2 || version == 3) return;
  const bool is_swapped = version != 0 && (version & 0xFFFFU) == 0;
  throw Broken{4, is_swapped ? std::string("this is a big-endian file; expected a little-endian one")
                             : fmt::format("version {}; expected 2 or 3", version)};
}

uint64_t entries(Bytes& bytes, const char* what) {
  const int64_t start = bytes.at();
  const auto count = bytes.number<uint64_t>();
  if (count > kMostEntries) throw Broken{start, fmt::format("{} {}; expected at most {}", count, what, kMostEntries)};
  return count;
}

GgufHeader header_of(Bytes& bytes) {
  GgufHeader out;
  check_magic(bytes);
  const auto tensors = entries(bytes, "tensors");
  const auto keys = entries(bytes, "keys");
  for (uint64_t i = 0; i < keys; ++i) {
    const int64_t start = bytes.at();
    const std::string key = bytes.text("a key", kLongestKey, kLongestKey);
    if (!out.metadata.emplace(key, value_of(bytes)).second)
      throw Broken{start, fmt::format("key {} is given twice", in_quotes(key))};
  }
  std::set<std::string> names;
  for (uint64_t i = 0; i < tensors; ++i) {
    const int64_t start = bytes.at();
    out.tensors.push_back(tensor_of(bytes));
    if (!names.insert(out.tensors.back().name).second)
      throw Broken{start, fmt::format("tensor {} is there twice", in_quotes(out.tensors.back().name))};
  }
  return out;
}

Place whole_file(const std::string& name) { return {std::make_shared<Source>(Source{name, ""}), 0, 0, 1}; }

/// NAME-00002-of-00003.gguf as {"NAME", 3}; nothing for a model in one file.
struct Split {
  std::string stem;
  int parts;
};
std::optional<Split> split_of(const std::string& path) {
  constexpr std::string_view kEnd = "-00000-of-00000.gguf";
  if (path.size() <= kEnd.size()) return {};
  const std::string end = path.substr(path.size() - kEnd.size());
  for (std::size_t i = 0; i < end.size(); ++i) {
    const bool is_digit = end[i] >= '0' && end[i] <= '9';
    if (kEnd[i] == '0' ? !is_digit : end[i] != kEnd[i]) return {};
  }
  return Split{path.substr(0, path.size() - kEnd.size()), std::stoi(end.substr(10, 5))};
}

std::optional<GgufHeader> open_one(const std::string& path, const Place& asked_at, Diagnostics& diagnostics) {
  const auto fail = [&](const std::string& why) {
    const Place place = asked_at.source ? asked_at : whole_file(path);
    diagnostics.error(place, fmt::format("cannot read {}: {}", in_quotes(path), why));
    return std::nullopt;
  };
  if (const auto why = why_no_file(path); !why.empty()) return fail(why);
  errno = 0;
  std::ifstream file(path, std::ios::binary);
  std::error_code no_throw;
  const auto size = file ? fs::file_size(path, no_throw) : 0;
  if (!file || no_throw) return fail(errno != 0 ? std::strerror(errno) : "it cannot be opened");
  return read_gguf(file, static_cast<int64_t>(size), path, diagnostics);
}

/// Adds the tensors of a further part; one that is there already is an error.
bool add_part(GgufHeader& whole, GgufHeader part, std::set<std::string>& names, Diagnostics& diagnostics) {
  for (auto& tensor : part.tensors) {
    if (!names.insert(tensor.name).second) {
      diagnostics.error(whole_file(part.path),
                        fmt::format("tensor {} is in an earlier part too", in_quotes(tensor.name)));
      return false;
    }
    whole.tensors.push_back(std::move(tensor));
  }
  return true;
}

}  // namespace

double GgufTensor::elements() const {
  double out = 1;
  for (const auto size : shape) out *= static_cast<double>(size);
  return out;
}

double GgufTensor::bytes() const {
  return elements() / static_cast<double>(type->block) * static_cast<double>(type->bytes);
}

const GgufValue* GgufHeader::find(const std::string& key) const {
  const auto found = metadata.find(key);
  return found == metadata.end() ? nullptr : &found->second;
}

std::optional<int64_t> GgufHeader::number(const std::string& key) const {
  const auto* value = find(key);
  const auto* number = value ? std::get_if<int64_t>(value) : nullptr;
  return number ? std::optional(*number) : std::nullopt;
}

std::optional<std::string> GgufHeader::text(const std::string& key) const {
  const auto* value = find(key);
  const auto* text = value ? std::get_if<std::string>(value) : nullptr;
  return text ? std::optional(*text) : std::nullopt;
}

const GgmlType* ggml_type(uint32_t id) {
  static constexpr std::array kTypes = {
      GgmlType{0, "F32", 1, 4, ""},
      GgmlType{1, "F16", 1, 2, "f16"},
      GgmlType{2, "Q4_0", 32, 18, "q4_0"},
      GgmlType{3, "Q4_1", 32, 20, "q4_1"},
      GgmlType{6, "Q5_0", 32, 22, "q5_0"},
      GgmlType{7, "Q5_1", 32, 24, "q5_1"},
      GgmlType{8, "Q8_0", 32, 34, "q8_0"},
      GgmlType{9, "Q8_1", 32, 40, ""},
      GgmlType{10, "Q2_K", 256, 84, "q2_k"},
      GgmlType{11, "Q3_K", 256, 110, "q3_k_m"},
      GgmlType{12, "Q4_K", 256, 144, "q4_k_m"},
      GgmlType{13, "Q5_K", 256, 176, "q5_k_m"},
      GgmlType{14, "Q6_K", 256, 210, "q6_k"},
      GgmlType{15, "Q8_K", 256, 292, ""},
      GgmlType{16, "IQ2_XXS", 256, 66, "iq2_xxs"},
      GgmlType{17, "IQ2_XS", 256, 74, "iq2_xs"},
      GgmlType{18, "IQ3_XXS", 256, 98, "iq3_xxs"},
      GgmlType{19, "IQ1_S", 256, 50, "iq1_s"},
      GgmlType{20, "IQ4_NL", 32, 18, "iq4_nl"},
      GgmlType{21, "IQ3_S", 256, 110, "iq3_s"},
      GgmlType{22, "IQ2_S", 256, 82, "iq2_s"},
      GgmlType{23, "IQ4_XS", 256, 136, "iq4_xs"},
      GgmlType{24, "I8", 1, 1, ""},
      GgmlType{25, "I16", 1, 2, ""},
      GgmlType{26, "I32", 1, 4, ""},
      GgmlType{27, "I64", 1, 8, ""},
      GgmlType{28, "F64", 1, 8, ""},
      GgmlType{29, "IQ1_M", 256, 56, "iq1_m"},
      GgmlType{30, "BF16", 1, 2, "bf16"},
      GgmlType{34, "TQ1_0", 256, 54, ""},
      GgmlType{35, "TQ2_0", 256, 66, ""},
      GgmlType{39, "MXFP4", 32, 17, "mxfp4"},
      GgmlType{40, "NVFP4", 64, 36, "nvfp4"},
  };
  const auto found = std::find_if(kTypes.begin(), kTypes.end(), [&](const GgmlType& type) { return type.id == id; });
  return found == kTypes.end() ? nullptr : &*found;
}

std::optional<GgufHeader> read_gguf(std::istream& file, int64_t size, const std::string& name,
                                    Diagnostics& diagnostics) {
  Bytes bytes(file, size);
  try {
    GgufHeader header = header_of(bytes);
    header.path = name;
    return header;
  } catch (const Broken& broken) {
    diagnostics.error(whole_file(name), fmt::format("{} at byte {}", broken.why, broken.at));
    return {};
  }
}

std::optional<GgufHeader> open_gguf(const std::string& path, const Place& asked_at, Diagnostics& diagnostics) {
  const auto split = split_of(path);
  if (!split || split->parts < 2 || split->parts > kMostParts) return open_one(path, asked_at, diagnostics);
  // The first part has the metadata, each part its own tensors.
  std::optional<GgufHeader> whole;
  std::set<std::string> names;
  for (int part = 1; part <= split->parts; ++part) {
    auto next = open_one(fmt::format("{}-{:05}-of-{:05}.gguf", split->stem, part, split->parts), asked_at, diagnostics);
    if (!next) return {};
    if (!whole) whole = GgufHeader{next->path, std::move(next->metadata), {}};
    if (!add_part(*whole, std::move(*next), names, diagnostics)) return {};
  }
  whole->path = split->stem + ".gguf";
  return whole;
}

}  // namespace tokwatt::scenarios
