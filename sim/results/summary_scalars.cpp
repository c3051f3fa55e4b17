#include "sim/results/summary_scalars.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <limits>
#include <nlohmann/json.hpp>
#include <string_view>

namespace tokwatt::sim {
namespace {

struct KeyMeaning {
  std::string_view key;  ///< first part of the dotted path
  std::string_view units;
  std::string_view long_name;
};

constexpr std::array kMeanings = {
    KeyMeaning{"duration_s", "s", "first send to last finish"},
    KeyMeaning{"rows", "count", "rows of the traces"},
    KeyMeaning{"requests", "count", "requests"},
    KeyMeaning{"requests_retried", "count", "requests sent again"},
    KeyMeaning{"requests_held_back", "count", "due, and not sent since others of the client were still out"},
    KeyMeaning{"tokens", "count", "tokens"},
    KeyMeaning{"throughput_tok_s", "count/s", "tokens per second"},
    KeyMeaning{"request_rate_per_s", "1/s", "completed requests per second"},
    KeyMeaning{"goodput_per_s", "1/s", "requests per second within the objective"},
    KeyMeaning{"ttft_s", "s", "time to first token"},
    KeyMeaning{"ttfa_s", "s", "time to first answer token"},
    KeyMeaning{"tpot_s", "s", "mean gap between the tokens of a request"},
    KeyMeaning{"itl_s", "s", "every gap between two tokens"},
    KeyMeaning{"e2e_s", "s", "whole request"},
    KeyMeaning{"queue_s", "s", "sent to admitted"},
    KeyMeaning{"batch", "count", "sequences in a step"},
    KeyMeaning{"kv", "1", "KV cache"},
    KeyMeaning{"energy_j", "J", "energy"},
    KeyMeaning{"power_w", "W", "power"},
    KeyMeaning{"temperature_c", "degC", "die temperature"},
    KeyMeaning{"clock_hz", "Hz", "core clock"},
    KeyMeaning{"throttled_s", "s", "time that the thermal trip or the power limit held the clock down"},
    KeyMeaning{"over_limit_s", "s",
               "time in which a chip drew clearly more than its power limit, of several chips the most"},
    KeyMeaning{"heat_cost.output_fraction", "1", "part of the output per second that heat cost"},
    KeyMeaning{"heat_cost.e2e_s", "s", "by how much heat made the mean answer longer"},
    KeyMeaning{"cost_usd", "USD", "cost"},
    KeyMeaning{"usd_per_mtok_output", "1e-6 USD/count", "cost per million output tokens"},
    KeyMeaning{"j_per_tok_output", "J/count", "energy at the wall per output token"},
    KeyMeaning{"noise_dba", "dBA", "noise of the loudest box's fan"},
    KeyMeaning{"room.temperature_c", "degC", "temperature of the room"},
    KeyMeaning{"room.cooling_j", "J", "electrical energy that cooled the room"},
    KeyMeaning{"room.cooling_usd", "USD", "its cost"},
    KeyMeaning{"limited_by", "1", "fraction of time limited by"},
};

/// Units of a key that the table does not know, from how it ends; the longer ending first where one ends another.
constexpr std::array kEndings = {
    KeyMeaning{"_per_s", "1/s", ""}, KeyMeaning{"_tok_s", "count/s", ""}, KeyMeaning{"_usd", "USD", ""},
    KeyMeaning{"_hz", "Hz", ""},     KeyMeaning{"_s", "s", ""},           KeyMeaning{"_w", "W", ""},
    KeyMeaning{"_j", "J", ""},       KeyMeaning{"_c", "degC", ""},
};

constexpr std::array<std::string_view, 5> kOnlyInJson = {"deployments", "workload", "assumed", "interval90", "plan"};

KeyMeaning meaning_of(std::string_view key) {
  const auto known =
      std::find_if(kMeanings.begin(), kMeanings.end(), [&](const KeyMeaning& m) { return m.key == key; });
  if (known != kMeanings.end()) return *known;
  const auto ending =
      std::find_if(kEndings.begin(), kEndings.end(), [&](const KeyMeaning& m) { return key.ends_with(m.key); });
  return {key, ending == kEndings.end() ? "1" : ending->units, key};
}

/// `within` is the path below the first key, as words: "" or "wall, mean".
void add(std::vector<SummaryScalar>& out, const KeyMeaning& meaning, const std::string& path, const std::string& within,
         const nlohmann::ordered_json& value) {
  if (value.is_object()) {
    for (const auto& [key, inner] : value.items()) {
      add(out, meaning, path + "." + key, within.empty() ? key : within + ", " + key, inner);
    }
    return;
  }
  if (!value.is_number() && !value.is_null()) return;
  const bool counted =
      path == "kv.preemptions" || path == "kv.out_of_context" || path.ends_with("_tokens");  // among fractions
  SummaryScalar scalar{
      path, std::string(counted ? "count" : meaning.units),
      within.empty() ? std::string(meaning.long_name) : fmt::format("{}: {}", meaning.long_name, within),
      std::numeric_limits<double>::quiet_NaN()};
  if (value.is_number_integer()) {
    scalar.value = value.get<int64_t>();
  } else if (value.is_number()) {
    scalar.value = value.get<double>();
  }
  out.push_back(std::move(scalar));
}

}  // namespace

std::vector<SummaryScalar> summary_scalars(const nlohmann::ordered_json& summary) {
  std::vector<SummaryScalar> out;
  for (const auto& [key, value] : summary.items()) {
    if (std::find(kOnlyInJson.begin(), kOnlyInJson.end(), key) != kOnlyInJson.end()) continue;
    if (key == "room" || key == "heat_cost") {  // what they hold has different units
      for (const auto& [name, inner] : value.items()) {
        const std::string path = key + "." + name;
        add(out, meaning_of(path), path, "", inner);
      }
    } else {
      add(out, meaning_of(key), key, "", value);
    }
  }
  return out;
}

}  // namespace tokwatt::sim
