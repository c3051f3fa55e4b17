#include "scenarios/utf8.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cstdint>

namespace tokwatt::scenarios {
namespace {

uint32_t byte(std::string_view text, std::size_t i) { return static_cast<unsigned char>(text[i]); }

uint32_t decode(std::string_view c) {
  if (c.size() == 1) return byte(c, 0);
  uint32_t value = byte(c, 0) & (0x7FU >> c.size());
  for (std::size_t i = 1; i < c.size(); ++i) value = value << 6U | (byte(c, i) & 0x3FU);
  return value;
}

bool invisible(uint32_t c) {
  return c < 0x20 || (c >= 0x7F && c < 0xA0) || (c >= 0x200B && c <= 0x200F) || (c >= 0x2028 && c <= 0x202E) ||
         (c >= 0x2066 && c <= 0x2069) || c == 0xFEFF;
}

}  // namespace

std::size_t code_point_length(std::string_view text) {
  if (text.empty()) return 0;
  const uint32_t first = byte(text, 0);
  if (first < 0x80) return 1;
  const std::size_t length = first >= 0xF0 ? 4 : first >= 0xE0 ? 3 : 2;
  if (first < 0xC2 || first > 0xF4 || text.size() < length) return 0;
  for (std::size_t i = 1; i < length; ++i) {
    if ((byte(text, i) & 0xC0U) != 0x80) return 0;
  }
  const uint32_t value = decode(text.substr(0, length));
  const bool overlong = (length == 3 && value < 0x800) || (length == 4 && value < 0x10000);
  const bool outside = value > 0x10FFFF || (value >= 0xD800 && value <= 0xDFFF);
  return overlong || outside ? 0 : length;
}

std::vector<std::string_view> code_points(std::string_view text) {
  std::vector<std::string_view> points;
  while (!text.empty()) {
    const std::size_t length = std::max<std::size_t>(1, code_point_length(text));
    points.push_back(text.substr(0, length));
    text.remove_prefix(length);
  }
  return points;
}

std::size_t count_code_points(std::string_view text) {
  std::size_t count = 0;
  for (std::size_t at = 0; at < text.size(); ++count)
    at += std::max<std::size_t>(1, code_point_length(text.substr(at)));
  return count;
}

std::size_t offset_of_code_point(std::string_view text, std::size_t index) {
  std::size_t at = 0;
  for (; index > 0 && at < text.size(); --index) at += std::max<std::size_t>(1, code_point_length(text.substr(at)));
  return at;
}

std::string escaped(std::string_view text) {
  std::string out;
  out.reserve(text.size());
  while (!text.empty()) {
    const std::size_t length = code_point_length(text);
    if (length == 0) {
      out += fmt::format("\\x{:02x}", byte(text, 0));
      text.remove_prefix(1);
      continue;
    }
    const uint32_t c = decode(text.substr(0, length));
    if (c == '\n') {
      out += "\\n";
    } else if (c == '\t') {
      out += "\\t";
    } else if (c == '\r') {
      out += "\\r";
    } else if (invisible(c)) {
      out += c < 0x100 ? fmt::format("\\x{:02x}", c) : fmt::format("\\u{:04x}", c);
    } else {
      out += text.substr(0, length);
    }
    text.remove_prefix(length);
  }
  return out;
}

std::string shortened(std::string_view text, std::size_t longest) {
  if (text.size() <= longest) return std::string(text);
  const auto points = code_points(text);
  if (points.size() <= longest) return std::string(text);
  std::string out;
  for (std::size_t i = 0; i + 3 < longest; ++i) out += points[i];
  return out + "...";
}

std::size_t find_not_text(std::string_view text) {
  std::size_t i = 0;
  while (i < text.size()) {
    const std::size_t length = code_point_length(text.substr(i, 4));
    if (length == 0) return i;
    const char c = text[i];
    const bool line_end = c == '\n' || (c == '\r' && i + 1 < text.size() && text[i + 1] == '\n');
    if (length == 1 && !line_end && c != '\t' && (byte(text, i) < 0x20 || byte(text, i) == 0x7F)) return i;
    i += length;
  }
  return std::string_view::npos;
}

}  // namespace tokwatt::scenarios
