#include "bindings/bench_problems.hpp"

#include <pybind11/numpy.h>
#include <pybind11/stl.h>

#include <algorithm>
#include <memory>
#include <string>
#include <vector>

#include "scenarios/cli/program.hpp"
#include "scenarios/cli/subject.hpp"
#include "scenarios/scenario.hpp"
#include "scenarios/sheets/sheet_fields.hpp"
#include "sim/bench.hpp"

namespace py = pybind11;

namespace tokwatt::bindings {

namespace {

using Matrix = py::array_t<double, py::array::c_style | py::array::forcecast>;

template <class T>
T get(const py::dict& row, const char* key, T otherwise) {
  return row.contains(key) && !row[key].is_none() ? row[key].cast<T>() : otherwise;
}

/// Tests, each of one system, model, quant and engine.
class BenchProblems {
 public:
  explicit BenchProblems(const py::list& rows) {
    cli::Shelf shelf;
    for (const auto& item : rows) {
      const auto row = item.cast<py::dict>();
      try {
        add(row, shelf);
      } catch (const scenarios::InputError& error) {
        skip(error.what(), cli::kBadInput);
      } catch (const scenarios::Infeasible& error) {
        skip(error.what(), cli::kInfeasible);
      } catch (const sim::DoesNotFit& error) {
        skip(error.what(), cli::kInfeasible);
      }
    }
  }

  /// (rows, parameters) on the scales of their links -> tokens/s; NaN for rows that were left out.
  py::array_t<double> rates(const Matrix& linked) const {
    if (linked.ndim() != 2 || static_cast<std::size_t>(linked.shape(0)) != problems_.size() ||
        static_cast<std::size_t>(linked.shape(1)) != models::kTuningParameters)
      throw py::value_error("expected an array of (rows, parameters)");
    std::vector<double> out(problems_.size(), std::numeric_limits<double>::quiet_NaN());
    const auto in = linked.unchecked<2>();
    {
      const py::gil_scoped_release released;
      for (std::size_t i = 0; i < problems_.size(); ++i) {
        if (!problems_[i]) continue;
        models::Linked values;
        for (std::size_t k = 0; k < values.size(); ++k)
          values[k] = in(static_cast<py::ssize_t>(i), static_cast<py::ssize_t>(k));
        out[i] = problems_[i]->rate(models::unlinked(values, 0, 0));
      }
    }
    return py::array_t<double>(static_cast<py::ssize_t>(out.size()), out.data());
  }

  /// One dict a row: engine, engine_family, box, architecture, unpack, family, bound, tuning (linked), or error and
  /// exit_code.
  py::list about() const { return about_; }

 private:
  void add(const py::dict& row, cli::Shelf& shelf) {
    const auto text = [&](const char* key) { return get<std::string>(row, key, ""); };
    auto subject = cli::subject_of({text("system"), text("model"), text("quant"), text("engine"), text("kv")}, shelf);
    auto& d = subject.deployment;
    d.engine.flash_attention = get<bool>(row, "flash_attention", d.engine.flash_attention);
    auto& limits = d.engine.limits;
    limits.max_num_batched_tokens = get<int64_t>(row, "batch", limits.max_num_batched_tokens);
    limits.micro_batch = std::min(get<int64_t>(row, "micro_batch", limits.micro_batch), limits.max_num_batched_tokens);
    models::tune(d.engine, d.quant.unpack, d.model.family);
    sim::BenchTest test;
    test.prompt = get<int64_t>(row, "prompt", 0);
    test.generate = get<int64_t>(row, "generate", 0);
    test.depth = get<int64_t>(row, "depth", 0);
    test.sequences = get<int64_t>(row, "sequences", 1);
    // A context longer than the model claims was measured all the same.
    d.model.max_context = std::max(d.model.max_context, test.depth + test.prompt + test.generate);
    auto problem = std::make_unique<sim::BenchProblem>(d, subject.box, test);
    py::dict about;
    about["engine"] = d.engine.id;
    about["engine_family"] = d.engine.family;
    about["box"] = subject.box.id;
    about["architecture"] = subject.box.architecture;
    about["model"] = d.model.id;
    about["family"] = d.model.family;
    about["quant"] = d.quant.id;
    about["unpack"] = d.quant.unpack;
    about["flash_attention"] = d.engine.flash_attention;
    about["layers"] = d.model.layers.size();
    about["bound"] = problem->bound();
    about["bound_tokens"] = problem->tokens();
    about["bound_memory_s"] = problem->bound_memory();
    about["bound_compute_s"] = problem->bound_compute();
    about["bandwidth"] = subject.box.memory.bandwidth;
    about["tuning"] = models::linked(d.engine.tuning);
    about["spread_prefill"] = d.engine.tuning.spread_prefill;
    about["spread_decode"] = d.engine.tuning.spread_decode;
    std::vector<models::Linked> draws;
    for (const auto& draw : d.engine.draws) draws.push_back(models::linked(draw));
    about["draws"] = draws;
    about_.append(about);
    problems_.push_back(std::move(problem));
  }

  void skip(const char* reason, int exit_code) {
    py::dict about;
    about["error"] = reason;
    about["exit_code"] = exit_code;
    about_.append(about);
    problems_.push_back(nullptr);
  }

  std::vector<std::unique_ptr<sim::BenchProblem>> problems_;
  py::list about_;
};

std::vector<std::pair<std::string, std::string>> tuning_parameters() {
  std::vector<std::pair<std::string, std::string>> out;
  for (const auto& p : models::kTuning) out.emplace_back(p.key, p.link == models::Link::log ? "log" : "log_odds");
  return out;
}

py::list systems() {
  py::list out;
  cli::Shelf shelf;
  for (const auto& id : scenarios::ids(scenarios::SheetKind::box)) {
    const auto& box = shelf.box(id).value;
    out.append(py::make_tuple(id, box.architecture, box.backends));
  }
  return out;
}

py::list engines() {
  py::list out;
  cli::Shelf shelf;
  for (const auto& id : scenarios::ids(scenarios::SheetKind::engine)) {
    const auto& engine = shelf.engine(id, scenarios::ids(scenarios::SheetKind::box).front()).value;
    out.append(py::make_tuple(id, engine.family, engine.backends));
  }
  return out;
}

}  // namespace

void add_bench_problems(py::module_& m) {
  py::class_<BenchProblems>(m, "BenchProblems", "Measured tests priced with many tunings at once.")
      .def(py::init<const py::list&>(), py::arg("rows"))
      .def("rates", &BenchProblems::rates, py::arg("linked"),
           "Rates [tokens/s] by (rows, parameters) on the scales of their links; NaN for rows left out.")
      .def_property_readonly("about", &BenchProblems::about, "What each row is, or the error that left it out.");
  m.def("tuning_parameters", &tuning_parameters, "Parameters in their order: (key, link).");
  m.def(
      "unpack_families", [] { return scenarios::unpack_families(); }, "Families of kernels that unpack weights.");
  m.def("calibrated_systems", &systems, "Boxes that come with the program: (id, architecture, backends).");
  m.def("calibrated_engines", &engines, "Engines that come with the program: (id, family, backends).");
}

}  // namespace tokwatt::bindings
