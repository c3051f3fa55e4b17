// What sheets say of the tuning, laid over the calibration that comes with the program.
#include <fast_float/fast_float.h>
#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <sstream>

#include "scenarios/read/reader.hpp"
#include "scenarios/sheets/calibration.hpp"

namespace tokwatt::scenarios {
namespace {

using models::kTuning;
using models::kTuningParameters;

std::vector<double> numbers_in(const Text& text, const std::string& path, Diagnostics& diagnostics) {
  std::vector<double> out;
  std::istringstream words(text.value);
  for (std::string word; words >> word;) {
    double value = 0;
    const auto read = fast_float::from_chars(word.data(), word.data() + word.size(), value);
    if (read.ec != std::errc() || read.ptr != word.data() + word.size() || !std::isfinite(value)) {
      diagnostics.error(text.place,
                        fmt::format("{} holds {}; expected numbers separated by spaces", path, in_quotes(word)));
      return {};
    }
    out.push_back(value);
  }
  return out;
}

/// Index of a parameter by its key; reports one that there is not.
std::optional<std::size_t> parameter(const Named<Text>& entry, const std::string& path, Diagnostics& diagnostics) {
  std::vector<std::string> known;
  for (std::size_t i = 0; i < kTuningParameters; ++i) {
    if (entry.name == kTuning[i].key) return i;
    known.emplace_back(kTuning[i].key);
  }
  diagnostics.error(entry.place, fmt::format("{} has {}; there is no such parameter{}", path, in_quotes(entry.name),
                                             did_you_mean(entry.name, known)));
  return std::nullopt;
}

/// Takes the draws of one parameter; all parameters have as many, since the k-th draws of all belong together.
bool take_draws(const Named<Text>& entry, const std::string& path, std::size_t i, std::size_t count,
                models::Uncertain& into, Diagnostics& diagnostics) {
  const auto draws = numbers_in(entry.value, fmt::format("{}.{}", path, entry.name), diagnostics);
  if (draws.empty()) return false;
  if (count > 0 && draws.size() != count) {
    diagnostics.error(entry.place,
                      fmt::format("{}.{} has {} numbers; expected {}", path, entry.name, draws.size(), count));
    return false;
  }
  into.draws.resize(draws.size());
  for (std::size_t k = 0; k < draws.size(); ++k) into.draws[k][i] = draws[k];
  return true;
}

void lay_over_added(const std::vector<Named<AddedTuning>>& sheet, const std::string& section, std::size_t draws,
                    std::map<std::string, models::Uncertain>& by, Diagnostics& diagnostics) {
  for (const auto& [name, place, said] : sheet) {
    const std::string path = fmt::format("tuning.{}.{}", section, path_segment(name));
    const auto other = by.find("other");
    auto& into = by.try_emplace(name, other == by.end() ? models::Uncertain{} : other->second).first->second;
    into.draws.resize(draws);
    for (const auto& entry : said.added) {
      const auto i = parameter(entry, path + ".added", diagnostics);
      const auto value = numbers_in(entry.value, fmt::format("{}.added.{}", path, entry.name), diagnostics);
      if (i && value.size() == 1) {
        into.value[*i] = value.front();
        for (auto& draw : into.draws) draw[*i] = 0;
      } else if (value.size() > 1) {
        diagnostics.error(entry.value.place,
                          fmt::format("{}.added.{} has {} numbers; expected one", path, entry.name, value.size()));
      }
    }
    for (const auto& entry : said.draws) {
      if (const auto i = parameter(entry, path + ".draws", diagnostics))
        take_draws(entry, path + ".draws", *i, draws, into, diagnostics);
    }
  }
}

}  // namespace

void lay_over_calibration(const TuningSheet& sheet, models::Calibration& fit, const Place& place,
                          Diagnostics& diagnostics) {
  const models::Linked given = models::linked(sheet.given);
  for (std::size_t i = 0; i < kTuningParameters; ++i) {
    if (std::isnan(given[i])) continue;
    fit.base.value[i] = given[i];
    fit.fixed[i] = true;
    for (auto& draw : fit.base.draws) draw[i] = 0;
  }
  for (const auto& entry : sheet.draws) {
    const auto i = parameter(entry, "tuning.draws", diagnostics);
    if (!i || !take_draws(entry, "tuning.draws", *i, fit.base.draws.size(), fit.base, diagnostics)) continue;
    fit.fixed[*i] = false;  // calibrated: what quants and models differ by is added
  }
  for (const auto& entry : sheet.by_unpack) {
    const auto& known = unpack_families();
    if (std::find(known.begin(), known.end(), entry.name) != known.end()) continue;
    diagnostics.error(entry.place, fmt::format("tuning.by_unpack has {}; expected {}{}", in_quotes(entry.name),
                                               one_of(known), did_you_mean(entry.name, known)));
  }
  lay_over_added(sheet.by_unpack, "by_unpack", fit.base.draws.size(), fit.by_unpack, diagnostics);
  lay_over_added(sheet.by_family, "by_family", fit.base.draws.size(), fit.by_family, diagnostics);
  if (!std::isnan(sheet.given.spread_prefill)) fit.spread_prefill = sheet.given.spread_prefill;
  if (!std::isnan(sheet.given.spread_decode)) fit.spread_decode = sheet.given.spread_decode;
  for (std::size_t i = 0; i < kTuningParameters; ++i) {
    if (!std::isfinite(fit.base.value[i]))
      diagnostics.error(
          place, fmt::format("tuning.{} is missing; the program has no calibration of this engine", kTuning[i].key));
  }
}

}  // namespace tokwatt::scenarios
