#include "scenarios/cli/question.hpp"

#include <fmt/format.h>

#include <filesystem>

#include "scenarios/read/merge.hpp"

namespace tokwatt::cli {

scenarios::Loaded Question::load(const std::vector<std::string>& more_sets) const {
  auto all = sets;
  all.insert(all.end(), more_sets.begin(), more_sets.end());
  return scenarios::load_text(source->name, source->text, folder, all);
}

Question question_of(std::shared_ptr<const scenarios::Source> source, const std::string& folder,
                     const std::vector<std::string>& sets) {
  scenarios::Diagnostics diagnostics;
  Question question{std::move(source), sets, {}, folder};
  question.tree = scenarios::parse(question.source, diagnostics);
  for (const auto& set : question.sets) scenarios::apply_set(question.tree, set, diagnostics);
  if (!diagnostics.ok()) throw scenarios::InputError(diagnostics);
  return question;
}

Question question_of(const std::string& path, const std::vector<std::string>& sets) {
  scenarios::Diagnostics diagnostics;
  auto source = scenarios::read_source(path, {}, diagnostics);
  if (diagnostics.ok()) return question_of(std::move(source), std::filesystem::path(path).parent_path().string(), sets);
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
