#pragma once
// Reads pieces of a results file back.
#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace tokwatt::sim {

class ResultsFile {
 public:
  /// Throws std::runtime_error with HDF5's reason where it is no such file.
  explicit ResultsFile(const std::string& path);
  ~ResultsFile();
  ResultsFile(const ResultsFile&) = delete;
  ResultsFile& operator=(const ResultsFile&) = delete;

  /// A text by its path ("summary_json"); nothing where there is none.
  std::optional<std::string> text(const std::string& name) const;
  /// The numbers of a variable in one row ("segments/duration"); nothing where there is none.
  std::optional<std::vector<double>> numbers(const std::string& name) const;

 private:
  struct Open;  // HDF5's headers stay in this layer
  std::unique_ptr<Open> open_;
};

}  // namespace tokwatt::sim
