#include "scenarios/cli/options.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <boost/program_options.hpp>
#include <ostream>
#include <sstream>

#include "scenarios/cli/layout.hpp"
#include "scenarios/diagnostics.hpp"
#include "scenarios/read/reader.hpp"

namespace tokwatt::cli {

namespace po = boost::program_options;

struct Options::Boosted {
  po::options_description described{"Options", 80, 50};
  po::variables_map given;
};

Options::Options(Help help) : help_(help), boosted_(std::make_unique<Boosted>()) {}
Options::Options(Options&&) noexcept = default;
Options::~Options() = default;

Options& Options::value(const char* names, const char* doc) {
  boosted_->described.add_options()(names, po::value<std::string>()->value_name("X"), doc);
  return *this;
}

Options& Options::values(const char* names, const char* doc) {
  boosted_->described.add_options()(names, po::value<std::vector<std::string>>()->value_name("X")->composing(), doc);
  return *this;
}

Options& Options::flag(const char* names, const char* doc) {
  boosted_->described.add_options()(names, doc);
  return *this;
}

Options& Options::alias(const char* spelling, const char* name) {
  aliases_[std::string("-") + spelling] = std::string("--") + name;
  return *this;
}

std::vector<std::string> Options::names() const {
  std::vector<std::string> out;
  for (const auto& option : boosted_->described.options()) out.push_back("--" + option->long_name());
  return out;
}

std::string Options::help_text() const {
  std::ostringstream described;
  described << boosted_->described;
  std::string options = described.str();
  for (auto at = options.find(" \n"); at != std::string::npos; at = options.find(" \n")) options.erase(at, 1);
  return fmt::format("Example:\n  {}\n\nUsage: {}\n\n{}\n\n{}", help_.example, wrapped(help_.usage, 7),
                     wrapped(help_.about), options);
}

void Options::parse(const Arguments& arguments) {
  Arguments words = arguments;
  for (auto& word : words) {
    // llama.cpp's programs spell long options with one dash: -npl 8
    const std::string name = word.substr(0, word.find('='));
    if (const auto found = aliases_.find(name); found != aliases_.end()) word.replace(0, name.size(), found->second);
    const bool one_dash = name.size() > 2 && name[0] == '-' && name[1] != '-';
    if (one_dash && boosted_->described.find_nothrow(name.substr(1), false) != nullptr) word.insert(0, "-");
  }
  po::options_description all;
  all.add(boosted_->described).add_options()("arguments", po::value<std::vector<std::string>>());
  po::positional_options_description positional;
  positional.add("arguments", -1);
  namespace style = po::command_line_style;
  constexpr int kStyle = style::unix_style & ~style::allow_guessing;
  po::store(po::command_line_parser(words).options(all).positional(positional).style(kStyle).run(), boosted_->given);
  po::notify(boosted_->given);
}

bool Options::read(const Arguments& arguments, const Terminal& terminal) {
  flag("help,h", "print this");
  try {
    parse(arguments);
  } catch (const po::unknown_option& error) {
    const std::string name = error.get_option_name();
    throw UsageError(fmt::format("there is no option {}{}\nOptions: {}", scenarios::in_quotes(name),
                                 scenarios::did_you_mean(name, names()),
                                 wrapped(fmt::format("{}", fmt::join(names(), " ")), 9)));
  } catch (const po::error& error) {
    throw UsageError(fmt::format("{}\nUsage: {}", error.what(), wrapped(help_.usage, 7)));
  }
  if (boosted_->given.count("help") > 0) {
    terminal.out << help_text();
    return false;
  }
  if (boosted_->given.count("arguments") > 0) arguments_ = boosted_->given["arguments"].as<std::vector<std::string>>();
  const bool takes_some = *help_.arguments != '\0';
  if (takes_some && arguments_.empty())
    throw UsageError(fmt::format("expected {}\nUsage: {}", help_.arguments, wrapped(help_.usage, 7)));
  if (!takes_some && !arguments_.empty()) {
    throw UsageError(
        fmt::format("unexpected {}\nUsage: {}", scenarios::in_quotes(arguments_.front()), wrapped(help_.usage, 7)));
  }
  return true;
}

bool Options::has(const std::string& name) const { return boosted_->given.count(name) > 0; }

std::string Options::get(const std::string& name, const std::string& otherwise) const {
  return has(name) ? boosted_->given[name].as<std::string>() : otherwise;
}

std::vector<std::string> Options::all(const std::string& name) const {
  return has(name) ? boosted_->given[name].as<std::vector<std::string>>() : std::vector<std::string>();
}

std::string Options::choice(const std::string& name, const std::vector<std::string>& words) const {
  std::string word = get(name, words.front());
  if (std::find(words.begin(), words.end(), word) != words.end()) return word;
  throw UsageError(fmt::format("--{} is {}; expected {}{}", name, scenarios::in_quotes(word), scenarios::one_of(words),
                               scenarios::did_you_mean(word, words)));
}

}  // namespace tokwatt::cli
