#pragma once
// The little of HDF5's C API that the results file needs, with handles that close themselves and errors that say why.
#include <hdf5.h>

#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace tokwatt::sim::hdf5 {

/// Owns one HDF5 identifier of any kind; the library counts references and knows how to close each.
class Handle {
 public:
  Handle() = default;
  explicit Handle(hid_t id) : id_(id) {}
  Handle(Handle&& other) noexcept : id_(std::exchange(other.id_, H5I_INVALID_HID)) {}
  Handle& operator=(Handle&& other) noexcept {
    std::swap(id_, other.id_);
    return *this;
  }
  ~Handle();
  hid_t get() const { return id_; }

 private:
  hid_t id_ = H5I_INVALID_HID;
};

/// While it lives HDF5 keeps its errors to itself instead of printing them: ours carry them.
class QuietErrors {
 public:
  QuietErrors();
  ~QuietErrors();
  QuietErrors(const QuietErrors&) = delete;
  QuietErrors& operator=(const QuietErrors&) = delete;

 private:
  H5E_auto2_t function_ = nullptr;
  void* data_ = nullptr;
};

/// Passes a result of the C API through, or throws std::runtime_error "cannot DOING: HDF5's reason".
hid_t check(hid_t result, std::string_view doing);
Handle own(hid_t result, std::string_view doing);

/// Property list for a new object (H5P_FILE_CREATE, H5P_GROUP_CREATE or H5P_DATASET_CREATE): no times, order of
/// creation kept.
Handle creation_properties(hid_t object_class);
Handle simple_space(const std::vector<hsize_t>& extent);
Handle variable_string_type();

/// Attributes. Text is of fixed length and UTF-8; an empty text has length 1, since HDF5 knows no length 0.
void set_text(hid_t object, const char* name, std::string_view text);
void set_int8s(hid_t object, const char* name, const std::vector<int8_t>& values);

Handle create_group(hid_t parent, const std::string& name);
Handle create_dataset(hid_t parent, const std::string& name, hid_t type, hid_t space);
void write_strings(hid_t dataset, const std::vector<std::string>& values);

}  // namespace tokwatt::sim::hdf5
