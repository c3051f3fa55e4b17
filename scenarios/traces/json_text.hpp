#pragma once
// JSON text read from front to back, a line of a trace as a rule: strict (RFC 8259, and no key twice), with the place
// of everything, and quick. nlohmann-json's events carry no places, and a trace has millions of lines.
#include <cstdint>
#include <initializer_list>
#include <string>
#include <string_view>
#include <vector>

#include "scenarios/traces/fields.hpp"
#include "scenarios/traces/mistakes.hpp"

namespace tokwatt::scenarios {

class JsonText {
 public:
  /// `text` begins at line `line` of its file.
  JsonText(std::string_view text, int64_t line, Mistakes& mistakes)
      : text_(text), line_(line), mistakes_(mistakes), before_(mistakes.count()) {
    keys_.reserve(8);
  }

  /// Reads an object: `member(key)` reads the value of each key, the key as it is written. False if it is no object.
  template <class Member>
  bool object(Member member) {
    if (!open('{', "an object")) return false;
    const std::size_t first_key = keys_.size();
    for (bool more = !closed_by('}'); more; more = goes_on('}')) {
      keys_.push_back(key());
      if (!broken_) member(keys_.back());
    }
    leave_object(first_key);
    return !broken_;
  }
  /// Reads a list: `item()` reads each value. False if it is no list.
  template <class Item>
  bool list(Item item) {
    if (!open('[', "a list")) return false;
    for (bool more = !closed_by(']'); more; more = goes_on(']')) item();
    --depth_;
    return !broken_;
  }
  /// Any value, as it is written.
  std::string_view value();
  /// The text inside of a string without escapes; nothing after a mistake.
  std::string_view string(std::string_view key);

  void tokens(std::string_view key, int32_t& count);
  void instant(std::string_view key, TimeUnit unit, TraceInstant& at);
  /// The same as a string.
  void quoted_instant(std::string_view key, TimeUnit unit, TraceInstant& at);
  /// A list of ids: whole numbers from 0 to 9.2e18.
  void ids(std::string_view key, std::vector<uint64_t>& ids);

  /// Checks that the outermost object, which is read, has these keys, and that nothing follows it.
  void finish(std::initializer_list<const char*> required);
  /// A mistake about a piece of the text.
  void wrong(std::string_view piece, std::string message);
  bool good() const { return mistakes_.count() == before_; }
  bool broken() const { return broken_; }  ///< no JSON: nothing more can be read

 private:
  bool open(char bracket, const char* what);
  bool closed_by(char bracket);
  bool goes_on(char bracket);
  void leave_object(std::size_t first_key);
  std::string_view key();
  std::string_view quoted();
  bool skip_number();
  bool skip_escape();
  bool skip_character();
  bool skip_word(std::string_view word);
  void skip_spaces() {
    while (at_ < text_.size() && text_[at_] <= ' ' && is_space(text_[at_])) ++at_;
  }
  bool next_is(char c) {
    skip_spaces();
    return at_ < text_.size() && text_[at_] == c;
  }
  static bool is_space(char c) { return c == ' ' || c == '\t' || c == '\n' || c == '\r'; }
  bool plain_id(uint64_t& id);
  std::string_view since(std::size_t begin) const { return text_.substr(begin, at_ - begin); }
  void break_off(const char* expected);

  std::string_view text_;
  int64_t line_;
  Mistakes& mistakes_;
  int64_t before_;
  std::size_t at_ = 0;
  int depth_ = 0;
  bool broken_ = false;
  std::vector<std::string_view> keys_;  // of the objects that are open, and of the outermost one for good
};

}  // namespace tokwatt::scenarios
