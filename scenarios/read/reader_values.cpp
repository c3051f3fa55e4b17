// The parts of the reader that read values of more than one piece.
#include <fmt/format.h>

#include <algorithm>

#include "scenarios/read/distribution.hpp"
#include "scenarios/read/reader.hpp"

namespace tokwatt::scenarios {
namespace {

const std::vector<std::string> kConfidences = {"vendor", "measured", "derived", "assumed", "hypothetical"};
const std::vector<std::string> kSourcedKeys = {"value", "source", "confidence", "note"};

bool contains(const std::vector<std::string>& names, const std::string& name) {
  return std::find(names.begin(), names.end(), name) != names.end();
}

std::string expected_curve(CurveOver x, Dimension y) {
  return fmt::format("a list of points such as [{}, {}]", info(x.dimension).example, info(y).example);
}

}  // namespace

const Node* Reader::take_list(const Key& key, const std::string& expected) {
  const Node* node = take(key, expected);
  if (!node || node->kind == Node::Kind::sequence) return node;
  wrong(*node, path_of(key.name), node->kind == Node::Kind::scalar ? in_quotes(node->scalar) : "a mapping", expected);
  return nullptr;
}

bool Reader::texts(const Key& key, std::vector<Text>& member) {
  const Node* node = take_list(key, "a list of texts");
  if (!node) return false;
  if (key.required && node->items.empty()) wrong(*node, path_of(key.name), "empty", "a list of texts");
  for (const Node& item : node->items) {
    Text text;
    if (take_text(item, path_of(key.name), "a text", text)) member.push_back(text);
  }
  return !member.empty();
}

bool Reader::take_texts(const Node& node, const std::string& path, std::vector<Text>& member) {
  const bool is_list = node.kind == Node::Kind::sequence;
  if (is_list && node.items.empty()) wrong(node, path, "empty", "a text or a list of texts");
  for (std::size_t i = 0; i < (is_list ? node.items.size() : 1); ++i) {
    Text text;
    if (take_text(is_list ? node.items[i] : node, path, "a text", text)) member.push_back(text);
  }
  return !member.empty();
}

bool Reader::one_or_more(const Key& key, std::vector<Text>& member) {
  const Node* node = take(key, "a text");
  return node && take_texts(*node, path_of(key.name), member);
}

template <class T>
bool Reader::read_map(const Key& key, std::vector<Named<T>>& member,
                      const std::function<bool(const Node&, const std::string&, T&)>& read) {
  const std::size_t size = enter_list(key, /*named=*/true);
  const Node* node = lists_.back();
  leave_list();
  for (std::size_t i = 0; i < size; ++i) {
    const auto& [name, value] = node->entries[i];
    if (std::any_of(member.begin(), member.end(), [&, &name = name](const auto& m) { return m.name == name.scalar; })) {
      context_.diagnostics.error(
          name.place, fmt::format("{}.{} is given twice", shown(name, path_of(key.name)), path_segment(name.scalar)));
      continue;
    }
    Named<T> entry{name.scalar, name.place, {}};
    if (read(value, path_of(key.name) + "." + path_segment(name.scalar), entry.value))
      member.push_back(std::move(entry));
  }
  return node != nullptr;
}

bool Reader::text_map(const Key& key, std::vector<Named<Text>>& member) {
  return read_map<Text>(key, member, [this](const Node& node, const std::string& path, Text& text) {
    return take_text(node, path, "a text", text);
  });
}

bool Reader::texts_map(const Key& key, std::vector<Named<std::vector<Text>>>& member) {
  const auto read = [this](const Node& node, const std::string& path, std::vector<Text>& texts) {
    return take_texts(node, path, texts);
  };
  return read_map<std::vector<Text>>(key, member, read);
}

bool Reader::quantities(const Key& key, Dimension dimension, std::vector<double>& member) {
  const Node* node = take_list(key, fmt::format("a list, each {}", expectation(dimension)));
  if (!node) return false;
  for (const Node& item : node->items) {
    double read = 0;
    if (value(item, path_of(key.name), dimension, key.range, read)) member.push_back(read);
  }
  return member.size() == node->items.size() && !member.empty();
}

bool Reader::weighted(const Key& key, Dimension dimension, std::vector<std::pair<double, double>>& member) {
  const std::string expected = "a list of [value, weight]";
  const Node* node = take_list(key, expected);
  if (!node) return false;
  const std::string path = path_of(key.name);
  for (const Node& item : node->items) {
    if (item.kind != Node::Kind::sequence || item.items.size() != 2) {
      context_.diagnostics.error(
          item.place, fmt::format("an entry of {} is not of two numbers; expected {}", shown(item, path), expected));
      continue;
    }
    double at = 0, weight = 0;
    const bool has_value = value(item.items[0], path, dimension, key.range, at);
    if (value(item.items[1], path, Dimension::number, kNotNegative, weight) && has_value)
      member.emplace_back(at, weight);
  }
  return !member.empty();
}

bool Reader::curve(const Key& key, CurveOver x, Dimension y, hardware::Curve& member) {
  const Node* node = take(key, expected_curve(x, y));
  if (!node) return false;
  const Sourced sourced = unwrap(key, *node, path_of(key.name));
  return sourced.value && points(sourced, key, x, y, member);
}

bool Reader::number_or_curve(const Key& key, CurveOver x, double& number, hardware::Curve& curve) {
  const Node* node = take(key, expectation(Dimension::number));
  if (!node) return false;
  const std::string path = path_of(key.name);
  const Sourced sourced = unwrap(key, *node, path);
  if (!sourced.value) return false;
  if (sourced.value->kind == Node::Kind::sequence) return points(sourced, key, x, Dimension::number, curve);
  if (!value(*sourced.value, path, Dimension::number, key.range, number)) return false;
  keep(sourced, path, Dimension::number, number);
  return true;
}

bool Reader::points(const Sourced& sourced, const Key& key, CurveOver x, Dimension y, hardware::Curve& member) {
  const std::string path = path_of(key.name), expected = expected_curve(x, y);
  const Node& list = *sourced.value;
  if (list.kind != Node::Kind::sequence || list.items.empty()) {
    const std::string is = list.kind == Node::Kind::scalar ? in_quotes(list.scalar) : "no list of them";
    wrong(list, path, list.kind == Node::Kind::sequence ? "empty" : is, expected);
    return false;
  }
  hardware::Curve read;
  for (std::size_t i = 0; i < list.items.size(); ++i) {
    const Node& item = list.items[i];
    if (item.kind != Node::Kind::sequence || item.items.size() != 2) {
      context_.diagnostics.error(
          item.place, fmt::format("an entry of {} is not of two numbers; expected {}", shown(item, path), expected));
      continue;
    }
    double at = 0, height = 0;
    const bool has_place = value(item.items[0], path, x.dimension, x.range, at);
    if (!value(item.items[1], path, y, key.range, height) || !has_place) continue;
    if (!read.points.empty() && !(at > read.points.back().first)) {
      context_.diagnostics.error(item.place, fmt::format("{}: {} does not come behind the point before; expected "
                                                         "points in ascending order",
                                                         shown(item, path), in_quotes(item.items[0].scalar)));
      continue;
    }
    read.points.emplace_back(at, height);
    Sourced point = sourced;
    point.value = &item.items[1];
    keep(point, fmt::format("{}.{}", path, i), y, height);
    if (context_.is_sheet && context_.numbers)
      context_.numbers->back().text = fmt::format("{} at {}", item.items[1].scalar, item.items[0].scalar);
  }
  if (read.points.size() != list.items.size()) return false;
  member = std::move(read);
  return true;
}

bool Reader::distribution(const Key& key, Dimension dimension, std::optional<sim::Distribution>& member) {
  const std::string expected = fmt::format("{} or a distribution such as {{exponential: {}}}", expectation(dimension),
                                           dimension == Dimension::number ? "250" : info(dimension).example);
  const Node* node = take(key, expected);
  if (!node) return false;
  const std::string path = path_of(key.name);
  if (node->kind == Node::Kind::sequence) {
    wrong(*node, path, "a list", expected);
    return false;
  }
  DistributionSheet sheet;
  sheet.dimension = dimension;
  if (node->kind == Node::Kind::scalar) {
    double constant = 0;
    if (!value(*node, path, dimension, kNotNegative, constant)) return false;
    sheet.constant = constant;
  } else {
    const std::size_t before = context_.diagnostics.reported();
    push(*node, path + ".");
    fields(*this, sheet);
    leave();
    if (context_.diagnostics.reported() > before) return false;
  }
  member = to_distribution(sheet, node->place, shown(*node, path), context_.diagnostics);
  return member.has_value();
}

bool Reader::any_value(const Key& key, Node& member) {
  const std::string expected = "a number, a quantity or a word";
  const Node* node = take(key, expected);
  if (!node || !is_scalar(*node, path_of(key.name), expected)) return false;
  member = *node;
  return true;
}

bool Reader::any_values(const Key& key, std::vector<Node>& member) {
  const Node* node = take_list(key, "a list of numbers, quantities or words");
  if (!node) return false;
  if (node->items.empty()) wrong(*node, path_of(key.name), "empty", "a list of numbers, quantities or words");
  for (const Node& item : node->items) {
    if (is_scalar(item, path_of(key.name), "numbers, quantities or words")) member.push_back(item);
  }
  return member.size() == node->items.size() && !member.empty();
}

bool Reader::changes(const Key& key, std::vector<std::pair<Text, Node>>& member) {
  const std::string expected = "a mapping from keys to their new values";
  frames_.back().changes = key.name;
  const Node* node = take(key, expected);
  if (!node) return false;
  if (node->kind != Node::Kind::mapping || node->entries.empty()) {
    wrong(*node, path_of(key.name), node->kind == Node::Kind::mapping ? "empty" : "no mapping", expected);
    return false;
  }
  for (const auto& [name, value] : node->entries) {
    const auto same = [&name = name](const auto& m) { return m.first.value == name.scalar; };
    if (std::any_of(member.begin(), member.end(), same)) {
      context_.diagnostics.error(name.place, fmt::format("{} is set twice here", in_quotes(name.scalar)));
      continue;
    }
    member.push_back({{name.scalar, name.place}, value});
  }
  return true;
}

void Reader::here(Place& place, std::vector<std::string>* keys) {
  if (overrides_ > 0) return;
  place = frames_.back().node->place;
  if (!keys) return;
  for (const auto& [key, value] : frames_.back().node->entries) keys->push_back(key.scalar);
}

void Reader::places(std::map<std::string, Place>& of_values) {
  if (overrides_ > 0) return;
  for (const auto& [key, value] : frames_.back().node->entries) of_values.emplace(key.scalar, value.place);
}

/// Takes {value: ..., source: ...} apart; a plain value is its own.
Reader::Sourced Reader::unwrap(const Key& key, const Node& node, const std::string& path) {
  Sourced out;
  out.value = &node;
  if (!context_.is_sheet || node.kind != Node::Kind::mapping) return out;
  auto known = kSourcedKeys;
  if (key.peak) known.emplace_back("sparsity");
  for (const auto& [k, v] : node.entries) {
    if (!contains(known, k.scalar)) {
      context_.diagnostics.error(k.place,
                                 fmt::format("unknown key {}{}", in_quotes(k.scalar), did_you_mean(k.scalar, known)));
    }
    if (node.find(k.scalar) != &v)
      context_.diagnostics.error(k.place, fmt::format("{}.{} is given twice", shown(k, path), k.scalar));
  }
  out.value = node.find("value");
  out.source = node.find("source");
  out.confidence = node.find("confidence");
  out.note = node.find("note");
  if (!out.value) context_.diagnostics.error(node.place, fmt::format("{}.value is missing", shown(node, path)));
  const Node* sparsity = node.find("sparsity");
  if (sparsity && key.peak && sparsity->scalar != "dense") {
    wrong(*sparsity, path + ".sparsity", in_quotes(sparsity->scalar), "the dense figure");
    out.value = nullptr;
  }
  return out;
}

/// What the nearest mapping around a number says of its source or confidence; only what stands in the same text counts,
/// since a sheet does not vouch for what somebody else put into it.
const Node* Reader::said_around(const char* key, const Node& number) const {
  for (auto frame = frames_.rbegin(); frame != frames_.rend(); ++frame) {
    for (const auto& [name, value] : frame->node->entries) {
      if (name.scalar == key && value.place.source == number.place.source) return &value;
    }
  }
  return nullptr;
}

/// Notes where a number of a sheet comes from, and checks that the sheet says so rightly.
void Reader::keep(const Sourced& sourced, const std::string& path, Dimension dimension, double value) {
  if (!context_.is_sheet) return;
  const Node& node = *sourced.value;
  const Origin* origin = origin_of(node);
  SheetNumber number{
      origin ? origin->sheet : "", shown(node, path), node.scalar, value, dimension, {}, "user", "", node.place};
  const Node* source = sourced.source ? sourced.source : said_around("source", node);
  const Node* confidence = sourced.confidence ? sourced.confidence : said_around("confidence", node);
  if (source) {
    const std::vector<Node> one = {*source};
    for (const Node& id : source->kind == Node::Kind::sequence ? source->items : one) {
      if (origin && !contains(origin->sources, id.scalar)) {
        context_.diagnostics.error(id.place,
                                   fmt::format("source {} is not among this sheet's sources{}", in_quotes(id.scalar),
                                               did_you_mean(id.scalar, origin->sources)));
      }
      number.sources.push_back(id.scalar);
    }
  }
  if (confidence) {
    if (!contains(kConfidences, confidence->scalar)) {
      context_.diagnostics.error(confidence->place,
                                 fmt::format("confidence is {}; expected {}{}", in_quotes(confidence->scalar),
                                             one_of(kConfidences), did_you_mean(confidence->scalar, kConfidences)));
    }
    number.confidence = confidence->scalar;
  }
  if (sourced.note) number.note = sourced.note->scalar;
  if (context_.numbers) context_.numbers->push_back(std::move(number));
}

}  // namespace tokwatt::scenarios
