// tokwatt bench: llama-bench and llama-batched-bench without the box.
#include "sim/bench.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <filesystem>
#include <nlohmann/json.hpp>
#include <ostream>

#include "scenarios/cli/bench_rows.hpp"
#include "scenarios/cli/bench_values.hpp"
#include "scenarios/cli/fit_search.hpp"
#include "scenarios/cli/options.hpp"
#include "scenarios/diagnostics.hpp"
#include "sim/serving/kv_capacity.hpp"

namespace tokwatt::cli {
namespace {

using Json = nlohmann::ordered_json;

Options bench_options() {
  Options options(
      {"tokwatt bench --system dgx-spark --model gpt-oss-120b --quant mxfp4 \\\n      --engine llama.cpp-cuda -p 2048 "
       "-n 32",
       "tokwatt bench --system S --model M --quant Q --engine E [-p 2048] [-n 32] [-d 0,8192] [-npl 1,8] [-o md]",
       "Says what llama-bench would measure, in its format, with a 90 % interval and what bounds each rate. "
       "With -npl above 1, what llama-batched-bench would: one row for each -p, -n, -npl. Numbers may be lists "
       "(16,32) and ranges (128-512+128, 1-64*2).",
       ""});
  options.value("system", "box: an id, an alias or a path to a sheet")
      .value("model", "model: an id, an alias, a path to a sheet, a config.json or a GGUF file")
      .value("quant", "format of the weights; a GGUF file has its own")
      .value("engine", "inference engine")
      .value("kv", "format of the KV cache (default: the engine's)")
      .values("set",
              "change a key of the box's sheet: --set memory.bandwidth=\"300 GB/s\"; or of another: --set "
              "engine.tuning.kernel_dispatch=\"3 us\", model.max_context=262144, quant.KEY; may be repeated")
      .values("n-prompt,p", "prompt tokens (default 512); 0 leaves this test out")
      .values("n-gen,n", "generated tokens (default 128); 0 leaves this test out")
      .values("n-depth,d", "tokens in the cache before the test (default 0)")
      .values("npl", "sequences at once (default 1)")
      .values("batch-size,b", "tokens of a step at most (default: the engine's)")
      .values("ubatch-size", "-ub: of these, so many pass through the model at once (default: the engine's)")
      .alias("ub", "ubatch-size")
      .value("flash-attn",
             "-fa: 1 or 0, whether attention keeps its scores on the chip (default: as it was measured on this box)")
      .alias("fa", "flash-attn")
      .value("output,o", "md (default), json, jsonl or csv");
  return options;
}

struct Grid {
  std::vector<int64_t> prompts, generated, depths, sequences;
  std::vector<int64_t> batches, micro_batches;  ///< 0: the engine's own
  bool batched() const { return *std::max_element(sequences.begin(), sequences.end()) > 1; }
};

std::vector<int64_t> numbers(const Options& options, const char* name, const char* shown, int64_t otherwise) {
  return options.has(name) ? number_list(shown, options.all(name)) : std::vector<int64_t>{otherwise};
}

Grid grid_of(const Options& options) {
  Grid grid{numbers(options, "n-prompt", "-p", 512), numbers(options, "n-gen", "-n", 128),
            numbers(options, "n-depth", "-d", 0),    numbers(options, "npl", "-npl", 1),
            numbers(options, "batch-size", "-b", 0), numbers(options, "ubatch-size", "-ub", 0)};
  const auto positive = [&](const char* name, const char* shown, const std::vector<int64_t>& values, const char* what) {
    if (options.has(name) && std::count(values.begin(), values.end(), 0) > 0)
      throw UsageError(fmt::format("{} is 0; expected at least one {}", shown, what));
  };
  positive("npl", "-npl", grid.sequences, "sequence");
  positive("batch-size", "-b", grid.batches, "token");
  positive("ubatch-size", "-ub", grid.micro_batches, "token");
  const auto all_zero = [](const std::vector<int64_t>& values) {
    return std::all_of(values.begin(), values.end(), [](int64_t value) { return value == 0; });
  };
  if (all_zero(grid.prompts) && all_zero(grid.generated)) throw UsageError("-p 0 and -n 0 leave nothing to test");
  return grid;
}

/// In llama-bench's order: for each depth all prompts, then all generations.
std::vector<sim::BenchTest> tests(const Grid& grid) {
  std::vector<sim::BenchTest> out;
  for (const auto depth : grid.depths) {
    if (grid.batched()) {
      for (const auto p : grid.prompts) {
        for (const auto n : grid.generated) {
          for (const auto sequences : grid.sequences) {
            if (p + n > 0) out.push_back({p, n, depth, sequences});
          }
        }
      }
      continue;
    }
    for (const auto p : grid.prompts) {
      if (p > 0) out.push_back({p, 0, depth, 1});
    }
    for (const auto n : grid.generated) {
      if (n > 0) out.push_back({0, n, depth, 1});
    }
  }
  return out;
}

/// The engine's limits with -b and -ub in their place. llama.cpp, too, takes no more at once than a batch has.
models::Limits limits_with(const models::Engine& engine, int64_t batch, int64_t micro_batch) {
  models::Limits out = engine.limits;
  if (batch > 0) out.max_num_batched_tokens = batch;
  if (micro_batch > 0 && out.micro_batch == 0) {
    throw scenarios::Infeasible(fmt::format(
        "{} has no micro-batches (-ub): all tokens of a step (-b) pass through the model at once", engine.id));
  }
  if (micro_batch > 0) out.micro_batch = micro_batch;
  out.micro_batch = std::min(out.micro_batch, out.max_num_batched_tokens);
  return out;
}

/// llama.cpp can keep attention's scores in memory, and then its V cache as f16 only; other engines cannot.
void check_flash_attention(const sim::Deployment& d, bool on) {
  if (on) return;
  if (d.engine.policy != models::Policy::llama_server)
    throw scenarios::Infeasible(fmt::format("{} has no attention without -fa", d.engine.id));
  if (d.kv.element_bytes < 2) {
    throw scenarios::Infeasible(
        fmt::format("llama.cpp keeps a {} KV cache with flash attention only (-fa 1)", d.kv.id));
  }
}

/// One row for each batch, micro-batch and test, in llama-bench's order; what does not fit has the arithmetic.
std::vector<BenchRow> measure(Subject subject, const Grid& grid) {
  std::vector<BenchRow> rows;
  const models::Engine own = subject.deployment.engine;
  for (const auto batch : grid.batches) {
    for (const auto micro_batch : grid.micro_batches) {
      const auto limits = subject.deployment.engine.limits = limits_with(own, batch, micro_batch);
      for (const auto& test : tests(grid)) {
        rows.push_back({test, limits, {}, own.flash_attention, {}});
        try {
          rows.back().result = sim::bench(subject.deployment, subject.box, test);
        } catch (const sim::DoesNotFit& error) {
          rows.back().error = error.what();
        }
      }
    }
  }
  return rows;
}

bool any_fits(const std::vector<BenchRow>& rows) {
  return std::any_of(rows.begin(), rows.end(), [](const BenchRow& row) { return row.error.empty(); });
}

/// Says by how much the first test does not fit, and what would.
[[noreturn]] void refuse(const Subject& subject, const Grid& grid, bool is_file, const std::string& why) {
  const auto test = tests(grid).front();
  const std::string& engine = subject.deployment.engine.id;
  if (test.depth + test.prompt + test.generate > subject.deployment.model.max_context)
    throw sim::DoesNotFit(why);  // no other quant takes more
  const std::string next = next_quant(subject, [&](const Subject& other) { return any_fits(measure(other, grid)); });
  throw sim::DoesNotFit(fmt::format("{}\n{}", why, advice_of(next, engine, is_file)));
}

/// GGUF files bring their quant along; a folder may hold one.
bool may_have_quant(const std::string& model) {
  std::error_code no_throw;
  return std::filesystem::path(model).extension() == ".gguf" || std::filesystem::is_directory(model, no_throw);
}

/// A whole command, with what people would run on that box where quant or engine are missing.
std::string example(const Options& options) {
  SubjectNames names{"dgx-spark", "gpt-oss-120b", "mxfp4", "vllm", ""};
  FitQuestion asked;
  asked.system = options.get("system");
  asked.model = options.get("model");
  asked.quant = options.get("quant");
  asked.engine = options.get("engine");
  asked.kv = options.get("kv");
  if (!asked.system.empty() && !asked.model.empty()) {
    try {
      Shelf shelf;
      if (const auto best = best_subject(asked, shelf))
        names = {asked.system, asked.model, best->deployment.quant.id, best->deployment.engine.id, ""};
    } catch (const scenarios::InputError&) {  // is told once nothing is missing
    }
  }
  return fmt::format("tokwatt bench --system {} --model {} --quant {} --engine {}", names.system, names.model,
                     names.quant, names.engine);
}

SubjectNames subject_names(const Options& options) {
  std::vector<std::string> missing;
  for (const char* name : {"system", "model", "quant", "engine"}) {
    const bool is_in_file = std::string(name) == "quant" && may_have_quant(options.get("model"));
    if (!options.has(name) && !is_in_file) missing.push_back(fmt::format("--{}", name));
  }
  if (!missing.empty())
    throw UsageError(fmt::format("missing {}\nExample: {}", fmt::join(missing, ", "), example(options)));
  return {options.get("system"), options.get("model"), options.get("quant"), options.get("engine"), options.get("kv")};
}

}  // namespace

int bench(const Arguments& arguments, const Terminal& terminal) {
  Options options = bench_options();
  if (!options.read(arguments, terminal)) return kDone;
  const SubjectNames names = subject_names(options);
  const Grid grid = grid_of(options);
  const std::string format = options.choice("output", {"md", "json", "jsonl", "csv"});
  Shelf shelf(options.all("set"));
  Subject subject = subject_of(names, shelf);
  if (options.has("flash-attn")) {
    auto& d = subject.deployment;
    check_flash_attention(d, options.choice("flash-attn", {"1", "0"}) == "1");
    d.engine.flash_attention = options.choice("flash-attn", {"1", "0"}) == "1";
    models::tune(d.engine, d.quant.unpack, d.model.family);
  }
  const auto rows = measure(subject, grid);
  if (!any_fits(rows)) refuse(subject, grid, !shelf.own_quant(names.model).empty(), rows.front().error);

  int64_t kv_max = 0;
  for (const auto& row : rows) {
    if (row.error.empty())
      kv_max = std::max(kv_max, row.test.sequences * (row.test.depth + row.test.prompt + row.test.generate));
  }
  std::vector<Json> fields;
  for (const auto& row : rows)
    fields.push_back(grid.batched() ? batched_fields(row, kv_max) : bench_fields(subject, row));
  const BenchColumns columns{grid.batched(), options.has("batch-size"), options.has("ubatch-size"),
                             options.has("flash-attn")};
  if (format == "md") terminal.out << bench_markdown(fields, columns);
  if (format == "json") terminal.out << bench_json(fields);
  if (format == "jsonl") terminal.out << bench_jsonl(fields);
  if (format == "csv") terminal.out << bench_csv(fields);
  for (const auto& row : rows) {
    if (!row.error.empty()) terminal.err << row.error << "\n";
  }
  return kDone;
}

}  // namespace tokwatt::cli
