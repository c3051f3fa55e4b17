#include "scenarios/traces/mistakes.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <limits>

#include "scenarios/utf8.hpp"

namespace tokwatt::scenarios {
namespace {

constexpr std::size_t kMostKept = 20;
constexpr std::size_t kLongestShown = std::size_t{1} << 20U;  // [B]; a longer line is told without its text

}  // namespace

bool Mistakes::full() const { return first_.size() >= kMostKept; }

void Mistakes::add(int64_t line, std::string_view text, std::size_t offset, std::size_t size, std::string message) {
  ++count_;
  if (full()) return;
  const auto at = static_cast<int>(std::min<int64_t>(line, std::numeric_limits<int>::max()));
  const auto column = static_cast<int>(count_code_points(text.substr(0, offset))) + 1;
  const auto width = static_cast<int>(count_code_points(text.substr(std::min(offset, text.size()), size)));
  first_.push_back({at, column, std::max(1, width), std::move(message)});
  lines_.try_emplace(at, text.size() <= kLongestShown ? text : "");
}

// The text that places point into holds only the lines with mistakes; the others are empty, a byte each.
void Mistakes::report(Diagnostics& diagnostics) const {
  auto source = std::make_shared<Source>();
  source->name = file_;
  int line = 1;
  for (const auto& [number, text] : lines_) {
    source->text.append(static_cast<std::size_t>(number - line), '\n');
    source->text += text;
    line = number;
  }
  for (const Mistake& m : first_) diagnostics.error({source, m.line, m.column, m.width}, m.message);
  if (count_ > static_cast<int64_t>(first_.size())) {
    // After the last one shown: at the same place, which a stable order keeps behind it.
    const Mistake& last = first_.back();
    diagnostics.error(
        {source, last.line, last.column, last.width},
        fmt::format("... and {} more mistakes in this file", count_ - static_cast<int64_t>(first_.size())));
  }
}

void Mistakes::raise() const {
  Diagnostics diagnostics;
  report(diagnostics);
  throw InputError(diagnostics);
}

}  // namespace tokwatt::scenarios
