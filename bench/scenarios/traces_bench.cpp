// Traces from disk: rows checked and then read again, as a run does.
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <stdexcept>
#include <string>

#include "bench/goal.hpp"
#include "scenarios/traces/trace.hpp"

namespace tokwatt::bench {
namespace {

constexpr int64_t kRows = 100'000;
// The loop alone simulates a million requests a second: reading them twice should not cost more, but for long lines.
constexpr double kRowsPerSecond = 1'000'000, kLongRowsPerSecond = 500'000;

template <class Row>
void read_rows(benchmark::State& state, double goal, const std::string& header, Row row) {
  const auto path = std::filesystem::temp_directory_path() / ("tokwatt-bench-" + std::to_string(::getpid()));
  std::ofstream file(path);
  file << header;
  for (int64_t i = 0; i < kRows; ++i) file << row(i) << '\n';
  file.close();
  for (auto _ : state) {
    scenarios::Diagnostics diagnostics;
    const auto trace = scenarios::open_trace(path.string(), {}, {}, diagnostics);
    if (!trace) throw std::runtime_error(diagnostics.render());
    while (const auto request = trace->next(sim::kNever)) benchmark::DoNotOptimize(request->prompt);
  }
  std::filesystem::remove(path);
  report(state, "rows", static_cast<double>(state.iterations() * kRows), goal);
}

void burstgpt(benchmark::State& state) {
  read_rows(state, kRowsPerSecond, "Timestamp,Model,Request tokens,Response tokens,Total tokens,Log Type\n",
            [](int64_t i) {
              return std::to_string(i) + ",ChatGPT," + std::to_string(1 + i % 1000) + ",230,1317,Conversation log";
            });
}
BENCHMARK(burstgpt);

void llmservingsim(benchmark::State& state) {
  read_rows(state, kRowsPerSecond, "", [](int64_t i) {
    return "{\"input_toks\": " + std::to_string(1 + i % 10'000) +
           ", \"output_toks\": 1626, \"arrival_time_ns\": " + std::to_string(101'537'000 + 1000 * i) + "}";
  });
}
BENCHMARK(llmservingsim);

// 27 blocks a prompt, as Mooncake's conversations have in the mean.
void mooncake(benchmark::State& state) {
  read_rows(state, kLongRowsPerSecond, "", [](int64_t i) {
    std::string line =
        "{\"timestamp\": " + std::to_string(i) + ", \"input_length\": 13500, \"output_length\": 500, \"hash_ids\": [0";
    for (int64_t block = 1; block < 27; ++block) line += ", " + std::to_string(i % 5000 * 27 + block);
    return line + "]}";
  });
}
BENCHMARK(mooncake);

}  // namespace
}  // namespace tokwatt::bench
