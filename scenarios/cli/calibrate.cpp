// tokwatt calibrate: fits a box's tuning to measurements; the work is done in Python (bindings/tokwatt/calibrate.py).
#include <fmt/format.h>

#include <ostream>

#include "scenarios/cli/options.hpp"
#include "scenarios/cli/python.hpp"

namespace tokwatt::cli {

int calibrate(const Arguments& arguments, const Terminal& terminal) {
  Options options(
      {"tokwatt calibrate my-runs.jsonl --system dgx-spark -o my-box.yaml",
       "tokwatt calibrate MEASUREMENTS... [--system S] [--engine E] [--model M] [--quant Q] [-o my-box.yaml]",
       "Fits what an engine gets out of your box to what you measured there, starting from what is known of the box, "
       "and writes a sheet \"as that box, but\". Reads llama-bench (json, jsonl, csv, md), llama-batched-bench (md, "
       "jsonl), vllm bench serve --save-result and guidellm (json), and measurements.csv. Says of each parameter what "
       "identified it. Needs Python with the package tokwatt.",
       "files with measurements"});
  options.value("system", "box that was measured: an id, an alias or a path to a sheet")
      .value("engine", "inference engine (default: what the files say)")
      .values("model",
              "model, where the files' names for it are not known here; --model \"NAME IN FILE=ID\" for one "
              "of several; may be repeated")
      .values("quant", "format of the weights, likewise")
      .value("output,o", "sheet to write (default: NAME.calibrated.yaml, by the system's name)");
  if (!options.read(arguments, terminal)) return kDone;
  Arguments words;
  for (const char* name : {"system", "engine", "output"}) {
    if (options.has(name)) words.push_back(fmt::format("--{}={}", name, options.get(name)));
  }
  for (const char* name : {"model", "quant"}) {
    for (const auto& value : options.all(name)) words.push_back(fmt::format("--{}={}", name, value));
  }
  words.emplace_back("--");
  words.insert(words.end(), options.arguments().begin(), options.arguments().end());
  return run_python("calibrate", words, terminal);
}

}  // namespace tokwatt::cli
