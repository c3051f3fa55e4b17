// Transcripts: a command and the exact lines it prints. TOKWATT_UPDATE=1 writes down what the program says now.
#include <fmt/format.h>
#include <sys/wait.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <sstream>

#include "tests/catch.hpp"
#include "tests/scenarios/cli/scratch.hpp"

namespace tokwatt::cli {
namespace {

namespace fs = std::filesystem;

const fs::path kHere = fs::path(TOKWATT_SOURCE_DIR) / "tests/scenarios/cli";

std::string read(const fs::path& path) {
  std::ostringstream text;
  text << std::ifstream(path, std::ios::binary).rdbuf();
  return text.str();
}

std::string marked(const std::string& text, const std::string& mark) {
  std::string out;
  std::istringstream lines(text);
  for (std::string line; std::getline(lines, line);) out += mark + line + "\n";
  return out;
}

/// Runs a command in the folder of the inputs, as a person would in a shell.
std::string transcript_of(const std::string& command) {
  const Scratch scratch, streams;
  const fs::path out = streams.path() / "out", err = streams.path() / "err", script = streams.path() / "script";
  std::ofstream(script) << command << "\n";
  const std::string shell =
      fmt::format("cd '{}' && SCRATCH='{}' PATH='{}':\"$PATH\" bash '{}' >'{}' 2>'{}' </dev/null",
                  (kHere / "inputs").string(), scratch.path().string(),
                  fs::path(TOKWATT_PROGRAM).parent_path().string(), script.string(), out.string(), err.string());
  const int status = std::system(shell.c_str());
  REQUIRE(WIFEXITED(status));
  const int code = WEXITSTATUS(status);
  return fmt::format("$ {}\n{}{}{}", command, marked(read(out), ""), marked(read(err), "! "),
                     code == 0 ? "" : fmt::format("= {}\n", code));
}

/// The file with what its commands say now; comments stay.
std::string replayed(const std::string& transcript) {
  std::string out;
  std::istringstream lines(transcript);
  bool above_commands = true;
  for (std::string line; std::getline(lines, line);) {
    const bool is_command = line.substr(0, 2) == "$ ";
    above_commands = above_commands && !is_command;
    if (above_commands) out += line + "\n";
    if (is_command) out += transcript_of(line.substr(2));
  }
  return out;
}

}  // namespace

TEST_CASE("the program says what the transcripts say", "[cli][transcripts]") {
  const auto name = GENERATE(as<std::string>(), "usage", "help", "lists", "bad_input", "infeasible");
  const fs::path path = kHere / "transcripts" / (name + ".txt");
  const std::string written = read(path);
  REQUIRE(written.find("$ tokwatt") != std::string::npos);
  const std::string now = replayed(written);
  if (std::getenv("TOKWATT_UPDATE")) std::ofstream(path, std::ios::binary) << now;
  CHECK(now == read(path));
}

}  // namespace tokwatt::cli
