// Which claims are whose: by metric. What nobody here can judge says why.
#include <fmt/format.h>

#include <array>

#include "scenarios/cli/audit_judges.hpp"
#include "scenarios/diagnostics.hpp"

namespace tokwatt::cli {
namespace {

struct Kind {
  const char* metric;  ///< one that ends with _ stands for all that begin so
  const char* unit;    ///< empty: any
  Answer (*judge)(const Claim&, Court&);
};

constexpr std::array kKinds = {
    Kind{"tg_tok_s", "tok/s", judge_speed},
    Kind{"pp_tok_s", "tok/s", judge_speed},
    Kind{"throughput_tok_s", "tok/s", judge_speed},
    Kind{"ttft_s", "s", judge_speed},
    Kind{"tok_s_per_usd", "tok/s/USD", judge_speed},
    Kind{"mem_bandwidth_gb_s", "GB/s", judge_figure},
    Kind{"measured_bandwidth_gb_s", "GB/s", judge_figure},
    Kind{"bandwidth_efficiency", "fraction", judge_figure},
    Kind{"memory_gb", "GB", judge_figure},
    Kind{"compute_tflops", "TFLOPS", judge_figure},
    Kind{"compute_tflops_", "TFLOPS", judge_figure},
    Kind{"compute_pflops", "PFLOPS", judge_figure},
    Kind{"compute_pflops_", "PFLOPS", judge_figure},
    Kind{"power_w_idle", "W", judge_figure},
    Kind{"power_w_load", "W", judge_figure},
    Kind{"power_w_max", "W", judge_figure},
    Kind{"power_w_system_peak", "W", judge_figure},
    Kind{"power_w_soc", "W", judge_figure},
    Kind{"tdp_w", "W", judge_figure},
    Kind{"price_usd", "USD", judge_figure},
    Kind{"breakeven_months_at_", "months", judge_figure},
    Kind{"params_b", "B", judge_size},
    Kind{"params_total_b", "B", judge_size},
    Kind{"params_active_b", "B", judge_size},
    Kind{"size_gb", "GB", judge_size},
    Kind{"max_model_b", "B", judge_size},
    Kind{"fits", "", judge_size},
    Kind{"bandwidth_ratio", "x", judge_ratio},
    Kind{"memory_ratio", "x", judge_ratio},
    Kind{"compute_ratio", "x", judge_ratio},
    Kind{"tg_ratio", "x", judge_ratio},
    Kind{"prefill_ratio", "x", judge_ratio},
};

struct Reason {
  const char* metric;
  const char* why;
};

/// Metrics that are known, and why there is no verdict on them.
constexpr std::array kReasons = {
    Reason{"price_usd_launch", "sheets hold today's price, not that of the launch"},
    Reason{"price_increase_pct", "sheets hold one price, not how it changed"},
    Reason{"price_increase_usd", "sheets hold one price, not how it changed"},
    Reason{"price_delta_usd", "a difference of two prices, which are audited by themselves"},
    Reason{"power_w_rated", "a rating of the power supply; the sheet has what the box draws"},
    Reason{"energy_ratio_vs_spark", "it depends on how long each box works and idles, which it does not say"},
    Reason{"energy_usd_per_year", "it depends on hours a day, load and tariff, which the row does not hold"},
    Reason{"watt_per_tok_s", "a ratio of a power and a rate, which are audited by themselves"},
    Reason{"swe_bench_pct", "quality of answers is not modelled"},
    Reason{"toolcall15_pct", "quality of answers is not modelled"},
    Reason{"oom_at_gb", "how much a system's page cache holds at that moment is not modelled"},
    Reason{"min_model_b", "advice on what to run, not a figure"},
    Reason{"model_b", "fine-tuning is not modelled"},
    Reason{"speedup", "it does not say against what, with which weights"},
    Reason{"speedup_vs_mac", "a prompt on one box and its answer on another (disaggregated) is not built yet"},
    Reason{"speedup_vs_spark", "a prompt on one box and its answer on another (disaggregated) is not built yet"},
    Reason{"speedup_vs_either", "a prompt on one box and its answer on another (disaggregated) is not built yet"},
    Reason{"speedup_vs_m4", "it does not say of which model, in prefill or in decode"},
    Reason{"software_speedup", "sheets describe one state of the software, not its past"},
    Reason{"mtp_speedup", "it depends on how many guesses are accepted, which it does not say"},
    Reason{"decode_advantage", "it names no model; of a dense one it is about the ratio of the bandwidths"},
    Reason{"compute_bound_ratio", "it names neither the boxes nor the work"},
    Reason{"tok_per_usd_ratio", "it names no model, and rests on prices that are audited by themselves"},
    Reason{"fraction_of_quoted_perf", "it does not say which figure was quoted and which measured"},
    Reason{"throttle", "it depends on room, chassis and minutes: a scenario answers it (docs/theory/heat.md)"},
    Reason{"prompt_len", "a condition of another claim, not a figure"},
    Reason{"breakeven_spend", "it names no box, model or hours: a scenario answers it"},
    Reason{"link_gbps", "sheets of boxes hold no ports; links are sheets of their own (tokwatt list links)"},
    Reason{"c2c_bandwidth_gb_s", "a link between two chips, not the memory's bandwidth; the sheet holds the memory's"},
    Reason{"bandwidth_gb_s", "a link's bandwidth, and not of a box: see tokwatt list links"},
    Reason{"cpu_cores", "sheets hold no counts of cores: nothing here depends on them"},
    Reason{"gpu_cores", "sheets hold no counts of cores but in their titles: peaks stand for them"},
    Reason{"sm_count", "sheets hold no counts of cores: peaks stand for them"},
    Reason{"cpu", "sheets hold no counts of cores: nothing here depends on them"},
    Reason{"cpu_clock_ghz", "sheets hold the clock of the GPU, not of the processors"},
    Reason{"npu_tops", "no engine here runs on a neural engine, and sheets leave it out"},
    Reason{"memory_type", "sheets hold what a memory does, not how it is made"},
    Reason{"storage_tb", "sheets hold how fast a disk reads, not its size"},
    Reason{"volume_l", "how large a box is changes nothing here"},
    Reason{"battery_h_light", "batteries are not modelled"},
    Reason{"battery_h_ai", "batteries are not modelled"},
    Reason{"pytorch_feature_parity", "software is not compared here"},
};

bool is_of(const Kind& kind, const std::string& metric) {
  const std::string_view name = kind.metric;
  return name.back() == '_' ? metric.rfind(name, 0) == 0 && metric.size() > name.size() : metric == name;
}

std::vector<std::string> known_metrics() {
  std::vector<std::string> out;
  for (const auto& kind : kKinds) out.emplace_back(kind.metric);
  return out;
}

}  // namespace

Answer judge(const Claim& claim, Court& court) {
  for (const auto& kind : kKinds) {
    if (!is_of(kind, claim.metric)) continue;
    if (!claim.has_value) return not_checkable("it has no number");
    if (kind.unit[0] != '\0' && claim.unit != kind.unit) {
      return not_checkable(
          fmt::format("its unit is {}; {} is in {}", scenarios::in_quotes(claim.unit), claim.metric, kind.unit));
    }
    return kind.judge(claim, court);
  }
  for (const auto& reason : kReasons) {
    if (claim.metric == reason.metric) return not_checkable(reason.why);
  }
  return not_checkable(fmt::format("{} is no metric that is known here{}", scenarios::in_quotes(claim.metric),
                                   scenarios::did_you_mean(claim.metric, known_metrics())));
}

}  // namespace tokwatt::cli
