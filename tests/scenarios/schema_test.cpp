#include "scenarios/read/schema.hpp"

#include <cstdlib>
#include <fstream>
#include <nlohmann/json.hpp>

#include "tests/catch.hpp"

using namespace tokwatt::scenarios;
using Json = nlohmann::ordered_json;

namespace {

std::string file(const std::string& path) {
  std::ifstream in(std::string(TOKWATT_SOURCE_DIR) + "/" + path, std::ios::binary);
  return {std::istreambuf_iterator<char>(in), {}};
}

void update(const std::string& path, const std::string& text) {
  if (std::getenv("TOKWATT_UPDATE"))
    std::ofstream(std::string(TOKWATT_SOURCE_DIR) + "/" + path, std::ios::binary) << text;
}

void check_described(const Json& schema, const std::string& path) {
  if (!schema.contains("properties")) return;
  for (const auto& [key, value] : schema["properties"].items()) {
    CAPTURE(path, key);
    CHECK_FALSE(value.value("description", "").empty());
    check_described(value, path + key + ".");
    if (value.contains("items")) check_described(value["items"], path + key + "[].");
    if (value.contains("additionalProperties")) check_described(value["additionalProperties"], path + key + ".NAME.");
  }
}

}  // namespace

TEST_CASE("the committed schema and key reference are fresh", "[scenarios][schema]") {
  // TOKWATT_UPDATE=1 writes them anew.
  update("docs/schema/scenario.schema.json", scenario_schema_text());
  update("docs/schema/study.schema.json", study_schema_text());
  update("docs/scenario-keys.md", scenario_reference());
  CHECK(file("docs/schema/study.schema.json") == study_schema_text());
  CHECK(file("docs/schema/scenario.schema.json") == scenario_schema_text());
  CHECK(file("docs/scenario-keys.md") == scenario_reference());
}

TEST_CASE("the schema is draft-07, and every key has a description", "[scenarios][schema]") {
  const Json schema = scenario_schema();
  CHECK(schema["$schema"] == "http://json-schema.org/draft-07/schema#");
  CHECK(schema["additionalProperties"] == false);
  CHECK(schema["required"] == Json({"deployments", "workload"}));
  check_described(schema, "");
  CHECK(schema["properties"]["environment"]["properties"]["ambient"]["default"] == "22 degC");
  CHECK(schema["properties"]["record"]["properties"]["every"]["default"] == "1 s");
  const auto& ambient = schema["properties"]["environment"]["properties"]["ambient"];
  CHECK(ambient["description"] == "air that the boxes draw in [degC], such as \"24 degC\"");
}

TEST_CASE("the schema of studies has every key described, and lets numbers be", "[scenarios][schema]") {
  const Json schema = study_schema();
  CHECK(schema["required"] == Json({"base", "axes"}));
  check_described(schema, "");
  const auto& axis = schema["properties"]["axes"]["additionalProperties"]["properties"];
  CHECK(axis["from"]["type"] == Json({"string", "number", "boolean"}));
  CHECK(schema["properties"]["set"]["additionalProperties"] == true);
}

TEST_CASE("a key of a scenario takes whole numbers, or does not", "[scenarios][schema]") {
  CHECK(is_count_of_scenario({"workload", "0", "users"}));
  CHECK(is_count_of_scenario({"deployments", "x", "limits", "max_num_seqs"}));
  CHECK_FALSE(is_count_of_scenario({"environment", "ambient"}));
  CHECK_FALSE(is_count_of_scenario({"nothing"}));
}

TEST_CASE("a dotted path is a key of the grammar, or is not", "[scenarios][schema]") {
  CHECK(is_scenario_key({"systems", "any name", "power", "limit"}));
  CHECK(is_scenario_key({"deployments", "x", "quant"}));
  CHECK(is_scenario_key({"workload", "0", "users"}));
  CHECK_FALSE(is_scenario_key({"systems", "x", "power", "limits"}));
  CHECK(is_scenario_key({"tariff", "0", "price"}));
  CHECK_FALSE(is_scenario_key({"tariffs"}));
}
