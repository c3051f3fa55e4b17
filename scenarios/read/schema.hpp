#pragma once
// The JSON schema of scenarios (draft-07), made from the declared fields: what editors complete and check by.
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "scenarios/read/fields.hpp"

namespace tokwatt::scenarios {

class Schema : public Fields {
 public:
  /// Schema of one mapping. With `lenient` nothing is required and any number may carry its source (sheets).
  template <class T>
  static nlohmann::ordered_json of(T& declared, bool lenient = false) {
    Schema schema;
    schema.lenient_ = lenient ? 1 : 0;
    schema.open_object();
    fields(schema, declared);
    return schema.close_object();
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
  void not_yet(const char*) override {}  // an editor marks it as unknown, the reader says why
  void here(Place&, std::vector<std::string>*) override {}
  void places(std::map<std::string, Place>&) override {}

 protected:
  bool enter(const Key& key) override;
  void leave() override;
  std::size_t enter_list(const Key& key, bool named) override;
  bool enter_item(std::size_t index, std::string* name, Place* place) override;
  void leave_list() override {}
  void begin_overrides(Node&) override { ++lenient_; }
  void end_overrides() override { --lenient_; }

 private:
  enum class Shape { section, list, named };
  struct Open {
    std::string key, doc;
    Shape shape = Shape::section;
    nlohmann::ordered_json properties = nlohmann::ordered_json::object();
    std::vector<std::string> required;
    std::vector<std::string> required_unless;  ///< `unless` is there
    std::string unless;
  };
  void open_object() { open_.emplace_back(); }
  nlohmann::ordered_json close_object();
  void require(const Key& key);
  bool add(const Key& key, nlohmann::ordered_json schema, const std::string& unit = "");
  nlohmann::ordered_json or_sourced(const Key& key, nlohmann::ordered_json plain) const;

  std::vector<Open> open_;
  Key list_key_{};
  Shape list_shape_ = Shape::list;
  nlohmann::ordered_json default_;  ///< of the key that is being added; null: none
  int lenient_ = 0;
};

/// The schema of scenario files.
nlohmann::ordered_json scenario_schema();
/// The same as the text that `tokwatt schema` prints, which docs/schema/scenario.schema.json holds.
std::string scenario_schema_text();
/// Every key of scenario files as a Markdown table: docs/scenario-keys.md.
std::string scenario_reference();
/// Whether a dotted path, split at its dots, leads to a key of scenario files.
bool is_scenario_key(const std::vector<std::string>& path);
/// Whether such a key takes whole numbers.
bool is_count_of_scenario(const std::vector<std::string>& path);

/// The schema of study files, as `tokwatt schema --of study` prints it.
nlohmann::ordered_json study_schema();
std::string study_schema_text();

}  // namespace tokwatt::scenarios
