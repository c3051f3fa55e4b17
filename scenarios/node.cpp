#include "scenarios/node.hpp"

#include <fmt/format.h>
#include <yaml-cpp/eventhandler.h>
#include <yaml-cpp/exceptions.h>
#include <yaml-cpp/parser.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <optional>
#include <sstream>

#include "scenarios/diagnostics.hpp"
#include "scenarios/utf8.hpp"

namespace tokwatt::scenarios {
namespace {

constexpr std::size_t kDeepest = 64;  // our grammar is 7 deep; the bound keeps recursion off the stack's end
constexpr std::size_t kLongestText = 64U << 20U;  // 64 MiB
constexpr int kMostBadBytes = 20;

std::string_view without_bom(std::string_view text) {
  return text.substr(0, 3) == "\xEF\xBB\xBF" ? text.substr(3) : text;
}

/// Turns yaml-cpp's marks (0-based, bytes) into places (1-based, characters).
class Places {
 public:
  explicit Places(std::shared_ptr<const Source> source) : source_(std::move(source)) {
    const std::string_view text = without_bom(source_->text);
    starts_.push_back(0);
    for (std::size_t i = 0; i < text.size(); ++i) {
      if (text[i] == '\n') starts_.push_back(i + 1);
    }
  }

  Place at(const YAML::Mark& mark) const {
    const int line = std::max(mark.line, 0), column = std::max(mark.column, 0);
    const std::string_view before = rest_of_line(line, 0).substr(0, static_cast<std::size_t>(column));
    return {source_, line + 1, static_cast<int>(code_points(before).size()) + 1, 1};
  }

  Place of_byte(std::size_t offset) const {
    const auto after = std::upper_bound(starts_.begin(), starts_.end(), offset);
    const auto line = static_cast<int>(after - starts_.begin()) - 1;
    YAML::Mark mark;
    mark.line = line;
    mark.column = static_cast<int>(offset - starts_[static_cast<std::size_t>(line)]);
    return at(mark);
  }

  /// Place of a scalar, as wide as it is written on its first line.
  Place of_scalar(const YAML::Mark& mark, const std::string& value) const {
    Place place = at(mark);
    const std::string_view rest = rest_of_line(mark.line, mark.column);
    place.width = std::max(1, static_cast<int>(code_points(rest.substr(0, written_length(rest, value))).size()));
    return place;
  }

  std::string_view rest_of_line(int line, int column) const {
    if (line < 0 || static_cast<std::size_t>(line) >= starts_.size()) return {};
    std::string_view text = without_bom(source_->text).substr(starts_[static_cast<std::size_t>(line)]);
    text = text.substr(0, text.find('\n'));
    if (!text.empty() && text.back() == '\r') text.remove_suffix(1);
    return text.substr(std::min(text.size(), static_cast<std::size_t>(std::max(column, 0))));
  }

 private:
  static std::size_t written_length(std::string_view rest, const std::string& value) {
    if (rest.empty() || rest[0] == '|' || rest[0] == '>') return 1;
    const char quote = rest[0];
    if (quote != '"' && quote != '\'') {
      if (rest.substr(0, value.size()) == value) return value.size();
      return rest.find_last_not_of(" \t") + 1;
    }
    for (std::size_t i = 1; i < rest.size(); ++i) {
      const bool doubled = quote == '\'' && rest.substr(i, 2) == "''";
      if (doubled || (quote == '"' && rest[i] == '\\')) {
        ++i;
      } else if (rest[i] == quote) {
        return i + 1;
      }
    }
    return rest.size();
  }

  std::shared_ptr<const Source> source_;
  std::vector<std::size_t> starts_;
};

struct TooDeep {
  YAML::Mark mark;
};

/// Builds the tree from yaml-cpp's events (its own tree would drop duplicate keys and the places of keys).
class Builder : public YAML::EventHandler {
 public:
  Builder(const Places& places, Diagnostics& diagnostics) : places_(places), diagnostics_(diagnostics) {}

  void OnDocumentStart(const YAML::Mark& mark) override {
    if (++documents_ == 2) diagnostics_.error(places_.at(mark), "a second document starts here; expected one document");
  }
  void OnDocumentEnd() override {}
  void OnNull(const YAML::Mark& mark, YAML::anchor_t anchor) override {
    refuse_anchor(mark, anchor);
    Node node;
    node.place = places_.at(mark);
    // Where nothing at all is written, the mark is that of the next token; the key says more.
    const std::string_view rest = places_.rest_of_line(mark.line, mark.column);
    const bool written = rest.substr(0, 1) == "~" || rest.substr(0, 4) == "null" || rest.substr(0, 4) == "Null" ||
                         rest.substr(0, 4) == "NULL";
    if (!written && !open_.empty() && open_.back().key) node.place = open_.back().key->place;
    add(std::move(node));
  }
  void OnAlias(const YAML::Mark& mark, YAML::anchor_t) override {
    diagnostics_.error(places_.at(mark), "an alias (*name) is not accepted; write the value out");
    Node node;
    node.place = places_.at(mark);
    add(std::move(node));
  }
  void OnScalar(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor,
                const std::string& value) override {
    refuse_anchor(mark, anchor);
    refuse_tag(mark, tag);
    Node node;
    node.kind = Node::Kind::scalar;
    node.scalar = value;
    node.quoted = tag == "!";
    node.place = places_.of_scalar(mark, value);
    add(std::move(node));
  }
  void OnSequenceStart(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor,
                       YAML::EmitterStyle::value) override {
    open(mark, tag, anchor, Node::Kind::sequence);
  }
  void OnSequenceEnd() override { close(); }
  void OnMapStart(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor,
                  YAML::EmitterStyle::value) override {
    open(mark, tag, anchor, Node::Kind::mapping);
  }
  void OnMapEnd() override { close(); }

  /// Where the innermost list or mapping that is still open began.
  const Place* unclosed() const { return open_.empty() ? nullptr : &open_.back().node.place; }
  int documents() const { return documents_; }
  Node take() { return std::move(root_); }

 private:
  struct Open {
    Node node;
    std::optional<Node> key;  ///< of a mapping: read, its value still to come
  };

  void refuse_anchor(const YAML::Mark& mark, YAML::anchor_t anchor) {
    if (anchor != YAML::NullAnchor)
      diagnostics_.error(places_.at(mark), "an anchor (&name) is not accepted; write the value out where it is used");
  }
  void refuse_tag(const YAML::Mark& mark, const std::string& tag) {
    if (!tag.empty() && tag != "?" && tag != "!")
      diagnostics_.error(places_.at(mark), fmt::format("the tag {} is not accepted", in_quotes(tag)));
  }
  void open(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor, Node::Kind kind) {
    refuse_anchor(mark, anchor);
    refuse_tag(mark, tag);
    if (open_.size() >= kDeepest) throw TooDeep{mark};
    Open o;
    o.node.kind = kind;
    o.node.place = places_.at(mark);
    open_.push_back(std::move(o));
  }
  void close() {
    Node node = std::move(open_.back().node);
    open_.pop_back();
    add(std::move(node));
  }
  void add(Node node) {
    if (open_.empty()) {
      if (documents_ < 2) root_ = std::move(node);
      return;
    }
    Open& parent = open_.back();
    if (parent.node.kind == Node::Kind::sequence) {
      parent.node.items.push_back(std::move(node));
    } else if (parent.key) {
      parent.node.entries.emplace_back(std::move(*parent.key), std::move(node));
      parent.key.reset();
    } else {
      if (node.kind != Node::Kind::scalar) diagnostics_.error(node.place, "a key must be a word");
      parent.key = std::move(node);
    }
  }

  const Places& places_;
  Diagnostics& diagnostics_;
  std::vector<Open> open_;
  Node root_;
  int documents_ = 0;
};

/// The first tab in the indentation of a line, or of the one before it, where a parser stopped.
std::optional<Place> tab_in_indentation(const Places& places, const YAML::Mark& mark) {
  for (int line = mark.line; line >= 0 && line >= mark.line - 1; --line) {
    const std::string_view text = places.rest_of_line(line, 0);
    const auto tab = text.find('\t'), first = text.find_first_not_of(" \t");
    if (tab == std::string_view::npos || first == std::string_view::npos || tab > first) continue;
    YAML::Mark at;
    at.line = line;
    at.column = static_cast<int>(tab);
    return places.at(at);
  }
  return std::nullopt;
}

bool is_text(const Source& source, const Places& places, Diagnostics& diagnostics) {
  const std::string_view text = without_bom(source.text);
  constexpr std::string_view kHdf5 = "\x89HDF\r\n\x1a\n";
  if (text.starts_with(kHdf5)) {
    diagnostics.error({places.of_byte(0).source, 0, 0, 0},
                      "a file of results (HDF5); expected a text; tokwatt report and tokwatt export read results");
    return false;
  }
  std::size_t from = 0;
  for (int found = 0; found < kMostBadBytes; ++found) {
    const std::size_t bad = find_not_text(text.substr(from));
    if (bad == std::string_view::npos) return found == 0;
    const auto value = static_cast<unsigned>(static_cast<unsigned char>(text[from + bad]));
    diagnostics.error(places.of_byte(from + bad), fmt::format("byte 0x{:02x} is not text; expected UTF-8", value));
    from = text.find('\n', from + bad);  // one error a line is enough
    if (from == std::string_view::npos) return false;
  }
  return false;
}

}  // namespace

const Node* Node::find(std::string_view key) const {
  for (const auto& [k, value] : entries) {
    if (k.scalar == key) return &value;
  }
  return nullptr;
}

Node parse(std::shared_ptr<const Source> source, Diagnostics& diagnostics) {
  const Places places(source);
  Node empty;
  empty.place = {source, 1, 1, 1};
  if (source->text.size() > kLongestText) {
    diagnostics.error(empty.place, fmt::format("the text has {} bytes; at most {} (64 MiB) are read",
                                               source->text.size(), kLongestText));
    return empty;
  }
  if (!is_text(*source, places, diagnostics)) return empty;
  Builder builder(places, diagnostics);
  try {
    std::istringstream stream{std::string(without_bom(source->text))};
    YAML::Parser parser(stream);
    while (builder.documents() < 2 && parser.HandleNextDocument(builder)) {
    }
  } catch (const TooDeep& e) {
    diagnostics.error(places.at(e.mark), fmt::format("nested deeper than {} levels", kDeepest));
    return empty;
  } catch (const YAML::Exception& e) {
    const bool list = e.msg == YAML::ErrorMsg::END_OF_SEQ_FLOW;
    if (builder.unclosed() && (list || e.msg == YAML::ErrorMsg::END_OF_MAP_FLOW)) {
      diagnostics.error(*builder.unclosed(), fmt::format("this {} is not closed; expected {} or a comma",
                                                         list ? "list" : "mapping", list ? "]" : "}"));
      return empty;
    }
    if (const auto tab = tab_in_indentation(places, e.mark)) {
      diagnostics.error(*tab, "a tab indents this line; expected spaces, which YAML wants there");
      return empty;
    }
    diagnostics.error(e.mark.is_null() ? empty.place : places.at(e.mark),
                      fmt::format("not readable as YAML: {}", e.msg));
    return empty;
  }
  Node root = builder.take();
  if (!root.place.source) root.place = empty.place;
  return root;
}

std::string why_no_file(const std::string& path) {
  std::error_code no_throw;
  const auto status = std::filesystem::status(path, no_throw);
  if (!std::filesystem::exists(status)) return {};  // opening it says why
  if (std::filesystem::is_directory(status)) return "it is a folder";
  return std::filesystem::is_regular_file(status) ? "" : "it is a device or a pipe; expected a regular file";
}

std::shared_ptr<const Source> read_source(const std::string& path, const Place& asked_at, Diagnostics& diagnostics) {
  auto source = std::make_shared<Source>();
  source->name = path;
  const auto fail = [&](const std::string& why) {
    const Place place = asked_at.source ? asked_at : Place{source, 0, 0, 1};  // of the file as a whole
    diagnostics.error(place, fmt::format("cannot read {}: {}", in_quotes(path), why));
    return source;
  };
  if (const auto why = why_no_file(path); !why.empty()) return fail(why);
  errno = 0;
  std::ifstream file(path, std::ios::binary);
  if (!file) return fail(errno != 0 ? std::strerror(errno) : "it cannot be opened");
  std::error_code no_throw;
  const auto size = std::filesystem::file_size(path, no_throw);
  if (!no_throw && size > kLongestText)
    return fail(fmt::format("it has {} bytes; at most {} (64 MiB) are read", size, kLongestText));
  // Not by its size: what the kernel makes up (/proc) has none. One byte more than may be shows that it goes on.
  constexpr std::size_t kPiece = 1U << 16U;
  while (file && source->text.size() <= kLongestText) {
    const std::size_t had = source->text.size();
    source->text.resize(had + kPiece);
    file.read(source->text.data() + had, kPiece);
    source->text.resize(had + static_cast<std::size_t>(file.gcount()));
  }
  if (file.bad()) return fail("reading it failed");
  if (source->text.size() > kLongestText) {
    source->text.clear();
    return fail(fmt::format("it goes on beyond {} bytes (64 MiB)", kLongestText));
  }
  return source;
}

}  // namespace tokwatt::scenarios
