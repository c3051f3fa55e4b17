// The formats that there are, and which of them a file has.
#include <fmt/format.h>

#include <algorithm>
#include <array>

#include "scenarios/traces/format.hpp"
#include "scenarios/traces/json_text.hpp"
#include "scenarios/utf8.hpp"

namespace tokwatt::scenarios {

extern const TraceFormat kAzure, kBurstGpt, kCsv, kLlmServingSim, kMooncake, kRagPulse, kServeGen, kVidur;

namespace {

// Of formats that fit a line equally well the first one is taken.
constexpr std::array kFormats = {&kAzure,    &kCsv,      &kBurstGpt, &kVidur,
                                 &kServeGen, &kMooncake, &kRagPulse, &kLlmServingSim};
constexpr std::size_t kMostColumns = 256;

std::string expected_formats() {
  std::string names;
  for (const TraceFormat* f : kFormats) names += std::string(f->name) + ", ";
  names += "weka, otel or exgentic";
  return fmt::format(
      "expected a trace of format {}, such as one that begins with arrival_s,prompt_tokens,output_tokens", names);
}

bool check_text(std::string_view line, Mistakes& mistakes) {
  const std::size_t where = std::min(find_not_text(line), line.find('\r'));
  if (where == std::string_view::npos) return true;
  const bool utf16 = line.starts_with("\xFF\xFE") || line.starts_with("\xFE\xFF");
  mistakes.add(1, line, where, 1,
               fmt::format("byte {} is no text{}; expected CSV or JSON in UTF-8, gzip or not",
                           in_quotes(line.substr(where, 1)), utf16 ? " (this looks like UTF-16)" : ""));
  return false;
}

bool read_columns(FirstLine& first, Mistakes& mistakes) {
  std::array<std::string_view, kMostColumns> room;
  const std::size_t count = split_fields(first.text, room);
  if (count > room.size()) {
    mistakes.add(1, first.text, 0, 1, fmt::format("{} columns; expected at most {}", count, room.size()));
    return false;
  }
  first.names.assign(room.begin(), room.begin() + static_cast<std::ptrdiff_t>(count));
  return true;
}

// As far as it is JSON: what is wrong with it is told when it is read as a row.
void read_keys(FirstLine& first) {
  Mistakes unsaid("");
  JsonText json(first.text, 1, unsaid);
  json.object([&](std::string_view key) {
    if (first.names.size() < kMostColumns) first.names.emplace_back(key);
    json.value();
  });
}

}  // namespace

std::span<const TraceFormat* const> trace_formats() { return kFormats; }

int count_known(const FirstLine& first, std::span<const char* const> known, bool roughly) {
  const std::vector<std::string> names(known.begin(), known.end());
  return static_cast<int>(std::count_if(first.names.begin(), first.names.end(), [&](const std::string& name) {
    const std::string best = nearest(name, names);
    return !best.empty() && (roughly || best == name);
  }));
}

std::optional<FirstLine> read_first_line(LineReader& lines, Mistakes& mistakes) {
  FirstLine first;
  try {
    const auto line = lines.next();
    if (!line || line->empty()) {
      mistakes.add(1, "", 0, 1,
                   fmt::format("{}; expected a trace", line ? "the first line is empty" : "the file is empty"));
      return std::nullopt;
    }
    first.text = *line;
  } catch (const ReadFailure& e) {
    mistakes.add(1, "", 0, 1, e.what());
    return std::nullopt;
  }
  if (lines.too_long()) {
    mistakes.add(1, first.text, 0, 1,
                 fmt::format("a line of more than {} bytes; expected the first one of a trace", kLongestLine));
    return std::nullopt;
  }
  if (!check_text(first.text, mistakes)) return std::nullopt;
  first.json = first.text.front() == '{' || first.text.front() == '[';
  if (first.json) read_keys(first);
  if (!first.json && !read_columns(first, mistakes)) return std::nullopt;
  return first;
}

// A name right beats names nearly right, which beat nothing.
const TraceFormat* choose_format(const FirstLine& first, const std::string& name, Mistakes& mistakes) {
  for (const TraceFormat* f : kFormats) {
    if (name == f->name) return f;
  }
  const auto wrong = [&](const std::string& what) {
    mistakes.add(1, first.text, 0, first.text.size(), fmt::format("{}; {}", what, expected_formats()));
  };
  for (const bool roughly : {false, true}) {
    const auto likeness = [&](const TraceFormat* f) { return f->likeness(first, roughly); };
    const auto* const best = *std::max_element(kFormats.begin(), kFormats.end(),
                                               [&](const auto* a, const auto* b) { return likeness(a) < likeness(b); });
    if (likeness(best) > 0) return best;
  }
  wrong("the first line is " + in_quotes(first.text));
  return nullptr;
}

}  // namespace tokwatt::scenarios
