#include "scenarios/traces/sessions/json_members.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <span>

#include "scenarios/diagnostics.hpp"
#include "scenarios/traces/lines.hpp"

namespace tokwatt::scenarios {
namespace {

using Kind = JsonDocument::Kind;

constexpr std::size_t kChunk = std::size_t{256} << 10U;  // [B] read at once

const char* name_of(Kind kind) {
  switch (kind) {
    case Kind::null:
      return "null";
    case Kind::boolean:
      return "true or false";
    case Kind::number:
      return "a number";
    case Kind::string:
      return "a text";
    case Kind::array:
      return "a list";
    case Kind::object:
      break;
  }
  return "an object";
}

bool parse_nanoseconds(std::string_view text, TraceInstant& instant) {
  constexpr std::size_t kMostDigits = 21;  // 1e12 s
  constexpr TraceInstant kPicosecondsInNanosecond = 1000;
  if (text.empty() || text.size() > kMostDigits) return false;
  TraceInstant value = 0;
  for (const char c : text) {
    if (c < '0' || c > '9') return false;
    value = 10 * value + (c - '0');
  }
  instant = value * kPicosecondsInNanosecond;
  return true;
}

}  // namespace

std::optional<std::string> read_json_file(const std::string& path, Mistakes& mistakes) {
  ByteStream bytes(path);
  std::string text;
  std::vector<char> chunk(kChunk);
  try {
    while (const std::size_t got = bytes.read(chunk)) {
      text.append(chunk.data(), got);
      if (text.size() <= JsonDocument::kLongest) continue;
      mistakes.add(
          1, "", 0, 1,
          fmt::format("more than {} MiB of JSON in one piece; expected a session", JsonDocument::kLongest >> 20U));
      return std::nullopt;
    }
  } catch (const ReadFailure& e) {
    mistakes.add(std::count(text.begin(), text.end(), '\n') + 1, "", 0, 1, e.what());
    return std::nullopt;
  }
  if (text.starts_with("\xEF\xBB\xBF")) text.erase(0, 3);
  return text;
}

std::optional<JsonValue> member(const JsonValue& object, const char* key, Kind kind, Mistakes& mistakes) {
  const auto found = object.find(key);
  if (!found) {
    object.report(fmt::format("no {} here; expected {}", key, name_of(kind)), mistakes);
    return std::nullopt;
  }
  if (found->is(kind)) return found;
  found->report(fmt::format("{} is {}; expected {}", key, shown(*found), name_of(kind)), mistakes);
  return std::nullopt;
}

bool read_tokens(const JsonValue& object, const char* key, int32_t& tokens, Mistakes& mistakes) {
  const auto found = member(object, key, Kind::number, mistakes);
  if (!found || parse_tokens(found->text(), tokens)) return found.has_value();
  found->report(fmt::format("{} is {}", key, explain_tokens(found->text())), mistakes);
  return false;
}

bool read_seconds(const JsonValue& object, const char* key, TraceInstant& instant, Mistakes& mistakes) {
  const auto found = member(object, key, Kind::number, mistakes);
  if (!found || parse_instant(found->text(), TimeUnit::s, instant)) return found.has_value();
  found->report(fmt::format("{} is {}", key, explain_instant(found->text(), TimeUnit::s)), mistakes);
  return false;
}

bool read_nanoseconds(const JsonValue& object, const char* key, TraceInstant& instant, Mistakes& mistakes) {
  const auto found = member(object, key, Kind::number, mistakes);
  if (!found || parse_nanoseconds(found->text(), instant)) return found.has_value();
  found->report(fmt::format("{} is {}; expected whole nanoseconds from 0 to 1e21", key, in_quotes(found->text())),
                mistakes);
  return false;
}

}  // namespace tokwatt::scenarios
