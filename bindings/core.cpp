// The Python module tokwatt._core: the least that the package needs from C++. What people use is in bindings/tokwatt.
#include <pybind11/numpy.h>
#include <pybind11/stl.h>

#include <chrono>
#include <functional>
#include <map>
#include <memory>
#include <utility>

#include "bindings/bench_problems.hpp"
#include "bindings/calibration_names.hpp"
#include "bindings/commands.hpp"
#include "bindings/questions.hpp"
#include "bindings/run.hpp"
#include "bindings/studies.hpp"
#include "scenarios/cli/program.hpp"
#include "scenarios/heat_cost.hpp"
#include "scenarios/intervals.hpp"
#include "scenarios/plan/planning.hpp"
#include "scenarios/scenario.hpp"
#include "sim/simulation.hpp"

namespace py = pybind11;
using namespace tokwatt;
using bindings::Run;

namespace {

sim::Stepping stepping_named(const std::string& name) {
  if (name == "macro") return sim::Stepping::macro;
  if (name == "token") return sim::Stepping::token;
  throw py::value_error("stepping is \"" + name + "\"; expected \"macro\" or \"token\"");
}

/// Tells `progress` (a callable or None) how far it is, and lets Ctrl-C end the run. Takes the GIL ten times a second
/// at most.
class Watch {
 public:
  explicit Watch(const py::object& progress) : progress_(progress) {}

  void operator()(const sim::ProgressReport& report) const {
    using Clock = std::chrono::steady_clock;
    const auto now = Clock::now();
    if (now < *next_) return;
    *next_ = now + std::chrono::milliseconds(100);
    const py::gil_scoped_acquire acquired;
    if (PyErr_CheckSignals() != 0) throw py::error_already_set();
    if (progress_.is_none()) return;
    const py::object end = report.end ? py::cast(sim::seconds(*report.end)) : py::none();
    progress_(sim::seconds(report.now), end, report.completed);
  }

 private:
  const py::object& progress_;  // the caller's, who holds it until the run ends: copying one would need the GIL
  std::shared_ptr<std::chrono::steady_clock::time_point> next_ =
      std::make_shared<std::chrono::steady_clock::time_point>();
};

scenarios::IntervalChoice interval_named(const std::string& text) {
  const auto choice = scenarios::interval_choice(text);
  if (!choice)
    throw py::value_error("interval is \"" + text + "\"; expected \"auto\", \"off\" or a number from 2 to 1000");
  return *choice;
}

/// Between draws. Only the thread that Python runs on hears of signals; others find nothing.
void heed_control_c(int64_t) {
  const py::gil_scoped_acquire acquired;
  if (PyErr_CheckSignals() != 0) throw py::error_already_set();
}

Run simulated(const std::function<scenarios::Loaded()>& load, const std::string& stepping, const std::string& interval,
              const py::object& progress) {
  const auto chosen = stepping_named(stepping);
  const auto bars = interval_named(interval);
  const py::object silent = py::none();  // made while Python may be touched
  const py::gil_scoped_release released;
  auto loaded = load();
  const auto seed = loaded.input.seed;
  const double ticks_per_second = scenarios::ticks_per_second(loaded.input);
  auto results = sim::simulate(std::move(loaded.input), chosen, Watch(progress));
  results.summary["assumed"] = loaded.assumed;
  if (bars.draws > 0 && (!bars.only_of_short || scenarios::is_short(results, ticks_per_second))) {
    results.summary["interval90"] = scenarios::interval90(results.summary, load, bars.draws, heed_control_c);
  }
  if (bars.draws > 0) {
    scenarios::add_heat_cost(results.summary, load, [&](sim::Input input) {
      return sim::simulate(std::move(input), sim::Stepping::macro, Watch(silent));
    });
  }
  if (loaded.planning) scenarios::add_plan(*loaded.planning, results);
  return {std::move(results), std::move(loaded.texts), seed};
}

Run run_file(const std::string& path, const std::vector<std::string>& sets, const std::string& stepping,
             const std::string& interval, const py::object& progress) {
  return simulated([&] { return scenarios::load(path, sets); }, stepping, interval, progress);
}

Run run_text(const std::string& name, const std::string& text, const std::string& folder,
             const std::vector<std::string>& sets, const std::string& stepping, const std::string& interval,
             const py::object& progress) {
  return simulated([&] { return scenarios::load_text(name, text, folder, sets); }, stepping, interval, progress);
}

void save(const Run& run, const std::string& path) {
  const py::gil_scoped_release released;
  sim::write_results(path, run.results, run.texts, run.seed);
}

/// The exceptions are Python classes (tokwatt/errors.py), so that they pickle and document themselves there.
void raise_input_error(const scenarios::InputError& error) {
  const auto errors = py::module_::import("tokwatt.errors");
  py::list problems;
  for (const auto& e : error.errors()) {
    problems.append(
        errors.attr("Problem")(e.place.source ? e.place.source->name : "", e.place.line, e.place.column, e.message));
  }
  const auto type = errors.attr("InputError");
  py::set_error(type, type(error.what(), problems));
}

void raise_infeasible(const char* reason) {
  py::set_error(py::module_::import("tokwatt.errors").attr("Infeasible"), reason);
}

void translate(std::exception_ptr pointer) {
  try {
    if (pointer) std::rethrow_exception(pointer);
  } catch (const scenarios::InputError& error) {
    raise_input_error(error);
  } catch (const scenarios::Infeasible& error) {
    raise_infeasible(error.what());
  } catch (const sim::DoesNotFit& error) {
    raise_infeasible(error.what());
  } catch (const cli::UsageError& error) {
    PyErr_SetString(PyExc_ValueError, error.what());
  }
}

}  // namespace

PYBIND11_MODULE(_core, m, py::mod_gil_not_used()) {
  m.doc() = "C++ core of tokwatt; use the package, not this module.";
  m.attr("__version__") = TOKWATT_VERSION;
  py::register_exception_translator(&translate);

  py::class_<Run>(m, "Run", "One finished simulation.")
      .def_property_readonly(
          "summary_json", [](const Run& run) { return run.results.summary.dump(); }, "Summary as JSON text.")
      .def_property_readonly(
          "title", [](const Run& run) { return run.results.title; }, "Title of the scenario.")
      .def_property_readonly(
          "seed", [](const Run& run) { return run.seed; }, "Seed of all random draws.")
      .def_property_readonly("groups", &bindings::group_names, "Names of the groups of columns.")
      .def_property_readonly(
          "texts",
          [](const Run& run) {
            std::map<std::string, std::string> texts;
            for (const auto& text : run.texts) texts.emplace(text.name, text.text);
            return texts;
          },
          "Scenario and sheets by name.")
      .def(
          "columns", [](const py::object& self, const std::string& group) { return bindings::columns(self, group); },
          py::arg("group"),
          "Columns of a group: (name, units, long_name, dims, values, flag_meanings); numbers are read-only views.")
      .def("save", &save, py::arg("path"), "Write the results file.")
      .def(py::pickle(&bindings::to_state, &bindings::from_state));

  m.def("run_file", &run_file, py::arg("path"), py::kw_only(), py::arg("sets"), py::arg("stepping"),
        py::arg("interval"), py::arg("progress"), "Simulate a scenario file; releases the GIL.");
  m.def("run_text", &run_text, py::arg("name"), py::arg("text"), py::kw_only(), py::arg("folder"), py::arg("sets"),
        py::arg("stepping"), py::arg("interval"), py::arg("progress"),
        "Simulate a scenario given as text; releases the GIL.");
  bindings::add_bench_problems(m);
  bindings::add_calibration_names(m);
  bindings::add_commands(m);
  bindings::add_questions(m);
  bindings::add_studies(m);
}
