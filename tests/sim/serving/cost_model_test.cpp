// What a step costs, against what it must cost whatever the coefficients.
#include "sim/serving/cost_model.hpp"

#include "tests/catch.hpp"
#include "tests/sim/support/toy.hpp"

using namespace tokwatt;
using namespace tokwatt::sim;

namespace {

struct Toy {
  Deployment deployment = std::move(test::toy_input().deployments[0]);
  hardware::Box box = test::toy_input().systems[0].box;

  Toy() { deployment.engine.tuning = {}; }  // every efficiency 1, nothing on top
  CostModel model() const { return CostModel(deployment, box); }
  StepCost cost(int64_t tokens, int64_t sequences, int64_t kept = 0) const {
    StepShape shape{tokens, sequences, {}};
    shape.attention[0] = {kept, kept};
    return model().cost(model_level(), shape);
  }
  int model_level() const { return box.clock.levels() - 1; }
};

models::Layer expert_layer(int64_t count) {
  models::Layer layer;
  layer.grouped = models::GroupedAttention{4, 2, 16, 0};
  layer.experts = models::Experts{count, 1, 256, 0, 0};
  return layer;
}

}  // namespace

TEST_CASE("where memory is the limit, a step takes as long as its bytes and its energy is theirs", "[sim][cost]") {
  Toy toy;
  toy.box.compute.peak.fill(1e18);
  const int layers = GENERATE(0, 1, 2);
  if (layers == 1) toy.deployment.model.layers.push_back(expert_layer(8));
  if (layers == 2) {
    models::Layer recurrent;
    recurrent.linear = models::LinearAttention{2, 4, 16, 4};
    recurrent.dense_ffn = 256;
    toy.deployment.model.layers.push_back(recurrent);
  }
  toy.deployment.engine.limits.micro_batch = GENERATE(0, 4);
  for (const int64_t tokens : {1, 4, 6, 8}) {
    const StepCost cost = toy.cost(tokens, tokens, 100);
    CAPTURE(layers, tokens);
    CHECK(cost.compute == 0);
    const double bytes = seconds(cost.bandwidth) * toy.box.memory.bandwidth;
    CHECK(joules(cost.memory_energy) == Approx(bytes * toy.box.power.per_byte).epsilon(1e-3));
  }
}

TEST_CASE("every pass of a micro-batch is paid for, the last and smaller one too", "[sim][cost]") {
  Toy toy;
  toy.deployment.engine.limits.micro_batch = 4;
  const auto energy = [&](int64_t tokens) { return toy.cost(tokens, 1).memory_energy; };
  const int64_t head = 2 * energy(4) - energy(8);
  CHECK(energy(10) == energy(8) + energy(2) - head);
  CHECK(energy(10) > energy(8));
  const auto time = [&](int64_t tokens) { return toy.cost(tokens, 1).duration; };
  CHECK(time(10) == time(8) + time(2) - (2 * time(4) - time(8)));
}

TEST_CASE("every sequence moves its recurrent state", "[sim][cost]") {
  Toy toy;
  toy.box.compute.peak.fill(1e18);
  const Toy plain = toy;
  models::Layer recurrent;
  recurrent.linear = models::LinearAttention{2, 4, 16, 4};
  toy.deployment.model.layers.push_back(recurrent);
  const auto per_sequence = [](const Toy& t) { return seconds(t.cost(8, 8).bandwidth - t.cost(8, 7).bandwidth); };
  const double state = models::kv_bytes(toy.deployment.model, 2).state_fixed;
  CHECK((per_sequence(toy) - per_sequence(plain)) * toy.box.memory.bandwidth >= 2 * state * 0.999);  // read and written
}

TEST_CASE("one token reads its own experts, whatever others there are", "[sim][cost]") {
  Toy few, many;
  few.deployment.model.layers = {expert_layer(8)};
  many.deployment.model.layers = {expert_layer(16)};
  const double router = 2 * 64 * 8;  // bytes of the router's further rows
  const double more = joules(many.cost(1, 1).memory_energy - few.cost(1, 1).memory_energy) / few.box.power.per_byte;
  CHECK(more == Approx(router).epsilon(0.1));
  CHECK(many.cost(64, 1).memory_energy > few.cost(64, 1).memory_energy + few.cost(1, 1).memory_energy / 2);
}

TEST_CASE("attention takes the longer of reading and computing, and the energy of both", "[sim][cost]") {
  Toy reading, computing;
  reading.box.compute.peak.fill(1e18);
  computing.box.compute.peak.fill(1e6);
  const auto more = [](const Toy& t) {
    const StepCost with = t.cost(1, 1, 1000), without = t.cost(1, 1, 0);
    return StepCost{with.duration - without.duration,
                    with.forms,
                    with.bandwidth - without.bandwidth,
                    with.compute - without.compute,
                    0,
                    with.compute_energy - without.compute_energy,
                    with.memory_energy - without.memory_energy};
  };
  const StepCost read = more(reading), computed = more(computing);
  CHECK(read.forms[0] == Form::memory);
  CHECK(computed.forms[0] == Form::compute);
  CHECK(seconds(read.duration) == Approx(1000 * 2 * 2 * 16 * 2 / 1e9));     // keys and values of two heads of 16, bf16
  CHECK(seconds(computed.compute) == Approx(1000 * 2 * 2 * 4 * 16 / 1e6));  // four heads, scores and sums
  CHECK(computed.bandwidth <= 0);                                           // the reading is hidden
  CHECK(read.compute_energy == computed.compute_energy);
  CHECK(read.memory_energy == computed.memory_energy);
}

TEST_CASE("half the clock is half the arithmetic, of matrices and of attention", "[sim][cost]") {
  Toy toy;
  toy.box.clock = {5e8, 1e9, 5e8, 1e9, 1, 1, 1e9};
  toy.box.compute.peak.fill(1e6);
  const CostModel model = toy.model();
  CHECK(model.group_forms(0, 0, 1).compute_per_pair == 2 * model.group_forms(1, 0, 1).compute_per_pair);
  CHECK(model.group_forms(0, 0, 1).memory.slope == model.group_forms(1, 0, 1).memory.slope);
  StepShape shape{4, 4, {}};
  shape.attention[0] = {100, 100};
  CHECK(static_cast<double>(model.cost(0, shape).compute) ==
        Approx(2 * static_cast<double>(model.cost(1, shape).compute)).epsilon(1e-6));
}

TEST_CASE("a model that is tuned anew prices as one that never was otherwise", "[sim][cost]") {
  Toy toy;
  CostModel model = toy.model();
  const StepShape decode{4, 4, {}}, prompt{64, 1, {}};
  const auto price = [&](const CostModel& of, const StepShape& shape) {
    return of.cost(toy.model_level(), shape).duration;
  };
  const Picoseconds before[] = {price(model, decode), price(model, prompt)};
  toy.deployment.engine.tuning.memory_efficiency = 0.5;
  toy.deployment.engine.tuning.host_per_step = 1e-3;
  model.retune(toy.deployment.engine.tuning);
  CHECK(price(model, decode) == price(toy.model(), decode));
  CHECK(price(model, prompt) == price(toy.model(), prompt));
  CHECK(price(model, decode) > before[0]);
  CHECK(price(model, prompt) > before[1]);
}
