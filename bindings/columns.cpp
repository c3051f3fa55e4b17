#include "bindings/columns.hpp"

#include <fmt/format.h>
#include <pybind11/numpy.h>
#include <pybind11/stl.h>

#include <algorithm>

namespace tokwatt::bindings {
namespace {

namespace py = pybind11;

int64_t size_of(const sim::Group& group, const std::string& dimension) {
  const auto found =
      std::find_if(group.dims.begin(), group.dims.end(), [&](const auto& d) { return d.name == dimension; });
  if (found == group.dims.end()) throw std::logic_error(fmt::format("{} has no dimension {}", group.name, dimension));
  return found->size;
}

py::object view(const sim::Group& group, const sim::Variable& variable, const py::object& owner) {
  std::vector<py::ssize_t> shape;
  for (const auto& dimension : variable.dims) shape.push_back(static_cast<py::ssize_t>(size_of(group, dimension)));
  return std::visit(
      [&]<typename T>(const std::vector<T>& values) -> py::object {
        if constexpr (std::is_same_v<T, std::string>) {
          return py::cast(values);
        } else {
          py::array_t<T> array(shape, values.data(), owner);
          array.attr("setflags")(py::arg("write") = false);
          return array;
        }
      },
      variable.values);
}

}  // namespace

py::list columns_of(const sim::Group& group, const py::object& owner) {
  py::list out;
  for (const auto& v : group.variables)
    out.append(py::make_tuple(v.name, v.units, v.long_name, v.dims, view(group, v, owner), v.flag_meanings));
  return out;
}

}  // namespace tokwatt::bindings
