#pragma once
// JSON that remembers where everything stands, at 16 bytes a value: lists of block ids are long.
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "scenarios/traces/mistakes.hpp"

namespace tokwatt::scenarios {

class JsonValue;

class JsonDocument {
 public:
  enum class Kind : uint8_t { null, boolean, number, string, array, object };
  static constexpr std::size_t kLongest = std::size_t{64} << 20U;  ///< [B]

  /// Reads a text of at most kLongest bytes that begins at line `line` of a file. Whatever makes it no JSON is
  /// reported, and so is a key that an object has twice; then there is no root.
  JsonDocument(std::string text, int64_t line, Mistakes& mistakes);
  JsonDocument(const JsonDocument&) = delete;
  JsonDocument& operator=(const JsonDocument&) = delete;

  std::optional<JsonValue> root() const;

 private:
  friend class JsonValue;
  friend class JsonBuilder;
  struct Value {
    uint32_t begin, end;  // bytes
    uint32_t behind;      // the value that follows it and all that is in it
    Kind kind;
  };

  void report(uint32_t begin, uint32_t end, std::string message, Mistakes& mistakes) const;

  std::string text_;
  int64_t line_;
  std::vector<Value> values_;  // as they stand in the text; a key before its value
};

/// One value of a JsonDocument, which outlives it.
class JsonValue {
 public:
  JsonDocument::Kind kind() const { return value().kind; }
  bool is(JsonDocument::Kind kind) const { return value().kind == kind; }
  /// As it stands there, a string with its quotes.
  std::string_view text() const;
  /// What a string says.
  std::string string() const;
  /// The value of a key of an object.
  std::optional<JsonValue> find(std::string_view key) const;
  /// All that an array holds, and all keys of an object with their values.
  std::vector<JsonValue> items() const;
  std::vector<std::pair<std::string, JsonValue>> members() const;

  /// Something is wrong with this value.
  void report(std::string what, Mistakes& mistakes) const;

 private:
  friend class JsonDocument;
  friend class JsonBuilder;
  JsonValue(const JsonDocument& json, uint32_t place) : json_(&json), place_(place) {}
  const JsonDocument::Value& value() const { return json_->values_[place_]; }

  const JsonDocument* json_;
  uint32_t place_;
};

/// "a list", "12", ...: a value for a message.
std::string shown(const JsonValue& value);

}  // namespace tokwatt::scenarios
