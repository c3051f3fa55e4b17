#include "sim/results/read_file.hpp"

#include <fmt/format.h>

#include <stdexcept>

#include "sim/results/hdf5.hpp"

namespace tokwatt::sim {
namespace {

constexpr hssize_t kMostValues = hssize_t{1} << 30;

/// Whether each part of a path is there: HDF5 only answers for one part at a time.
bool exists(hid_t file, const std::string& name) {
  for (std::size_t slash = name.find('/'); slash != std::string::npos; slash = name.find('/', slash + 1)) {
    if (H5Lexists(file, name.substr(0, slash).c_str(), H5P_DEFAULT) <= 0) return false;
  }
  return H5Lexists(file, name.c_str(), H5P_DEFAULT) > 0;
}

/// A dataset and how many values it has.
struct Found {
  hdf5::Handle dataset;
  std::size_t size = 0;
};

/// A variable of texts or of numbers; nothing where there is none, or another kind.
std::optional<Found> find(hid_t file, const std::string& name, bool of_texts) {
  if (!exists(file, name)) return std::nullopt;
  hdf5::Handle dataset(H5Dopen2(file, name.c_str(), H5P_DEFAULT));
  if (dataset.get() < 0) return std::nullopt;  // a group of that name
  const hdf5::Handle type(H5Dget_type(dataset.get())), space(H5Dget_space(dataset.get()));
  const auto kind = H5Tget_class(type.get());
  const bool is_text = kind == H5T_STRING && H5Tis_variable_str(type.get()) > 0;
  const bool is_number = kind == H5T_FLOAT || kind == H5T_INTEGER;
  const auto size = H5Sget_simple_extent_npoints(space.get());
  if (!(of_texts ? is_text : is_number) || size < 0 || size > kMostValues) return std::nullopt;
  return Found{std::move(dataset), static_cast<std::size_t>(size)};
}

}  // namespace

struct ResultsFile::Open {
  hdf5::QuietErrors quiet;
  hdf5::Handle file;
};

ResultsFile::ResultsFile(const std::string& path) : open_(std::make_unique<Open>()) {
  if (H5Fis_hdf5(path.c_str()) == 0)
    throw std::runtime_error("it has no results; expected a file that tokwatt run -o has written");
  open_->file = hdf5::own(H5Fopen(path.c_str(), H5F_ACC_RDONLY, H5P_DEFAULT), "read the file");
}

ResultsFile::~ResultsFile() = default;

std::optional<std::string> ResultsFile::text(const std::string& name) const {
  const auto found = find(open_->file.get(), name, /*of_texts=*/true);
  if (!found || found->size != 1) return std::nullopt;
  const auto type = hdf5::variable_string_type();
  char* bytes = nullptr;
  const auto doing = fmt::format("read {}", name);
  hdf5::check(H5Dread(found->dataset.get(), type.get(), H5S_ALL, H5S_ALL, H5P_DEFAULT, static_cast<void*>(&bytes)),
              doing);
  std::string out = bytes ? bytes : "";
  H5free_memory(bytes);
  return out;
}

std::optional<std::vector<double>> ResultsFile::numbers(const std::string& name) const {
  const auto found = find(open_->file.get(), name, /*of_texts=*/false);
  if (!found) return std::nullopt;
  std::vector<double> out(found->size);
  if (out.empty()) return out;
  hdf5::check(H5Dread(found->dataset.get(), H5T_NATIVE_DOUBLE, H5S_ALL, H5S_ALL, H5P_DEFAULT, out.data()),
              fmt::format("read {}", name));
  return out;
}

}  // namespace tokwatt::sim
