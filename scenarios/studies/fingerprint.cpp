#include "scenarios/studies/fingerprint.hpp"

#include <filesystem>
#include <fstream>
#include <set>
#include <sstream>

#include "scenarios/studies/study.hpp"
#include "sim/results/sha256.hpp"

namespace tokwatt::scenarios {
namespace {

bool names_a_file(const std::string& key) { return key == "trace" || key == "lengths"; }

/// Paths under the keys of streams that name files.
void collect_files(const Node& node, std::set<std::string>& out) {
  for (const auto& item : node.items) collect_files(item, out);
  for (const auto& [key, value] : node.entries) {
    if (names_a_file(key.scalar) && value.kind == Node::Kind::scalar) out.insert(value.scalar);
    collect_files(value, out);
  }
}

std::string hash_of_file(const std::filesystem::path& path) {
  std::ostringstream bytes;
  bytes << std::ifstream(path, std::ios::binary).rdbuf();
  return sim::sha256(bytes.str());
}

}  // namespace

std::string fingerprint(const Study& study) {
  std::string all = TOKWATT_VERSION "\n";
  for (const auto& text : study.texts) all += text.name + " " + sim::sha256(text.text) + "\n";
  std::set<std::string> files;
  collect_files(study.base, files);
  for (const auto& dimension : study.dimensions) {
    for (const auto& axis : dimension.axes) {
      for (const auto& value : axis.values) {
        for (const auto& setting : value.settings) {
          if (names_a_file(setting.path.back().name)) files.insert(setting.value.scalar);
        }
      }
    }
  }
  for (const auto& file : files) all += file + " " + hash_of_file(std::filesystem::path(study.folder) / file) + "\n";
  return sim::sha256(all);
}

}  // namespace tokwatt::scenarios
