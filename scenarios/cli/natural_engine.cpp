#include "scenarios/cli/natural_engine.hpp"

#include <algorithm>
#include <array>

#include "scenarios/sheets/sheets.hpp"

namespace tokwatt::cli {

using scenarios::kLlamaCpp;

namespace {

// One box alone is not what it is for.
constexpr const char* kLastResort = "exo";
// Behind llama.cpp: what a person would try next. Wrappers of another engine add nothing to what fits.
constexpr std::array kOthers = {"mlx", "vllm", "sglang", "tensorrt-llm", "ollama", "llama.cpp-cpu", kLastResort};

}  // namespace

std::vector<std::string> natural_engines(const hardware::Box& box) {
  const std::vector<std::string> shipped = scenarios::ids(scenarios::SheetKind::engine);
  std::vector<std::string> out;
  const auto add = [&](const std::string& id) {
    const bool is_shipped = std::find(shipped.begin(), shipped.end(), id) != shipped.end();
    const bool is_new = std::find(out.begin(), out.end(), id) == out.end();
    if (is_shipped && is_new) out.push_back(id);
  };
  for (const auto& backend : box.backends) add(std::string(kLlamaCpp) + "-" + backend);
  for (const char* id : kOthers) add(id);
  return out;
}

bool is_last_resort(const std::string& engine) { return engine == kLastResort; }

bool depends_on_box(const std::string& asked) { return scenarios::same_name(asked, kLlamaCpp); }

std::string engine_meant(const hardware::Box& box, const std::string& asked) {
  if (!depends_on_box(asked)) return asked;
  const auto engines = natural_engines(box);
  const bool has_one = !engines.empty() && engines.front().rfind(kLlamaCpp, 0) == 0;
  return has_one ? engines.front() : asked;
}

std::string short_engine(const hardware::Box& box, const std::string& id) {
  return engine_meant(box, kLlamaCpp) == id ? kLlamaCpp : id;
}

}  // namespace tokwatt::cli
