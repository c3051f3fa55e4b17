#include "scenarios/traces/header.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <span>

#include "scenarios/traces/fields.hpp"
#include "scenarios/utf8.hpp"

namespace tokwatt::scenarios {
namespace {

using Format = TraceOptions::Format;
using Role = TraceColumn::Role;

constexpr std::size_t kMostColumns = 256;

struct Layout {
  Format format;
  std::array<const char*, 3> required;  // instant, prompt, output
  bool ours;                            // a foreign file may hold more columns, ours may not
};
constexpr Layout kAzure{Format::azure, {"TIMESTAMP", "ContextTokens", "GeneratedTokens"}, false};
constexpr Layout kCsv{Format::csv, {"arrival_s", "prompt_tokens", "output_tokens"}, true};
constexpr std::array kRoles = {Role::instant, Role::prompt, Role::output};

// A column that only one format has which design and documentation name, but which is not read so far.
struct Foreign {
  const char* column;
  const char* format;
};
constexpr std::array kNotBuilt = {Foreign{"Request tokens", "burstgpt"}, Foreign{"num_prefill_tokens", "vidur"},
                                  Foreign{"completion_tokens", "exgentic"}};

std::string expected_header() {
  return "expected TIMESTAMP,ContextTokens,GeneratedTokens (azure) or arrival_s,prompt_tokens,output_tokens (csv)";
}

bool contains(std::span<const std::string_view> names, std::string_view name) {
  return std::find(names.begin(), names.end(), name) != names.end();
}

int matches(const Layout& layout, std::span<const std::string_view> names, bool roughly) {
  const std::vector<std::string> required(layout.required.begin(), layout.required.end());
  return static_cast<int>(std::count_if(names.begin(), names.end(), [&](std::string_view name) {
    const std::string best = nearest(name, required);
    return !best.empty() && (roughly || best == name);
  }));
}

// A name right beats names nearly right, which beat nothing.
const Layout* detect(std::string_view line, std::span<const std::string_view> names, Mistakes& mistakes) {
  for (const Foreign& f : kNotBuilt) {
    if (!contains(names, f.column)) continue;
    mistakes.add(
        1, line, 0, line.size(),
        fmt::format("this looks like a trace of format {}, which is not built yet; {}", f.format, expected_header()));
    return nullptr;
  }
  for (const bool roughly : {false, true}) {
    const int azure = matches(kAzure, names, roughly), csv = matches(kCsv, names, roughly);
    if (azure > 0 || csv > 0) return azure >= csv ? &kAzure : &kCsv;
  }
  mistakes.add(1, line, 0, line.size(), fmt::format("the first line is {}; {}", in_quotes(line), expected_header()));
  return nullptr;
}

std::size_t offset_in(std::string_view line, std::string_view field) {
  return static_cast<std::size_t>(field.data() - line.data());
}

class HeaderReader {
 public:
  HeaderReader(std::string_view line, const Layout& layout, std::span<const std::string_view> names, Mistakes& mistakes)
      : line_(line), layout_(layout), names_(names), mistakes_(mistakes) {}

  TraceHeader read() {
    TraceHeader header{layout_.format, {}, std::string(line_)};
    for (std::size_t i = 0; i < names_.size(); ++i) {
      check(i);
      header.columns.push_back({std::string(names_[i]), role(names_[i])});
    }
    report_missing();
    return header;
  }

 private:
  Role role(std::string_view name) const {
    for (std::size_t k = 0; k < kRoles.size(); ++k) {
      if (name == layout_.required[k]) return kRoles[k];
    }
    return Role::ignored;
  }

  void check(std::size_t i) {
    const std::string_view name = names_[i];
    const auto wrong = [&](std::string message) {
      mistakes_.add(1, line_, offset_in(line_, name), name.size(), std::move(message));
    };
    if (contains(names_.first(i), name)) {
      wrong(fmt::format("column {} comes twice; expected each column once", in_quotes(name)));
    } else if (layout_.ours && (name == "session" || name == "priority")) {
      wrong(fmt::format("column {} is not built yet; leave it out to replay the requests by their instants",
                        in_quotes(name)));
    } else if (role(name) == Role::ignored && (layout_.ours ? name != "id" : is_misspelt(name))) {
      const std::vector<std::string> known = {"arrival_s", "prompt_tokens", "output_tokens", "id"};
      const std::vector<std::string> foreign(layout_.required.begin(), layout_.required.end());
      const std::string hint = did_you_mean(name, layout_.ours ? known : foreign);
      wrong(fmt::format("unknown column {}; expected {}{}", in_quotes(name),
                        layout_.ours ? "arrival_s, prompt_tokens, output_tokens, id" : "an Azure column", hint));
      if (!hint.empty()) meant_.push_back(nearest(name, layout_.ours ? known : foreign));
    }
  }

  // A foreign column is anyone's business unless it stands where one of ours is missing.
  bool is_misspelt(std::string_view name) const {
    const std::string best = nearest(name, {layout_.required.begin(), layout_.required.end()});
    return !best.empty() && !contains(names_, best);
  }

  // One mistake, one message: a column that is only misspelt is not missing as well.
  void report_missing() {
    for (const char* name : layout_.required) {
      if (contains(names_, name) || std::find(meant_.begin(), meant_.end(), name) != meant_.end()) continue;
      mistakes_.add(1, line_, 0, line_.size(),
                    fmt::format("no column \"{}\"; expected {},{},{} in any order", name, layout_.required[0],
                                layout_.required[1], layout_.required[2]));
    }
  }

  std::string_view line_;
  const Layout& layout_;
  std::span<const std::string_view> names_;
  Mistakes& mistakes_;
  std::vector<std::string> meant_;
};

}  // namespace

std::optional<TraceHeader> read_trace_header(std::string_view line, Format format, Mistakes& mistakes) {
  const int64_t before = mistakes.count();
  if (const std::size_t at = find_not_text(line);
      at != std::string_view::npos || line.find('\r') != std::string_view::npos) {
    const bool utf16 = line.size() >= 2 && (line.substr(0, 2) == "\xFF\xFE" || line.substr(0, 2) == "\xFE\xFF");
    const std::size_t where = at != std::string_view::npos ? at : line.find('\r');
    mistakes.add(1, line, where, 1,
                 fmt::format("byte {} is no text{}; expected CSV in UTF-8, gzip or not",
                             in_quotes(line.substr(where, 1)), utf16 ? " (this looks like UTF-16)" : ""));
    return std::nullopt;
  }
  if (!line.empty() && (line.front() == '{' || line.front() == '[')) {
    mistakes.add(1, line, 0, 1,
                 fmt::format("this looks like JSON; traces in JSON are not built yet; {}", expected_header()));
    return std::nullopt;
  }
  std::array<std::string_view, kMostColumns> room;
  const std::size_t count = split_fields(line, room);
  if (count > room.size()) {
    mistakes.add(1, line, 0, 1, fmt::format("{} columns; expected at most {}", count, room.size()));
    return std::nullopt;
  }
  const std::span<const std::string_view> names(room.data(), count);
  const Layout* layout = format == Format::azure ? &kAzure
                         : format == Format::csv ? &kCsv
                                                 : detect(line, names, mistakes);
  if (layout == nullptr) return std::nullopt;
  TraceHeader header = HeaderReader(line, *layout, names, mistakes).read();
  if (mistakes.count() > before) return std::nullopt;
  return header;
}

}  // namespace tokwatt::scenarios
