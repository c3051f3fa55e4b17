#pragma once
// What llama-bench and llama-batched-bench print (conventions: docs/file-formats.md), with the interval and the bound
// added.
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "scenarios/cli/subject.hpp"
#include "sim/bench.hpp"

namespace tokwatt::cli {

struct BenchRow {
  sim::BenchTest test;
  sim::BenchResult result;
};

/// One object per row, fields in llama-bench's order.
nlohmann::ordered_json bench_fields(const Subject& subject, const BenchRow& row);
/// The same for prefill and decode of several sequences at once, fields in llama-batched-bench's order.
nlohmann::ordered_json batched_fields(const Subject& subject, const BenchRow& row, int64_t kv_max);

std::string bench_markdown(const std::vector<nlohmann::ordered_json>& rows, bool batched);
std::string bench_csv(const std::vector<nlohmann::ordered_json>& rows);
std::string bench_json(const std::vector<nlohmann::ordered_json>& rows);
std::string bench_jsonl(const std::vector<nlohmann::ordered_json>& rows);

}  // namespace tokwatt::cli
