#include "scenarios/read/reader.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "scenarios/dates.hpp"

namespace tokwatt::scenarios {
namespace {

constexpr std::size_t kLongestName = 100;
constexpr std::size_t kMostNames = 10'000;
constexpr int kMostHints = 100;  // in one mapping: edit distances take time

std::string what_it_is(const Node& node) {
  switch (node.kind) {
    case Node::Kind::null:
      return "empty";
    case Node::Kind::sequence:
      return "a list";
    case Node::Kind::mapping:
      return "a mapping";
    case Node::Kind::scalar:
      break;
  }
  return in_quotes(node.scalar);
}

bool inside(double value, Range range) {
  return value <= range.high && (range.above_low ? value > range.low : value >= range.low);
}

/// A bound with its unit: "0 W", "1", "106 days".
std::string bound(double value, Dimension dimension) {
  constexpr double kDay = 86'400;
  if (dimension == Dimension::number) return fmt::format("{}", value);
  if (dimension == Dimension::duration && value >= 2 * kDay) return fmt::format("{:.9g} days", value / kDay);
  return fmt::format("{} {}", value, info(dimension).si);
}

}  // namespace

std::string bounds_text(Range range, Dimension dimension) {
  const std::string lowest = bound(range.low, dimension), highest = bound(range.high, dimension);
  const bool low = std::isfinite(range.low), high = std::isfinite(range.high);
  if (low && high && range.above_low) return fmt::format(" of more than {} and at most {}", lowest, highest);
  if (low && high && dimension == Dimension::duration) return fmt::format(" from {} to {}", lowest, highest);
  if (low && high) return fmt::format(" from {} to {}", range.low, highest);
  if (low) return fmt::format(" of {} {}", range.above_low ? "more than" : "at least", lowest);
  return high ? fmt::format(" of at most {}", highest) : "";
}

std::string path_segment(const std::string& name) {
  const bool plain = !name.empty() && std::all_of(name.begin(), name.end(), [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' || c == '-';
  });
  return plain ? name : in_quotes(name);
}

std::string one_of(const std::vector<std::string>& names) {
  std::string out;
  for (std::size_t i = 0; i < names.size(); ++i) {
    if (i > 0) out += i + 1 == names.size() ? " or " : ", ";
    out += names[i];
  }
  return out;
}

const Origin* Reader::origin_of(const Node& node) const {
  for (const auto& origin : context_.origins) {
    if (origin.source == node.place.source) return &origin;
  }
  return nullptr;
}

std::string Reader::shown(const Node& node, const std::string& path) const {
  const Origin* origin = origin_of(node);
  return (origin ? origin->prefix : context_.prefix) + path;
}

void Reader::wrong(const Node& node, const std::string& path, const std::string& is, const std::string& expected) {
  context_.diagnostics.error(node.place, fmt::format("{} is {}; expected {}", shown(node, path), is, expected));
}

void Reader::push(const Node& node, std::string path) {
  Frame frame;
  frame.node = &node;
  frame.path = std::move(path);
  if (context_.is_sheet) frame.known = {"source", "confidence", "note"};
  frames_.push_back(std::move(frame));
}

bool Reader::begin(const Node& root) {
  if (root.kind != Node::Kind::mapping) {
    context_.diagnostics.error(root.place,
                               fmt::format("the text is {}; expected a mapping (key: value)", what_it_is(root)));
    return false;
  }
  push(root, "");
  return true;
}

/// Where an option set a key of a name that the text does not have ("systems.dsk.mode"), the names that it has.
std::string Reader::other_names() const {
  const Frame& frame = frames_.back();
  const auto& source = frame.node->place.source;
  if (frames_.size() < 2 || !source || !source->name.starts_with("--set ")) return {};
  const Frame& outer = frames_[frames_.size() - 2];
  const std::string within = frame.path.substr(outer.path.size());  // "systems.dsk."
  const Node* all = outer.node->find(within.substr(0, within.find('.')));
  if (!all || all->kind != Node::Kind::mapping) return {};
  std::string made;
  std::vector<std::string> names;
  for (const auto& [name, node] : all->entries) {
    if (&node == frame.node) {
      made = name.scalar;
    } else {
      names.push_back(name.scalar);
    }
  }
  if (made.empty() || names.empty()) return {};
  const std::string hint = did_you_mean(made, names);
  return hint.empty() ? fmt::format("; the text has {}", one_of(names)) : hint;
}

/// The node of a key, or null where it is missing or empty (reported where that is wrong).
const Node* Reader::take(const Key& key, const std::string& expected) {
  Frame& frame = frames_.back();
  frame.known.emplace_back(key.name);
  if (overrides_ > 0) return nullptr;
  const Node* node = frame.node->find(key.name);
  if (!node) {
    const bool replaced = key.unless && frame.node->find(key.unless);
    if (key.required && !replaced) {
      const std::string path = shown(*frame.node, path_of(key.name));
      context_.diagnostics.error(frame.node->place,
                                 fmt::format("{} is missing; expected {}{}", path, expected, other_names()));
    }
    return nullptr;
  }
  if (node->kind == Node::Kind::null) {
    wrong(*node, path_of(key.name), "empty", expected);
    return nullptr;
  }
  return node;
}

bool Reader::is_scalar(const Node& node, const std::string& path, const std::string& expected) {
  if (node.kind == Node::Kind::scalar) return true;
  wrong(node, path, what_it_is(node), expected);
  return false;
}

bool Reader::value(const Node& node, const std::string& path, Dimension dimension, Range range, double& member) {
  const std::string expected = expectation(dimension);
  if (!is_scalar(node, path, expected)) return false;
  if (dimension == Dimension::number && node.quoted) {
    wrong(node, path, "the text " + in_quotes(node.scalar), expected + " without quotes");
    return false;
  }
  const auto parsed = parse_quantity(node.scalar, dimension);
  if (const auto* bad = std::get_if<NotAQuantity>(&parsed)) {
    wrong(node, path, in_quotes(node.scalar) + bad->why, expected);
    return false;
  }
  const double read = std::get<double>(parsed);
  if (!inside(read, range)) {
    wrong(node, path, in_quotes(node.scalar), fmt::format("{}{}", info(dimension).noun, bounds_text(range, dimension)));
    return false;
  }
  member = read;
  return true;
}

bool Reader::quantity(const Key& key, Dimension dimension, double& member) {
  const Node* node = take(key, expectation(dimension));
  if (!node) return false;
  const std::string path = path_of(key.name);
  if (key.distribution_not_yet && node->kind == Node::Kind::mapping) {
    context_.diagnostics.error(
        node->place,
        fmt::format("{} that differs between requests is not built yet; expected one number", shown(*node, path)));
    return false;
  }
  const Sourced sourced = unwrap(key, *node, path);
  if (!sourced.value || !value(*sourced.value, path, dimension, key.range, member)) return false;
  keep(sourced, path, dimension, member);
  return true;
}

bool Reader::instant(const Key& key, Instant& member) {
  const std::string date = "a date and time such as \"2026-11-23 14:00\"";
  const std::string expected = fmt::format("{}, or {}", expectation(Dimension::duration), date);
  const Node* node = take(key, expected);
  if (!node) return false;
  const std::string path = path_of(key.name);
  if (!is_scalar(*node, path, expected)) return false;
  const std::string& written = node->scalar;
  if (date_and_time(written)) {
    member.date = {written, node->place};
    return true;
  }
  if (written.size() > 4 && written[4] == '-') {
    wrong(*node, path, in_quotes(written), date);
    return false;
  }
  return value(*node, path, Dimension::duration, key.range, member.after);
}

bool Reader::count(const Key& key, int64_t& member) {
  const std::string expected = "a whole number" + bounds_text(key.range, Dimension::number);
  const Node* node = take(key, expected);
  if (!node) return false;
  const std::string path = path_of(key.name);
  const Sourced sourced = unwrap(key, *node, path);
  if (!sourced.value || !is_scalar(*sourced.value, path, expected)) return false;
  const Node& written = *sourced.value;
  const auto parsed = parse_count(written.scalar);
  const auto* bad = std::get_if<NotAQuantity>(&parsed);
  if (bad || written.quoted || !inside(static_cast<double>(std::get<int64_t>(parsed)), key.range)) {
    const std::string is =
        written.quoted ? "the text " + in_quotes(written.scalar) : in_quotes(written.scalar) + (bad ? bad->why : "");
    wrong(written, path, is, expected);
    return false;
  }
  member = std::get<int64_t>(parsed);
  keep(sourced, path, Dimension::number, static_cast<double>(member));
  return true;
}

bool Reader::flag(const Key& key, bool& member) {
  const std::string expected = "true or false";
  const Node* node = take(key, expected);
  if (!node) return false;
  const std::string path = path_of(key.name);
  const Sourced sourced = unwrap(key, *node, path);
  if (!sourced.value || !is_scalar(*sourced.value, path, expected)) return false;
  const Node& written = *sourced.value;
  if (written.quoted || (written.scalar != "true" && written.scalar != "false")) {
    wrong(written, path, in_quotes(written.scalar), expected);
    return false;
  }
  member = written.scalar == "true";
  const bool by_user = !origin_of(written);
  if (by_user || &written != node) keep(sourced, path, Dimension::number, member ? 1 : 0);
  return true;
}

bool Reader::take_text(const Node& node, const std::string& path, const std::string& expected, Text& member) {
  if (!is_scalar(node, path, expected)) return false;
  if (node.scalar.empty()) {
    wrong(node, path, "empty", expected);
    return false;
  }
  member = {node.scalar, node.place};
  return true;
}

bool Reader::text(const Key& key, Text& member) {
  const std::string expected = "a text";
  const Node* node = take(key, expected);
  if (!node) return false;
  return take_text(*node, path_of(key.name), expected, member);
}

bool Reader::choice(const Key& key, const Choices& choices, Text& member) {
  const std::string expected = one_of(choices.built);
  const Node* node = take(key, expected);
  Text read;
  if (!node || !take_text(*node, path_of(key.name), expected, read)) return false;
  const auto has = [&](const std::vector<std::string>& names) {
    return std::find(names.begin(), names.end(), read.value) != names.end();
  };
  if (has(choices.not_yet)) {
    context_.diagnostics.error(node->place, fmt::format("{}: {} is not built yet; there is {}",
                                                        shown(*node, path_of(key.name)), read.value, expected));
    return false;
  }
  if (!has(choices.built)) {
    wrong(*node, path_of(key.name), in_quotes(read.value), expected + did_you_mean(read.value, choices.built));
    return false;
  }
  member = read;
  return true;
}

void Reader::not_yet(const char* name) {
  Frame& frame = frames_.back();
  if (overrides_ > 0) return;
  for (const auto& [key, value] : frame.node->entries) {
    if (key.scalar != name) continue;
    context_.diagnostics.error(key.place, fmt::format("{} is not built yet", shown(key, path_of(name))));
    frame.known.emplace_back(name);
  }
}

bool Reader::enter(const Key& key) {
  const std::string expected = "a mapping (key: value)";
  const Node* node = take(key, expected);
  if (!node) return false;
  if (node->kind != Node::Kind::mapping) {
    wrong(*node, path_of(key.name), what_it_is(*node), expected);
    return false;
  }
  push(*node, path_of(key.name) + ".");
  return true;
}

void Reader::leave() {
  check_keys(frames_.back());
  frames_.pop_back();
}

std::size_t Reader::enter_list(const Key& key, bool named) {
  const std::string expected = named ? "a mapping from names to settings" : "a list";
  const Node* node = take(key, expected);
  const auto kind = named ? Node::Kind::mapping : Node::Kind::sequence;
  if (node && node->kind != kind) {
    wrong(*node, path_of(key.name), what_it_is(*node), expected);
    node = nullptr;
  }
  const std::size_t size = node ? node->items.size() + node->entries.size() : 0;
  if (node && key.required && size == 0) wrong(*node, path_of(key.name), "empty", expected);
  const bool too_long = named && size > kMostNames;
  if (too_long)
    wrong(*node, path_of(key.name), fmt::format("{} entries long", size), fmt::format("at most {}", kMostNames));
  lists_.push_back(node);
  list_paths_.push_back(path_of(key.name) + ".");
  return too_long ? 0 : size;
}

bool Reader::enter_item(std::size_t index, std::string* name, Place* place) {
  const Node& list = *lists_.back();
  const Node* item = name ? &list.entries[index].second : &list.items[index];
  std::string path = list_paths_.back() + std::to_string(index);
  if (name) {
    const Node& key = list.entries[index].first;
    path = list_paths_.back() + path_segment(key.scalar);
    *name = key.scalar;
    *place = key.place;
    const auto same = [&](const auto& entry) { return entry.first.scalar == key.scalar; };
    const auto first = std::find_if(list.entries.begin(), list.entries.end(), same);
    if (first != list.entries.begin() + static_cast<std::ptrdiff_t>(index)) {
      context_.diagnostics.error(
          key.place, fmt::format("{} is given twice; first in line {}", shown(key, path), first->first.place.line));
      return false;
    }
    if (key.scalar.empty() || key.scalar.size() > kLongestName) {
      context_.diagnostics.error(key.place, fmt::format("the name {} has {} bytes; expected 1 to {}",
                                                        in_quotes(key.scalar), key.scalar.size(), kLongestName));
      return false;
    }
  }
  if (item->kind != Node::Kind::mapping) {
    wrong(*item, path, what_it_is(*item), "a mapping (key: value)");
    return false;
  }
  push(*item, path + ".");
  return true;
}

void Reader::leave_list() {
  lists_.pop_back();
  list_paths_.pop_back();
}

void Reader::begin_overrides(Node& raw) {
  raw = *frames_.back().node;
  frames_.back().open = true;
  ++overrides_;
}

void Reader::end_overrides() { --overrides_; }

/// Duplicate keys, and keys that nobody declared.
void Reader::check_keys(const Frame& frame) {
  const auto& entries = frame.node->entries;
  std::map<std::pair<std::string_view, const Source*>, int> first_line;
  int unknown = 0;
  for (const auto& [key, value] : entries) {
    // Where two sheets were merged, each may say where its own numbers come from.
    const bool per_text =
        context_.is_sheet && (key.scalar == "source" || key.scalar == "confidence" || key.scalar == "note");
    const auto [at, is_new] =
        first_line.try_emplace({key.scalar, per_text ? key.place.source.get() : nullptr}, key.place.line);
    if (!is_new) {
      const std::string path = shown(key, frame.path + path_segment(key.scalar));
      context_.diagnostics.error(key.place, fmt::format("{} is given twice; first in line {}", path, at->second));
      continue;
    }
    const bool known = std::find(frame.known.begin(), frame.known.end(), key.scalar) != frame.known.end();
    if (known || frame.open) continue;
    auto names = frame.known;
    if (frames_.size() == 1) names.insert(names.end(), context_.more_keys.begin(), context_.more_keys.end());
    std::string hint = ++unknown <= kMostHints ? did_you_mean(key.scalar, names) : "";
    if (hint.empty() && frame.changes && !context_.is_sheet)
      hint = fmt::format("; keys of the scenario stand under {0}: {{{0}: {{KEY: value}}}}", frame.changes);
    context_.diagnostics.error(key.place, fmt::format("unknown key {}{}", in_quotes(key.scalar), hint));
  }
}

}  // namespace tokwatt::scenarios
