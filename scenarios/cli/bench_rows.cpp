#include "scenarios/cli/bench_rows.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <nlohmann/json.hpp>

#include "models/graph.hpp"
#include "scenarios/sheets/sheets.hpp"

namespace tokwatt::cli {
namespace {

using Json = nlohmann::ordered_json;

const char* name(sim::Bound bound) {
  switch (bound) {
    case sim::Bound::compute:
      return "compute";
    case sim::Bound::dispatch:
      return "dispatch";
    case sim::Bound::bandwidth:
      break;
  }
  return "bandwidth";
}

std::string backend(const Subject& subject) {
  std::string text = scenarios::backend_of(subject.box, subject.deployment.engine);  // llama-bench says CUDA, Metal
  if (text == "cuda") return "CUDA";
  if (!text.empty() && text[0] >= 'a' && text[0] <= 'z') text[0] = static_cast<char>(text[0] - 'a' + 'A');
  return text;
}

int64_t micro_batch(const models::Limits& limits) {
  return limits.micro_batch > 0 ? limits.micro_batch : limits.max_num_batched_tokens;
}

// llama-bench's own defaults for options that mean nothing here.
constexpr int kAllLayers = -1;

/// Fields up to the test itself.
Json subject_fields(const Subject& subject, const models::Limits& limits) {
  const auto& d = subject.deployment;
  const std::string& model = d.model.title.empty() ? d.model.id : d.model.title;
  const std::string& quant = d.quant.title.empty() ? d.quant.id : d.quant.title;
  return {{"build_commit", "tokwatt " TOKWATT_VERSION},
          {"build_number", 0},
          {"cpu_info", ""},
          {"gpu_info", subject.box.title.empty() ? subject.box.id : subject.box.title},
          {"backends", backend(subject)},
          {"model_filename", d.model.id},
          {"model_type", fmt::format("{} {}", model, quant)},
          {"model_size", std::llround(models::weight_bytes(d.model, subject.weights()))},
          {"model_n_params", models::parameters(d.model)},
          {"n_batch", limits.max_num_batched_tokens},
          {"n_ubatch", micro_batch(limits)},
          {"n_threads", 0},
          {"cpu_mask", "0x0"},
          {"cpu_strict", false},
          {"poll", 50},
          {"type_k", d.kv.id},
          {"type_v", d.kv.id},
          {"n_gpu_layers", kAllLayers},
          {"n_cpu_moe", 0},
          {"split_mode", "layer"},
          {"main_gpu", 0},
          {"no_kv_offload", false},
          {"flash_attn", d.engine.flash_attention ? 1 : 0},
          {"devices", "auto"},
          {"tensor_split", "0.00"},
          {"tensor_buft_overrides", "none"},
          {"load_mode", "auto"},
          {"embeddings", false},
          {"no_op_offload", 0},
          {"no_host", false},
          {"fit_target", 0},
          {"fit_min_ctx", 0}};
}

std::string size_text(double bytes) {
  const double mib = bytes / 1024 / 1024;
  return mib < 1024 ? fmt::format("{:.2f} MiB", mib) : fmt::format("{:.2f} GiB", mib / 1024);
}

std::string params_text(double count) {
  return count < 1e9 ? fmt::format("{:.2f} M", count / 1e6) : fmt::format("{:.2f} B", count / 1e9);
}

std::string test_text(const Json& row) {
  const auto prompt = row["n_prompt"].get<int64_t>(), depth = row["n_depth"].get<int64_t>();
  std::string text = prompt > 0 ? fmt::format("pp{}", prompt) : fmt::format("tg{}", row["n_gen"].get<int64_t>());
  if (depth > 0) text += fmt::format(" @ d{}", depth);
  return text;
}

double number(const Json& row, const char* key) { return row[key].get<double>(); }

/// A cell of a column that some tables have.
std::string cell(bool shown, const std::string& text) { return shown ? text : ""; }

bool fits(const Json& row) { return row.find("error") == row.end(); }

std::string rates(const Json& row) {
  if (!fits(row)) return fmt::format(" {:>20} | {:>10} | {:>10} | {:<9} |\n", "does not fit", "", "", "");
  const std::string rate = fmt::format("{:.2f} \u00b1 {:.2f}", number(row, "avg_ts"), number(row, "stddev_ts"));
  return fmt::format(" {:>20} | {:>10.2f} | {:>10.2f} | {:<9} |\n", rate, number(row, "avg_ts_low"),
                     number(row, "avg_ts_high"), row["bound"].get<std::string>());
}

std::string single_markdown(const std::vector<Json>& rows, const BenchColumns& columns) {
  const bool kv = rows.front()["type_k"] != "f16";  // llama-bench shows only what is not its default
  std::string text =
      fmt::format("| {:<30} | {:>10} | {:>10} | {:<10} | {:>3} |", "model", "size", "params", "backend", "ngl");
  text += cell(columns.batch, " n_batch |") + cell(columns.micro_batch, " n_ubatch |");
  text += cell(kv, fmt::format(" {:>6} | {:>6} |", "type_k", "type_v"));
  text += cell(columns.flash_attention, " fa |");
  text += fmt::format(" {:>15} | {:>20} | {:>10} | {:>10} | {:<9} |\n", "test", "t/s", "low", "high", "bound");
  text += fmt::format("| {:-<30} | {:->9}: | {:->9}: | {:-<10} | {:->2}: |", "", "", "", "", "");
  text += cell(columns.batch, " ------: |") + cell(columns.micro_batch, " -------: |");
  text += cell(kv, fmt::format(" {:->5}: | {:->5}: |", "", ""));
  text += cell(columns.flash_attention, " -: |");
  text += fmt::format(" {:->14}: | {:->19}: | {:->9}: | {:->9}: | {:-<9} |\n", "", "", "", "", "");
  for (const auto& row : rows) {
    text += fmt::format("| {:<30} | {:>10} | {:>10} | {:<10} | {:>3} |", row["model_type"].get<std::string>(),
                        size_text(number(row, "model_size")), params_text(number(row, "model_n_params")),
                        row["backends"].get<std::string>(), row["n_gpu_layers"].get<int>());
    text += cell(columns.batch, fmt::format(" {:>7} |", row["n_batch"].get<int64_t>()));
    text += cell(columns.micro_batch, fmt::format(" {:>8} |", row["n_ubatch"].get<int64_t>()));
    text +=
        cell(kv, fmt::format(" {:>6} | {:>6} |", row["type_k"].get<std::string>(), row["type_v"].get<std::string>()));
    text += cell(columns.flash_attention, fmt::format(" {:>2} |", row["flash_attn"].get<int>()));
    text += fmt::format(" {:>15} |", test_text(row)) + rates(row);
  }
  return text + fmt::format("\nbuild: {} ({})\n", rows.front()["build_commit"].get<std::string>(),
                            rows.front()["build_number"].get<int>());
}

std::string batched_markdown(const std::vector<Json>& rows, const BenchColumns& columns) {
  std::string text = cell(columns.batch, "|n_batch ") + cell(columns.micro_batch, "|n_ubatch ");
  text += fmt::format(
      "|{:>6} | {:>6} | {:>4} | {:>6} | {:>8} | {:>8} | {:>8} | {:>8} | {:>8} | {:>8} | {:>8} | {:>8} | {:<9} |\n",
      "PP", "TG", "B", "N_KV", "T_PP s", "S_PP t/s", "T_TG s", "S_TG t/s", "T s", "S t/s", "low", "high", "bound");
  text += cell(columns.batch, "|--------") + cell(columns.micro_batch, "|---------");
  text +=
      "|-------|--------|------|--------|----------|----------|----------|----------|----------|----------|----------|"
      "----------|-----------|\n";
  for (const auto& row : rows) {
    text += cell(columns.batch, fmt::format("|{:>7} ", row["n_batch"].get<int64_t>()));
    text += cell(columns.micro_batch, fmt::format("|{:>8} ", row["n_ubatch"].get<int64_t>()));
    text += fmt::format("|{:>6} | {:>6} | {:>4} | {:>6} |", row["pp"].get<int64_t>(), row["tg"].get<int64_t>(),
                        row["pl"].get<int64_t>(), row["n_kv"].get<int64_t>());
    for (const char* part : {"t_pp", "speed_pp", "t_tg", "speed_tg", "t", "speed"})
      text += fits(row) ? fmt::format(" {:>8.{}f} |", number(row, part), part[0] == 't' ? 3 : 2) : "          |";
    if (fits(row)) {
      text += fmt::format(" {:>8.2f} | {:>8.2f} | {:<9} |\n", number(row, "avg_ts_low"), number(row, "avg_ts_high"),
                          row["bound"].get<std::string>());
    } else {
      text += "          |          | does not fit |\n";
    }
  }
  return text;
}

std::string csv_cell(const Json& value) {
  std::string text;
  // llama-bench prints booleans as 0 and 1 there, and quotes every value
  if (value.is_boolean()) {
    text = value.get<bool>() ? "1" : "0";
  } else {
    text = value.is_string() ? value.get<std::string>() : value.dump();
  }
  for (std::size_t at = text.find('"'); at != std::string::npos; at = text.find('"', at + 2)) text.insert(at, "\"");
  return '"' + text + '"';
}

}  // namespace

nlohmann::ordered_json bench_fields(const Subject& subject, const BenchRow& row) {
  const bool is_prefill = row.test.prompt > 0;
  const sim::BenchRate& rate = is_prefill ? row.result.prefill : row.result.decode;
  const int64_t ns = std::llround(rate.seconds * 1e9);
  Json out = subject_fields(subject, row.limits);
  out["n_prompt"] = row.test.prompt;
  out["n_gen"] = row.test.generate;
  out["n_depth"] = row.test.depth;
  out["test_time"] = "";  // no clock ran
  out["avg_ns"] = ns;
  out["stddev_ns"] = 0;
  out["avg_ts"] = rate.tokens_per_second;
  out["stddev_ts"] = 0.0;
  out["samples_ns"] = {ns};
  out["samples_ts"] = {rate.tokens_per_second};
  out["avg_ts_low"] = rate.low;
  out["avg_ts_high"] = rate.high;
  out["bound"] = name(rate.bound);
  if (!row.error.empty()) {
    for (const char* key : {"avg_ns", "stddev_ns", "avg_ts", "stddev_ts", "avg_ts_low", "avg_ts_high", "bound"})
      out[key] = nullptr;
    out["samples_ns"] = out["samples_ts"] = Json::array();
    out["error"] = row.error;
  }
  return out;
}

nlohmann::ordered_json batched_fields(const BenchRow& row, int64_t kv_max) {
  const auto& [prefill, decode] = row.result;
  const auto& test = row.test;
  const auto tokens = static_cast<double>(test.sequences);
  const double prompt = tokens * static_cast<double>(test.prompt),
               generated = tokens * static_cast<double>(test.generate);
  const double seconds = prefill.seconds + decode.seconds;
  // Of the whole: both parts at their slow end, both at their fast end.
  const auto rate = [&](double prefill_rate, double decode_rate) {
    const double time = (prompt > 0 ? prompt / prefill_rate : 0) + (generated > 0 ? generated / decode_rate : 0);
    return (prompt + generated) / time;
  };
  const auto& limits = row.limits;
  Json out = {{"n_kv_max", kv_max},
              {"n_batch", limits.max_num_batched_tokens},
              {"n_ubatch", micro_batch(limits)},
              {"flash_attn", row.flash_attention ? 1 : 0},
              {"is_pp_shared", 0},
              {"n_gpu_layers", kAllLayers},
              {"n_threads", 0},
              {"n_threads_batch", 0},
              {"pp", test.prompt},
              {"tg", test.generate},
              {"pl", test.sequences},
              {"n_kv", test.sequences * (test.depth + test.prompt + test.generate)},
              {"t_pp", prefill.seconds},
              {"speed_pp", prefill.tokens_per_second},
              {"t_tg", decode.seconds},
              {"speed_tg", decode.tokens_per_second},
              {"t", seconds},
              {"speed", (prompt + generated) / seconds}};
  if (test.depth > 0) out["n_depth"] = test.depth;
  out["avg_ts_low"] = rate(prefill.low, decode.low);
  out["avg_ts_high"] = rate(prefill.high, decode.high);
  out["bound"] = name(prefill.seconds > decode.seconds ? prefill.bound : decode.bound);
  if (!row.error.empty()) {
    for (const char* key : {"t_pp", "speed_pp", "t_tg", "speed_tg", "t", "speed", "avg_ts_low", "avg_ts_high", "bound"})
      out[key] = nullptr;
    out["error"] = row.error;
  }
  return out;
}

std::string bench_markdown(const std::vector<Json>& rows, const BenchColumns& columns) {
  return columns.batched ? batched_markdown(rows, columns) : single_markdown(rows, columns);
}

std::string bench_csv(const std::vector<Json>& rows) {
  // One set of columns for all: a row that fits has no error.
  const auto widest =
      std::max_element(rows.begin(), rows.end(), [](const Json& a, const Json& b) { return a.size() < b.size(); });
  std::vector<std::string> names;
  for (const auto& [key, value] : widest->items()) {
    if (key.substr(0, 8) != "samples_") names.push_back(key);
  }
  std::string text = fmt::format("{}\n", fmt::join(names, ","));
  for (const auto& row : rows) {
    std::vector<std::string> cells;
    for (const auto& name : names) {
      const auto found = row.find(name);
      cells.push_back(found == row.end() || found->is_null() ? "\"\"" : csv_cell(*found));
    }
    text += fmt::format("{}\n", fmt::join(cells, ","));
  }
  return text;
}

std::string bench_json(const std::vector<Json>& rows) { return Json(rows).dump(2) + "\n"; }

std::string bench_jsonl(const std::vector<Json>& rows) {
  std::string text;
  for (const auto& row : rows) text += row.dump() + "\n";
  return text;
}

}  // namespace tokwatt::cli
