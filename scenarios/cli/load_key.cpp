#include "scenarios/cli/load_key.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "scenarios/read/reader.hpp"
#include "scenarios/units.hpp"

namespace tokwatt::cli {
namespace {

using scenarios::Node;

std::string scalar(const Node& node, const char* key) {
  const Node* found = node.find(key);
  return found ? found->scalar : std::string();
}

const Node& stream_meant(const Question& question, const std::string& asked, std::size_t& place) {
  static const Node kNone;
  const Node* workload = question.tree.find("workload");
  if (!workload) return kNone;
  std::vector<std::string> names;
  for (const auto& stream : workload->items) names.push_back(scalar(stream, "name"));
  if (asked.empty() && names.size() > 1)
    throw UsageError(fmt::format("the scenario has several streams; expected --stream {}", scenarios::one_of(names)));
  const auto found = asked.empty() ? names.begin() : std::find(names.begin(), names.end(), asked);
  if (!asked.empty() && found == names.end())
    throw UsageError(fmt::format("--stream is {}; the scenario has no such stream{}", scenarios::in_quotes(asked),
                                 scenarios::did_you_mean(asked, names)));
  if (found == names.end()) return kNone;
  place = static_cast<std::size_t>(found - names.begin());
  return workload->items[place];
}

double start_of(const Node* value, double otherwise) {
  if (!value) return otherwise;
  const auto number = scenarios::parse_quantity(value->scalar, scenarios::Dimension::rate);
  if (const auto* rate = std::get_if<double>(&number)) return *rate;
  const auto plain = scenarios::parse_number(value->scalar);
  const auto* count = std::get_if<double>(&plain);
  return count ? *count : otherwise;
}

}  // namespace

std::string LoadKey::shown(double load) const { return fmt::format("{}{}", load, unit); }

std::string LoadKey::in_words(double load) const {
  if (word == "speed") return fmt::format("a speed of {}", load);
  if (load == 1 && unit.empty()) return fmt::format("1 {}", word.substr(0, word.size() - 1));  // users
  return fmt::format("{} {}{}", load, word, unit);
}

LoadKey load_key_of(const Question& question, const std::string& stream_name) {
  std::size_t place = 0;
  const Node& stream = stream_meant(question, stream_name, place);
  const std::string path = fmt::format("workload.{}.", place);
  const LoadRange whole{1, 1, 1e6, true}, rate{1, 1e-9, 1e9, false}, speed{1, 1e-6, 1e6, false};
  const auto key = [&](const std::string& name, const char* word, const char* unit, LoadRange range,
                       const Node* value) {
    range.start = start_of(value, 1);
    return LoadKey{path + name, word, unit, range, place, /*is_open=*/!range.is_whole};
  };
  if (const Node* users = stream.find("users")) return key("users", "users", "", whole, users);
  if (const Node* sessions = stream.find("sessions")) {
    if (const Node* users = sessions->find("users")) return key("sessions.users", "users", "", whole, users);
    if (const Node* per_s = sessions->find("rate")) return key("sessions.rate", "sessions", "/s", rate, per_s);
  }
  if (const Node* arrivals = stream.find("arrivals")) {
    if (const Node* per_s = arrivals->find("rate")) return key("arrivals.rate", "requests", "/s", rate, per_s);
  }
  if (stream.find("trace")) return key("speed", "speed", "", speed, stream.find("speed"));
  throw UsageError(
      "the stream has nothing that can grow; expected users, sessions with users or a rate, arrivals with a rate, or a "
      "trace");
}

}  // namespace tokwatt::cli
