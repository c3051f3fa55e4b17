#pragma once
// Fills structs from a tree by their declared fields, and reports everything that is wrong with it.
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "scenarios/diagnostics.hpp"
#include "scenarios/read/fields.hpp"

namespace tokwatt::scenarios {

/// Where a number of a sheet comes from.
struct SheetNumber {
  std::string sheet;  ///< id of the sheet that holds it; empty: the user's scenario
  std::string path;   ///< "memory.bandwidth"
  std::string text;   ///< as written, "273 GB/s"
  double value = 0;   ///< in SI
  Dimension dimension = Dimension::number;
  std::vector<std::string> sources;  ///< ids of the sheet's `sources:`
  std::string confidence;            ///< vendor, measured, derived, assumed, hypothetical; user: the user's own
  std::string note;
  Place place;
};

/// A text that takes part in a merged tree.
struct Origin {
  std::shared_ptr<const Source> source;
  std::string sheet;                 ///< id
  std::string prefix;                ///< put before the path of what comes from here, "engines.vllm."
  std::vector<std::string> sources;  ///< ids that its numbers may name
};

struct ReadContext {
  Diagnostics& diagnostics;
  bool is_sheet = false;  ///< numbers may carry value, source, confidence, note
  std::string prefix;     ///< before the path of what comes from none of the origins, "systems.desk."
  std::vector<Origin> origins;
  std::vector<SheetNumber>* numbers = nullptr;
  std::vector<std::string> more_keys;  ///< to be proposed for a misspelt key beside the fields' own
};

class Reader : public Fields {
 public:
  explicit Reader(ReadContext context) : context_(std::move(context)) {}

  /// Reads a whole tree.
  template <class T>
  void read(const Node& root, T& into) {
    if (!begin(root)) return;
    fields(*this, into);
    leave();
  }

  using Fields::count;
  using Fields::quantity;
  using Fields::text;
  bool quantity(const Key& key, Dimension dimension, double& member) override;
  bool instant(const Key& key, Instant& member) override;
  bool count(const Key& key, int64_t& member) override;
  bool flag(const Key& key, bool& member) override;
  bool text(const Key& key, Text& member) override;
  bool choice(const Key& key, const Choices& choices, Text& member) override;
  bool texts(const Key& key, std::vector<Text>& member) override;
  bool one_or_more(const Key& key, std::vector<Text>& member) override;
  bool text_map(const Key& key, std::vector<Named<Text>>& member) override;
  bool texts_map(const Key& key, std::vector<Named<std::vector<Text>>>& member) override;
  bool quantities(const Key& key, Dimension dimension, std::vector<double>& member) override;
  bool weighted(const Key& key, Dimension dimension, std::vector<std::pair<double, double>>& member) override;
  bool curve(const Key& key, CurveOver x, Dimension y, hardware::Curve& member) override;
  bool number_or_curve(const Key& key, CurveOver x, double& number, hardware::Curve& curve) override;
  bool distribution(const Key& key, Dimension dimension, std::optional<sim::Distribution>& member) override;
  bool any_value(const Key& key, Node& member) override;
  bool any_values(const Key& key, std::vector<Node>& member) override;
  bool changes(const Key& key, std::vector<std::pair<Text, Node>>& member) override;
  void not_yet(const char* name) override;
  void here(Place& place, std::vector<std::string>* keys) override;
  void places(std::map<std::string, Place>& of_values) override;

 protected:
  bool enter(const Key& key) override;
  void leave() override;
  std::size_t enter_list(const Key& key, bool named) override;
  bool enter_item(std::size_t index, std::string* name, Place* place) override;
  void leave_list() override;
  void begin_overrides(Node& raw) override;
  void end_overrides() override;

 private:
  struct Frame {
    const Node* node = nullptr;
    std::string path;                ///< ends with a dot where it is not empty
    std::vector<std::string> known;  ///< keys that were declared
    bool open = false;               ///< other keys are checked elsewhere
    const char* changes = nullptr;   ///< key that keys of a scenario stand under; null: none
  };
  /// The pieces of {value: ..., source: ..., ...}, or of a plain value.
  struct Sourced {
    const Node* value = nullptr;
    const Node* source = nullptr;
    const Node* confidence = nullptr;
    const Node* note = nullptr;
  };

  bool begin(const Node& root);
  std::string other_names() const;
  void push(const Node& node, std::string path);
  const Node* take(const Key& key, const std::string& expected);
  const Node* take_list(const Key& key, const std::string& expected);
  bool is_scalar(const Node& node, const std::string& path, const std::string& expected);
  bool value(const Node& node, const std::string& path, Dimension dimension, Range range, double& member);
  /// Reads each entry of a mapping whose keys are names.
  template <class T>
  bool read_map(const Key& key, std::vector<Named<T>>& member,
                const std::function<bool(const Node& node, const std::string& path, T& value)>& read);
  bool take_text(const Node& node, const std::string& path, const std::string& expected, Text& member);
  bool take_texts(const Node& node, const std::string& path, std::vector<Text>& member);
  bool points(const Sourced& sourced, const Key& key, CurveOver x, Dimension y, hardware::Curve& member);
  Sourced unwrap(const Key& key, const Node& node, const std::string& path);
  void keep(const Sourced& sourced, const std::string& path, Dimension dimension, double value);
  void check_keys(const Frame& frame);
  const Node* said_around(const char* key, const Node& number) const;
  const Origin* origin_of(const Node& node) const;
  std::string shown(const Node& node, const std::string& path) const;
  std::string path_of(const char* key) const { return frames_.back().path + key; }
  void wrong(const Node& node, const std::string& path, const std::string& is, const std::string& expected);

  ReadContext context_;
  std::vector<Frame> frames_;
  std::vector<const Node*> lists_;
  std::vector<std::string> list_paths_;
  int overrides_ = 0;  ///< > 0: the fields visited are read elsewhere; only their names count here
};

/// A name as it stands in a dotted path: in quotes where it holds anything but letters, digits, _ and -.
std::string path_segment(const std::string& name);
/// " of more than 0 W", " from 0 to 1".
std::string bounds_text(Range range, Dimension dimension);
/// "a, b or c".
std::string one_of(const std::vector<std::string>& names);

}  // namespace tokwatt::scenarios
