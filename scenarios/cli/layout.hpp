#pragma once
// Text for people: lines of at most 80 columns, and numbers with a unit that suits their size.
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace tokwatt::cli {

inline constexpr int kScreen = 80;  ///< columns

/// Columns that a text takes.
int width(std::string_view text);
/// Breaks at spaces (and inside words that are longer than a line, but not before a unit); every line but the first
/// starts with `indent` spaces, and the first is taken to begin at column `indent` as well.
std::string wrapped(std::string_view text, int indent = 0, int columns = kScreen);

/// A table without borders, two spaces between columns. The last column is wrapped to the screen.
class Columns {
 public:
  /// One letter per column: l(eft) or r(ight).
  explicit Columns(std::string alignment, int indent = 0) : alignment_(std::move(alignment)), indent_(indent) {}
  void row(std::vector<std::string> cells) { rows_.push_back(std::move(cells)); }
  /// A line between rows, as it is.
  void line(std::string text) { rows_.push_back({std::move(text)}); }
  std::string text() const;

 private:
  std::string alignment_;
  int indent_;
  std::vector<std::vector<std::string>> rows_;
};

/// 12,000
std::string grouped(int64_t count);
/// Three significant digits, no exponent: 0.0123, 1.23, 12.3, 123, 1,230.
std::string three_digits(double value);
/// 412 ms, 1.23 s, 65.4 s, 12.3 min, 3.40 h, 12.0 d: at least 2 of the units above seconds.
std::string duration(double seconds);
/// 5 h, 4 h 59 min, 1 min 5 s
std::string span(double seconds);
/// 12 %, 0.4 %, 0 %
std::string percent(double fraction);
/// 123 J, 12.3 kJ, 0.123 kWh
std::string energy(double joules);
/// A number of the summary with its units (UDUNITS spelling): 412 ms, 95.5 W, 1.06 USD, 81.4 /s.
std::string quantity(double value, const std::string& units);
/// The same in the unit that suits a number of another size: those of a row are shown in one.
std::string quantity(double value, const std::string& units, double size);
std::string clock(double hertz);
std::string bytes(double count);

}  // namespace tokwatt::cli
