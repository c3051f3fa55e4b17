#include "scenarios/cli/layout.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cmath>

#include "scenarios/utf8.hpp"

namespace tokwatt::cli {
namespace {

struct Scale {
  double size;
  const char* unit;
  double from = 1;  ///< smallest number shown in it
};

/// In the largest unit that suits a number of that size; the first is the smallest.
template <std::size_t N>
std::string scaled(double value, const std::array<Scale, N>& scales, double size) {
  const Scale* best = &scales.front();
  for (const auto& scale : scales) {
    // 999.6 ms is shown as 1 s: it would otherwise round to 1,000 ms.
    if (std::abs(size) >= scale.size * scale.from * 0.9995) best = &scale;
  }
  return fmt::format("{} {}", three_digits(value / best->size), best->unit);
}

std::string duration(double seconds, double size) {
  if (!std::isfinite(seconds)) return "-";
  if (size == 0) return "0 s";
  constexpr std::array kScales = {Scale{1e-6, "us"},   Scale{1e-3, "ms"},   Scale{1, "s"},
                                  Scale{60, "min", 2}, Scale{3600, "h", 2}, Scale{86'400, "d", 2}};
  return scaled(seconds, kScales, size);
}

std::string energy(double joules, double size) {
  constexpr std::array kScales = {Scale{1e-3, "mJ"}, Scale{1, "J"}, Scale{1e3, "kJ"}, Scale{3.6e6, "kWh", 0.1},
                                  Scale{3.6e9, "MWh"}};
  return size == 0 ? "0 J" : scaled(joules, kScales, size);
}

/// The words of a text. A number and the short word behind it, its unit, are one.
std::vector<std::string> words_of(std::string_view text) {
  constexpr std::size_t kLongestUnit = 5;
  std::vector<std::string> words;
  bool after_number = false;
  while (!text.empty()) {
    const auto end = std::min(text.find(' '), text.size());
    const std::string word(text.substr(0, end));
    text.remove_prefix(std::min(end + 1, text.size()));
    if (word.empty()) continue;
    if (after_number && word.size() <= kLongestUnit) {
      words.back() += ' ' + word;
    } else {
      words.push_back(word);
    }
    after_number = word[0] >= '0' && word[0] <= '9';
  }
  return words;
}

std::string spaces(int count) { return std::string(static_cast<std::size_t>(std::max(count, 0)), ' '); }

}  // namespace

int width(std::string_view text) { return static_cast<int>(scenarios::code_points(text).size()); }

std::string wrapped(std::string_view text, int indent, int columns) {
  const int room = std::max(columns - indent, 8);
  std::string out;
  int at = 0;
  const auto new_line = [&] {
    out += '\n' + spaces(indent);
    at = 0;
  };
  for (const auto& word : words_of(text)) {
    const int length = width(word);
    if (at > 0 && at + 1 + length > room) {
      new_line();
    } else if (at > 0) {
      out += ' ';
      ++at;
    }
    for (const auto& letter : scenarios::code_points(word)) {
      if (at == room) new_line();
      out += letter;
      ++at;
    }
  }
  return out;
}

std::string Columns::text() const {
  std::vector<int> widths(alignment_.size(), 0);
  for (const auto& row : rows_) {
    for (std::size_t c = 0; row.size() > 1 && c < row.size(); ++c) widths[c] = std::max(widths[c], width(row[c]));
  }
  std::string out;
  for (const auto& row : rows_) {
    if (row.size() == 1) {
      out += row.front() + '\n';
      continue;
    }
    std::string line = spaces(indent_);
    int start = indent_;
    for (std::size_t c = 0; c < row.size(); ++c) {
      const bool is_last = c + 1 == alignment_.size();
      const std::string pad = spaces(widths[c] - width(row[c]));
      if (alignment_[c] == 'r') line += pad + row[c];
      if (alignment_[c] == 'l') line += is_last ? wrapped(row[c], start) : row[c] + pad;
      line += is_last ? "" : "  ";
      start += widths[c] + 2;
    }
    line.erase(line.find_last_not_of(' ') + 1);
    out += line + '\n';
  }
  return out;
}

std::string grouped(int64_t count) {
  std::string digits = std::to_string(count);
  const int first = count < 0 ? 1 : 0;
  for (int at = static_cast<int>(digits.size()) - 3; at > first; at -= 3)
    digits.insert(static_cast<std::size_t>(at), ",");
  return digits;
}

std::string three_digits(double value) {
  if (!std::isfinite(value)) return "-";
  if (value == 0) return "0";
  if (std::abs(value) >= 1e15) return fmt::format("{:.2e}", value);
  if (std::abs(value) >= 999.5) return grouped(std::llround(value));
  const std::string rounded = fmt::format("{:.2e}", value);  // 9.996 is of the size of 10
  const int exponent = std::stoi(rounded.substr(rounded.find('e') + 1));
  return fmt::format("{:.{}f}", value, std::clamp(2 - exponent, 0, 9));
}

std::string duration(double seconds) { return duration(seconds, seconds); }

std::string span(double seconds) {
  if (!std::isfinite(seconds) || seconds < 60) return duration(seconds);
  const auto whole = std::llround(seconds);
  const auto days = whole / 86'400, hours = whole / 3600 % 24, minutes = whole / 60 % 60, rest = whole % 60;
  std::vector<std::string> parts;
  if (days > 0) parts.push_back(fmt::format("{} d", days));
  if (hours > 0) parts.push_back(fmt::format("{} h", hours));
  if (minutes > 0 && days == 0) parts.push_back(fmt::format("{} min", minutes));
  if (rest > 0 && days == 0 && hours == 0) parts.push_back(fmt::format("{} s", rest));
  return fmt::format("{}", fmt::join(parts, " "));
}

std::string percent(double fraction) {
  if (!std::isfinite(fraction)) return "-";
  const double value = fraction * 100;
  if (value > 0 && value < 0.05) return "< 0.1 %";
  return value != 0 && value < 0.95 ? fmt::format("{:.1f} %", value) : fmt::format("{:.0f} %", value);
}

std::string energy(double joules) { return energy(joules, joules); }

std::string quantity(double value, const std::string& units) { return quantity(value, units, value); }

std::string quantity(double value, const std::string& units, double size) {
  if (units == "month") return std::isfinite(value) ? fmt::format("month {:.0f}", value) : "never";
  if (!std::isfinite(value)) return "-";
  if (units == "s") return duration(value, size);
  if (units == "J") return energy(value, size);
  if (units == "Hz") return clock(value);
  if (units == "1e-6 USD/count") return three_digits(value) + " USD/Mtok";
  if (units == "count/s") return three_digits(value) + " tok/s";
  if (units == "J/count") return three_digits(value) + " J/tok";
  if (units == "1/s") return three_digits(value) + "/s";
  return units == "1" || units == "count" ? three_digits(value) : three_digits(value) + " " + units;
}

std::string clock(double hertz) {
  if (!std::isfinite(hertz)) return "-";
  return fmt::format("{} MHz", grouped(std::llround(hertz / 1e6)));
}

std::string bytes(double count) {
  constexpr std::array kScales = {Scale{1, "B"}, Scale{1e3, "kB"}, Scale{1e6, "MB"}, Scale{1e9, "GB"},
                                  Scale{1e12, "TB"}};
  return count == 0 ? "0 B" : scaled(count, kScales, count);
}

}  // namespace tokwatt::cli
