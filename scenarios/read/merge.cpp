#include "scenarios/read/merge.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "scenarios/read/reader.hpp"
#include "scenarios/units.hpp"
#include "scenarios/utf8.hpp"

namespace tokwatt::scenarios {
namespace {

int width_of(std::string_view text) { return static_cast<int>(code_points(text).size()); }

/// Moves a value's places from its own text to where it stands in the whole option.
void shift(Node& node, const std::shared_ptr<const Source>& source, int columns) {
  if (node.place.line == 1) node.place.column += columns;
  node.place.source = source;
  for (auto& item : node.items) shift(item, source, columns);
  for (auto& [key, value] : node.entries) {
    shift(key, source, columns);
    shift(value, source, columns);
  }
}

Node key_node(const PathSegment& segment, const Place& place) {
  Node key;
  key.kind = Node::Kind::scalar;
  key.scalar = segment.name;
  key.place = place;
  return key;
}

/// The child that a segment names, made where a mapping lacks it; null (and reported) where there can be none.
Node* child(Node& node, const PathSegment& segment, const std::string& path, const Place& place,
            Diagnostics& diagnostics) {
  if (node.kind == Node::Kind::null) {
    node.kind = Node::Kind::mapping;
    node.place = place;
  }
  if (node.kind == Node::Kind::mapping) {
    for (auto& [key, value] : node.entries) {
      if (key.scalar == segment.name) return &value;
    }
    Node empty;
    empty.place = place;
    node.entries.emplace_back(key_node(segment, place), std::move(empty));
    return &node.entries.back().second;
  }
  if (node.kind == Node::Kind::scalar) {
    diagnostics.error(
        place, fmt::format("{} is {}, not a mapping; nothing can be set inside it", path, in_quotes(node.scalar)));
    return nullptr;
  }
  const auto index = parse_count(segment.name);
  const auto* number = std::get_if<int64_t>(&index);
  if (!number || *number < 0 || *number >= static_cast<int64_t>(node.items.size())) {
    diagnostics.error(
        place, fmt::format("{} is a list of {}; expected an index from 0 to {} in place of {}", path, node.items.size(),
                           static_cast<int64_t>(node.items.size()) - 1, in_quotes(segment.name)));
    return nullptr;
  }
  return &node.items[static_cast<std::size_t>(*number)];
}

/// Position of the '=' that ends the key, outside quotes.
std::size_t find_equals(const std::string& option) {
  bool inside = false;
  for (std::size_t i = 0; i < option.size(); ++i) {
    if (option[i] == '"') inside = !inside;
    if (option[i] == '=' && !inside) return i;
  }
  return std::string::npos;
}

}  // namespace

Node merge(const Node& base, const Node& over) {
  const auto is_plain_mapping = [](const Node& n) { return n.kind == Node::Kind::mapping && !n.find("value"); };
  if (!is_plain_mapping(base) || !is_plain_mapping(over)) return over;
  Node out = base;
  std::vector<std::string_view> done;
  for (const auto& [key, value] : over.entries) {
    const auto same = [&k = key](const auto& entry) { return entry.first.scalar == k.scalar; };
    const auto at = std::find_if(out.entries.begin(), out.entries.end(), same);
    const bool says_whence = key.scalar == "source" || key.scalar == "confidence" || key.scalar == "note";
    const bool is_twice = std::find(done.begin(), done.end(), key.scalar) != done.end();
    if (at == out.entries.end() || is_twice || says_whence) {
      // A key given twice stays so, for the reader to report; and each text speaks for its own numbers.
      out.entries.emplace_back(key, value);
    } else {
      at->first = key;
      at->second = merge(at->second, value);
    }
    done.push_back(key.scalar);
  }
  return out;
}

std::vector<PathSegment> split_path(const std::string& text, const Place& place, Diagnostics& diagnostics) {
  std::vector<PathSegment> out;
  const auto fail = [&](std::size_t at, const char* why) {
    Place there = place;
    there.column += width_of(text.substr(0, at));
    there.width = 1;
    diagnostics.error(there,
                      fmt::format("{} is not a path: {}; expected names with dots between, such as workload.0.users",
                                  in_quotes(text), why));
    return std::vector<PathSegment>{};
  };
  std::size_t i = 0;
  while (true) {
    const std::size_t start = i;
    PathSegment segment;
    if (i < text.size() && text[i] == '"') {
      const std::size_t end = text.find('"', i + 1);
      if (end == std::string::npos) return fail(i, "a quote is not closed");
      segment.name = text.substr(i + 1, end - i - 1);
      segment.quoted = true;
      i = end + 1;
      if (i < text.size() && text[i] != '.') return fail(i, "a dot is missing after a quoted part");
    } else {
      i = std::min(text.find('.', i), text.size());
      segment.name = text.substr(start, i - start);
    }
    if (segment.name.empty()) return fail(start, "a part is empty");
    segment.column = width_of(text.substr(0, start)) + 1;
    segment.width = width_of(text.substr(start, i - start));
    out.push_back(std::move(segment));
    if (i >= text.size()) return out;
    ++i;
  }
}

void set_path(Node& root, const std::vector<PathSegment>& path, const Place& place, Node value,
              Diagnostics& diagnostics) {
  Node* node = &root;
  std::string so_far;
  for (const auto& segment : path) {
    const Place there{place.source, place.line, place.column + segment.column - 1, segment.width};
    node = child(*node, segment, so_far.empty() ? "the scenario" : so_far, there, diagnostics);
    if (!node) return;
    so_far += (so_far.empty() ? "" : ".") + path_segment(segment.name);
  }
  *node = std::move(value);
}

bool erase_path(Node& root, const std::vector<std::string>& path) {
  Node* node = &root;
  for (std::size_t i = 0; i < path.size(); ++i) {
    const auto at = std::find_if(node->entries.begin(), node->entries.end(),
                                 [&](const auto& entry) { return entry.first.scalar == path[i]; });
    if (at == node->entries.end()) return false;
    if (i + 1 == path.size()) {
      node->entries.erase(at);
      return true;
    }
    node = &at->second;
  }
  return false;
}

std::optional<Setting> parse_set(const std::string& option, Diagnostics& diagnostics) {
  const auto source = std::make_shared<Source>(Source{"--set " + option, option});
  const Place start{source, 1, 1, 1};
  const std::size_t equals = find_equals(option);
  if (equals == std::string::npos || equals == 0) {
    diagnostics.error({source, 1, 1, width_of(option)}, "expected key=value, such as environment.ambient=\"35 degC\"");
    return std::nullopt;
  }
  auto segments = split_path(option.substr(0, equals), start, diagnostics);
  auto value_source = std::make_shared<Source>(Source{source->name, option.substr(equals + 1)});
  Diagnostics in_value;
  Node value = parse(value_source, in_value);
  for (auto e : in_value.errors()) {
    if (e.place.line == 1) e.place.column += width_of(option.substr(0, equals + 1));
    e.place.source = source;
    diagnostics.error(e.place, e.message);
  }
  if (segments.empty() || !in_value.ok()) return std::nullopt;
  shift(value, source, width_of(option.substr(0, equals + 1)));
  return Setting{std::move(segments), start, std::move(value)};
}

void apply_set(Node& root, const std::string& option, Diagnostics& diagnostics) {
  auto setting = parse_set(option, diagnostics);
  if (setting) set_path(root, setting->path, setting->place, std::move(setting->value), diagnostics);
}

}  // namespace tokwatt::scenarios
