#include "scenarios/cli/python.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <cstdlib>
#include <filesystem>
#include <optional>
#include <ostream>
#include <system_error>

extern char** environ;

namespace tokwatt::cli {
namespace {

namespace fs = std::filesystem;

/// Runs a program found in $PATH or by its path; its exit code, 128 + n after signal n, nothing if it cannot start.
std::optional<int> run_program_of(const Arguments& words, bool quietly) {
  std::vector<char*> pointers;
  for (const auto& word : words) pointers.push_back(const_cast<char*>(word.c_str()));  // POSIX promises not to write
  pointers.push_back(nullptr);
  posix_spawn_file_actions_t actions;
  posix_spawn_file_actions_init(&actions);
  if (quietly) {
    posix_spawn_file_actions_addopen(&actions, STDOUT_FILENO, "/dev/null", O_WRONLY, 0);
    posix_spawn_file_actions_addopen(&actions, STDERR_FILENO, "/dev/null", O_WRONLY, 0);
  }
  pid_t child = 0;
  const int failed = posix_spawnp(&child, pointers.front(), &actions, nullptr, pointers.data(), environ);
  posix_spawn_file_actions_destroy(&actions);
  if (failed != 0) return std::nullopt;
  int status = 0;
  while (waitpid(child, &status, 0) < 0 && errno == EINTR) {
  }
  return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

/// The package has the module: an older one may not.
bool has_module(const std::string& python, const std::string& module) {
  constexpr const char* kAsk =
      "import importlib.util, os, sys\n"
      "spec = importlib.util.find_spec('tokwatt')\n"
      "folder = os.path.dirname(spec.origin) if spec and spec.origin else ''\n"
      "sys.exit(not folder or not os.path.exists(os.path.join(folder, sys.argv[1] + '.py')))\n";
  return run_program_of({python, "-c", kAsk, module}, true) == 0;
}

/// Where Python may be, the likeliest first.
std::vector<std::string> places() {
  std::vector<std::string> out;
  std::error_code none;
  const fs::path here = fs::read_symlink("/proc/self/exe", none).parent_path();
  if (!here.empty()) {
    out.push_back((here / "python3").string());  // an installed wheel
    for (fs::path above = here; above.has_relative_path(); above = above.parent_path())
      out.push_back((above / ".venv/bin/python").string());  // what `./dev build` makes
  }
  if (const char* environment = std::getenv("VIRTUAL_ENV")) out.push_back(std::string(environment) + "/bin/python");
  out.emplace_back("python3");
  std::error_code no_throw;
  std::erase_if(
      out, [&](const std::string& path) { return path.find('/') != std::string::npos && !fs::exists(path, no_throw); });
  return out;
}

std::string python_with_package(const std::string& module) {
  const char* own = std::getenv("TOKWATT_PYTHON");
  const auto tried = own && *own ? std::vector<std::string>{own} : places();
  for (const auto& python : tried) {
    if (has_module(python, module)) return python;
  }
  throw CannotRun(fmt::format(
      "tokwatt {} needs Python with the package tokwatt, and found none (tried {}).\nMake one with ./dev build or pip "
      "install, or say which: TOKWATT_PYTHON=/path/to/python tokwatt {} ...",
      module, fmt::join(tried, ", "), module));
}

}  // namespace

int run_python(const std::string& module, const Arguments& arguments, const Terminal& terminal) {
  const std::string python = python_with_package(module);
  Arguments words = {python, "-m", "tokwatt." + module};
  words.insert(words.end(), arguments.begin(), arguments.end());
  terminal.out.flush();
  terminal.err.flush();
  const auto code = run_program_of(words, false);
  if (!code) throw CannotRun(fmt::format("cannot start {}", python));
  return *code;
}

}  // namespace tokwatt::cli
