#include "scenarios/traces/sessions/json.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <iterator>
#include <nlohmann/json.hpp>

#include "scenarios/diagnostics.hpp"

namespace tokwatt::scenarios {
namespace {

constexpr std::size_t kDeepest = 256;  // levels of lists and objects in each other

// Tells how far the parser has read, which it does not tell itself.
class Watched {
 public:
  using iterator_category = std::forward_iterator_tag;
  using value_type = char;
  using difference_type = std::ptrdiff_t;
  using pointer = const char*;
  using reference = const char&;

  Watched(const char* at, const char** read) : at_(at), read_(read) {}
  reference operator*() const { return *at_; }
  Watched& operator++() {
    *read_ = ++at_;
    return *this;
  }
  bool operator==(const Watched& other) const { return at_ == other.at_; }
  bool operator!=(const Watched& other) const { return at_ != other.at_; }

 private:
  const char* at_;
  const char** read_;
};

}  // namespace

// What the parser meets, appended to the values. Each call comes when the parser has read the value and, of a number,
// one character more.
class JsonBuilder {
 public:
  using Json = nlohmann::json;
  using Kind = JsonDocument::Kind;

  JsonBuilder(JsonDocument& json, Mistakes& mistakes) : json_(json), mistakes_(mistakes), read_(json.text_.data()) {}

  bool build() {
    const char* begin = json_.text_.data();
    const char* end = begin + json_.text_.size();
    return Json::sax_parse(Watched(begin, &read_), Watched(end, &read_), this) && !twice_;
  }

  bool null() { return add(Kind::null, 4); }
  bool boolean(bool value) { return add(Kind::boolean, value ? 4 : 5); }
  bool number_integer(Json::number_integer_t) { return add_number(); }
  bool number_unsigned(Json::number_unsigned_t) { return add_number(); }
  bool number_float(Json::number_float_t, const std::string&) { return add_number(); }
  bool string(const std::string&) { return add_string(); }
  bool binary(Json::binary_t&) { return false; }
  bool key(const std::string&) { return add_string(); }
  bool start_object(std::size_t) { return open(Kind::object); }
  bool end_object() {
    check_keys();
    return close();
  }
  bool start_array(std::size_t) { return open(Kind::array); }
  bool end_array() { return close(); }
  bool parse_error(std::size_t, const std::string&, const Json::exception&) {
    const uint32_t at = offset() > 0 ? offset() - 1 : 0;
    const std::string_view text = json_.text_;
    const std::string what = offset() >= text.size() && !open_.empty()
                                 ? fmt::format("the text ends inside {}", kind_of_open())
                                 : fmt::format("{} makes this no JSON", in_quotes(text.substr(at, 1)));
    json_.report(at, at + 1, what + "; expected JSON in UTF-8, gzip or not", mistakes_);
    return false;
  }

 private:
  uint32_t offset() const { return static_cast<uint32_t>(read_ - json_.text_.data()); }
  const char* kind_of_open() const { return json_.values_[open_.back()].kind == Kind::array ? "a list" : "an object"; }

  bool append(Kind kind, uint32_t begin, uint32_t end) {
    const auto behind = static_cast<uint32_t>(json_.values_.size() + 1);
    json_.values_.push_back({begin, end, behind, kind});
    return true;
  }
  bool add(Kind kind, uint32_t size) { return append(kind, offset() - size, offset()); }
  bool add_number() {
    const std::string& text = json_.text_;
    uint32_t end = offset();
    if (end > 0 && (text[end - 1] < '0' || text[end - 1] > '9')) --end;
    uint32_t begin = end;
    while (begin > 0 && std::string_view("0123456789+-.eE").find(text[begin - 1]) != std::string_view::npos) --begin;
    return append(Kind::number, begin, end);
  }
  // Back to the quote in front, which is one with an even number of backslashes before it.
  bool add_string() {
    const std::string& text = json_.text_;
    uint32_t begin = offset() - 1;
    while (true) {
      --begin;
      if (text[begin] != '"') continue;
      uint32_t slash = begin;
      while (slash > 0 && text[slash - 1] == '\\') --slash;
      if ((begin - slash) % 2 == 0) break;
    }
    return append(Kind::string, begin, offset());
  }
  bool open(Kind kind) {
    if (open_.size() == kDeepest) {
      json_.report(offset() - 1, offset(), fmt::format("more than {} levels deep; expected a trace", kDeepest),
                   mistakes_);
      return false;
    }
    open_.push_back(static_cast<uint32_t>(json_.values_.size()));
    return append(kind, offset() - 1, offset());
  }
  bool close() {
    JsonDocument::Value& value = json_.values_[open_.back()];
    value.end = offset();
    value.behind = static_cast<uint32_t>(json_.values_.size());
    open_.pop_back();
    return true;
  }

  void check_keys() {
    std::vector<std::pair<std::string, uint32_t>> keys;
    const auto behind = static_cast<uint32_t>(json_.values_.size());
    for (uint32_t key = open_.back() + 1; key < behind; key = json_.values_[key + 1].behind)
      keys.emplace_back(JsonValue(json_, key).string(), key);
    std::sort(keys.begin(), keys.end());
    for (std::size_t i = 1; i < keys.size(); ++i) {
      if (keys[i].first != keys[i - 1].first) continue;
      twice_ = true;
      JsonValue(json_, keys[i].second)
          .report(fmt::format("{} comes twice; expected each key of an object once", in_quotes(keys[i].first)),
                  mistakes_);
    }
  }

  JsonDocument& json_;
  Mistakes& mistakes_;
  const char* read_;
  std::vector<uint32_t> open_;  // lists and objects that are not closed yet
  bool twice_ = false;
};

JsonDocument::JsonDocument(std::string text, int64_t line, Mistakes& mistakes) : text_(std::move(text)), line_(line) {
  if (!JsonBuilder(*this, mistakes).build()) values_.clear();
}

std::optional<JsonValue> JsonDocument::root() const {
  if (values_.empty()) return std::nullopt;
  return JsonValue(*this, 0);
}

void JsonDocument::report(uint32_t begin, uint32_t end, std::string message, Mistakes& mistakes) const {
  if (mistakes.full()) return mistakes.add(line_, "", 0, 0, std::move(message));  // finding its line takes a while
  const std::size_t before = begin == 0 ? std::string::npos : text_.rfind('\n', begin - 1);
  const std::size_t line_begin = before == std::string::npos ? 0 : before + 1;
  const std::size_t line_end = std::min(text_.find('\n', line_begin), text_.size());
  const auto lines = std::count(text_.begin(), text_.begin() + static_cast<std::ptrdiff_t>(line_begin), '\n');
  mistakes.add(line_ + lines, std::string_view(text_).substr(line_begin, line_end - line_begin), begin - line_begin,
               std::min<std::size_t>(end, line_end) - begin, std::move(message));
}

std::string_view JsonValue::text() const {
  return std::string_view(json_->text_).substr(value().begin, value().end - value().begin);
}

std::string JsonValue::string() const {
  const std::string_view raw = text();
  if (raw.find('\\') == std::string_view::npos) return std::string(raw.substr(1, raw.size() - 2));
  return nlohmann::json::parse(raw).get<std::string>();
}

std::optional<JsonValue> JsonValue::find(std::string_view key) const {
  if (!is(JsonDocument::Kind::object)) return std::nullopt;
  for (uint32_t at = place_ + 1; at < value().behind; at = json_->values_[at + 1].behind) {
    const std::string_view raw = JsonValue(*json_, at).text();
    const bool plain = raw.find('\\') == std::string_view::npos;
    if (plain ? raw.substr(1, raw.size() - 2) == key : JsonValue(*json_, at).string() == key)
      return JsonValue(*json_, at + 1);
  }
  return std::nullopt;
}

std::vector<JsonValue> JsonValue::items() const {
  std::vector<JsonValue> all;
  for (uint32_t at = place_ + 1; at < value().behind; at = json_->values_[at].behind)
    all.push_back(JsonValue(*json_, at));
  return all;
}

std::vector<std::pair<std::string, JsonValue>> JsonValue::members() const {
  std::vector<std::pair<std::string, JsonValue>> all;
  for (uint32_t at = place_ + 1; at < value().behind; at = json_->values_[at + 1].behind)
    all.emplace_back(JsonValue(*json_, at).string(), JsonValue(*json_, at + 1));
  return all;
}

void JsonValue::report(std::string what, Mistakes& mistakes) const {
  json_->report(value().begin, value().end, std::move(what), mistakes);
}

std::string shown(const JsonValue& value) {
  switch (value.kind()) {
    case JsonDocument::Kind::array:
      return "a list";
    case JsonDocument::Kind::object:
      return "an object";
    case JsonDocument::Kind::string:
      return in_quotes(value.string());
    case JsonDocument::Kind::null:
    case JsonDocument::Kind::boolean:
    case JsonDocument::Kind::number:
      break;
  }
  return std::string(value.text().substr(0, 60));
}

}  // namespace tokwatt::scenarios
