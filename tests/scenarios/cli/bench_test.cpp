#include <nlohmann/json.hpp>

#include "tests/catch.hpp"
#include "tests/scenarios/cli/scratch.hpp"

namespace tokwatt::cli {
namespace {

using Json = nlohmann::ordered_json;

Said bench_of(Arguments more) {
  Arguments arguments = {"bench",   "--system", "spark",    "--model",       "gpt-oss-120b",
                         "--quant", "mxfp4",    "--engine", "llama.cpp-cuda"};
  arguments.insert(arguments.end(), more.begin(), more.end());
  return tokwatt(arguments);
}

std::vector<std::string> lines_of(const std::string& text) {
  std::vector<std::string> out;
  std::istringstream lines(text);
  for (std::string line; std::getline(lines, line);) out.push_back(line);
  return out;
}

std::string keys(const Json& object) {
  std::string out;
  for (const auto& [key, value] : object.items()) out += key + " ";
  return out;
}

const std::string kFields =
    "build_commit build_number cpu_info gpu_info backends model_filename model_type model_size model_n_params n_batch "
    "n_ubatch n_threads cpu_mask cpu_strict poll type_k type_v n_gpu_layers n_cpu_moe split_mode main_gpu "
    "no_kv_offload "
    "flash_attn devices tensor_split tensor_buft_overrides load_mode embeddings no_op_offload no_host fit_target "
    "fit_min_ctx n_prompt n_gen n_depth test_time avg_ns stddev_ns avg_ts stddev_ts samples_ns samples_ts ";

}  // namespace

TEST_CASE("bench -o json has llama-bench's fields in order, then the interval and the bound", "[cli][bench]") {
  const auto said = bench_of({"-p", "2048", "-n", "32", "-d", "0,8192", "-o", "json"});
  REQUIRE(said.code == kDone);
  const auto rows = Json::parse(said.out);
  REQUIRE(rows.size() == 4);
  for (const auto& row : rows) {
    CHECK(keys(row) == kFields + "avg_ts_low avg_ts_high bound ");
    const double rate = row["avg_ts"].get<double>();
    const double tokens = row["n_prompt"].get<double>() + row["n_gen"].get<double>();
    CHECK(rate == Approx(tokens * 1e9 / row["avg_ns"].get<double>()).epsilon(1e-6));
    CHECK(row["avg_ts_low"] <= rate);
    CHECK(row["avg_ts_high"] >= rate);
  }
  CHECK(rows[0]["n_prompt"] == 2048);
  CHECK(rows[1]["n_gen"] == 32);
  CHECK(rows[2]["n_depth"] == 8192);
  // A deeper cache is more to read and to attend to.
  CHECK(rows[2]["avg_ts"] < rows[0]["avg_ts"]);
  CHECK(rows[3]["avg_ts"] < rows[1]["avg_ts"]);
}

TEST_CASE("bench's markdown is llama-bench's table with three columns more", "[cli][bench]") {
  const auto lines = lines_of(bench_of({"-p", "2048", "-n", "32", "-d", "8192"}).out);
  REQUIRE(lines.size() == 6);
  CHECK(lines[0] ==
        "| model                          |       size |     params | backend    | ngl |            test |             "
        "     t/s "
        "|        low |       high | bound     |");
  CHECK(lines[1] ==
        "| ------------------------------ | ---------: | ---------: | ---------- | --: | --------------: | "
        "-------------------: "
        "| ---------: | ---------: | --------- |");
  CHECK_THAT(lines[2], Catch::StartsWith("| gpt-oss-120b MXFP4             |  58."));
  CHECK_THAT(lines[2], Catch::Contains("GiB |   116.79 B | CUDA       |  -1 |  pp2048 @ d8192 | "));
  CHECK_THAT(lines[3], Catch::Contains("|    tg32 @ d8192 | "));
  CHECK_THAT(lines[3], Catch::Contains(" \u00b1 0.00 | "));
  CHECK(lines[5] == "build: tokwatt 0.1.0 (0)");
}

TEST_CASE("bench shows the KV format where it is not llama-bench's default", "[cli][bench]") {
  CHECK_THAT(bench_of({"--kv", "q8_0"}).out,
             Catch::Contains("| type_k | type_v |") && Catch::Contains("|   q8_0 |   q8_0 |"));
}

TEST_CASE("bench -o csv quotes every value, jsonl has an object per line", "[cli][bench]") {
  const auto csv = lines_of(bench_of({"-o", "csv", "-p", "512", "-n", "0"}).out);
  REQUIRE(csv.size() == 2);
  CHECK_THAT(csv[0], Catch::StartsWith("build_commit,build_number,") &&
                         Catch::EndsWith("stddev_ts,avg_ts_low,avg_ts_high,bound"));
  CHECK_THAT(csv[1], Catch::StartsWith("\"tokwatt 0.1.0\",\"0\",\"\",\"NVIDIA DGX Spark (GB10, 128 GB)\",\"CUDA\","));
  const auto jsonl = lines_of(bench_of({"-o", "jsonl"}).out);
  REQUIRE(jsonl.size() == 2);
  CHECK(Json::parse(jsonl[1])["n_gen"] == 128);
}

TEST_CASE("bench: -p 0 and -n 0 leave a test out", "[cli][bench]") {
  const auto only_decode = Json::parse(bench_of({"-p", "0", "-n", "32,64", "-o", "json"}).out);
  REQUIRE(only_decode.size() == 2);
  CHECK(only_decode[0]["n_prompt"] == 0);
}

TEST_CASE("bench: -npl above 1 gives llama-batched-bench's rows, speeds summed over the sequences", "[cli][bench]") {
  const auto said = bench_of({"-p", "512", "-n", "32", "-npl", "1,8", "-o", "jsonl"});
  REQUIRE(said.code == kDone);
  const auto lines = lines_of(said.out);
  REQUIRE(lines.size() == 2);
  const auto one = Json::parse(lines[0]), eight = Json::parse(lines[1]);
  CHECK(keys(eight) ==
        "n_kv_max n_batch n_ubatch flash_attn is_pp_shared n_gpu_layers n_threads n_threads_batch pp tg pl n_kv t_pp "
        "speed_pp t_tg speed_tg t speed avg_ts_low avg_ts_high bound ");
  CHECK(eight["n_kv"] == 8 * (512 + 32));
  CHECK(eight["n_kv_max"] == 8 * (512 + 32));
  CHECK(eight["speed_tg"].get<double>() == Approx(8 * 32 / eight["t_tg"].get<double>()));
  CHECK(eight["t"].get<double>() == Approx(eight["t_pp"].get<double>() + eight["t_tg"].get<double>()));
  CHECK(eight["speed"] >= eight["avg_ts_low"]);
  CHECK(eight["speed"] <= eight["avg_ts_high"]);
  CHECK(eight["speed_tg"] > one["speed_tg"]);
  CHECK_THAT(bench_of({"-npl", "8"}).out,
             Catch::StartsWith("|    PP |     TG |    B |   N_KV |   T_PP s | S_PP t/s |"));
}

TEST_CASE("bench: -b and -ub set the tokens of a step and of a pass, one row each", "[cli][bench]") {
  const auto rows = Json::parse(bench_of({"-p", "2048", "-n", "0", "-b", "2048", "-ub", "256,2048", "-o", "json"}).out);
  REQUIRE(rows.size() == 2);
  CHECK(rows[0]["n_ubatch"] == 256);
  CHECK(rows[1]["n_ubatch"] == 2048);
  CHECK(rows[0]["avg_ts"].get<double>() < rows[1]["avg_ts"].get<double>());  // weights are read eight times
}

TEST_CASE("bench: -fa 0 writes attention's scores to memory, and the rows say so", "[cli][bench]") {
  const auto on = Json::parse(bench_of({"-p", "2048", "-n", "0", "-d", "16384", "-fa", "1", "-o", "json"}).out)[0];
  const auto off = Json::parse(bench_of({"-p", "2048", "-n", "0", "-d", "16384", "-fa", "0", "-o", "json"}).out)[0];
  CHECK(on["flash_attn"] == 1);
  CHECK(off["flash_attn"] == 0);
  CHECK(off["avg_ts"] < on["avg_ts"]);
}

TEST_CASE("bench: a row that does not fit says so among those that do", "[cli][bench]") {
  const auto said = bench_of({"-p", "2048", "-n", "32", "-npl", "1,100000", "-o", "json"});
  CHECK(said.code == kDone);
  const auto rows = Json::parse(said.out);
  REQUIRE(rows.size() == 2);
  CHECK(rows[0]["speed"].is_number());
  CHECK(rows[1]["speed"].is_null());
  CHECK_THAT(rows[1]["error"].get<std::string>(), Catch::Contains("does not fit"));
}

TEST_CASE("bench: --set changes the box that is measured", "[cli][bench]") {
  const auto rate = [](const Said& said) { return Json::parse(said.out)[0]["avg_ts"].get<double>(); };
  const auto half = bench_of({"-p", "0", "-o", "json", "--set", "memory.bandwidth=136.5 GB/s"});
  REQUIRE(half.code == kDone);
  CHECK(rate(half) < 0.7 * rate(bench_of({"-p", "0", "-o", "json"})));
}

TEST_CASE("a state that is absurdly large is refused, as weights are", "[cli][bench]") {
  const auto said = tokwatt({"bench", "--system", "spark", "--model", "qwen3.6-35b-a3b", "--quant", "q8_0", "--engine",
                             "llama.cpp", "--set", "model.linear.value_heads=3000", "--set", "model.linear.key_heads=1",
                             "--set", "model.linear.head_dim=1000000000", "--set", "model.hidden=1"});
  CHECK(said.code == kBadInput);
  CHECK_THAT(said.err, Catch::Contains("keeps a state of 9e+22 elements per sequence; expected at most 1e+12"));
}

TEST_CASE("flash attention is shown where it was asked for, and refused where there is no choice", "[cli][bench]") {
  CHECK_THAT(bench_of({"-fa", "0"}).out, Catch::Contains("| fa |") && Catch::Contains("|  0 |"));
  CHECK_THAT(bench_of({}).out, !Catch::Contains("| fa |"));
  const auto vllm = tokwatt(
      {"bench", "--system", "spark", "--model", "gpt-oss-120b", "--quant", "mxfp4", "--engine", "vllm", "-fa", "0"});
  CHECK(vllm.code == kInfeasible);
  CHECK_THAT(vllm.err, Catch::Contains("vllm has no attention without -fa"));
  CHECK_THAT(bench_of({"-fa", "0", "--kv", "q8_0"}).err, Catch::Contains("with flash attention only"));
}

}  // namespace tokwatt::cli
