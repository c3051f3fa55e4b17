#pragma once
// What a wrong scenario is answered with.
#include <string>
#include <vector>

#include "scenarios/scenario.hpp"

namespace tokwatt::scenarios {

/// A small scenario that is right; tests spoil it.
inline const std::string kGood = R"(title: Twelve people
seed: 1
duration: 1 h
systems:
  desk: {sheet: dgx-spark}
deployments:
  assistant: {model: gpt-oss-120b, quant: mxfp4, kv: f16, engine: vllm, runs_on: desk}
workload:
  - {name: people, to: assistant, users: 12, think: {exponential: 30 s}, prompt: 800, output: {lognormal: {median: 250, p99: 2000}}}
)";

/// The rendered errors of a text named desk.yaml; "" if there are none, "infeasible: ..." if it cannot be done.
inline std::string errors_of(const std::string& text, const std::vector<std::string>& sets = {}) {
  try {
    load_text("desk.yaml", text, "", sets);
  } catch (const InputError& e) {
    return e.what();
  } catch (const Infeasible& e) {
    return std::string("infeasible: ") + e.what();
  }
  return "";
}

/// kGood with one piece of text replaced; the piece must be there.
inline std::string with(const std::string& piece, const std::string& by) {
  std::string text = kGood;
  const auto at = text.find(piece);
  if (at == std::string::npos) throw std::logic_error("not in the scenario: " + piece);
  return text.replace(at, piece.size(), by);
}

}  // namespace tokwatt::scenarios
