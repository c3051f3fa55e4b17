#pragma once
// Traces for tests: a text as a file for a moment, and reading one whole.
#include <unistd.h>

#include <atomic>
#include <filesystem>
#include <fstream>
#include <string>
#include <vector>

#include "scenarios/traces/trace.hpp"

namespace tokwatt::tests {

/// A file with this content, removed at the end of its scope.
class TraceFile {
 public:
  explicit TraceFile(const std::string& bytes) {
    static std::atomic<int> number = 0;
    path_ = (std::filesystem::temp_directory_path() /
             ("tokwatt-trace-" + std::to_string(::getpid()) + "-" + std::to_string(number++)))
                .string();
    write(bytes);
  }
  ~TraceFile() { std::filesystem::remove(path_); }
  TraceFile(const TraceFile&) = delete;
  TraceFile& operator=(const TraceFile&) = delete;
  void write(const std::string& bytes) const {
    std::ofstream(path_, std::ios::binary).write(bytes.data(), static_cast<std::streamsize>(bytes.size()));
  }
  const std::string& path() const { return path_; }

 private:
  std::string path_;
};

inline constexpr sim::Picoseconds kSecond = 1'000'000'000'000;

inline std::string fixture(const std::string& name) {
  return std::string(TOKWATT_SOURCE_DIR "/tests/data/traces/") + name;
}

struct ReadTrace {
  std::vector<sim::Arrival> requests;
  sim::RowCounts rows;
  int64_t moved = 0;
};

/// Reads a trace to its end; throws InputError with all its mistakes.
inline ReadTrace read_trace(const std::string& path, const scenarios::TraceOptions& options = {},
                            sim::Picoseconds end = sim::kNever) {
  scenarios::Diagnostics diagnostics;
  const auto source = scenarios::open_trace(path, options, {}, diagnostics);
  if (!diagnostics.ok() || !source) throw scenarios::InputError(diagnostics);
  ReadTrace read;
  while (const auto request = source->next(end)) read.requests.push_back(*request);
  read.rows = source->rows();
  read.moved = source->rows_moved();
  return read;
}

inline std::vector<sim::Picoseconds> instants(const ReadTrace& trace) {
  std::vector<sim::Picoseconds> all;
  for (const auto& r : trace.requests) all.push_back(r.at);
  return all;
}
inline std::vector<int64_t> prompts(const ReadTrace& trace) {
  std::vector<int64_t> all;
  for (const auto& r : trace.requests) all.push_back(r.prompt);
  return all;
}
inline int64_t sum_of_prompts(const ReadTrace& trace) {
  int64_t sum = 0;
  for (const auto& r : trace.requests) sum += r.prompt;
  return sum;
}
inline int64_t sum_of_outputs(const ReadTrace& trace) {
  int64_t sum = 0;
  for (const auto& r : trace.requests) sum += r.output;
  return sum;
}

/// "line:column: message" of each mistake in a trace with this content.
inline std::vector<std::string> mistakes_in(const std::string& bytes, const scenarios::TraceOptions& options = {}) {
  const TraceFile file(bytes);
  scenarios::Diagnostics diagnostics;
  const auto source = scenarios::open_trace(file.path(), options, {}, diagnostics);
  std::vector<std::string> said;
  for (const auto& e : diagnostics.errors())
    said.push_back(std::to_string(e.place.line) + ":" + std::to_string(e.place.column) + ": " + e.message);
  return said;
}

}  // namespace tokwatt::tests
