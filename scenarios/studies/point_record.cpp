#include "scenarios/studies/point_record.hpp"

#include <limits>
#include <nlohmann/json.hpp>

namespace tokwatt::scenarios {
namespace {

using Json = nlohmann::ordered_json;

constexpr double kNothing = std::numeric_limits<double>::quiet_NaN();

std::optional<Status> status_named(const std::string& words) {
  for (const auto status : {Status::ok, Status::does_not_fit, Status::cannot_be_done, Status::bad_input}) {
    if (words == in_words(status)) return status;
  }
  return std::nullopt;
}

}  // namespace

PointRecord record_of(const Study& study, std::size_t point, const Answer& answer) {
  PointRecord record{point, answer.status, answer.reason, answer.status == Status::ok, {}};
  for (const auto& metric : study.metrics)
    record.values.push_back(answer.status == Status::ok ? value_of(metric, answer.summary) : kNothing);
  for (const auto& constraint : study.constraints)
    record.feasible = record.feasible && holds(constraint, answer.summary);
  return record;
}

std::string line_of(const PointRecord& record) {
  Json line = {{"point", record.point}, {"status", in_words(record.status)}};
  if (record.status == Status::ok) {
    line["feasible"] = record.feasible;
    line["values"] = record.values;
  } else {
    line["reason"] = record.reason;
  }
  return line.dump();
}

std::optional<PointRecord> record_from(const std::string& text, const Study& study) {
  const Json line = Json::parse(text, nullptr, /*allow_exceptions=*/false);
  const auto has = [&](const char* key, auto is) { return line.contains(key) && (line[key].*is)(); };
  if (!line.is_object() || !has("point", &Json::is_number_unsigned) || !has("status", &Json::is_string)) return {};
  PointRecord record;
  record.point = line["point"].get<std::size_t>();
  const auto status = status_named(line["status"].get<std::string>());
  if (!status || record.point >= study.points()) return {};
  record.status = *status;
  record.values.assign(study.metrics.size(), kNothing);
  if (record.status != Status::ok) {
    if (!has("reason", &Json::is_string)) return {};
    record.reason = line["reason"].get<std::string>();
    return record;
  }
  if (!has("feasible", &Json::is_boolean) || !has("values", &Json::is_array)) return {};
  record.feasible = line["feasible"].get<bool>();
  if (line["values"].size() != record.values.size()) return {};
  for (std::size_t i = 0; i < record.values.size(); ++i) {
    const auto& value = line["values"][i];
    if (!value.is_number() && !value.is_null()) return {};
    if (value.is_number()) record.values[i] = value.get<double>();
  }
  return record;
}

}  // namespace tokwatt::scenarios
