#include "scenarios/cli/output_file.hpp"

#include <fmt/format.h>
#include <unistd.h>

#include <cerrno>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <ostream>
#include <system_error>

#include "scenarios/cli/program.hpp"

namespace tokwatt::cli {
namespace {

namespace fs = std::filesystem;

/// The folder that a file is to lie in, or the nearest one above it that exists.
fs::path nearest_folder(const fs::path& file) {
  std::error_code ignored;
  fs::path folder = file.parent_path();
  while (!folder.empty() && !fs::exists(folder, ignored)) folder = folder.parent_path();
  return folder.empty() ? "." : folder;
}

/// Only trying tells whether a folder takes files: root may write everywhere, and still not into /proc.
void try_to_write_in(const fs::path& folder, const std::string& path) {
  std::string probe = (folder / ".tokwatt-XXXXXX").string();
  const int descriptor = mkstemp(probe.data());
  if (descriptor < 0) {
    throw CannotWrite(fmt::format("cannot write {}: no file can be made in {}: {}", path, folder.string(),
                                  std::generic_category().message(errno)));
  }
  close(descriptor);
  unlink(probe.c_str());
}

/// A folder of its own for one file, gone with it.
class TemporaryFolder {
 public:
  TemporaryFolder() {
    std::string name = (fs::temp_directory_path() / "tokwatt-XXXXXX").string();
    if (!mkdtemp(name.data())) throw std::runtime_error("cannot make a temporary folder in " + name);
    path_ = name;
  }
  ~TemporaryFolder() {
    std::error_code ignored;
    fs::remove_all(path_, ignored);
  }
  TemporaryFolder(const TemporaryFolder&) = delete;
  TemporaryFolder& operator=(const TemporaryFolder&) = delete;
  const fs::path& path() const { return path_; }

 private:
  fs::path path_;
};

/// Empty files are nobody's scenario or trace.
bool is_empty_or_results(const fs::path& file) {
  constexpr std::string_view kHdf5 = "\x89HDF";
  std::string begin(kHdf5.size(), ' ');
  std::ifstream in(file, std::ios::binary);
  in.read(begin.data(), static_cast<std::streamsize>(begin.size()));
  return in.gcount() == 0 || begin == kHdf5;
}

}  // namespace

void check_writable(const std::string& path) {
  if (path == "-") {
    if (isatty(STDOUT_FILENO) != 0) throw UsageError("-o - would write a binary file to the terminal; redirect it");
    return;
  }
  const auto refuse = [&](const std::string& why) { throw UsageError(fmt::format("cannot write {}: {}", path, why)); };
  std::error_code ignored;
  if (path.empty() || path.back() == '/' || fs::is_directory(path, ignored)) refuse("it is a folder; expected a file");
  if (fs::exists(path, ignored) && !fs::is_regular_file(path, ignored)) refuse("it is not a regular file");
  if (fs::exists(path, ignored) && !is_empty_or_results(path))
    refuse("it is there already and holds no results; expected another name");
  const fs::path folder = nearest_folder(path);
  if (!fs::is_directory(folder, ignored)) refuse(fmt::format("{} is no folder", folder.string()));
  if (access(folder.c_str(), W_OK | X_OK) != 0) refuse(fmt::format("nothing may be written in {}", folder.string()));
  try_to_write_in(folder, path);
}

void make_folder_of(const std::string& path) {
  const fs::path folder = fs::path(path).parent_path();
  std::error_code failed;
  if (!folder.empty()) fs::create_directories(folder, failed);
  if (failed) throw CannotWrite(fmt::format("cannot write {}: {}: {}", path, folder.string(), failed.message()));
}

void write_output(const std::string& path, std::ostream& out, const sim::Results& results,
                  const std::vector<sim::CarriedText>& texts, uint64_t seed) {
  if (path != "-") {
    make_folder_of(path);
    try {
      sim::write_results(path, results, texts, seed);
    } catch (const std::runtime_error& error) {  // a full disk, a folder that is gone by now
      throw CannotWrite(error.what());
    }
    return;
  }
  const TemporaryFolder folder;
  const fs::path file = folder.path() / "results.h5";
  sim::write_results(file.string(), results, texts, seed);
  out << std::ifstream(file, std::ios::binary).rdbuf();
}

}  // namespace tokwatt::cli
