#include "bindings/commands.hpp"

#include <fmt/format.h>
#include <pybind11/stl.h>

#include <map>
#include <nlohmann/json.hpp>
#include <sstream>
#include <stdexcept>
#include <string>
#include <variant>

#include "scenarios/cli/program.hpp"
#include "scenarios/cli/summary_table.hpp"
#include "scenarios/scenario.hpp"
#include "scenarios/units.hpp"

namespace py = pybind11;

namespace tokwatt::bindings {
namespace {

struct Said {
  int code = 0;
  std::string out;
  std::string err;
};

Said run_command(const std::string& name, const cli::Arguments& arguments) {
  static const std::map<std::string, int (*)(const cli::Arguments&, const cli::Terminal&)> kCommands = {
      {"audit", cli::audit}, {"bench", cli::bench}, {"fit", cli::fit}, {"list", cli::list}, {"show", cli::show}};
  std::ostringstream out, err;
  const int code = kCommands.at(name)(arguments, {out, err});
  return {code, out.str(), err.str()};
}

py::tuple command(const std::string& name, const cli::Arguments& arguments) {
  const Said said = [&] {
    const py::gil_scoped_release released;
    return run_command(name, arguments);
  }();
  return py::make_tuple(said.code, said.out, said.err);
}

py::dict checked(const scenarios::Loaded& loaded) {
  const auto facts = cli::facts_of(loaded);
  py::dict out, texts, deployments, quants;
  for (const auto& text : loaded.texts) texts[text.name.c_str()] = text.text;
  for (const auto& d : facts.deployments) deployments[d.name.c_str()] = d.what;
  for (const auto& d : loaded.input.deployments) {
    if (!d.hosted) quants[d.name.c_str()] = d.quant.id;
  }
  out["quants"] = quants;
  out["title"] = loaded.input.title;
  out["seed"] = loaded.input.seed;
  out["deployments"] = deployments;
  out["streams"] = facts.streams;
  out["assumed"] = loaded.assumed;
  out["notes"] = loaded.notes;
  out["texts"] = texts;
  return out;
}

/// A quantity as a scenario has it, in one of the units that sliders have. Throws std::invalid_argument.
double in_unit(const std::string& text, const std::string& unit) {
  static const std::map<std::string, scenarios::Dimension> kUnits = {
      {"W", scenarios::Dimension::power},
      {"degC", scenarios::Dimension::temperature},
      {"USD/kWh", scenarios::Dimension::money_per_energy}};
  const auto value = [&](const std::string& of) {
    const auto parsed = scenarios::parse_quantity(of, kUnits.at(unit));
    if (const auto* wrong = std::get_if<scenarios::NotAQuantity>(&parsed)) throw std::invalid_argument(of + wrong->why);
    return std::get<double>(parsed);
  };
  return value(text) / value("1 " + unit);
}

py::dict check_file(const std::string& path, const std::vector<std::string>& sets) {
  const auto loaded = [&] {
    const py::gil_scoped_release released;
    return scenarios::load(path, sets);
  }();
  return checked(loaded);
}

py::dict check_text(const std::string& name, const std::string& text, const std::string& folder,
                    const std::vector<std::string>& sets) {
  const auto loaded = [&] {
    const py::gil_scoped_release released;
    return scenarios::load_text(name, text, folder, sets);
  }();
  return checked(loaded);
}

}  // namespace

void add_commands(py::module_& m) {
  m.def("command", &command, py::arg("name"), py::arg("arguments"),
        "What a command of the program says: (exit code, standard output, standard error).");
  m.def(
      "limit_sentence",
      [](const std::string& summary) {
        return cli::limit_sentence(nlohmann::ordered_json::parse(summary).at("limited_by"));
      },
      py::arg("summary_json"), "What limited a run, in a sentence.");
  m.def("check_file", &check_file, py::arg("path"), py::kw_only(), py::arg("sets"),
        "Read and check a scenario file: title, seed, deployments, quants, streams, assumed, notes, texts.");
  m.def("check_text", &check_text, py::arg("name"), py::arg("text"), py::kw_only(), py::arg("folder"), py::arg("sets"),
        "The same of a scenario given as text.");
  m.def("in_unit", &in_unit, py::arg("text"), py::arg("unit"),
        "A quantity of a scenario in W, degC or USD/kWh; ValueError where it is none.");
}

}  // namespace tokwatt::bindings
