#include "bindings/run.hpp"

#include <pybind11/numpy.h>
#include <pybind11/stl.h>

#include <algorithm>
#include <nlohmann/json.hpp>

#include "bindings/columns.hpp"

namespace tokwatt::bindings {
namespace {

namespace py = pybind11;

template <typename T>
std::vector<T> copied(const py::object& values) {
  const auto array = py::array_t<T, py::array::c_style | py::array::forcecast>::ensure(values);
  return {array.data(), array.data() + array.size()};
}

sim::Variable variable_from(const py::tuple& column) {
  sim::Variable variable{column[0].cast<std::string>(), column[1].cast<std::string>(),
                         column[2].cast<std::string>(), column[3].cast<std::vector<std::string>>(),
                         std::vector<std::string>{},    column[5].cast<std::vector<std::string>>()};
  const py::object values = column[4];
  if (py::isinstance<py::list>(values)) {
    variable.values = values.cast<std::vector<std::string>>();
  } else if (py::isinstance<py::array_t<double>>(values)) {
    variable.values = copied<double>(values);
  } else if (py::isinstance<py::array_t<int64_t>>(values)) {
    variable.values = copied<int64_t>(values);
  } else if (py::isinstance<py::array_t<int32_t>>(values)) {
    variable.values = copied<int32_t>(values);
  } else {
    variable.values = copied<int8_t>(values);
  }
  return variable;
}

}  // namespace

py::list columns(const py::object& run, const std::string& name) {
  const auto& groups = run.cast<const Run&>().results.groups;
  const auto group = std::find_if(groups.begin(), groups.end(), [&](const auto& g) { return g.name == name; });
  if (group == groups.end()) throw py::key_error(name);
  return columns_of(*group, run);
}

std::vector<std::string> group_names(const Run& run) {
  std::vector<std::string> names;
  for (const auto& group : run.results.groups) names.push_back(group.name);
  return names;
}

py::tuple to_state(const py::object& object) {
  const auto& run = object.cast<const Run&>();
  py::list groups;
  for (const auto& group : run.results.groups) {
    py::list dims;
    for (const auto& d : group.dims) dims.append(py::make_tuple(d.name, d.size));
    groups.append(py::make_tuple(group.name, dims, columns(object, group.name)));
  }
  py::list texts;
  for (const auto& text : run.texts) texts.append(py::make_tuple(text.name, text.text));
  return py::make_tuple(run.results.summary.dump(), groups, texts, run.seed, run.results.title);
}

Run from_state(const py::tuple& state) {
  Run run;
  run.results.summary = nlohmann::ordered_json::parse(state[0].cast<std::string>());
  for (const auto& item : state[1]) {
    const auto entry = item.cast<py::tuple>();
    sim::Group group{entry[0].cast<std::string>(), {}, {}};
    for (const auto& dim : entry[1]) {
      const auto [name, size] = dim.cast<std::pair<std::string, int64_t>>();
      group.dims.push_back({name, size});
    }
    for (const auto& column : entry[2]) group.variables.push_back(variable_from(column.cast<py::tuple>()));
    run.results.groups.push_back(std::move(group));
  }
  for (const auto& item : state[2]) {
    auto [name, text] = item.cast<std::pair<std::string, std::string>>();
    run.texts.push_back({std::move(name), std::move(text)});
  }
  run.seed = state[3].cast<uint64_t>();
  run.results.title = state[4].cast<std::string>();
  return run;
}

}  // namespace tokwatt::bindings
