#pragma once
// The answer of a run for people: at most 80 columns, ending with what limited it.
#include <optional>
#include <string>
#include <vector>

#include "scenarios/cli/program.hpp"
#include "scenarios/scenario.hpp"
#include "sim/results/results.hpp"

namespace tokwatt::cli {

/// What the table says of the input, which is gone when the results are there.
struct RunFacts {
  struct Served {
    std::string name, what;  ///< "assistant", "gpt-oss-120b, mxfp4 weights, bf16 KV cache, vllm, on desk (NVIDIA ...)"
    bool is_hosted = false;  ///< elsewhere
  };
  std::string title;
  std::optional<double> duration;  ///< [s]; nothing: until drained
  bool has_electricity_price = false;
  bool has_boxes = true;  ///< else all is hosted elsewhere
  int64_t devices = 0;
  bool one_kind_of_box = false;  ///< means over all boxes say something
  std::vector<Served> deployments;
  std::vector<std::string> streams;
};
RunFacts facts_of(const scenarios::Loaded& loaded);

std::string summary_table(const RunFacts& facts, const sim::Results& results, const Terminal& terminal);

/// One sentence from the fractions of time under `limited_by`.
std::string limit_sentence(const nlohmann::ordered_json& limited_by);
/// The largest of them: "bandwidth"; "nothing" where nothing ran.
std::string limited_most_by(const nlohmann::ordered_json& limited_by);
/// Whether a deployment's queue grew as long as requests came; the sentence that says so, or empty.
std::string queue_sentence(const RunFacts& facts, const sim::Results& results);

}  // namespace tokwatt::cli
