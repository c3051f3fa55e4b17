// Lines of models/calibration/ENGINE.csv: level,name,parameter,value,low,high,rows,draws. Levels engine, architecture
// and box hold a parameter's value in natural units; quant, family and flash_attention what is added on the scale of
// its link. Draws are deviations on that scale, separated by spaces. Lines of one level and name stand together.
#include "scenarios/sheets/calibration.hpp"

#include <fast_float/fast_float.h>

#include <algorithm>
#include <array>
#include <stdexcept>
#include <string_view>

#include "scenarios/embedded.hpp"

namespace tokwatt::scenarios {
namespace {

struct Line {
  std::string_view level, name, parameter, draws;
  double value = 0;
  int64_t rows = 0;
};

double number(std::string_view text) {
  double value = 0;
  const auto result = fast_float::from_chars(text.data(), text.data() + text.size(), value);
  if (result.ec != std::errc() || result.ptr != text.data() + text.size())
    throw std::logic_error("models/calibration: no number: " + std::string(text));
  return value;
}

std::string_view cut(std::string_view& rest, char separator) {
  const auto end = std::min(rest.find(separator), rest.size());
  const auto piece = rest.substr(0, end);
  rest.remove_prefix(std::min(end + 1, rest.size()));
  return piece;
}

Line parsed(std::string_view text) {
  std::array<std::string_view, 8> fields;
  for (auto& field : fields) field = cut(text, ',');
  return {fields[0], fields[1], fields[2], fields[7], number(fields[3]), static_cast<int64_t>(number(fields[6]))};
}

/// Takes a line of a parameter into a point and its draws.
void take(const Line& line, bool natural, models::Uncertain& into) {
  const auto at = std::find_if(models::kTuning.begin(), models::kTuning.end(),
                               [&](const auto& p) { return line.parameter == p.key; });
  if (at == models::kTuning.end())
    throw std::logic_error("models/calibration: no parameter: " + std::string(line.parameter));
  const auto i = static_cast<std::size_t>(at - models::kTuning.begin());
  if (natural) {
    models::Tuning tuning;
    tuning.*at->value = line.value;
    into.value[i] = models::linked(tuning)[i];
  } else {
    into.value[i] = line.value;
  }
  auto draws = line.draws;
  for (std::size_t k = 0; !draws.empty(); ++k) {
    if (k >= into.draws.size()) into.draws.emplace_back();
    into.draws[k][i] = number(cut(draws, ' '));
  }
}

void take_base(const Line& line, models::Calibration& into) {
  if (line.parameter == "spread_prefill") {
    into.spread_prefill = line.value;
  } else if (line.parameter == "spread_decode") {
    into.spread_decode = line.value;
  } else {
    take(line, true, into.base);
  }
}

std::string_view table_of(const std::string& engine) {
  for (const auto& file : embedded::calibrations()) {
    const auto start = file.path.rfind('/') + 1;
    if (file.path.substr(start) == engine + ".csv") return file.text;
  }
  return {};
}

}  // namespace

CalibrationRead read_calibration(const std::string& engine, const std::vector<std::string>& boxes,
                                 const std::string& architecture) {
  CalibrationRead out;
  auto table = table_of(engine);
  if (table.empty()) return out;
  const auto holds = [&](const std::string& start) {
    return !start.empty() && table.find("\n" + start + ",") != std::string_view::npos;
  };
  std::string level = "engine,";
  out.by = CalibratedBy::engine;
  const auto box = std::find_if(boxes.begin(), boxes.end(), [&](const auto& name) { return holds("box," + name); });
  if (box != boxes.end()) {
    level = "box," + *box;
    out.by = CalibratedBy::box;
  } else if (!architecture.empty() && holds("architecture," + architecture)) {
    level = "architecture," + architecture;
    out.by = CalibratedBy::architecture;
  }
  while (!table.empty()) {
    const auto text = cut(table, '\n');
    if (text.substr(0, level.size() + 1) == level + ",") {
      const Line line = parsed(text);
      take_base(line, out.calibration);
      out.rows = line.rows;
    } else if (text.substr(0, 6) == "quant,") {
      const Line line = parsed(text);
      take(line, false, out.calibration.by_unpack[std::string(line.name)]);
    } else if (text.substr(0, 7) == "family,") {
      const Line line = parsed(text);
      take(line, false, out.calibration.by_family[std::string(line.name)]);
    } else if (text.substr(0, 16) == "flash_attention,") {
      take(parsed(text), false, out.calibration.without_flash_attention);
    }
  }
  return out;
}

}  // namespace tokwatt::scenarios
