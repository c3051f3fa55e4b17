#pragma once
// Each key of our formats is declared once, in a function `fields(Fields&, T&)`: its name, the member it fills, its
// dimension, its bounds, and what it means. From that declaration come the reader (reader.hpp), the JSON schema and the
// reference page (schema.hpp). A member's initial value is the key's default.
#include <limits>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "hardware/curve.hpp"
#include "scenarios/node.hpp"
#include "scenarios/units.hpp"
#include "sim/random/distribution.hpp"

namespace tokwatt::scenarios {

/// Bounds of a number, in SI.
struct Range {
  double low = -std::numeric_limits<double>::infinity(), high = std::numeric_limits<double>::infinity();
  bool above_low = false;  ///< low itself is outside
};
inline constexpr Range kAny{};
inline constexpr Range kPositive{0, std::numeric_limits<double>::infinity(), true};
inline constexpr Range kNotNegative{0, std::numeric_limits<double>::infinity(), false};
inline constexpr Range kFraction{0, 1, false};
inline constexpr Range kPositiveFraction{0, 1, true};

struct Key {
  const char* name;
  const char* doc;
  bool required = false;
  Range range = kAny;
  bool peak = false;                  ///< of arithmetic: may say `sparsity: dense`, must not be a sparse figure
  bool distribution_not_yet = false;  ///< the design also has a distribution here
  const char* unless = nullptr;       ///< required: unless this key is there
  bool of_any_key = false;  ///< of changes: to any key of a scenario, so that a value may be a number or a list
};
constexpr Key required(const char* name, const char* doc, Range range = kAny) { return {name, doc, true, range}; }
constexpr Key required_unless(const char* other, const char* name, const char* doc) {
  Key key = required(name, doc);
  key.unless = other;
  return key;
}
constexpr Key optional(const char* name, const char* doc, Range range = kAny) { return {name, doc, false, range}; }

/// A word of the user's, with its place for later checks.
struct Text {
  std::string value;
  Place place;
  bool given() const { return place.source != nullptr; }
};

/// So long after the start, or a date and time.
struct Instant {
  double after = 0;  ///< [s]
  Text date;         ///< as date_and_time() reads it
};

/// An entry of a mapping whose keys are names.
template <class T>
struct Named {
  std::string name;
  Place place;
  T value;
};

/// Words that a key takes: those that work, and those of the design that do not yet.
struct Choices {
  std::vector<std::string> built;
  std::vector<std::string> not_yet;
};

/// What a curve is drawn over.
struct CurveOver {
  Dimension dimension = Dimension::number;
  Range range = kAny;
};

/// The numbers of one DIST as written; exactly one shape is set.
struct DistributionSheet {
  Dimension dimension = Dimension::number;
  std::optional<double> constant, exponential, min, max;
  std::optional<sim::Lognormal> lognormal;
  std::optional<sim::Normal> normal;
  std::optional<sim::GammaDist> gamma;
  std::vector<double> uniform;
  std::vector<std::pair<double, double>> empirical;
};

/// What visits declarations. Every function returns whether a good value was read.
class Fields {
 public:
  virtual ~Fields() = default;

  virtual bool quantity(const Key& key, Dimension dimension, double& member) = 0;
  virtual bool instant(const Key& key, Instant& member) = 0;
  virtual bool count(const Key& key, int64_t& member) = 0;
  virtual bool flag(const Key& key, bool& member) = 0;
  virtual bool text(const Key& key, Text& member) = 0;
  virtual bool choice(const Key& key, const Choices& choices, Text& member) = 0;
  virtual bool texts(const Key& key, std::vector<Text>& member) = 0;
  /// A text or a list of texts.
  virtual bool one_or_more(const Key& key, std::vector<Text>& member) = 0;
  virtual bool text_map(const Key& key, std::vector<Named<Text>>& member) = 0;
  /// A mapping from names to a text or a list of texts.
  virtual bool texts_map(const Key& key, std::vector<Named<std::vector<Text>>>& member) = 0;
  virtual bool quantities(const Key& key, Dimension dimension, std::vector<double>& member) = 0;
  virtual bool weighted(const Key& key, Dimension dimension, std::vector<std::pair<double, double>>& member) = 0;
  /// A list of points, [x, y] each, in ascending order of x; the key's range is that of y.
  virtual bool curve(const Key& key, CurveOver x, Dimension y, hardware::Curve& member) = 0;
  /// A number, or a curve of it.
  virtual bool number_or_curve(const Key& key, CurveOver x, double& number, hardware::Curve& curve) = 0;
  virtual bool distribution(const Key& key, Dimension dimension, std::optional<sim::Distribution>& member) = 0;
  /// A number, a quantity or a word: what it has to be depends on where it goes.
  virtual bool any_value(const Key& key, Node& member) = 0;
  virtual bool any_values(const Key& key, std::vector<Node>& member) = 0;
  /// A mapping from dotted keys to new values.
  virtual bool changes(const Key& key, std::vector<std::pair<Text, Node>>& member) = 0;
  /// A key of the design that is refused by name.
  virtual void not_yet(const char* name) = 0;
  /// Place of the mapping that is being read, and the keys it has, with good values or bad.
  virtual void here(Place& place, std::vector<std::string>* keys = nullptr) = 0;
  /// Places of the values in it, by key.
  virtual void places(std::map<std::string, Place>& of_values) = 0;

  bool number(const Key& key, double& member) { return quantity(key, Dimension::number, member); }
  bool quantity(const Key& key, Dimension dimension, std::optional<double>& member) {
    double value = 0;
    const bool read = quantity(key, dimension, value);
    if (read) member = value;
    return read;
  }
  bool number(const Key& key, std::optional<double>& member) { return quantity(key, Dimension::number, member); }
  bool count(const Key& key, std::optional<int64_t>& member) {
    int64_t value = 0;
    const bool read = count(key, value);
    if (read) member = value;
    return read;
  }
  bool flag(const Key& key, std::optional<bool>& member) {
    bool value = false;
    const bool read = flag(key, value);
    if (read) member = value;
    return read;
  }
  bool text(const Key& key, std::string& member) {
    Text value;
    const bool read = text(key, value);
    if (read) member = value.value;
    return read;
  }

  /// A mapping with fields of its own.
  template <class T>
  bool section(const Key& key, T& member) {
    if (!enter(key)) return false;
    fields(*this, member);
    leave();
    return true;
  }
  template <class T>
  bool section(const Key& key, std::optional<T>& member) {
    T value{};
    const bool read = section(key, value);
    if (read) member = std::move(value);
    return read;
  }
  /// A list of such mappings.
  template <class T>
  void sections(const Key& key, std::vector<T>& member) {
    const std::size_t size = enter_list(key);
    for (std::size_t i = 0; i < size; ++i) {
      T value{};
      if (!enter_item(i)) continue;
      fields(*this, value);
      leave();
      member.push_back(std::move(value));
    }
    leave_list();
  }
  /// A mapping from names to such mappings.
  template <class T>
  void named(const Key& key, std::vector<Named<T>>& member) {
    const std::size_t size = enter_list(key, /*named=*/true);
    for (std::size_t i = 0; i < size; ++i) {
      Named<T> entry{};
      if (!enter_item(i, &entry.name, &entry.place)) continue;
      fields(*this, entry.value);
      leave();
      member.push_back(std::move(entry));
    }
    leave_list();
  }
  /// Any field of T may stand here too, to be merged onto a sheet and checked there; `raw` gets the mapping.
  template <class T>
  void overrides(Node& raw) {
    T shape{};
    begin_overrides(raw);
    fields(*this, shape);
    end_overrides();
  }

 protected:
  virtual bool enter(const Key& key) = 0;
  virtual void leave() = 0;
  virtual std::size_t enter_list(const Key& key, bool named = false) = 0;
  virtual bool enter_item(std::size_t index, std::string* name = nullptr, Place* place = nullptr) = 0;
  virtual void leave_list() = 0;
  virtual void begin_overrides(Node& raw) = 0;
  virtual void end_overrides() = 0;
};

void fields(Fields& f, DistributionSheet& d);

}  // namespace tokwatt::scenarios
