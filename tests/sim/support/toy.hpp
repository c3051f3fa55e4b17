#pragma once
// A small box and model whose costs can be worked out by hand.
#include <utility>

#include "sim/input.hpp"
#include "sim/simulation.hpp"

namespace tokwatt::test {

/// One box that reads 1 GB/s and does not throttle, one dense layer, bf16, vLLM's rules.
sim::Input toy_input();

/// A stream that sends exactly these requests.
sim::Stream fixed_stream(std::vector<sim::Arrival> arrivals);

const sim::Variable& column(const sim::Results& results, const std::string& group, const std::string& variable);

template <class T>
const std::vector<T>& values(const sim::Results& results, const std::string& group, const std::string& variable) {
  return std::get<std::vector<T>>(column(results, group, variable).values);
}

/// Tokens that each step of a segment moves a decoding sequence on by.
std::vector<double> progress(const sim::Results& results);

/// When the steps of a replica ended [s], in order: whatever decodes got a token then. From /segments; all, or those in
/// which anything decoded.
std::vector<double> step_ends(const sim::Results& results, int replica = 0, bool of_decoding = false);

}  // namespace tokwatt::test
