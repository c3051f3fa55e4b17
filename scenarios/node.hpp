#pragma once
// A text (YAML, or JSON, which is a part of it) as a tree that remembers where each piece was written.
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace tokwatt::scenarios {

/// A text with a name: a file, an embedded sheet, or one --set option.
struct Source {
  std::string name;  ///< as messages show it
  std::string text;
};

/// Where something was written; line and column start at 1, width is the caret's.
struct Place {
  std::shared_ptr<const Source> source;
  int line = 0, column = 0, width = 1;
};

struct Node {
  enum class Kind { null, scalar, sequence, mapping };
  Kind kind = Kind::null;
  std::string scalar;                          ///< text of a scalar, unquoted
  bool quoted = false;                         ///< it was written in quotes
  std::vector<Node> items;                     ///< of a sequence
  std::vector<std::pair<Node, Node>> entries;  ///< of a mapping, in order, duplicates kept (readers report them)
  Place place;

  const Node* find(std::string_view key) const;  ///< value of the first entry with this key, or null
};

class Diagnostics;
/// Parses one document. Reports every syntax error it can into diagnostics and returns what it has (null if nothing).
Node parse(std::shared_ptr<const Source> source, Diagnostics& diagnostics);
/// Why a path is no file to read: a folder, a device, a pipe (which would be waited for, or have no end). Empty: it may
/// be one, or not exist.
std::string why_no_file(const std::string& path);
/// Reads a file whole, if it is a regular one of at most 64 MiB. Reports a file that cannot be read at `asked_at` (or
/// of the file as a whole when that is empty).
std::shared_ptr<const Source> read_source(const std::string& path, const Place& asked_at, Diagnostics& diagnostics);

}  // namespace tokwatt::scenarios
