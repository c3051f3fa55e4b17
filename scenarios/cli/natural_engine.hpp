#pragma once
// Which engine people would run on a box when they do not say.
#include <string>
#include <vector>

#include "hardware/box.hpp"

namespace tokwatt::cli {

/// Ids of the engines that come with the program, in the order in which they are tried on a box: llama.cpp on the box's
/// backends in their order, MLX, vLLM, SGLang, TensorRT-LLM, then wrappers and processors, exo last
/// (docs/command-line.md). Whether one runs a quant there is not asked.
std::vector<std::string> natural_engines(const hardware::Box& box);

/// An engine that is only proposed for what no other runs on a box (exo).
bool is_last_resort(const std::string& engine);

/// The engine that is meant: `llama.cpp` alone is the one for the box's own backend.
std::string engine_meant(const hardware::Box& box, const std::string& asked);
bool depends_on_box(const std::string& asked);
/// The other way round, for tables.
std::string short_engine(const hardware::Box& box, const std::string& id);

}  // namespace tokwatt::cli
