#include "tests/sim/support/toy.hpp"

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

std::vector<double> step_ends(const sim::Results& results, int replica) {
  const auto& of = values<int32_t>(results, "segments", "replica");
  const auto& start = values<int64_t>(results, "segments", "start");
  const auto& steps = values<int64_t>(results, "segments", "steps");
  const auto& duration = values<int64_t>(results, "segments", "duration");
  const auto& growth = values<int64_t>(results, "segments", "growth");
  std::vector<double> ends;
  for (std::size_t s = 0; s < start.size(); ++s) {
    if (of[s] != replica) continue;
    const sim::Progression d{duration[s], growth[s]};
    for (int64_t j = 1; j <= steps[s]; ++j)
      ends.push_back(sim::seconds(start[s] + static_cast<sim::Picoseconds>(d.sum(j))));
  }
  return ends;
}

}  // namespace tokwatt::test
