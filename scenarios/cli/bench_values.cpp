#include "scenarios/cli/bench_values.hpp"

#include <fmt/format.h>

#include "scenarios/cli/program.hpp"
#include "scenarios/diagnostics.hpp"
#include "scenarios/units.hpp"

namespace tokwatt::cli {
namespace {

constexpr int64_t kLargest = 2'147'483'647;  // tokens, as in traces
constexpr std::size_t kMostValues = 1000;    // of one option: beyond it somebody mistyped a range

struct Mistyped {};

int64_t number(const std::string& text) {
  const auto parsed = scenarios::parse_count(text);
  const auto* value = std::get_if<int64_t>(&parsed);
  if (!value || *value < 0 || *value > kLargest) throw Mistyped();
  return *value;
}

/// "a", "a-b", "a-b+step" or "a-b*factor".
void append(std::vector<int64_t>& values, const std::string& text) {
  const auto dash = text.find('-');
  if (dash == std::string::npos) {
    values.push_back(number(text));
    return;
  }
  const auto sign = text.find_first_of("+*", dash);
  const int64_t first = number(text.substr(0, dash)), last = number(text.substr(dash + 1, sign - dash - 1));
  const int64_t step = sign == std::string::npos ? 1 : number(text.substr(sign + 1));
  const bool multiplies = sign != std::string::npos && text[sign] == '*';
  if (first > last || step < 1 || (multiplies && (step < 2 || first < 1))) throw Mistyped();
  for (int64_t value = first; value <= last; value = multiplies ? value * step : value + step) {
    values.push_back(value);
    if (values.size() > kMostValues) throw Mistyped();
  }
}

}  // namespace

std::vector<int64_t> number_list(const std::string& option, const std::vector<std::string>& texts) {
  std::vector<int64_t> values;
  for (const auto& text : texts) {
    try {
      for (std::size_t start = 0; start <= text.size();) {
        const auto end = std::min(text.find(',', start), text.size());
        append(values, text.substr(start, end - start));
        start = end + 1;
      }
    } catch (const Mistyped&) {
      throw UsageError(
          fmt::format("{} is {}; expected counts such as 512 or 16,32 or 128-512+128 or 1-64*2, at most {} of them",
                      option, scenarios::in_quotes(text), kMostValues));
    }
  }
  return values;
}

}  // namespace tokwatt::cli
