#include "bindings/studies.hpp"

#include <pybind11/stl.h>

#include <map>
#include <memory>
#include <string>
#include <vector>

#include "bindings/columns.hpp"
#include "scenarios/studies/journal.hpp"
#include "scenarios/studies/run_study.hpp"

namespace py = pybind11;

namespace tokwatt::bindings {
namespace {

using scenarios::PointRecord;

/// A study and its answers so far: in memory, or in a journal as well.
class HeldStudy {
 public:
  explicit HeldStudy(scenarios::Study study) : study_(std::move(study)), records_(study_.points()) {}

  const scenarios::Study& study() const { return study_; }
  std::vector<std::size_t> to_do() const { return points_to_do(records()); }

  void open_journal(const std::string& path) { journal_ = std::make_unique<scenarios::Journal>(path, study_); }
  void add(PointRecord record) {
    if (journal_) return journal_->add(std::move(record));
    records_[record.point] = std::move(record);
  }
  sim::Dataset dataset() const {
    if (!to_do().empty()) throw std::runtime_error("the study is not done");
    return dataset_of(study_, records());
  }
  /// Writes the results and takes the journal away.
  void save(const std::string& path) {
    sim::write_dataset(path, dataset(), study_.texts);
    if (journal_) journal_->remove();
    close_journal();
  }
  /// Its answers stay, and others may work on it.
  void close_journal() {
    if (journal_) records_ = journal_->records();
    journal_.reset();
  }

 private:
  const scenarios::PointRecords& records() const { return journal_ ? journal_->records() : records_; }

  scenarios::Study study_;
  scenarios::PointRecords records_;
  std::unique_ptr<scenarios::Journal> journal_;
};

void stop_when_interrupted() {
  const py::gil_scoped_acquire acquired;
  if (PyErr_CheckSignals() != 0) throw py::error_already_set();
}

/// On this thread alone: what a task of an executor does.
std::vector<std::string> lines_at(const HeldStudy& held, const std::vector<std::size_t>& points) {
  const auto size = held.study().points();
  std::vector<std::string> out;
  for (const std::size_t point : points) {
    if (point >= size) throw py::index_error("the study has no such point");
    stop_when_interrupted();
    out.push_back(line_of(record_at(held.study(), point)));
  }
  return out;
}

void add_lines(HeldStudy& held, const std::vector<std::string>& lines) {
  for (const auto& line : lines) {
    auto record = record_from(line, held.study());
    if (!record) throw py::value_error("this is no answer of the study: " + line);
    held.add(std::move(*record));
  }
}

/// A dataset that numbers in Python keep alive.
py::tuple columns(const HeldStudy& held) {
  const py::object owner = py::cast(std::make_unique<sim::Dataset>(held.dataset()));
  const auto& dataset = owner.cast<const sim::Dataset&>();
  return py::make_tuple(columns_of(dataset.variables, owner), dataset.coordinates);
}

}  // namespace

void add_studies(py::module_& m) {
  const py::call_guard<py::gil_scoped_release> released;
  py::class_<sim::Dataset>(m, "Dataset", "What the numbers of a study's results lie in.");
  py::class_<HeldStudy>(m, "Study", "A study that was read and checked, and its answers so far.")
      .def_static(
          "of_file",
          [](const std::string& path, const std::vector<std::string>& sets) {
            return std::make_unique<HeldStudy>(scenarios::load_study(path, sets));
          },
          py::arg("path"), py::kw_only(), py::arg("sets"), released, "Read and check a file.")
      .def_static(
          "of_text",
          [](const std::string& name, const std::string& text, const std::string& folder,
             const std::vector<std::string>& sets) {
            return std::make_unique<HeldStudy>(scenarios::load_study_text(name, text, folder, sets));
          },
          py::arg("name"), py::arg("text"), py::kw_only(), py::arg("folder"), py::arg("sets"), released,
          "The same of a text.")
      .def_property_readonly(
          "title", [](const HeldStudy& held) { return held.study().title; }, "Title of the study.")
      .def_property_readonly(
          "points", [](const HeldStudy& held) { return held.study().points(); }, "How many points it has.")
      .def_property_readonly(
          "fingerprint", [](const HeldStudy& held) { return held.study().fingerprint; },
          "SHA-256 of all that its results depend on.")
      .def_property_readonly(
          "texts",
          [](const HeldStudy& held) {
            std::map<std::string, std::string> texts;
            for (const auto& text : held.study().texts) texts.emplace(text.name, text.text);
            return texts;
          },
          "The study, its scenario and the sheets, by name.")
      .def_property_readonly("to_do", &HeldStudy::to_do, "Points without an answer.")
      .def("lines_at", &lines_at, py::arg("points"), released, "The answers at points, a line of JSON each.")
      .def("add_lines", &add_lines, py::arg("lines"), "Take such answers in.")
      .def("open_journal", &HeldStudy::open_journal, py::arg("path"),
           "Keep answers in a file as they come, and take those that it has.")
      .def("close_journal", &HeldStudy::close_journal, "Let go of that file.")
      .def("columns", &columns,
           "The results: columns as of a Run, and the names of those that are coordinates besides the axes.")
      .def("save", &HeldStudy::save, py::arg("path"), released, "Write the results file; the journal goes.");
}

}  // namespace tokwatt::bindings
