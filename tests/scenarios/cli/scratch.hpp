#pragma once
// A folder for one test, and the program run inside the test's own process.
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <sstream>
#include <stdexcept>

#include "scenarios/cli/program.hpp"

namespace tokwatt::cli {

class Scratch {
 public:
  Scratch() {
    std::string name = (std::filesystem::temp_directory_path() / "tokwatt-test-XXXXXX").string();
    if (!mkdtemp(name.data())) throw std::runtime_error("no temporary folder");
    path_ = name;
  }
  ~Scratch() {
    std::error_code ignored;
    std::filesystem::remove_all(path_, ignored);
  }
  Scratch(const Scratch&) = delete;
  Scratch& operator=(const Scratch&) = delete;
  const std::filesystem::path& path() const { return path_; }

 private:
  std::filesystem::path path_;
};

struct Said {
  int code = 0;
  std::string out, err;
};

inline Said tokwatt(const Arguments& arguments) {
  std::ostringstream out, err;
  const int code = run_program(arguments, {out, err});
  return {code, out.str(), err.str()};
}

inline std::string input(const std::string& name) { return TOKWATT_SOURCE_DIR "/tests/scenarios/cli/inputs/" + name; }
inline std::string project(const std::string& name) { return TOKWATT_SOURCE_DIR "/" + name; }

inline std::string bytes_of(const std::filesystem::path& path) {
  std::ostringstream text;
  text << std::ifstream(path, std::ios::binary).rdbuf();
  return text.str();
}

/// A scenario in a file of its own.
inline std::string written(const Scratch& scratch, const std::string& text) {
  const auto path = (scratch.path() / "scenario.yaml").string();
  std::ofstream(path) << text;
  return path;
}

/// Length of the longest line, in characters.
int longest_line(const std::string& text);

}  // namespace tokwatt::cli
