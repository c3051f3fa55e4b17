#include "bindings/questions.hpp"

#include <pybind11/numpy.h>
#include <pybind11/stl.h>

#include <map>
#include <memory>
#include <nlohmann/json.hpp>
#include <string>

#include "scenarios/cli/compare_table.hpp"
#include "scenarios/cli/explained.hpp"
#include "scenarios/cli/find_capacity.hpp"
#include "scenarios/cli/find_effects.hpp"

namespace py = pybind11;

namespace tokwatt::bindings {
namespace {

using Json = nlohmann::ordered_json;
using cli::Question;

Question question_of_text(const std::string& name, const std::string& text, const std::string& folder,
                          const std::vector<std::string>& sets) {
  return cli::question_of(std::make_shared<scenarios::Source>(scenarios::Source{name, text}), folder, sets);
}

std::string compare(const Question& question, const std::vector<std::string>& systems, const std::string& of,
                    const std::vector<std::string>& apis, bool interval) {
  const auto compared = cli::apis_of(question, apis);
  return cli::compare_json(cli::compared_boxes(question, of, systems, interval), compared).dump();
}

/// The answer of the command, and the units of the numbers that it is about.
std::string with_units(Json answer, const std::vector<scenarios::Metric>& metrics) {
  answer["units"] = Json::object();
  for (const auto& metric : metrics) answer["units"][metric.name] = metric.units;
  return answer.dump();
}

std::string capacity(const Question& question, const std::string& slo, const std::string& stream, bool interval) {
  const auto found = cli::find_capacity(question, slo, stream, interval);
  std::vector<scenarios::Metric> metrics;
  Json answer = json_of(found);
  answer["conditions"] = Json::array();
  for (const auto& condition : found.conditions) {
    metrics.push_back(condition.metric);
    answer["conditions"].push_back(
        {{"text", condition.text}, {"metric", condition.metric.name}, {"bound", condition.bound}});
  }
  return with_units(std::move(answer), metrics);
}

std::string sensitivity(const Question& question, const std::string& metrics) {
  const auto effects = cli::find_effects(question, metrics.empty() ? cli::kUsualMetrics : metrics);
  return with_units(json_of(effects), effects.metrics);
}

py::list portions(const std::vector<cli::Portion>& list) {
  py::list out;
  for (const auto& portion : list) out.append(py::make_tuple(portion.name, portion.what, portion.amount));
  return out;
}

/// Every number of a summary: (name, units, long_name, value).
py::list numbers_of(const std::string& summary) {
  const auto json = Json::parse(summary);
  py::list out;
  for (const auto& m : scenarios::metrics_of(json))
    out.append(py::make_tuple(m.name, m.units, m.long_name, value_of(m, json)));
  return out;
}

using Columns = std::map<std::string, std::vector<double>>;

py::dict explain(const std::string& summary, const Columns& columns) {
  const auto column_of = [&](const std::string& path) -> std::optional<std::vector<double>> {
    const auto found = columns.find(path);
    return found == columns.end() ? std::nullopt : std::optional(found->second);
  };
  py::dict out;
  for (const auto& e : cli::explained(Json::parse(summary), column_of)) {
    py::list helps;
    for (const auto& help : e.helps) helps.append(py::make_tuple(help.what, help.at_most));
    py::dict part;
    part["request"] = py::make_tuple(e.request, portions(e.requests));
    part["box"] = py::make_tuple(e.span, portions(e.box));
    part["energy"] = py::make_tuple(e.energy, portions(e.joules));
    part["helps"] = helps;
    part["missing"] = e.missing;
    out[e.name.c_str()] = part;
  }
  return out;
}

}  // namespace

void add_questions(py::module_& m) {
  const py::call_guard<py::gil_scoped_release> released;
  py::class_<Question>(m, "Question",
                       "A scenario that can be asked something; answers are JSON, as the commands print.")
      .def_static(
          "of_file",
          [](const std::string& path, const std::vector<std::string>& sets) { return cli::question_of(path, sets); },
          py::arg("path"), py::kw_only(), py::arg("sets"), "Of a scenario file.")
      .def_static("of_text", &question_of_text, py::arg("name"), py::arg("text"), py::kw_only(), py::arg("folder"),
                  py::arg("sets"), "Of a scenario given as text.")
      .def("compare", &compare, py::kw_only(), py::arg("systems"), py::arg("of"), py::arg("apis"), py::arg("interval"),
           released, "Boxes side by side.")
      .def("capacity", &capacity, py::kw_only(), py::arg("slo"), py::arg("stream"), py::arg("interval"), released,
           "The largest load within objectives.")
      .def("sensitivity", &sensitivity, py::kw_only(), py::arg("metrics"), released,
           "What one per cent of each number does.");
  m.def("numbers_of", &numbers_of, py::arg("summary_json"),
        "Every number of a summary: (name, units, long_name, value); NaN where it is null.");
  m.def("explain", &explain, py::arg("summary_json"), py::arg("columns"),
        "Where the seconds and joules of a run went, by deployment; columns by path.");
}

}  // namespace tokwatt::bindings
