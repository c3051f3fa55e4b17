#include "scenarios/cli/question.hpp"

#include <fmt/format.h>

#include <filesystem>

#include "scenarios/read/merge.hpp"

namespace tokwatt::cli {

Question Question::with(const std::vector<std::string>& sets) const {
  scenarios::Diagnostics diagnostics;
  Question out = *this;
  for (const auto& set : sets) scenarios::apply_set(out.tree, set, diagnostics);
  if (!diagnostics.ok()) throw scenarios::InputError(diagnostics);
  return out;
}

scenarios::Loaded Question::load() const {
  scenarios::Diagnostics diagnostics;
  return scenarios::load_tree(tree, folder, diagnostics);
}

Question question_of(const std::shared_ptr<const scenarios::Source>& source, const std::string& folder,
                     const std::vector<std::string>& sets) {
  scenarios::Diagnostics diagnostics;
  Question question{scenarios::parse(source, diagnostics), folder};
  for (const auto& set : sets) scenarios::apply_set(question.tree, set, diagnostics);
  if (!diagnostics.ok()) throw scenarios::InputError(diagnostics);
  return question;
}

Question question_of(const std::string& path, const std::vector<std::string>& sets) {
  scenarios::Diagnostics diagnostics;
  auto source = scenarios::read_source(path, {}, diagnostics);
  if (diagnostics.ok()) return question_of(source, std::filesystem::path(path).parent_path().string(), sets);
  for (const auto& set : sets) scenarios::parse_set(set, diagnostics);  // every mistake is said at once
  throw scenarios::InputError(diagnostics);
}

Question question_of(const Options& options) {
  if (options.arguments().size() > 1) {
    throw UsageError(
        fmt::format("unexpected {}; one scenario at a time", scenarios::in_quotes(options.arguments()[1])));
  }
  return question_of(options.arguments().front(), options.all("set"));
}

std::vector<std::string> comma_separated(const std::string& text, const char* option) {
  std::vector<std::string> out;
  for (std::size_t from = 0; from <= text.size();) {
    const auto comma = std::min(text.find(',', from), text.size());
    const auto first = text.find_first_not_of(' ', from), last = text.find_last_not_of(' ', comma - 1);
    if (comma == from || first >= comma)
      throw UsageError(fmt::format("--{} is {}; expected a list with commas between, none of it empty", option,
                                   scenarios::in_quotes(text)));
    out.push_back(text.substr(first, last - first + 1));
    from = comma + 1;
  }
  return out;
}

}  // namespace tokwatt::cli
