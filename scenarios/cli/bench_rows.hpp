#pragma once
// What llama-bench and llama-batched-bench print (conventions: docs/file-formats.md), with the interval and the bound
// added.
#include <nlohmann/json_fwd.hpp>
#include <string>
#include <vector>

#include "scenarios/cli/subject.hpp"
#include "sim/bench.hpp"

namespace tokwatt::cli {

struct BenchRow {
  sim::BenchTest test;
  models::Limits limits;  ///< what it ran with: -b and -ub
  sim::BenchResult result;
  bool flash_attention = true;
  std::string error;  ///< why it does not fit; the result then means nothing
};

/// One object per row, fields in llama-bench's order.
nlohmann::ordered_json bench_fields(const Subject& subject, const BenchRow& row);
/// The same for prefill and decode of several sequences at once, fields in llama-batched-bench's order.
nlohmann::ordered_json batched_fields(const BenchRow& row, int64_t kv_max);

/// What a table shows beside what llama-bench always does.
struct BenchColumns {
  bool batched = false;  ///< llama-batched-bench's table
  bool batch = false, micro_batch = false, flash_attention = false;
};
/// Rows that do not fit say so. In JSON they have an `error`, and null for what was not measured.
std::string bench_markdown(const std::vector<nlohmann::ordered_json>& rows, const BenchColumns& columns);
std::string bench_csv(const std::vector<nlohmann::ordered_json>& rows);
std::string bench_json(const std::vector<nlohmann::ordered_json>& rows);
std::string bench_jsonl(const std::vector<nlohmann::ordered_json>& rows);

}  // namespace tokwatt::cli
