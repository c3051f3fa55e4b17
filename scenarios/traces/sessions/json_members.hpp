#pragma once
// Members of JSON objects that traces are made of. Each function reports what is missing or wrong and says whether a
// good value was read.
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "scenarios/traces/fields.hpp"
#include "scenarios/traces/sessions/json.hpp"

namespace tokwatt::scenarios {

/// The text of a whole file, without byte order mark and inflated; nothing (reported) if it is damaged or too long.
/// Throws ReadFailure if it cannot be opened.
std::optional<std::string> read_json_file(const std::string& path, Mistakes& mistakes);

/// Calls `read` with the root of a file that is one JSON document, unless it is damaged.
template <class Read>
void read_json_root(const std::string& path, Mistakes& mistakes, Read read) {
  auto text = read_json_file(path, mistakes);
  if (!text) return;
  const JsonDocument json(std::move(*text), 1, mistakes);
  if (const auto root = json.root()) read(*root);
}

std::optional<JsonValue> member(const JsonValue& object, const char* key, JsonDocument::Kind kind, Mistakes& mistakes);
bool read_tokens(const JsonValue& object, const char* key, int32_t& tokens, Mistakes& mistakes);
bool read_seconds(const JsonValue& object, const char* key, TraceInstant& instant, Mistakes& mistakes);
bool read_nanoseconds(const JsonValue& object, const char* key, TraceInstant& instant, Mistakes& mistakes);

}  // namespace tokwatt::scenarios
