// The results file: HDF5 laid out so that netCDF tools read it (docs/file-formats.md). The whole file is made in memory
// and then put in place in one go, so that neither a full disk nor a signal leaves HDF5 with a half-written file open.
#include <fmt/format.h>
#include <hdf5_hl.h>

#include <algorithm>
#include <map>
#include <numeric>
#include <span>
#include <stdexcept>
#include <type_traits>

#include "sim/results/hdf5.hpp"
#include "sim/results/memory_file.hpp"
#include "sim/results/replace_file.hpp"
#include "sim/results/results.hpp"
#include "sim/results/sha256.hpp"
#include "sim/results/summary_scalars.hpp"

namespace tokwatt::sim {
namespace {

using hdf5::Handle;

template <typename T>
struct StoredAs;
template <>
struct StoredAs<double> {
  static hid_t file() { return H5T_IEEE_F64LE; }
  static hid_t memory() { return H5T_NATIVE_DOUBLE; }
};
template <>
struct StoredAs<int64_t> {
  static hid_t file() { return H5T_STD_I64LE; }
  static hid_t memory() { return H5T_NATIVE_INT64; }
};
template <>
struct StoredAs<int32_t> {
  static hid_t file() { return H5T_STD_I32LE; }
  static hid_t memory() { return H5T_NATIVE_INT32; }
};
template <>
struct StoredAs<int8_t> {
  static hid_t file() { return H5T_STD_I8LE; }
  static hid_t memory() { return H5T_NATIVE_INT8; }
};
template <>
struct StoredAs<uint64_t> {
  static hid_t file() { return H5T_STD_U64LE; }
  static hid_t memory() { return H5T_NATIVE_UINT64; }
};

template <typename T>
Handle write_values(hid_t parent, const std::string& name, const std::vector<hsize_t>& extent,
                    const std::vector<T>& values) {
  const auto space = hdf5::simple_space(extent);
  if constexpr (std::is_same_v<T, std::string>) {
    const auto type = hdf5::variable_string_type();
    auto dataset = hdf5::create_dataset(parent, name, type.get(), space.get());
    hdf5::write_strings(dataset.get(), values);
    return dataset;
  } else {
    auto dataset = hdf5::create_dataset(parent, name, StoredAs<T>::file(), space.get());
    if (!values.empty()) {
      hdf5::check(H5Dwrite(dataset.get(), StoredAs<T>::memory(), H5S_ALL, H5S_ALL, H5P_DEFAULT, values.data()),
                  fmt::format("write variable {}", name));
    }
    return dataset;
  }
}

/// "units" and "long_name"; names have no units.
void describe(hid_t dataset, const std::string& units, const std::string& long_name) {
  if (!units.empty()) hdf5::set_text(dataset, "units", units);
  if (!long_name.empty()) hdf5::set_text(dataset, "long_name", long_name);
}

/// CF flags: the meanings are words in a row, so a meaning of several words is joined by underscores.
void describe_flags(hid_t dataset, const std::vector<std::string>& meanings) {
  if (meanings.empty()) return;
  std::vector<int8_t> values(meanings.size());
  std::iota(values.begin(), values.end(), static_cast<int8_t>(0));
  std::vector<std::string> words = meanings;
  for (auto& word : words) std::replace(word.begin(), word.end(), ' ', '_');
  hdf5::set_int8s(dataset, "flag_values", values);
  hdf5::set_text(dataset, "flag_meanings", fmt::format("{}", fmt::join(words, " ")));
}

bool is_coordinate(const Variable& variable) { return variable.dims.size() == 1 && variable.dims[0] == variable.name; }

/// One group while it is written: its dimensions and, once made, their scales.
class GroupWriter {
 public:
  /// Writes into `parent` itself where the group has no name.
  GroupWriter(MemoryFile& file, hid_t parent, const Group& group) : file_(file), group_(group), into_(parent) {
    if (!group.name.empty()) {
      handle_ = hdf5::create_group(parent, group.name);
      into_ = handle_.get();
    }
    for (const auto& dimension : group.dims) sizes_[dimension.name] = dimension.size;
  }

  void write() {
    for (const auto& dimension : group_.dims) write_scale(dimension);
    for (const auto& variable : group_.variables) {
      if (is_coordinate(variable)) continue;
      const auto dataset = write_variable(variable);
      for (std::size_t axis = 0; axis < variable.dims.size(); ++axis) {
        hdf5::check(H5DSattach_scale(dataset.get(), scales_.at(variable.dims[axis]).get(), static_cast<unsigned>(axis)),
                    fmt::format("attach a dimension to {}", variable.name));
      }
    }
  }

 private:
  Handle write_variable(const Variable& variable) const {
    std::vector<hsize_t> extent;
    std::size_t count = 1;
    for (const auto& name : variable.dims) {
      extent.push_back(static_cast<hsize_t>(sizes_.at(name)));
      count *= static_cast<std::size_t>(sizes_.at(name));
    }
    auto dataset = std::visit(
        [&](const auto& values) {
          if (values.size() != count) {
            throw std::logic_error(
                fmt::format("{}/{}: {} values for {} places", group_.name, variable.name, values.size(), count));
          }
          file_.lend(std::as_bytes(std::span(values)));
          return write_values(into_, variable.name, extent, values);
        },
        variable.values);
    describe(dataset.get(), variable.units, variable.long_name);
    describe_flags(dataset.get(), variable.flag_meanings);
    return dataset;
  }

  /// The coordinate variable of a dimension, or an empty one under the name by which netCDF knows that there is none.
  void write_scale(const Dimension& dimension) {
    const auto coordinate = std::find_if(group_.variables.begin(), group_.variables.end(), [&](const Variable& v) {
      return is_coordinate(v) && v.name == dimension.name;
    });
    const bool has_coordinate = coordinate != group_.variables.end();
    const auto space = hdf5::simple_space({static_cast<hsize_t>(dimension.size)});
    auto scale = has_coordinate ? write_variable(*coordinate)
                                : hdf5::create_dataset(into_, dimension.name, H5T_IEEE_F32BE, space.get());
    const auto scale_name =
        has_coordinate ? dimension.name
                       : fmt::format("This is a netCDF dimension but not a netCDF variable.{:10d}", dimension.size);
    hdf5::check(H5DSset_scale(scale.get(), scale_name.c_str()), fmt::format("make {} a dimension", dimension.name));
    scales_.emplace(dimension.name, std::move(scale));
  }

  MemoryFile& file_;
  const Group& group_;
  Handle handle_;  // of a group of its own
  hid_t into_;
  std::map<std::string, int64_t> sizes_;
  std::map<std::string, Handle> scales_;
};

/// A name with slashes ("models/gpt-oss-120b") becomes groups within groups, which must not keep times either.
void write_text(hid_t parent, const std::string& name, const std::string& text) {
  const auto slash = name.find('/');
  if (slash != std::string::npos) {
    const auto folder = name.substr(0, slash);
    const bool exists = hdf5::check(H5Lexists(parent, folder.c_str(), H5P_DEFAULT), "look for " + folder) > 0;
    const auto group = exists ? hdf5::own(H5Gopen2(parent, folder.c_str(), H5P_DEFAULT), "open group " + folder)
                              : hdf5::create_group(parent, folder);
    return write_text(group.get(), name.substr(slash + 1), text);
  }
  const auto dataset = write_values<std::string>(parent, name, {}, {text});
  hdf5::set_text(dataset.get(), "sha256", sha256(text));
}

void write_root(hid_t file, const Results& results, uint64_t seed) {
  hdf5::set_text(file, "Conventions", "CF-1.11");
  if (!results.title.empty()) hdf5::set_text(file, "title", results.title);
  hdf5::set_text(file, "tokwatt_version", TOKWATT_VERSION);
  for (const auto& scalar : summary_scalars(results.summary)) {
    const auto dataset =
        std::visit([&](auto value) { return write_values(file, scalar.name, {}, std::vector{value}); }, scalar.value);
    describe(dataset.get(), scalar.units, scalar.long_name);
  }
  const auto seed_dataset = write_values(file, "seed", {}, std::vector{seed});
  describe(seed_dataset.get(), "1", "seed of all random draws");
  const auto json = write_values<std::string>(file, "summary_json", {}, {results.summary.dump(2)});
  describe(json.get(), "", "summary as JSON, with its parts per deployment and per stream");
}

void finish_file(MemoryFile& memory, hid_t file, const std::vector<CarriedText>& texts) {
  const auto folder = hdf5::create_group(file, "texts");
  for (const auto& text : texts) write_text(folder.get(), text.name, text.text);
  hdf5::check(H5Fflush(file, H5F_SCOPE_GLOBAL), "finish the file");
  memory.mark_closed();
}

/// The file, complete but still open: closing it would only give back space that HDF5 has set aside at its end.
Handle make_file(MemoryFile& memory, const Results& results, const std::vector<CarriedText>& texts, uint64_t seed) {
  auto file = memory.create();
  write_root(file.get(), results, seed);
  for (const auto& group : results.groups) GroupWriter(memory, file.get(), group).write();
  finish_file(memory, file.get(), texts);
  return file;
}

/// The same of a dataset: every variable at the root. xarray takes the names in `coordinates` for such.
Handle make_dataset_file(MemoryFile& memory, const Dataset& dataset, const std::vector<CarriedText>& texts) {
  auto file = memory.create();
  hdf5::set_text(file.get(), "Conventions", "CF-1.11");
  if (!dataset.title.empty()) hdf5::set_text(file.get(), "title", dataset.title);
  hdf5::set_text(file.get(), "tokwatt_version", TOKWATT_VERSION);
  if (!dataset.coordinates.empty())
    hdf5::set_text(file.get(), "coordinates", fmt::format("{}", fmt::join(dataset.coordinates, " ")));
  GroupWriter(memory, file.get(), dataset.variables).write();
  finish_file(memory, file.get(), texts);
  return file;
}

}  // namespace

void write_results(const std::string& path, const Results& results, const std::vector<CarriedText>& texts,
                   uint64_t seed) {
  const hdf5::QuietErrors quiet;
  MemoryFile memory;
  const Handle file = make_file(memory, results, texts, seed);
  replace_file(path, memory.parts(), memory.size());
}

void write_dataset(const std::string& path, const Dataset& dataset, const std::vector<CarriedText>& texts) {
  const hdf5::QuietErrors quiet;
  MemoryFile memory;
  const Handle file = make_dataset_file(memory, dataset, texts);
  replace_file(path, memory.parts(), memory.size());
}

}  // namespace tokwatt::sim
