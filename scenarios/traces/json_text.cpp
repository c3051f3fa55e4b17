#include "scenarios/traces/json_text.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <limits>

#include "scenarios/utf8.hpp"

namespace tokwatt::scenarios {
namespace {

constexpr int kDeepest = 64;
constexpr std::size_t kMostLikely = 64;   // keys among which a misspelt one is looked for
constexpr std::size_t kPlainDigits = 18;  // fit 64 bits without a thought

bool is_digit(char c) { return c >= '0' && c <= '9'; }

// Characters of a string that are only themselves.
constexpr std::array<bool, 256> kPlain = [] {
  std::array<bool, 256> plain{};
  for (std::size_t c = 0x20; c < 0x80; ++c) plain[c] = c != '"' && c != '\\';
  return plain;
}();
bool is_plain(char c) { return kPlain[static_cast<unsigned char>(c)]; }

bool parse_id(std::string_view text, uint64_t& id) {
  if (text.size() > 19 || !std::all_of(text.begin(), text.end(), is_digit)) return false;
  id = 0;
  for (const char c : text) id = 10 * id + static_cast<uint64_t>(c - '0');
  return id <= std::numeric_limits<int64_t>::max();
}

}  // namespace

void JsonText::wrong(std::string_view piece, std::string message) {
  // A line may hold millions of mistakes, and to find the place of one costs a look at all that stands before it.
  if (mistakes_.full()) return mistakes_.add(line_, "", 0, 1, {});
  const auto offset = static_cast<std::size_t>(piece.data() - text_.data());
  // The text may be a whole file: the line that the piece is in.
  const std::size_t newline = text_.substr(0, offset).rfind('\n');
  const std::size_t begin = newline == std::string_view::npos ? 0 : newline + 1;
  const auto lines_before = std::count(text_.begin(), text_.begin() + static_cast<std::ptrdiff_t>(begin), '\n');
  const std::string_view line = text_.substr(begin, text_.find('\n', offset) - begin);
  mistakes_.add(line_ + lines_before, line, offset - begin, std::max<std::size_t>(1, piece.size()), std::move(message));
}

void JsonText::break_off(const char* expected) {
  if (broken_) return;
  broken_ = true;
  const std::string_view rest = text_.substr(at_);
  const std::string_view found = rest.substr(0, std::max<std::size_t>(1, code_point_length(rest)));
  wrong(found,
        fmt::format("no JSON here: {}; expected {}", found.empty() ? "the text ends" : in_quotes(found), expected));
}

bool JsonText::open(char bracket, const char* what) {
  if (broken_) return false;
  if (!next_is(bracket)) {
    if (depth_ == 0) {
      break_off(what);
      return false;
    }
    const std::string_view other = value();
    if (!broken_) wrong(other, fmt::format("{} stands here; expected {}", in_quotes(other), what));
    return false;
  }
  if (depth_ == kDeepest) {
    break_off("no more than 64 brackets inside of each other");
    return false;
  }
  ++depth_;
  ++at_;
  return true;
}

bool JsonText::closed_by(char bracket) {
  if (!next_is(bracket)) return false;
  ++at_;
  return true;
}

bool JsonText::goes_on(char bracket) {
  if (broken_ || closed_by(bracket)) return false;
  if (next_is(',')) {
    ++at_;
    return true;
  }
  break_off(bracket == '}' ? "a comma or }" : "a comma or ]");
  return false;
}

std::string_view JsonText::key() {
  if (!next_is('"')) {
    break_off("a key in quotes");
    return {};
  }
  const std::string_view name = quoted();
  if (!broken_ && !next_is(':')) break_off("a colon");
  if (!broken_) ++at_;
  return name;
}

// Two keys are the same if they are written the same: with escapes one may come twice, but no key that is read has any.
void JsonText::leave_object(std::size_t first_key) {
  const auto begin = keys_.begin() + static_cast<std::ptrdiff_t>(first_key);
  if (!broken_) {
    std::sort(begin, keys_.end(),
              [](std::string_view a, std::string_view b) { return a != b ? a < b : a.data() < b.data(); });
    for (auto k = begin; k != keys_.end() && k + 1 != keys_.end(); ++k) {
      if (k[0] == k[1]) wrong(k[1], fmt::format("the key {} again; expected each key once", in_quotes(k[1])));
    }
  }
  if (--depth_ > 0) keys_.erase(begin, keys_.end());
}

// From the opening quote to the closing one; what is between them.
std::string_view JsonText::quoted() {
  const std::size_t begin = ++at_;
  while (true) {
    while (at_ < text_.size() && is_plain(text_[at_])) ++at_;
    if (at_ == text_.size()) {
      break_off("a closing quote");
      return {};
    }
    if (text_[at_] == '"') {
      ++at_;
      return text_.substr(begin, at_ - 1 - begin);
    }
    if (text_[at_] == '\\' ? !skip_escape() : !skip_character()) return {};
  }
}

// One beyond ASCII; control characters are written with escapes.
bool JsonText::skip_character() {
  const std::string_view rest = text_.substr(at_);
  const std::size_t length = static_cast<unsigned char>(rest[0]) < 0x20 ? 0 : code_point_length(rest);
  if (length == 0) break_off("text in UTF-8");
  at_ += length;
  return length > 0;
}

bool JsonText::skip_escape() {
  constexpr std::string_view kSimple = "\"\\/bfnrt", kHex = "0123456789abcdefABCDEF";
  const std::string_view rest = text_.substr(at_ + 1);
  if (!rest.empty() && kSimple.find(rest[0]) != std::string_view::npos) {
    at_ += 2;
    return true;
  }
  if (rest.size() > 4 && rest[0] == 'u' && rest.substr(1, 4).find_first_not_of(kHex) == std::string_view::npos) {
    at_ += 6;
    return true;
  }
  break_off("an escape such as \\n or \\u00e9");
  return false;
}

bool JsonText::skip_number() {
  const auto digits = [&] {
    const std::size_t begin = at_;
    while (at_ < text_.size() && is_digit(text_[at_])) ++at_;
    return at_ > begin;
  };
  const auto skip = [&](std::string_view any_of) {
    const bool there = at_ < text_.size() && any_of.find(text_[at_]) != std::string_view::npos;
    at_ += there ? 1 : 0;
    return there;
  };
  skip("-");
  if (!skip("0") && !digits()) return false;
  if (skip(".") && !digits()) return false;
  if (!skip("eE")) return true;
  skip("+-");
  return digits();
}

bool JsonText::skip_word(std::string_view word) {
  if (!text_.substr(at_).starts_with(word)) return false;
  at_ += word.size();
  return true;
}

std::string_view JsonText::value() {
  if (broken_) return {};
  skip_spaces();
  const std::size_t begin = at_;
  const char c = at_ < text_.size() ? text_[at_] : '\0';
  if (c == '{') {
    object([&](std::string_view) { value(); });
  } else if (c == '[') {
    list([&] { value(); });
  } else if (c == '"') {
    quoted();
  } else if (c == '-' || is_digit(c)) {
    if (!skip_number()) break_off("a digit");
  } else if (!skip_word("true") && !skip_word("false") && !skip_word("null")) {
    break_off("a value");
  }
  return since(begin);
}

std::string_view JsonText::string(std::string_view key) {
  const std::string_view written = value();
  if (broken_) return {};
  const bool plain = written.front() == '"' && written.find('\\') == std::string_view::npos;
  if (plain) return written.substr(1, written.size() - 2);
  wrong(written, fmt::format("{} is {}; expected a string without escapes", key, in_quotes(written)));
  return {};
}

void JsonText::tokens(std::string_view key, int32_t& count) {
  const std::string_view written = value();
  if (!broken_ && !parse_tokens(written, count)) wrong(written, fmt::format("{} is {}", key, explain_tokens(written)));
}

void JsonText::instant(std::string_view key, TimeUnit unit, TraceInstant& at) {
  const std::string_view written = value();
  if (!broken_ && !parse_instant(written, unit, at))
    wrong(written, fmt::format("{} is {}", key, explain_instant(written, unit)));
}

void JsonText::quoted_instant(std::string_view key, TimeUnit unit, TraceInstant& at) {
  const int64_t before = mistakes_.count();
  const std::string_view text = string(key);
  if (mistakes_.count() == before && !parse_instant(text, unit, at))
    wrong(text, fmt::format("{} is {}", key, explain_instant(text, unit)));
}

// The quick way over an id and nothing else; false leaves everything as it was.
bool JsonText::plain_id(uint64_t& id) {
  skip_spaces();
  std::size_t end = at_;
  const std::size_t last = std::min(text_.size(), at_ + kPlainDigits);
  uint64_t number = 0;
  for (; end < last && is_digit(text_[end]); ++end) number = 10 * number + static_cast<uint64_t>(text_[end] - '0');
  const bool leading_zero = end > at_ + 1 && text_[at_] == '0';
  if (end == at_ || leading_zero || end == text_.size() ||
      (text_[end] != ',' && text_[end] != ']' && text_[end] != ' '))
    return false;
  at_ = end;
  id = number;
  return true;
}

void JsonText::ids(std::string_view key, std::vector<uint64_t>& ids) {
  list([&] {
    for (uint64_t id = 0; plain_id(id);) {
      ids.push_back(id);
      if (!next_is(',')) return;
      ++at_;
    }
    const std::string_view written = value();
    if (broken_) return;
    if (uint64_t id = 0; parse_id(written, id)) {
      ids.push_back(id);
    } else {
      wrong(written, fmt::format("{} holds {}; expected ids, whole numbers from 0 to 9.2e18", key, in_quotes(written)));
    }
  });
}

void JsonText::finish(std::initializer_list<const char*> required) {
  if (broken_) return;
  skip_spaces();
  if (at_ < text_.size()) return break_off("the end of the line");
  for (const char* name : required) {
    if (std::find(keys_.begin(), keys_.end(), name) != keys_.end()) continue;
    std::vector<std::string> others;
    for (const std::string_view k : keys_) {
      if (std::find(required.begin(), required.end(), k) == required.end()) others.emplace_back(k);
      if (others.size() == kMostLikely) break;
    }
    const std::string meant = nearest(name, others);
    wrong(text_.substr(0, 1), fmt::format("no key \"{}\"; expected {}{}", name, fmt::join(required, ", "),
                                          meant.empty() ? "" : fmt::format("; did you mean it by \"{}\"?", meant)));
  }
}

}  // namespace tokwatt::scenarios
