#include "sim/results/hdf5.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <stdexcept>

namespace tokwatt::sim::hdf5 {
namespace {

/// The innermost message of HDF5's error stack is the reason; the outer ones only say who called.
std::string innermost_reason() {
  std::string reason;
  H5Ewalk2(
      H5E_DEFAULT, H5E_WALK_UPWARD,
      [](unsigned, const H5E_error2_t* error, void* out) -> herr_t {
        auto& text = *static_cast<std::string*>(out);
        if (text.empty() && error->desc != nullptr) text = error->desc;
        return 0;
      },
      &reason);
  return reason.empty() ? "no reason given" : reason;
}

Handle fixed_string_type(std::size_t length) {
  auto type = own(H5Tcopy(H5T_C_S1), "describe a text");
  check(H5Tset_size(type.get(), length), "describe a text");
  check(H5Tset_strpad(type.get(), H5T_STR_NULLPAD), "describe a text");
  check(H5Tset_cset(type.get(), H5T_CSET_UTF8), "describe a text");
  return type;
}

}  // namespace

Handle::~Handle() {
  if (id_ >= 0) H5Idec_ref(id_);
}

QuietErrors::QuietErrors() {
  H5Eget_auto2(H5E_DEFAULT, &function_, &data_);
  H5Eset_auto2(H5E_DEFAULT, nullptr, nullptr);
}

QuietErrors::~QuietErrors() { H5Eset_auto2(H5E_DEFAULT, function_, data_); }

hid_t check(hid_t result, std::string_view doing) {
  if (result < 0) throw std::runtime_error(fmt::format("cannot {}: HDF5: {}", doing, innermost_reason()));
  return result;
}

Handle own(hid_t result, std::string_view doing) { return Handle(check(result, doing)); }

Handle creation_properties(hid_t object_class) {
  constexpr unsigned kOrder = H5P_CRT_ORDER_TRACKED | H5P_CRT_ORDER_INDEXED;
  auto properties = own(H5Pcreate(object_class), "make a property list");
  check(H5Pset_obj_track_times(properties.get(), false), "switch off object times");
  check(H5Pset_attr_creation_order(properties.get(), kOrder), "track the order of attributes");
  if (object_class != H5P_DATASET_CREATE) {
    check(H5Pset_link_creation_order(properties.get(), kOrder), "track the order of names");
  }
  return properties;
}

Handle simple_space(const std::vector<hsize_t>& extent) {
  if (extent.empty()) return own(H5Screate(H5S_SCALAR), "describe a scalar");
  return own(H5Screate_simple(static_cast<int>(extent.size()), extent.data(), nullptr), "describe an extent");
}

Handle variable_string_type() {
  auto type = fixed_string_type(1);
  check(H5Tset_size(type.get(), H5T_VARIABLE), "describe a text");
  check(H5Tset_strpad(type.get(), H5T_STR_NULLTERM), "describe a text");
  return type;
}

void set_text(hid_t object, const char* name, std::string_view text) {
  const std::string bytes = text.empty() ? std::string(1, '\0') : std::string(text);
  const auto type = fixed_string_type(bytes.size());
  const auto space = simple_space({});
  const auto doing = fmt::format("write attribute {}", name);
  const auto attribute = own(H5Acreate2(object, name, type.get(), space.get(), H5P_DEFAULT, H5P_DEFAULT), doing);
  check(H5Awrite(attribute.get(), type.get(), bytes.data()), doing);
}

void set_int8s(hid_t object, const char* name, const std::vector<int8_t>& values) {
  const auto space = simple_space({values.size()});
  const auto doing = fmt::format("write attribute {}", name);
  const auto attribute = own(H5Acreate2(object, name, H5T_STD_I8LE, space.get(), H5P_DEFAULT, H5P_DEFAULT), doing);
  check(H5Awrite(attribute.get(), H5T_NATIVE_INT8, values.data()), doing);
}

Handle create_group(hid_t parent, const std::string& name) {
  const auto properties = creation_properties(H5P_GROUP_CREATE);
  return own(H5Gcreate2(parent, name.c_str(), H5P_DEFAULT, properties.get(), H5P_DEFAULT),
             fmt::format("create group {}", name));
}

Handle create_dataset(hid_t parent, const std::string& name, hid_t type, hid_t space) {
  const auto properties = creation_properties(H5P_DATASET_CREATE);
  const auto links = own(H5Pcreate(H5P_LINK_CREATE), "make a property list");
  check(H5Pset_char_encoding(links.get(), H5T_CSET_UTF8), "name things in UTF-8");
  return own(H5Dcreate2(parent, name.c_str(), type, space, links.get(), properties.get(), H5P_DEFAULT),
             fmt::format("create variable {}", name));
}

void write_strings(hid_t dataset, const std::vector<std::string>& values) {
  if (values.empty()) return;
  std::vector<const char*> pointers(values.size());
  std::transform(values.begin(), values.end(), pointers.begin(), [](const std::string& v) { return v.c_str(); });
  const auto type = variable_string_type();
  // HDF5 clears two buffers of 1 MiB for each conversion, unless told that a few texts need less: a reference of 16
  // bytes each in the file.
  const auto transfer = own(H5Pcreate(H5P_DATASET_XFER), "make a property list");
  const std::size_t needed = std::min<std::size_t>(16 * values.size(), std::size_t{1} << 20);
  check(H5Pset_buffer(transfer.get(), needed, nullptr, nullptr), "size a buffer for texts");
  check(H5Dwrite(dataset, type.get(), H5S_ALL, H5S_ALL, transfer.get(), pointers.data()), "write texts");
}

}  // namespace tokwatt::sim::hdf5
