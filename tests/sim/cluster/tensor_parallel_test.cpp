// One model on several devices: what each does, and what they tell each other.
#include "models/graph.hpp"
#include "sim/cluster/collectives.hpp"
#include "sim/cluster/layout.hpp"
#include "sim/serving/cost_model.hpp"
#include "sim/serving/kv_capacity.hpp"
#include "sim/simulation.hpp"
#include "tests/catch.hpp"
#include "tests/sim/support/toy.hpp"

using namespace tokwatt;
using namespace tokwatt::sim;

TEST_CASE("an all-reduce goes at once or round the ring, whichever is quicker", "[sim][cluster]") {
  const DeviceGroup group{4, {1e9, 1e-5}, 2e-5};
  CHECK(DeviceGroup{}.all_reduce(1e6) == 0);
  CHECK(group.all_reduce(0) == Approx(3e-5));                           // overhead and one latency
  CHECK(group.all_reduce(1e3) == Approx(2e-5 + 1e-5 + 3 * 1e3 / 1e9));  // small: everybody to everybody
  CHECK(group.all_reduce(1e6) ==
        Approx(2e-5 + 6 * 1e-5 + 1.5 * 1e6 / 1e9));  // 2 (k - 1) / k of the bytes, 2 (k - 1) hops
  CHECK(group.gather(1e6) == Approx(2e-5 + 1e-5 + 0.75 * 1e6 / 1e9));
  const DeviceGroup pair{2, {1e9, 1e-5}, 0};
  CHECK(pair.all_reduce(1e6) == Approx(1e-5 + 1e-3));  // of two there is nothing to gain from a ring
}

namespace {

Input toy_on(int64_t devices, hardware::Link link) {
  Input input = test::toy_input();
  input.systems[0].count = devices;
  input.systems[0].link = link;
  input.deployments[0].tensor_parallel = devices;
  input.deployments[0].model.layers[0].grouped = models::GroupedAttention{8, 4, 16, 0};
  return input;
}

}  // namespace

TEST_CASE("devices that talk in no time share the bytes of a step", "[sim][cluster][cost]") {
  const hardware::Link free{1e30, 0};
  const auto cost = [&](int64_t devices) {
    const Input input = toy_on(devices, free);
    StepShape shape;
    shape.tokens = shape.sequences = 1;
    shape.attention[0] = {1000, 1000};
    return CostModel(input.deployments[0], input.systems[0].box, free).cost(0, shape);
  };
  const StepCost one = cost(1), four = cost(4), eight = cost(8);
  const auto whole = static_cast<double>(one.bandwidth);
  CHECK(static_cast<double>(four.bandwidth) == Approx(whole / 4).epsilon(0.02));  // but for inputs read whole
  CHECK(4.0 * static_cast<double>(four.memory_energy) == Approx(one.memory_energy).epsilon(0.02));
  CHECK(one.link == 0);
  CHECK(four.link == 0);
  // Four KV heads: eight devices hold each head twice.
  const double kv = 1000 * 2 * 4 * 16 * 2 * 1e3;  // [ps] at 1 GB/s
  CHECK(static_cast<double>(eight.bandwidth) == Approx((whole - kv) / 8 + kv / 4).epsilon(0.02));
}

TEST_CASE("what is too narrow to split is on every device", "[sim][cluster][kv]") {
  Deployment d = toy_on(4, {}).deployments[0];
  d.model.layers[0].experts = models::Experts{16, 2, 64, 0};
  d.model.layers[0].dense_ffn = 0;
  const hardware::Memory memory{1e9, 1, 0, 1e9};
  const double router = 2.0 * 64 * 16;
  const double all = models::weight_bytes(d.model, d.quant.gguf);
  CHECK(memory_plan(d, memory).weights == Approx(router + (all - router) / 4));
  models::Architecture latent = d.model;
  latent.layers[0].grouped.reset();
  latent.layers[0].latent = models::LatentAttention{8, 0, 32, 16, 8, 16};
  CHECK(models::kv_bytes(latent, 2, 4).per_token == models::kv_bytes(latent, 2).per_token);
  CHECK(models::kv_bytes(d.model, 2, 4).per_token == models::kv_bytes(d.model, 2).per_token / 4);
  CHECK(models::kv_bytes(d.model, 2, 8).per_token == models::kv_bytes(d.model, 2).per_token / 4);
}

TEST_CASE("talking takes its part of a step, and every device burns its own joules", "[sim][cluster][energy]") {
  Input input = toy_on(2, {1e9, 1e-3});
  input.streams.push_back(test::fixed_stream({{1'000'000'000'000, 100, 11}}));
  const auto s = simulate(std::move(input)).summary;
  // Three all-reduces (embedding, attention, feed-forward) and a gather of the logits, a millisecond each and more.
  CHECK(s["tpot_s"]["mean"].get<double>() > 5e-3);
  CHECK(s["tpot_s"]["mean"].get<double>() < 6e-3);
  const auto& limits = s["limited_by"];
  CHECK(limits["link"].get<double>() > 0.6 * (1 - limits["idle"].get<double>()));
  Input one = toy_on(1, {});
  one.streams.push_back(test::fixed_stream({{1'000'000'000'000, 100, 11}}));
  const auto alone = simulate(std::move(one)).summary;
  CHECK(s["energy_j"]["compute"].get<double>() == Approx(alone["energy_j"]["compute"].get<double>()).epsilon(1e-6));
  CHECK(s["energy_j"]["static"].get<double>() > 1.9 * alone["energy_j"]["static"].get<double>());
}

TEST_CASE("the slowest device of a group sets its pace", "[sim][cluster][heat]") {
  const auto tpot = [](double limit_of_second) {
    Input input = toy_on(1, {});
    input.systems[0].box.clock = {1e8, 1e9, 1e8, 1e9, 0.5, 1, 5e8};
    input.systems[0].box.compute.peak.fill(1e8);
    input.systems[0].box.power.per_flop.fill(1e-7);
    input.systems.push_back(input.systems[0]);
    input.systems[1].name = "second";
    input.systems[1].box.power.limit = limit_of_second;
    input.cables = {{0, 1, {1e12, 0}}};
    input.deployments[0].systems = {0, 1};
    input.deployments[0].tensor_parallel = 2;
    input.streams.push_back(test::fixed_stream({{1'000'000'000'000, 100, 2000}}));
    return simulate(std::move(input)).summary["tpot_s"]["mean"].get<double>();
  };
  CHECK(tpot(14) > 1.2 * tpot(1e6));
}

TEST_CASE("who waits for a slower device draws active power at that one's clock", "[sim][cluster][energy]") {
  const auto joules = [](double limit_of_first) {
    Input input = toy_on(1, {});
    auto& first = input.systems[0].box;
    first.clock = {1e8, 1e9, 1e8, 1e9, 0.5, 1, 5e8};
    first.compute.peak.fill(1e8);
    first.power.active = 20;
    input.systems.push_back(input.systems[0]);
    input.systems[1].name = "second";
    input.systems[1].box.clock.limit = 5e8;
    input.systems[0].box.clock.limit = limit_of_first;
    input.cables = {{0, 1, {1e12, 0}}};
    input.deployments[0].systems = {0, 1};
    input.deployments[0].tensor_parallel = 2;
    input.streams.push_back(test::fixed_stream({{1'000'000'000'000, 100, 2000}}));
    return simulate(std::move(input)).summary["energy_j"]["static"].get<double>();
  };
  CHECK(joules(1e9) == Approx(joules(5e8)).epsilon(1e-9));
}

TEST_CASE("another cable holds for the steps that start after it", "[sim][cluster][changes]") {
  constexpr Picoseconds kSecond = 1'000'000'000'000;
  const auto stepping = GENERATE(Stepping::macro, Stepping::token);
  const auto ends = [&](std::vector<Change> changes) {
    Input input = toy_on(2, {1e9, 1e-3});
    input.streams.push_back(test::fixed_stream({{kSecond, 100, 60}}));
    input.changes = std::move(changes);
    return test::step_ends(simulate(std::move(input), stepping));
  };
  const Change slower{kSecond + kSecond / 10, Change::Kind::link, 0, 0, "slower", 0, -1, {1e9, 3e-3}};
  const Change back{kSecond + kSecond / 5, Change::Kind::link, 0, 0, "back", 0, -1, {1e9, 1e-3}};
  const auto before = ends({}), after = ends({slower, back});
  REQUIRE(after.size() == before.size());
  int slow = 0;
  for (std::size_t i = 1; i < after.size(); ++i) {
    const double more = (after[i] - after[i - 1]) - (before[i] - before[i - 1]);
    const bool began_slow = after[i - 1] > 1.1 && after[i - 1] < 1.2;
    slow += began_slow;
    CHECK(more == Approx(began_slow ? 4 * 2e-3 : 0).margin(1e-9));  // three all-reduces and a gather
  }
  CHECK(slow > 3);
}

TEST_CASE("each replica has the link that joins its own devices", "[sim][cluster][changes]") {
  const hardware::Link fast{1e12, 0}, slow{1e9, 5e-3}, slower{1e9, 1e-2};
  Input input = toy_on(1, fast);
  input.systems[0].count = 3;
  input.systems.push_back(input.systems[0]);
  input.systems[1].name = "second";
  input.systems[1].count = 1;
  input.cables = {{0, 1, slow}};
  auto& d = input.deployments[0];
  d.systems = {0, 1};
  d.tensor_parallel = 2;
  d.replicas = 2;
  d.routing = Routing::round_robin;
  input.changes = {{0, Change::Kind::link, -1, 0, "worse", 0, 0, slower},
                   {1, Change::Kind::link, -1, 0, "as it was", 0, 0, slow}};
  const Layout places = layout(input);
  CHECK(places.replicas[0].links == std::vector{fast});
  CHECK(places.replicas[0].link_after == std::vector<int32_t>{0, 0, 0});
  CHECK(places.replicas[1].links == std::vector{slow, slower});
  CHECK(places.replicas[1].link_after == std::vector<int32_t>{0, 1, 0});
  input.streams.push_back(test::fixed_stream({{1'000'000'000'000, 100, 50}, {1'000'000'000'000, 100, 50}}));
  const Results results = simulate(std::move(input), GENERATE(Stepping::macro, Stepping::token));
  const auto first = test::step_ends(results, 0), second = test::step_ends(results, 1);
  const auto gap = [](const std::vector<double>& ends) { return ends[2] - ends[1]; };
  CHECK(gap(second) == Approx(gap(first) + 4 * 5e-3).epsilon(1e-3));
}
