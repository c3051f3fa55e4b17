#include "scenarios/cli/audit_names.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cctype>
#include <map>
#include <regex>

#include "scenarios/diagnostics.hpp"

namespace tokwatt::cli {

using scenarios::SheetKind;

namespace {

using Words = std::vector<std::string>;

bool has(const Words& words, const std::string& word) {
  return std::find(words.begin(), words.end(), word) != words.end();
}

bool is_chip(const std::string& word) {
  return word.size() == 2 && word[0] == 'm' && std::isdigit(static_cast<unsigned char>(word[1])) != 0;
}

bool is_filler(const std::string& word) {
  static constexpr std::array kFillers = {"apple", "nvidia", "amd", "geforce", "gb",
                                          "class", "dense",  "the", "instruct"};
  return std::find(kFillers.begin(), kFillers.end(), word) != kFillers.end();
}

bool is_within(const Words& asked, const Words& name) {
  return !asked.empty() && std::all_of(asked.begin(), asked.end(), [&](const auto& word) { return has(name, word); });
}

Words names_of(const Entry& entry, bool with_title) {
  Words out = entry.aliases;
  out.push_back(entry.id);
  if (with_title) out.push_back(entry.title);
  return out;
}

/// Entries of which one name has all the words.
std::vector<std::string> with_words(const std::vector<Entry>& entries, const Words& asked, bool titles) {
  std::vector<std::string> out;
  for (const auto& entry : entries) {
    const Words names = names_of(entry, titles);
    const auto has_all = [&](const std::string& name) { return is_within(asked, words_in(name)); };
    if (std::any_of(names.begin(), names.end(), has_all)) out.push_back(entry.id);
  }
  return out;
}

std::string named_exactly(const std::vector<Entry>& entries, const Words& asked, bool aliases) {
  for (const auto& entry : entries) {
    if (words_in(entry.id) == asked) return entry.id;
  }
  for (const auto& entry : entries) {
    const auto is_it = [&](const std::string& alias) { return words_in(alias) == asked; };
    if (aliases && std::any_of(entry.aliases.begin(), entry.aliases.end(), is_it)) return entry.id;
  }
  return {};
}

/// What is there when a size or a capacity is not: names with the rest of the words.
std::string near_misses(const std::vector<Entry>& entries, Words asked, bool titles) {
  const auto alike = with_words(entries, {asked.back()}, titles);
  if (asked.size() > 1 && !alike.empty() && alike.size() <= 8) return fmt::format("; there is {}", listed(alike));
  while (asked.size() > 1) {
    asked.pop_back();
    auto near = with_words(entries, asked, titles);
    if (!near.empty() && near.size() <= 8) return fmt::format("; there is {}", listed(near));
  }
  return {};
}

bool has_experts(const std::vector<Entry>& models, const std::string& id) {
  const auto is_it = [&](const Entry& entry) { return entry.id == id; };
  const auto found = std::find_if(models.begin(), models.end(), is_it);
  return found != models.end() && found->text.find("\nexperts:") != std::string_view::npos;
}

Meant none(std::string why) { return {{}, std::move(why), true}; }

/// Families of formats by what people call them; a name that begins many ids (iq2, q4_k) needs no line here.
const std::map<std::string, std::vector<std::string>>& families() {
  static const std::vector<std::string> kFour = {"q4_0",     "q4_1",      "q4_k_s",         "q4_k_m",    "q4_k_xl",
                                                 "iq4_xs",   "iq4_nl",    "mlx-4bit",       "mxfp4",     "nvfp4",
                                                 "awq-int4", "gptq-int4", "autoround-int4", "w4a16-int4"};
  static const std::vector<std::string> kEight = {"q8_0", "q8_k_xl", "mlx-8bit", "int8-w8a8", "fp8"};
  static const std::vector<std::string> kSix = {"q6_k", "q6_k_xl", "mlx-6bit"}, kSixteen = {"f16", "bf16"};
  static const std::map<std::string, std::vector<std::string>> kFamilies = {
      {"q4", kFour},
      {"4bit", kFour},
      {"int4", kFour},
      {"fp4", {"mxfp4", "nvfp4"}},
      {"q8", kEight},
      {"8bit", kEight},
      {"q6", kSix},
      {"6bit", kSix},
      {"fp16", kSixteen},
      {"16bit", kSixteen},
      {"q2", {"q2_k", "q2_k_s", "iq2_m", "iq2_s", "iq2_xs", "iq2_xxs"}}};
  return kFamilies;
}

std::string lower(std::string text) {
  std::transform(text.begin(), text.end(), text.begin(),
                 [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
  return text;
}

std::string trimmed(const std::string& text) {
  const auto start = text.find_first_not_of(' ');
  return start == std::string::npos ? "" : text.substr(start, text.find_last_not_of(' ') - start + 1);
}

}  // namespace

std::vector<std::string> words_in(const std::string& text) {
  Words words;
  std::string word;
  const auto end_word = [&] {
    static const std::regex kCapacity("([0-9]+)gb");
    if (std::regex_match(word, kCapacity)) word.resize(word.size() - 2);
    const bool is_tier = word == "pro" || word == "max" || word == "ultra";
    if (is_tier && !words.empty() && is_chip(words.back())) {
      words.back() += word;  // an M4 is not an M4 Max
    } else if (!word.empty() && !is_filler(word)) {
      words.push_back(word);
    }
    word.clear();
  };
  for (const char c : lower(text)) {
    if (std::string_view(" -_/(),").find(c) != std::string_view::npos) {
      end_word();
    } else {
      word += c;
    }
  }
  end_word();
  return words;
}

std::string listed(const std::vector<std::string>& names) {
  if (names.size() < 2) return names.empty() ? "" : names.front();
  return fmt::format("{} and {}", fmt::join(names.begin(), names.end() - 1, ", "), names.back());
}

int64_t count_off(std::string& text) {
  std::smatch found;
  static const std::regex kCount("^([0-9]{1,2})x +");
  if (!std::regex_search(text, found, kCount)) return 1;
  const int64_t count = std::stoll(found[1]);
  text = found.suffix();
  return count;
}

Names::Names() : boxes_(sheets(SheetKind::box)), models_(sheets(SheetKind::model)) {}

Meant Names::boxes(const std::string& text) const {
  const Words asked = words_in(text);
  if (asked.empty()) return none("it names no box");
  const std::string exact = named_exactly(boxes_, asked, false);
  if (!exact.empty()) return {{exact}, {}, true};
  // As tokwatt itself writes an alias it is meant; in other words ("M5 Max") it may be any box with that chip.
  for (const auto& box : boxes_) {
    if (std::find(box.aliases.begin(), box.aliases.end(), text) != box.aliases.end()) return {{box.id}, {}, true};
  }
  const auto found = with_words(boxes_, asked, true);
  if (!found.empty()) return {found, {}, true};
  return none(fmt::format("no box here is called {}{}", scenarios::in_quotes(text), near_misses(boxes_, asked, true)));
}

Meant Names::models(const std::string& text) const {
  const Words asked = words_in(text);
  if (asked.empty()) return none("it names no model");
  const std::string exact = named_exactly(models_, asked, true);
  if (!exact.empty()) return {{exact}, {}, true};
  auto found = with_words(models_, asked, false);
  if (lower(text).find("dense") != std::string::npos)
    std::erase_if(found, [&](const std::string& id) { return has_experts(models_, id); });
  if (!found.empty()) return {found, {}, true};
  return none(
      fmt::format("no model here is called {}{}", scenarios::in_quotes(text), near_misses(models_, asked, false)));
}

Meant Names::quants(const std::string& text) const {
  static const std::regex kSaysNothing("\\bthinking\\b");  // about how weights are stored
  const std::string asked = trimmed(std::regex_replace(lower(text), kSaysNothing, ""));
  if (asked.empty()) return {scenarios::ids(SheetKind::quant), {}, false};
  std::string squeezed = asked;
  std::erase_if(squeezed, [](char c) { return c == '-' || c == ' '; });
  for (const auto& name : {asked, squeezed}) {
    const auto family = families().find(name);
    if (family != families().end()) return {family->second, {}, true};
  }
  if (const auto id = scenarios::shipped_id(SheetKind::quant, asked)) return {{*id}, {}, true};
  std::vector<std::string> out;
  for (const auto& id : scenarios::ids(SheetKind::quant)) {
    if (id.rfind(asked + "_", 0) == 0) out.push_back(id);
  }
  if (!out.empty()) return {out, {}, true};
  return none(fmt::format("no format of weights here is called {}", scenarios::in_quotes(text)));
}

std::vector<std::string> Names::usual_quants() {
  return {"mxfp4", "q4_k_m", "mlx-4bit", "nvfp4", "awq-int4", "q8_0", "mlx-8bit", "fp8", "f16", "bf16"};
}

}  // namespace tokwatt::cli
