#include "scenarios/read/schema.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <nlohmann/json.hpp>

#include "scenarios/grammar.hpp"
#include "scenarios/studies/grammar.hpp"

namespace tokwatt::scenarios {
namespace {

using Json = nlohmann::ordered_json;

void put_bounds(Json& schema, Range range) {
  if (std::isfinite(range.low)) schema[range.above_low ? "exclusiveMinimum" : "minimum"] = range.low;
  if (std::isfinite(range.high)) schema["maximum"] = range.high;
}

Json confidence_schema(const char* doc) {
  return {{"description", doc}, {"enum", {"vendor", "measured", "derived", "assumed", "hypothetical"}}};
}
Json note_schema() { return {{"description", "how the number came about"}, {"type", "string"}}; }
Json text_schema() { return {{"type", "string"}}; }

Json any_value_schema() { return {{"type", {"string", "number", "boolean"}}}; }

Json one_or_more_schema() {
  const Json list = {{"type", "array"}, {"items", text_schema()}, {"minItems", 1}};
  return {{"anyOf", Json::array({text_schema(), list})}};
}

/// A number with a unit, or a bare one.
Json value_schema(Dimension dimension, Range range) {
  if (dimension != Dimension::number) return text_schema();
  Json schema = {{"type", "number"}};
  put_bounds(schema, range);
  return schema;
}

Json curve_schema(Dimension x, Dimension y, Range range) {
  const Json pair = {{"type", "array"},
                     {"items", Json::array({value_schema(x, kAny), value_schema(y, range)})},
                     {"minItems", 2},
                     {"maxItems", 2}};
  return {{"type", "array"}, {"items", pair}, {"minItems", 1}};
}

std::string unit_text(Dimension dimension) {
  if (dimension == Dimension::number) return "";
  return fmt::format(" [{}], such as \"{}\"", info(dimension).si, info(dimension).example);
}

void describe(Json& schema, const std::string& path, std::string& out) {
  const Json* at = &schema;
  if (at->contains("items")) at = &(*at)["items"];
  if (at->contains("additionalProperties") && (*at)["additionalProperties"].is_object())
    at = &(*at)["additionalProperties"];
  if (!at->contains("properties")) return;
  const auto required = at->value("required", Json::array());
  const auto unless = at->contains("anyOf") ? (*at)["anyOf"][0].value("required", Json::array()) : Json::array();
  const auto among = [](const Json& keys, const std::string& key) {
    return std::find(keys.begin(), keys.end(), key) != keys.end();
  };
  for (const auto& [key, value] : (*at)["properties"].items()) {
    std::string needed = among(required, key) ? "yes" : "";
    if (among(unless, key)) needed = fmt::format("yes, or `{}`", (*at)["anyOf"][1]["required"][0].get<std::string>());
    const bool list = value.contains("items") && value["items"].contains("properties");
    const bool names = value.contains("additionalProperties") && value["additionalProperties"].is_object() &&
                       value["additionalProperties"].contains("properties");
    const std::string name = path + key;
    out += fmt::format("| `{}` | {} | {} |\n", name, needed, value.value("description", ""));
    Json copy = value;
    describe(copy, name + (list ? "[]." : names ? ".NAME." : "."), out);
  }
}

/// The schema of the key that a path leads to, or null.
const Json* schema_at(const Json& schema, const std::vector<std::string>& path, std::size_t from) {
  if (from == path.size()) return &schema;
  if (schema.contains("properties") && schema["properties"].contains(path[from])) {
    return schema_at(schema["properties"][path[from]], path, from + 1);
  }
  const auto additional = schema.find("additionalProperties");
  if (additional != schema.end() && additional->is_object()) return schema_at(*additional, path, from + 1);
  return schema.contains("items") ? schema_at(schema["items"], path, from + 1) : nullptr;
}

}  // namespace

void Schema::require(const Key& key) {
  if (!key.required || lenient_ > 0) return;
  Open& mapping = open_.back();
  (key.unless ? mapping.required_unless : mapping.required).emplace_back(key.name);
  if (key.unless) mapping.unless = key.unless;
}

bool Schema::add(const Key& key, Json schema, const std::string& unit) {
  Json described = {{"description", key.doc + unit}};
  described.update(schema);
  if (!default_.is_null()) described["default"] = std::move(default_);
  default_ = nullptr;
  open_.back().properties[key.name] = std::move(described);
  require(key);
  return false;
}

Json Schema::or_sourced(const Key& key, Json plain) const {
  if (lenient_ == 0) return plain;
  Json properties = {
      {"value", plain},
      {"source", {{"description", "id, or list of ids, of the sheet's sources"}, {"type", {"string", "array"}}}},
      {"confidence", confidence_schema("how far the number can be trusted")},
      {"note", note_schema()}};
  if (key.peak) properties["sparsity"] = {{"enum", {"dense"}}};
  Json sourced = {
      {"type", "object"}, {"properties", properties}, {"required", {"value"}}, {"additionalProperties", false}};
  return {{"anyOf", {plain, sourced}}};
}

bool Schema::quantity(const Key& key, Dimension dimension, double& member) {
  const bool has_default = !key.required && member != 0;
  if (has_default && dimension == Dimension::number) default_ = member;
  if (has_default && dimension != Dimension::number) default_ = fmt::format("{} {}", member, info(dimension).si);
  return add(key, or_sourced(key, value_schema(dimension, key.range)), unit_text(dimension));
}

bool Schema::instant(const Key& key, Instant&) {
  return add(key, text_schema(), unit_text(Dimension::duration) + ", or a date and time, \"2026-11-23 14:00\"");
}

bool Schema::count(const Key& key, int64_t&) {
  Json schema = {{"type", "integer"}};
  put_bounds(schema, key.range);
  return add(key, or_sourced(key, schema));
}

bool Schema::flag(const Key& key, bool& member) {
  Json schema = {{"type", "boolean"}};
  if (!key.required) default_ = member;
  return add(key, or_sourced(key, schema));
}

bool Schema::text(const Key& key, Text&) { return add(key, text_schema()); }

bool Schema::choice(const Key& key, const Choices& choices, Text&) { return add(key, {{"enum", choices.built}}); }

bool Schema::texts(const Key& key, std::vector<Text>&) {
  return add(key, {{"type", "array"}, {"items", text_schema()}});
}

bool Schema::one_or_more(const Key& key, std::vector<Text>&) { return add(key, one_or_more_schema()); }

bool Schema::text_map(const Key& key, std::vector<Named<Text>>&) {
  return add(key, {{"type", "object"}, {"additionalProperties", text_schema()}});
}

bool Schema::texts_map(const Key& key, std::vector<Named<std::vector<Text>>>&) {
  return add(key, {{"type", "object"}, {"additionalProperties", one_or_more_schema()}});
}

bool Schema::quantities(const Key& key, Dimension dimension, std::vector<double>&) {
  return add(key, {{"type", "array"}, {"items", value_schema(dimension, key.range)}, {"minItems", 1}},
             unit_text(dimension));
}

bool Schema::weighted(const Key& key, Dimension dimension, std::vector<std::pair<double, double>>&) {
  const Json pair = {
      {"type", "array"},
      {"items", Json::array({value_schema(dimension, key.range), value_schema(Dimension::number, kNotNegative)})},
      {"minItems", 2},
      {"maxItems", 2}};
  return add(key, {{"type", "array"}, {"items", pair}, {"minItems", 1}}, unit_text(dimension));
}

bool Schema::curve(const Key& key, CurveOver x, Dimension y, hardware::Curve&) {
  return add(key, or_sourced(key, curve_schema(x.dimension, y, key.range)));
}

bool Schema::number_or_curve(const Key& key, CurveOver x, double&, hardware::Curve&) {
  const Json number = value_schema(Dimension::number, key.range);
  const Json either = {{"anyOf", Json::array({number, curve_schema(x.dimension, Dimension::number, key.range)})}};
  return add(key, or_sourced(key, either));
}

bool Schema::distribution(const Key& key, Dimension dimension, std::optional<sim::Distribution>&) {
  DistributionSheet sheet;
  sheet.dimension = dimension;
  const Json any_of = Json::array({value_schema(dimension, kNotNegative), Schema::of(sheet)});
  return add(key, {{"anyOf", any_of}}, unit_text(dimension) + ", or a distribution of them");
}

bool Schema::any_value(const Key& key, Node&) { return add(key, any_value_schema()); }

bool Schema::any_values(const Key& key, std::vector<Node>&) {
  return add(key, {{"type", "array"}, {"items", any_value_schema()}, {"minItems", 1}});
}

bool Schema::changes(const Key& key, std::vector<std::pair<Text, Node>>&) {
  const Json values = key.of_any_key ? Json(true) : text_schema();
  return add(key, {{"type", "object"}, {"additionalProperties", values}, {"minProperties", 1}});
}

bool Schema::enter(const Key& key) {
  require(key);
  open_.push_back({key.name, key.doc, Shape::section, Json::object(), {}, {}, {}});
  return true;
}

std::size_t Schema::enter_list(const Key& key, bool named) {
  list_key_ = key;
  list_shape_ = named ? Shape::named : Shape::list;
  return 1;
}

bool Schema::enter_item(std::size_t, std::string*, Place*) {
  enter(list_key_);
  open_.back().shape = list_shape_;
  return true;
}

void Schema::leave() {
  const std::string key = open_.back().key, doc = open_.back().doc;
  const Shape shape = open_.back().shape;
  Json object = close_object(), described = {{"description", doc}};
  if (shape == Shape::list) object = {{"type", "array"}, {"items", std::move(object)}};
  if (shape == Shape::named) object = {{"type", "object"}, {"additionalProperties", std::move(object)}};
  described.update(object);
  open_.back().properties[key] = std::move(described);
}

Json Schema::close_object() {
  Open done = std::move(open_.back());
  open_.pop_back();
  if (lenient_ > 0) {
    done.properties["source"] = {{"description", "where the numbers of this section come from"},
                                 {"type", {"string", "array"}}};
    done.properties["confidence"] = confidence_schema("how far the numbers of this section can be trusted");
    done.properties["note"] = note_schema();
  }
  Json object = {{"type", "object"}, {"properties", std::move(done.properties)}};
  if (!done.required.empty()) object["required"] = done.required;
  if (!done.required_unless.empty())
    object["anyOf"] =
        Json::array({Json{{"required", done.required_unless}}, Json{{"required", Json::array({done.unless})}}});
  object["additionalProperties"] = false;
  return object;
}

Json scenario_schema() {
  Written written;
  Json schema = {{"$schema", "http://json-schema.org/draft-07/schema#"}, {"title", "tokwatt scenario"}};
  schema.update(Schema::of(written));
  return schema;
}

std::string scenario_schema_text() { return scenario_schema().dump(1) + "\n"; }

std::string scenario_reference() {
  std::string out =
      "# Keys of a scenario\n\nMade from the declarations in `scenarios/grammar.cpp`, like the schema that editors "
      "check by. A field of a "
      "box\nsheet may stand under `systems.NAME`, one of a model, quant or engine sheet under `models.ID`, "
      "`quants.ID`, `engines.ID`.\n\n"
      "| key | needed | meaning |\n|---|---|---|\n";
  Json schema = scenario_schema();
  describe(schema, "", out);
  return out;
}

bool is_scenario_key(const std::vector<std::string>& path) { return schema_at(scenario_schema(), path, 0) != nullptr; }

bool is_count_of_scenario(const std::vector<std::string>& path) {
  const Json whole = scenario_schema();
  const Json* schema = schema_at(whole, path, 0);
  if (schema && schema->contains("anyOf")) schema = &(*schema)["anyOf"][0];
  return schema && schema->value("type", Json()) == "integer";
}

Json study_schema() {
  WrittenStudy written;
  Json schema = {{"$schema", "http://json-schema.org/draft-07/schema#"}, {"title", "tokwatt study"}};
  schema.update(Schema::of(written));
  return schema;
}

std::string study_schema_text() { return study_schema().dump(1) + "\n"; }

}  // namespace tokwatt::scenarios
