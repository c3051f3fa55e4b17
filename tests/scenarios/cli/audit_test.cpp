// tokwatt audit: what is impossible is always caught, and what was measured never is.
#include <fmt/format.h>

#include <algorithm>
#include <fstream>
#include <map>
#include <nlohmann/json.hpp>
#include <set>
#include <sstream>

#include "scenarios/cli/audit_claims.hpp"
#include "scenarios/cli/audit_judges.hpp"
#include "scenarios/traces/sessions/csv_table.hpp"
#include "tests/catch.hpp"
#include "tests/scenarios/cli/scratch.hpp"

namespace tokwatt::cli {
namespace {

using Json = nlohmann::ordered_json;

constexpr const char* kHeader = "id,system,model,quant,metric,value_low,value_high,unit,quote\n";

Json audited_file(const std::string& path) {
  const auto said = tokwatt({"audit", path, "-o", "json"});
  INFO(said.err);
  REQUIRE(said.code == kDone);
  return Json::parse(said.out);
}

Json audited(const std::string& rows, const std::string& header = kHeader) {
  const Scratch scratch;
  const std::string path = (scratch.path() / "claims.csv").string();
  std::ofstream(path) << header << rows;
  return audited_file(path);
}

std::string verdict(const std::string& row) {
  const Json all = audited("x," + row + "\n");
  INFO(all.dump(2));
  REQUIRE(all.size() == 1);
  return all[0]["verdict"];
}

struct Measured {
  std::string claims;
  std::set<std::string> clean;  ///< ids
};

/// Measured rows of one box as a person would claim them: value, and how it was measured.
Measured measured_rows_as_claims() {
  scenarios::Mistakes mistakes("measurements");
  const scenarios::CsvColumns columns{
      {"id", "system_id", "model_id", "quant_id", "metric", "value", "clean"},
      {"prompt_len", "context_depth", "batch_or_concurrency", "n_devices", "speculative"},
      true};
  scenarios::CsvTable table(project("docs/validation/measurements.csv"), columns, mistakes);
  Measured out;
  while (table.next()) {
    const auto f = [&](const char* name) { return std::string(table.field(name)); };
    const bool is_rate = f("metric") == "tg_tok_s" || f("metric") == "pp_tok_s";
    const std::string batch = f("batch_or_concurrency");
    const bool is_count = !batch.empty() && batch.find_first_not_of("0123456789") == std::string::npos;
    if (!is_rate || !is_count || f("n_devices") != "1" || f("speculative") == "1") continue;
    if (f("clean") == "1") out.clean.insert(f("id"));
    out.claims +=
        fmt::format("{},{},{},{},{},{},{},tok/s,,{},{},{}\n", f("id"), f("system_id"), f("model_id"), f("quant_id"),
                    f("metric"), f("value"), f("value"), f("prompt_len"), f("context_depth"), batch);
  }
  REQUIRE(mistakes.count() == 0);
  return out;
}

}  // namespace

TEST_CASE("claims that two lines of arithmetic refute are always caught", "[cli][audit]") {
  const Json all = audited_file(project("tests/data/claims/caught.csv"));
  REQUIRE(all.size() >= 20);
  for (const auto& claim : all) {
    INFO(claim.dump(2));
    CHECK(claim["verdict"] == "impossible");
    CHECK(claim["arithmetic"].size() >= 1);
    CHECK(claim["arithmetic"].size() <= 2);
  }
}

TEST_CASE("no measured row of one box is called impossible when put in as a claim", "[cli][audit]") {
  const Measured measured = measured_rows_as_claims();
  REQUIRE(measured.clean.size() > 1000);
  const Json all = audited(
      measured.claims, "id,system,model,quant,metric,value_low,value_high,unit,quote,prompt_len,context_depth,batch\n");
  REQUIRE(all.size() > measured.clean.size());
  std::map<std::string, int> counts;
  for (const auto& claim : all) {
    INFO(claim.dump(2));
    CHECK(claim["verdict"] != "impossible");
    if (measured.clean.count(claim["id"]) > 0) ++counts[claim["verdict"].get<std::string>()];
  }
  // Names of clean rows are ids: each can be judged, and the intervals are of 90 % or wider (several engines may be
  // meant).
  INFO(counts["possible"] << " possible, " << counts["implausible"] << " implausible");
  CHECK(counts["not checkable"] == 0);
  CHECK(counts["possible"] >= 0.9 * static_cast<double>(measured.clean.size()));
}

TEST_CASE("every claim of the articles has a verdict and a reason", "[cli][audit]") {
  const Json all = audited_file(project("tests/data/claims/five-articles.csv"));
  REQUIRE(all.size() == 228);
  for (const auto& claim : all) {
    INFO(claim.dump(2));
    CHECK(claim["why"].get<std::string>().size() > 10);
    const std::string verdict = claim["verdict"];
    if (verdict == "impossible") CHECK(!claim["arithmetic"].empty());
    if (verdict != "not checkable") CHECK(!claim["read_as"].empty());
  }
}

TEST_CASE("the bound on decode is bandwidth over the bytes that a token reads", "[cli][audit]") {
  // 273 GB/s; 70.6e9 weights at 8.5 bits are 75 GB, of which the embedding table is not read: 3.7 tokens/s, and 15 % of
  // margin on that.
  CHECK(verdict("DGX Spark,Llama-3.1-70B,q8_0,tg_tok_s,4,4,tok/s,") != "impossible");
  CHECK(verdict("DGX Spark,Llama-3.1-70B,q8_0,tg_tok_s,4.5,4.5,tok/s,") == "impossible");
  // The same with 32,768 tokens of keys and values, 10.7 GB, in front.
  CHECK(verdict("DGX Spark,Llama-3.1-70B,q8_0 32K ctx,tg_tok_s,4,4,tok/s,") == "impossible");
}

TEST_CASE("the weak end of a range decides what is impossible", "[cli][audit]") {
  CHECK(verdict("DGX Spark,Llama-3.1-70B,q4_k_m,tg_tok_s,4,50,tok/s,") == "possible");
  CHECK(verdict("DGX Spark,Llama-3.1-70B,q4_k_m,tg_tok_s,40,50,tok/s,") == "impossible");
  CHECK(verdict("DGX Spark,Llama-3.1-70B,q4_k_m,tg_tok_s,,50,tok/s,") == "possible");
  CHECK(verdict("DGX Spark,Llama-3.1-70B,q4_k_m,tg_tok_s,40,,tok/s,") == "impossible");
}

TEST_CASE("watts above what a sheet's limits add up to are never called within them", "[cli][audit]") {
  const auto why = [](const std::string& row) { return audited("x,DGX Spark,,," + row + ",W,\n")[0]["why"].dump(); };
  // 171 W at the wall.
  CHECK_THAT(why("tdp_w,140,170"), Catch::Contains("140 to 170 W is within what the sheet's limits add up to"));
  for (const char* range : {"tdp_w,140,240", "power_w_max,160,400", "power_w_load,160,400"}) {
    CAPTURE(range);
    CHECK(verdict("DGX Spark,,," + std::string(range) + ",W,") == "possible");
    CHECK_THAT(why(range), !Catch::Contains("within") && !Catch::Contains("lies between") &&
                               Catch::Contains("; its upper end is above those 171 W"));
  }
  CHECK(verdict("DGX Spark,,,tdp_w,200,200,W,") == "possible");
  CHECK_THAT(why("tdp_w,200,200"), Catch::Contains("200 W is 17 % above what the sheet's limits add up to"));
  CHECK_THAT(why("tdp_w,240,240"), Catch::Contains("240 W is 1.40 times as much as what the sheet's limits add up to"));
  CHECK_THAT(why("tdp_w,140,"), Catch::Contains("at least 140 W is within"));
  CHECK_THAT(why("tdp_w,,240"),
             Catch::Contains("at most 240 W meets what the sheet's limits add up to") && !Catch::Contains("upper end"));
  CHECK_THAT(why("power_w_idle,90,90"), Catch::Contains("times as much as what the sheet has at rest"));
}

TEST_CASE("speculation and batches are other claims", "[cli][audit]") {
  CHECK(verdict("DGX Spark,Llama-3.1-70B,q4_k_m,tg_tok_s,12,12,tok/s,") == "impossible");
  CHECK(verdict("DGX Spark,Llama-3.1-70B,q4_k_m,tg_tok_s,12,12,tok/s,with an EAGLE-3 head") == "possible");
  CHECK(verdict("DGX Spark,Llama-3.1-70B,q4_k_m,tg_tok_s,12,12,tok/s,no speculation") == "impossible");
  CHECK(verdict("DGX Spark,Llama-3.1-70B,q4_k_m,tg_tok_s,60,60,tok/s,speculative decoding") == "implausible");
  CHECK(verdict("DGX Spark,Llama-3.1-8B,FP8,tg_tok_s,368,368,tok/s,") == "impossible");
  CHECK(verdict("DGX Spark,Llama-3.1-8B,FP8,tg_tok_s_b32,368,368,tok/s,") == "possible");
  CHECK(verdict("DGX Spark,Llama-3.1-8B,FP8,tg_tok_s,368,368,tok/s,aggregate over all users") == "not checkable");
}

TEST_CASE("what would make a rate true leaves room for the KV cache", "[cli][audit]") {
  const std::string header = "id,system,model,quant,metric,value_low,value_high,unit,quote,context_depth\n";
  const auto advice = [&](const std::string& rate) {
    return audited("x,rtx-4090,llama-3.1-8b,q4_k_m,tg_tok_s," + rate + "," + rate + ",tok/s,,32768\n",
                   header)[0]["would_make_it_true"]
        .get<std::string>();
  };
  // 1,008 GB/s / 200 = 5.04 GB a step, of which 4.29 GB are keys and values: 0.75 GB for 7.5e9 weights.
  CHECK_THAT(advice("200"), Catch::Contains("not another quant: 0.8 bits a weight would be left"));
  CHECK_THAT(advice("260"), Catch::Contains("the KV cache of 32,768 tokens alone is 4.29 GB of the 3.88 GB"));
}

TEST_CASE("a batch that arithmetic bounds says so, with all of its bytes and FLOPs", "[cli][audit]") {
  const std::string header = "id,system,model,quant,metric,value_low,value_high,unit,quote,engine,batch\n";
  const Json claim =
      audited("x,h100-sxm-80,llama-3.1-8b,bf16,throughput_tok_s,90000,90000,tok/s,,vllm,1024\n", header)[0];
  // 15 GB at 3,350 GB/s; 1,024 rows of 15 GFLOP at 989 TFLOP/s.
  CHECK_THAT(claim["arithmetic"].dump(),
             Catch::Contains("reads at least 15") && Catch::Contains("15.5 ms of arithmetic"));
  CHECK_THAT(claim["why"].get<std::string>(), Catch::Contains("the compute bound"));
  CHECK_THAT(claim["would_make_it_true"].get<std::string>(), !Catch::Contains("speculation"));
}

TEST_CASE("a claim that something does not fit is judged as that", "[cli][audit]") {
  CHECK(verdict("rtx-4090,70B,fp16,fits,1,1,bool,") == "impossible");
  CHECK(verdict("rtx-4090,70B,fp16,fits,0,0,bool,") == "possible");
  CHECK(verdict("rtx-4090,8B,q4_k_m,fits,1,1,bool,") == "possible");
  CHECK(verdict("rtx-4090,8B,q4_k_m,fits,0,0,bool,") == "implausible");
  CHECK(verdict("rtx-4090,8B,q4_k_m,fits,7,7,bool,") == "not checkable");
  CHECK(verdict("rtx-4090,,fp16,fits,70,120,B,") == "impossible");
  CHECK(verdict("rtx-4090,llama-3.1-70b,fp16,fits,1,1,bool,") == "impossible");
  CHECK(verdict("rtx-4090,Llama-3.1-8B,q4_k_m,fits,1,1,bool,") == "possible");
}

TEST_CASE("figures that vendors publish are possible", "[cli][audit]") {
  CHECK(verdict("rtx-4090,,,compute_tflops_fp8_sparse,1321,1321,TFLOPS,") == "possible");
  CHECK(verdict("rtx-4090,,,compute_tflops_fp8,660,660,TFLOPS,") == "possible");
  CHECK(verdict("rtx-4090,,,compute_tflops_fp8_sparse,2000,2000,TFLOPS,") == "impossible");
  CHECK(verdict(",qwen3-30b-a3b,,params_active_b,3.3,3.3,B,") == "possible");
  CHECK(verdict(",llama-3.1-8b,,params_active_b,8.03,8.03,B,") == "possible");
  CHECK(verdict(",qwen3-30b-a3b,,params_active_b,6,6,B,") == "implausible");
}

TEST_CASE("an alias, written as it is here, means its box", "[cli][audit]") {
  const Names names;
  CHECK(names.boxes("spark").ids == std::vector<std::string>{"dgx-spark"});
  CHECK(names.boxes("Spark").ids.size() > 1);
  CHECK(names.boxes("2x spark").ids.empty());  // count_off() comes first
}

TEST_CASE("names that may mean several things are not guessed", "[cli][audit]") {
  // 96, 256 and 512 GB: a model of 131 GB fits some.
  const Json some = audited("x,Mac Studio M3 Ultra,DeepSeek-V3,iq1_s,tg_tok_s,22,22,tok/s,\n");
  CHECK(some[0]["verdict"] == "not checkable");
  CHECK(some[0]["why"].get<std::string>().find("mac-studio-m3-ultra-60c-96: impossible") != std::string::npos);
  CHECK(some[0]["why"].get<std::string>().find("mac-studio-m3-ultra-80c-512: ") != std::string::npos);
  // An M4 is no M4 Pro, and nothing here is a Qwen3 of 72B.
  const Json none = audited("x,DGX Spark,Qwen3 72B,Q4,tg_tok_s,5,5,tok/s,\n");
  CHECK(none[0]["verdict"] == "not checkable");
  CHECK(none[0]["why"].get<std::string>().find("no model here is called \"Qwen3 72B\"") != std::string::npos);
  const Names names;
  CHECK(names.boxes("Mac mini M4").ids == std::vector<std::string>{"m4-10c-32"});
  CHECK(names.boxes("M4 Pro").ids == std::vector<std::string>{"mac-mini-m4-pro-64"});
  CHECK(names.boxes("Mac Studio M3 Ultra 512GB").ids == std::vector<std::string>{"mac-studio-m3-ultra-80c-512"});
  CHECK(names.boxes("RTX Spark").ids.size() == 2);
  CHECK(names.models("Qwen3-30B-A3B").ids == std::vector<std::string>{"qwen3-30b-a3b"});
  CHECK(names.models("70B").ids.size() >= 3);
  CHECK(names.quants("Q4_K_M").ids == std::vector<std::string>{"q4_k_m"});
  CHECK(names.quants("IQ2").ids.size() == 4);
  CHECK_FALSE(names.quants("").said);
}

TEST_CASE("a peak that is derived has a margin, and rounding is forgiven", "[cli][audit]") {
  // 125 TFLOP/s dense by a quarter of the FP4 peak, 250 with 2:4 sparsity.
  CHECK(verdict("DGX Spark,,,compute_tflops_bf16,280,280,TFLOPS,") == "implausible");
  CHECK(verdict("DGX Spark,,,compute_tflops_bf16,320,320,TFLOPS,") == "impossible");
  // 819 GB/s, and 28.4 TFLOP/s.
  CHECK(verdict("Mac Studio M3 Ultra,,,mem_bandwidth_gb_s,800,800,GB/s,") == "possible");
  CHECK(verdict("Mac Studio M3 Ultra,,,mem_bandwidth_gb_s,900,900,GB/s,") == "impossible");
  CHECK(verdict("Mac Studio M3 Ultra,,,compute_tflops_bf16,30,30,TFLOPS,") == "possible");
}

TEST_CASE("what was never built is not checkable, and says what it would have been", "[cli][audit]") {
  const Json all = audited("x,Mac Studio M4 Ultra 192GB,Llama-3.1-70B,Q8,tg_tok_s,90,90,tok/s,\n");
  CHECK(all[0]["verdict"] == "not checkable");
  CHECK(all[0]["why"].get<std::string>().find("was never built") != std::string::npos);
}

TEST_CASE("a metric or a unit that is not known says so", "[cli][audit]") {
  CHECK(verdict("DGX Spark,Llama-3.1-8B,FP8,tg_tok,20,20,tok/s,") == "not checkable");
  CHECK(verdict("DGX Spark,Llama-3.1-8B,FP8,tg_tok_s,20,20,tok/min,") == "not checkable");
  CHECK(verdict("DGX Spark,,,memory_type,,,,LPDDR5X") == "not checkable");
}

TEST_CASE("a text that denies speculation does not name it", "[cli][audit]") {
  CHECK(names_speculation("multi-token prediction (speculative decoding) for 2x"));
  CHECK(names_speculation("with MTP"));
  CHECK_FALSE(names_speculation("without speculation"));
  CHECK_FALSE(names_speculation("no speculative decoding"));
  CHECK_FALSE(names_speculation("a first draft of the article"));
}

TEST_CASE("the page has every claim once, and tables that hold", "[cli][audit]") {
  const auto page = tokwatt({"audit", project("tests/data/claims/five-articles.csv"), "-o", "md"});
  REQUIRE(page.code == kDone);
  std::map<std::string, int> rows;
  std::istringstream lines(page.out);
  for (std::string line; std::getline(lines, line);) {
    if (line.rfind("| C", 0) != 0 || line.rfind("| Claim", 0) == 0) continue;
    ++rows[line.substr(2, 4)];
    INFO(line);
    const auto bars = std::count(line.begin(), line.end(), '|');
    CHECK((bars == 5 || bars == 6));
  }
  CHECK(rows.size() == 228);
  CHECK(std::all_of(rows.begin(), rows.end(), [](const auto& row) { return row.second == 1; }));
  const auto table = tokwatt({"audit", project("tests/data/claims/five-articles.csv")});
  CHECK(longest_line(table.out) <= 80);
}

}  // namespace tokwatt::cli
