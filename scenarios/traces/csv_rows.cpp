#include "scenarios/traces/csv_rows.hpp"

#include <fmt/format.h>

#include <algorithm>

namespace tokwatt::scenarios {
namespace {

enum class Role { instant, prompt, output, priority, ignored };
constexpr std::array kRoles = {Role::instant, Role::prompt, Role::output};

bool contains(std::span<const std::string> names, std::string_view name) {
  return std::find(names.begin(), names.end(), name) != names.end();
}

Role role_of(std::string_view name, const CsvLayout& layout) {
  for (std::size_t k = 0; k < kRoles.size(); ++k) {
    if (name == layout.columns[k]) return kRoles[k];
  }
  return layout.ours && name == "priority" ? Role::priority : Role::ignored;
}

class HeaderCheck {
 public:
  HeaderCheck(const CsvLayout& layout, const FirstLine& first, Mistakes& mistakes)
      : layout_(layout), line_(first.text), names_(first.names), mistakes_(mistakes) {
    known_.assign(layout.columns.begin(), layout.columns.end());
    known_.insert(known_.end(), layout.others.begin(), layout.others.end());
  }

  void run() {
    std::vector<std::string_view> fields(names_.size());
    split_fields(line_, fields);
    for (std::size_t i = 0; i < names_.size(); ++i) {
      const auto offset = static_cast<std::size_t>(fields[i].data() - line_.data());
      if (const std::string message = wrong_with(i); !message.empty())
        mistakes_.add(1, line_, offset, fields[i].size(), message);
    }
    report_missing();
  }

 private:
  std::string wrong_with(std::size_t i) {
    const std::string& name = names_[i];
    if (contains(names_.first(i), name))
      return fmt::format("column {} comes twice; expected each column once", in_quotes(name));
    if (layout_.ours && name == "session")
      return fmt::format(
          "column {} makes this a file of sessions; expected columns arrival_s, prompt_tokens and "
          "output_tokens beside it",
          in_quotes(name));
    if (contains(known_, name) || (!layout_.ours && !is_misspelt(name))) return {};
    if (const std::string meant = nearest(name, known_); !meant.empty()) meant_.push_back(meant);
    auto names = known_;
    if (layout_.ours) names.emplace_back("session");
    return fmt::format("unknown column {}; expected {}{}{}", in_quotes(name), fmt::join(known_, ", "),
                       layout_.ours ? ", or session in place of priority" : "", did_you_mean(name, names));
  }

  // A foreign column is anyone's business unless it stands where one of ours is missing.
  bool is_misspelt(const std::string& name) const {
    const std::string best = nearest(name, known_);
    return !best.empty() && !contains(names_, best);
  }

  // One mistake, one message: a column that is only misspelt is not missing as well.
  void report_missing() {
    for (const char* name : layout_.columns) {
      if (contains(names_, name) || contains(meant_, name)) continue;
      if (layout_.instant_optional && role_of(name, layout_) == Role::instant) continue;
      mistakes_.add(1, line_, 0, line_.size(),
                    fmt::format("no column \"{}\"; expected {} in any order", name, fmt::join(layout_.columns, ",")));
    }
  }

  const CsvLayout& layout_;
  std::string_view line_;
  std::span<const std::string> names_;
  Mistakes& mistakes_;
  std::vector<std::string> known_, meant_;
};

class CsvRows final : public RowReader {
 public:
  CsvRows(const CsvLayout& layout, const FirstLine& first)
      : layout_(layout), header_(first.text), names_(first.names), fields_(first.names.size()) {
    for (const std::string& name : names_) roles_.push_back(role_of(name, layout));
  }

  bool timed() const override { return std::find(roles_.begin(), roles_.end(), Role::instant) != roles_.end(); }

  bool read(std::string_view line, int64_t number, TraceRow& row, Mistakes& mistakes) override {
    const std::size_t count = split_fields(line, fields_);
    if (line == header_) {
      mistakes.add(number, line, 0, line.size(), "the header again; expected a row");
      return false;
    }
    if (count != fields_.size()) return wrong_count(line, number, count, mistakes);
    bool good = true;
    for (std::size_t i = 0; i < count; ++i) {
      const auto offset = static_cast<std::size_t>(fields_[i].data() - line.data());
      if (is_badly_quoted(line, offset, fields_[i])) {
        mistakes.add(
            number, line, offset, fields_[i].size(),
            fmt::format("{} has quotes that do not end where it does; expected \"...\", with \"\" for a quote in it",
                        names_[i]));
        good = false;
        continue;
      }
      if (parse(roles_[i], fields_[i], row)) continue;
      mistakes.add(number, line, offset, fields_[i].size(),
                   fmt::format("{} is {}", names_[i], explain(roles_[i], fields_[i])));
      good = false;
    }
    return good;
  }

 private:
  bool parse(Role role, std::string_view text, TraceRow& row) {
    switch (role) {
      case Role::instant:
        return layout_.wall_clock ? timestamps_.parse(text, row.at) : parse_instant(text, TimeUnit::s, row.at);
      case Role::prompt:
        return parse_tokens(text, row.prompt);
      case Role::output:
        return parse_tokens(text, row.output);
      case Role::priority:
        return parse_priority(text, row.priority.emplace());
      case Role::ignored:
        break;
    }
    return true;
  }

  /// Quotes around a field are taken off before.
  static bool is_badly_quoted(std::string_view line, std::size_t offset, std::string_view field) {
    return field.starts_with('"') && !(offset > 0 && line[offset - 1] == '"');
  }

  std::string explain(Role role, std::string_view text) const {
    if (role == Role::priority) return explain_priority(text);
    if (role != Role::instant) return explain_tokens(text);
    return layout_.wall_clock ? timestamps_.explain(text) : explain_instant(text, TimeUnit::s);
  }

  bool wrong_count(std::string_view line, int64_t number, std::size_t count, Mistakes& mistakes) const {
    const std::size_t expected = fields_.size();
    const std::string_view last_read = fields_[std::min(count, expected) - 1];
    const auto quote = static_cast<std::size_t>(last_read.data() - line.data());
    if (is_badly_quoted(line, quote, last_read)) {
      mistakes.add(number, line, quote, line.size() - quote,
                   "a quote is open at the end of the line; expected each row on one line");
    } else if (count < expected) {
      const std::span missing = std::span(names_).subspan(count);
      mistakes.add(number, line, line.size(), 1,
                   fmt::format("{} of {} fields in {}; missing: {}", count, expected, in_quotes(line),
                               fmt::join(missing, ", ")));
    } else {
      const std::string_view last = fields_.back();
      const auto offset = static_cast<std::size_t>(last.data() + last.size() - line.data());
      mistakes.add(number, line, offset, line.size() - offset,
                   fmt::format("{} fields in {}; expected {}, as in the header", count, in_quotes(line), expected));
    }
    return false;
  }

  const CsvLayout& layout_;
  std::string header_;
  std::vector<std::string> names_;
  std::vector<Role> roles_;
  std::vector<std::string_view> fields_;  // of the current line
  Timestamps timestamps_;
};

}  // namespace

int likeness_of_header(const CsvLayout& layout, const FirstLine& first, bool roughly) {
  return first.json ? 0 : count_known(first, layout.columns, roughly);
}

std::unique_ptr<RowReader> csv_rows(const CsvLayout& layout, const FirstLine& first, Mistakes& mistakes) {
  const int64_t before = mistakes.count();
  if (first.json) {
    mistakes.add(1, first.text, 0, 1,
                 fmt::format("this looks like JSON; expected the header {}", fmt::join(layout.columns, ",")));
  } else {
    HeaderCheck(layout, first, mistakes).run();
  }
  if (mistakes.count() > before) return nullptr;
  return std::make_unique<CsvRows>(layout, first);
}

}  // namespace tokwatt::scenarios
