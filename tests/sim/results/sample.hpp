#pragma once
// A small results value with every kind of column, for the tests of the file.
#include "sim/results/results.hpp"

namespace tokwatt::sim {

inline Results sample_results(int64_t requests = 3) {
  Results results;
  results.title = "Zwölf Leute";
  results.summary = nlohmann::ordered_json::parse(R"({
    "duration_s": 4.5, "requests": {"submitted": 3}, "ttft_s": {"p50": 0.25, "p99": null},
    "energy_j": {"wall": 12.5}, "kv": {"peak_fraction": 0.5, "preemptions": 2}, "cost_usd": {"electricity": null},
    "deployments": {"chat": {"duration_s": 4.5}}, "assumed": ["a"], "interval90": null})");
  results.groups = {
      {"series",
       {{"time", 2}, {"deployment", 1}, {"device", 2}},
       {{"time", "s", "end of the interval", {"time"}, std::vector<double>{1, 2}, {}},
        {"deployment", "", "name", {"deployment"}, std::vector<std::string>{"chät"}, {}},
        {"device", "", "name", {"device"}, std::vector<std::string>{"desk/0", "desk/1"}, {}},
        {"queue", "count", "waiting requests", {"time", "deployment"}, std::vector<int64_t>{0, 5}, {}},
        {"temperature", "degC", "die temperature", {"time", "device"}, std::vector<double>{40, 41, 50, 51.5}, {}},
        {"limited_by",
         "1",
         "what limited it",
         {"time", "deployment"},
         std::vector<int8_t>{1, 0},
         {"idle", "power limit"}},
        {"level", "1", "clock level", {"device"}, std::vector<int32_t>{7, 8}, {}}}},
      {"requests",
       {{"request", requests}},
       {{"prompt",
         "count",
         "prompt tokens",
         {"request"},
         std::vector<int64_t>(static_cast<std::size_t>(requests), 9),
         {}},
        {"stream",
         "",
         "stream",
         {"request"},
         std::vector<std::string>(static_cast<std::size_t>(requests), "people"),
         {}}}}};
  return results;
}

inline std::vector<CarriedText> sample_texts() {
  return {{"scenario", "title: Zwölf Leute\n"}, {"systems/desk", std::string(100'000, 'x')}, {"systems/lap", ""}};
}

}  // namespace tokwatt::sim
