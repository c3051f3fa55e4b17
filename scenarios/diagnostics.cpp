#include "scenarios/diagnostics.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cstdint>
#include <map>
#include <tuple>

#include "scenarios/utf8.hpp"

namespace tokwatt::scenarios {
namespace {

constexpr std::size_t kLongestMessage = 1000;  // code points; one wrong value never floods the terminal
constexpr std::size_t kMostErrors = 10'000;    // kept; a file of a million wrong lines is still an answer of one screen
constexpr std::size_t kMostShown = 50;
constexpr int kLineWindow = 96;  // code points of a source line that are shown around the caret

std::string_view line_of(const Source& source, int line) {
  std::string_view text = source.text;
  if (text.substr(0, 3) == "\xEF\xBB\xBF") text.remove_prefix(3);
  for (int i = 1; i < line; ++i) {
    const auto end = text.find('\n');
    if (end == std::string_view::npos) return {};
    text.remove_prefix(end + 1);
  }
  text = text.substr(0, text.find('\n'));
  if (!text.empty() && text.back() == '\r') text.remove_suffix(1);
  return text;
}

/// The source line, and below it a caret under column `place.column`.
std::string excerpt(const Place& place) {
  const std::string_view line = line_of(*place.source, place.line);
  const int size = static_cast<int>(count_code_points(line));
  const int at = std::clamp(place.column - 1, 0, size);
  const int from = size <= kLineWindow ? 0 : std::clamp(at - kLineWindow / 2, 0, size - kLineWindow);
  const int to = std::min(size, from + kLineWindow);
  const auto window = line.substr(offset_of_code_point(line, static_cast<std::size_t>(from)));
  const auto points = code_points(window.substr(0, offset_of_code_point(window, static_cast<std::size_t>(to - from))));
  std::string shown = from > 0 ? "..." : "", below(shown.size(), ' ');
  std::size_t before = below.size(), marked = 0;
  for (int i = from; i < to; ++i) {
    const std::string_view point = points[static_cast<std::size_t>(i - from)];
    const std::string piece = point == "\t" ? " " : escaped(point);
    const std::size_t width = code_points(piece).size();
    if (i < at) before += width;
    if (i >= at && i < at + place.width) marked += width;
    shown += piece;
  }
  if (to < size) shown += "...";
  below.assign(before, ' ');
  below += '^' + std::string(marked > 1 ? marked - 1 : 0, '~');
  const std::string number = std::to_string(place.line);
  return fmt::format("    {} | {}\n    {} | {}\n", number, shown, std::string(number.size(), ' '), below);
}

std::string render_one(const Diagnostic& d) {
  if (!d.place.source) return fmt::format("error: {}\n", d.message);
  const std::string name = escaped(d.place.source->name);
  if (d.place.line < 1) return fmt::format("{}: error: {}\n", name, d.message);
  if (d.place.source->text.empty())
    return fmt::format("{}:{}:{}: error: {}\n", name, d.place.line, d.place.column, d.message);
  return fmt::format("{}:{}:{}: error: {}\n{}", name, d.place.line, d.place.column, d.message, excerpt(d.place));
}

char folded(char c) {
  if (c == '-' || c == '.' || c == ' ') return '_';
  return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
}

/// Edit distance with swaps of neighbours (optimal string alignment); case and the kind of dash do not count.
std::size_t distance(std::string_view a, std::string_view b) {
  std::vector<std::vector<std::size_t>> d(a.size() + 1, std::vector<std::size_t>(b.size() + 1));
  for (std::size_t i = 0; i <= a.size(); ++i) d[i][0] = i;
  for (std::size_t j = 0; j <= b.size(); ++j) d[0][j] = j;
  for (std::size_t i = 1; i <= a.size(); ++i) {
    for (std::size_t j = 1; j <= b.size(); ++j) {
      const bool same = folded(a[i - 1]) == folded(b[j - 1]);
      d[i][j] = std::min({d[i - 1][j] + 1, d[i][j - 1] + 1, d[i - 1][j - 1] + (same ? 0U : 1U)});
      const bool swapped =
          i > 1 && j > 1 && folded(a[i - 1]) == folded(b[j - 2]) && folded(a[i - 2]) == folded(b[j - 1]);
      if (swapped) d[i][j] = std::min(d[i][j], d[i - 2][j - 2] + 1);
    }
  }
  return d[a.size()][b.size()];
}

/// Letters and digits alone.
std::string bare(std::string_view text) {
  std::string out;
  for (const char c : text) {
    if (folded(c) != '_') out += folded(c);
  }
  return out;
}

/// The names in which some word begins with all of `word`, the short ones first.
std::vector<std::string> names_with(std::string_view word, const std::vector<std::string>& names) {
  constexpr std::size_t kShortest = 2;
  std::vector<std::string> out;
  if (word.size() < kShortest) return out;
  const auto same = [](char a, char b) { return folded(a) == folded(b); };
  for (const auto& name : names) {
    const auto at = std::search(name.begin(), name.end(), word.begin(), word.end(), same);
    if (at != name.end() && (at == name.begin() || folded(*(at - 1)) == '_')) out.push_back(name);
  }
  std::stable_sort(out.begin(), out.end(), [](const auto& a, const auto& b) { return a.size() < b.size(); });
  return out;
}

}  // namespace

void Diagnostics::error(const Place& place, std::string message) {
  ++reported_;
  if (errors_.size() >= kMostErrors) {
    ++left_out_;
    return;
  }
  message = shortened(escaped(message), kLongestMessage);
  // A sheet that two systems use, or a tree that is read alone and merged, would say the same twice.
  const auto name = [](const Place& p) { return p.source ? std::string_view(p.source->name) : std::string_view(); };
  const auto same = [&](const Diagnostic& d) {
    return d.place.line == place.line && d.place.column == place.column && name(d.place) == name(place) &&
           d.message == message;
  };
  if (std::none_of(errors_.begin(), errors_.end(), same)) errors_.push_back({place, std::move(message)});
}

std::string Diagnostics::render() const {
  std::map<const Source*, std::size_t> file_order;
  for (const auto& e : errors_) file_order.try_emplace(e.place.source.get(), file_order.size());
  auto sorted = errors_;
  std::stable_sort(sorted.begin(), sorted.end(), [&](const Diagnostic& a, const Diagnostic& b) {
    const auto key = [&](const Diagnostic& d) {
      return std::tuple(file_order[d.place.source.get()], d.place.line, d.place.column);
    };
    return key(a) < key(b);
  });
  std::string out;
  std::size_t shown = 0;
  for (const auto& e : sorted) {
    if (shown++ == kMostShown) break;
    out += render_one(e);
  }
  const std::size_t more = sorted.size() - std::min(sorted.size(), kMostShown) + left_out_;
  if (more > 0) out += fmt::format("... and {} more errors\n", more);
  return out;
}

InputError::InputError(const Diagnostics& diagnostics)
    : std::runtime_error(diagnostics.render()), errors_(diagnostics.errors()) {}

std::string nearest(std::string_view word, const std::vector<std::string>& names) {
  constexpr std::size_t kLongestWord = 64;
  if (word.empty() || word.size() > kLongestWord) return {};
  const std::string* best = nullptr;
  std::size_t best_distance = std::max<std::size_t>(1, word.size() / 3) + 1;  // a third of the letters may be wrong
  for (const auto& name : names) {
    if (name.size() > kLongestWord) continue;
    const std::size_t d = distance(word, name);
    if (d < best_distance && d < name.size()) {
      best = &name;
      best_distance = d;
    }
  }
  if (best) return *best;
  const std::string letters = bare(word);
  const auto same = std::find_if(names.begin(), names.end(), [&](const auto& name) { return bare(name) == letters; });
  return same == names.end() ? std::string() : *same;
}

std::string did_you_mean(std::string_view word, const std::vector<std::string>& names) {
  constexpr std::size_t kMostNames = 5;
  const std::string name = nearest(word, names);
  auto longer = names_with(word, names);
  const bool is_spelt_right = !longer.empty() && std::find(longer.begin(), longer.end(), name) == longer.end();
  if (!name.empty() && !is_spelt_right) return fmt::format("; did you mean \"{}\"?", name);
  if (longer.empty()) return {};
  if (longer.size() == 1) return fmt::format("; did you mean \"{}\"?", longer.front());
  const std::size_t more = longer.size() > kMostNames ? longer.size() - (kMostNames - 1) : 0;
  const std::string last = more > 0 ? fmt::format("one of {} more", more) : fmt::format("\"{}\"", longer.back());
  longer.resize(more > 0 ? kMostNames - 1 : longer.size() - 1);
  return fmt::format("; did you mean \"{}\" or {}?", fmt::join(longer, "\", \""), last);
}

std::string in_quotes(std::string_view text) {
  constexpr std::size_t kLongestQuote = 60;
  constexpr std::size_t kEnough = 8 * kLongestQuote;  // [B]; what is quoted may be megabytes long
  return '"' + shortened(escaped(text.substr(0, kEnough)), kLongestQuote) + '"';
}

}  // namespace tokwatt::scenarios
