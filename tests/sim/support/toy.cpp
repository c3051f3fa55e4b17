#include "tests/sim/support/toy.hpp"

#include <algorithm>
#include <stdexcept>

#include "sim/progression.hpp"

namespace tokwatt::test {

namespace {

class FixedSource : public sim::RequestSource {
 public:
  explicit FixedSource(std::vector<sim::Arrival> arrivals) : arrivals_(std::move(arrivals)) {}
  std::optional<sim::Arrival> next(sim::Picoseconds end) override {
    if (next_ == arrivals_.size() || arrivals_[next_].at >= end) return std::nullopt;
    return arrivals_[next_++];
  }

 private:
  std::vector<sim::Arrival> arrivals_;
  std::size_t next_ = 0;
};

}  // namespace

sim::Input toy_input() {
  sim::Input input;
  hardware::Box box;
  box.id = "toy";
  box.compute.peak.fill(1e12);
  box.memory = {1e9, 1, 0, 1e9};
  box.clock = {1e9, 1e9, 1e8, 1e9, 1, 1, 1e9};
  box.power.idle = 10;
  box.power.active = 5;
  box.power.per_byte = 20e-9;
  box.power.per_flop.fill(1e-12);
  box.power.limit = 1e6;
  box.power.rest_idle = 20;
  box.power.rest_busy = 30;
  box.power.psu_efficiency = 0.8;
  box.thermal.stages = {{"die", 10, 0.5}, {"sink", 100, 0.2}};
  box.governor = {1, 200, 0, 500, 2, 1};
  box.price = {1000, 0.5};
  input.systems.push_back({"box", box, std::nullopt});

  sim::Deployment d;
  d.name = "model";
  d.model.id = "toy";
  d.model.hidden = 64;
  d.model.vocab = 1000;
  d.model.max_context = 100'000;
  d.model.tied_embeddings = true;
  models::Layer layer;
  layer.grouped = models::GroupedAttention{4, 2, 16, 0};
  layer.dense_ffn = 256;
  d.model.layers = {layer};
  d.quant.id = "toy";
  d.quant.gguf.bits.fill(16);
  d.kv = {"bf16", 2};
  d.engine.compute_in = {{"toy", {"bf16"}}};
  d.engine.limits = {8, 512, 0, 16, 0.9};
  d.engine.tuning.host_per_step = 1e-3;
  input.deployments.push_back(d);
  return input;
}

sim::Stream fixed_stream(std::vector<sim::Arrival> arrivals) {
  sim::Stream stream;
  stream.name = "fixed";
  stream.source = std::make_unique<FixedSource>(std::move(arrivals));
  return stream;
}

const sim::Variable& column(const sim::Results& results, const std::string& group, const std::string& variable) {
  for (const auto& g : results.groups) {
    if (g.name != group) continue;
    for (const auto& v : g.variables) {
      if (v.name == variable) return v;
    }
  }
  throw std::out_of_range(group + "/" + variable);
}

namespace {

constexpr int64_t kOne = 65'536;  // units of a token and of a picosecond, under speculation

bool has(const sim::Results& results, const std::string& group, const std::string& variable) {
  return std::any_of(results.groups.begin(), results.groups.end(), [&](const auto& g) {
    return g.name == group &&
           std::any_of(g.variables.begin(), g.variables.end(), [&](const auto& v) { return v.name == variable; });
  });
}

}  // namespace

std::vector<double> progress(const sim::Results& results) {
  std::vector<double> tokens(values<int64_t>(results, "segments", "start").size(), 1);
  if (!has(results, "segments", "progress")) return tokens;
  const auto& units = values<int64_t>(results, "segments", "progress");
  for (std::size_t s = 0; s < units.size(); ++s) tokens[s] = static_cast<double>(units[s]) / kOne;
  return tokens;
}

std::vector<double> step_ends(const sim::Results& results, int replica, bool of_decoding) {
  const auto& of = values<int32_t>(results, "segments", "replica");
  const auto& start = values<int64_t>(results, "segments", "start");
  const auto& steps = values<int64_t>(results, "segments", "steps");
  const auto& duration = values<int64_t>(results, "segments", "duration");
  const auto& growth = values<int64_t>(results, "segments", "growth");
  const auto& decoding = values<int64_t>(results, "segments", "decoding");
  const std::vector<int64_t> none(start.size());
  const auto rest = [&](const char* name) {
    return has(results, "segments", name) ? values<int64_t>(results, "segments", name) : none;
  };
  const auto start_rest = rest("start_rest"), duration_rest = rest("duration_rest"), growth_rest = rest("growth_rest");
  std::vector<double> ends;
  for (std::size_t s = 0; s < start.size(); ++s) {
    if (of[s] != replica || (of_decoding && decoding[s] == 0)) continue;
    const sim::Progression whole{duration[s], growth[s]}, left_over{duration_rest[s], growth_rest[s]};
    for (int64_t j = 1; j <= steps[s]; ++j) {
      const sim::int128 end = start[s] + whole.sum(j) + (start_rest[s] + left_over.sum(j)) / kOne;
      ends.push_back(sim::seconds(static_cast<sim::Picoseconds>(end)));
    }
  }
  return ends;
}

}  // namespace tokwatt::test
